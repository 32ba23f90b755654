//! `xclbin`: an image, and what it says of its kernels, compute units, arguments and memory banks.

use std::path::Path;
use std::sync::Arc;

use host_runtime::Image;
use host_runtime::bitstreams::{self, Argument};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::arguments::ImageArgument;
use crate::error::{empty, failed, raised};
use crate::identity::Uuid;

/// An image. `xclbin(path)` reads a file; the bytes of one will do, too.
#[pyclass(name = "xclbin", module = "pyxrt", frozen, from_py_object)]
#[derive(Clone)]
pub struct Xclbin {
    image: Option<Arc<Image>>,
}

impl From<Arc<Image>> for Xclbin {
    fn from(image: Arc<Image>) -> Self {
        Self { image: Some(image) }
    }
}

impl Xclbin {
    pub(crate) fn read(path: &Path) -> PyResult<Self> {
        let xclbin = bitstreams::Xclbin::read(path).map_err(raised)?;
        Ok(Image::new(xclbin).map_err(raised)?.into())
    }

    pub(crate) fn parse(bytes: Vec<u8>) -> PyResult<Self> {
        let xclbin = bitstreams::Xclbin::parse(bytes).map_err(raised)?;
        Ok(Image::new(xclbin).map_err(raised)?.into())
    }

    pub(crate) fn image(&self) -> PyResult<&Arc<Image>> {
        self.image.as_ref().ok_or_else(|| empty("xclbin"))
    }
}

#[pymethods]
impl Xclbin {
    #[new]
    #[pyo3(signature = (filename=None))]
    fn new(py: Python<'_>, filename: Option<ImageArgument>) -> PyResult<Self> {
        match filename {
            Some(image) => image.xclbin(py),
            None => Ok(Self { image: None }),
        }
    }

    /// The kernels.
    fn get_kernels(&self) -> PyResult<Vec<XclbinKernel>> {
        let image = self.image()?;
        Ok((0..image.kernels().len())
            .map(|kernel| XclbinKernel(Some((Arc::clone(image), kernel))))
            .collect())
    }

    /// The kernel of that name.
    fn get_kernel(&self, name: &str) -> PyResult<XclbinKernel> {
        let image = self.image()?;
        let kernel = image
            .kernels()
            .iter()
            .position(|kernel| kernel.name == name);
        let kernel = kernel.ok_or_else(|| {
            failed(format!(
                "the xclbin has no kernel {name:?}, only {}",
                image.kernel_names()
            ))
        })?;
        Ok(XclbinKernel(Some((Arc::clone(image), kernel))))
    }

    /// The compute units.
    fn get_ips(&self) -> PyResult<Vec<XclbinIp>> {
        let image = self.image()?;
        Ok((0..image.units().len())
            .map(|unit| XclbinIp(Some((Arc::clone(image), unit))))
            .collect())
    }

    /// The memory banks.
    fn get_mems(&self) -> PyResult<Vec<XclbinMemory>> {
        let image = self.image()?;
        Ok((0..image.banks().len())
            .map(|bank| XclbinMemory(Some((Arc::clone(image), bank))))
            .collect())
    }

    /// Name of the platform that the image was made for.
    fn get_xsa_name(&self) -> PyResult<String> {
        Ok(self.image()?.platform().to_owned())
    }

    /// Identity of the image.
    fn get_uuid(&self) -> PyResult<Uuid> {
        Ok(Uuid(self.image()?.uuid()))
    }

    /// The bytes of the image.
    fn get_axlf<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.image()?.xclbin().as_bytes()))
    }
}

/// A kernel of an image.
#[pyclass(name = "xclbinkernel", module = "pyxrt", frozen)]
pub(crate) struct XclbinKernel(Option<(Arc<Image>, usize)>);

impl XclbinKernel {
    fn place(&self) -> PyResult<&(Arc<Image>, usize)> {
        self.0.as_ref().ok_or_else(|| empty("xclbinkernel"))
    }
}

#[pymethods]
impl XclbinKernel {
    #[new]
    fn new() -> Self {
        Self(None)
    }

    /// Name.
    fn get_name(&self) -> PyResult<String> {
        let (image, kernel) = self.place()?;
        Ok(image.kernels()[*kernel].name.clone())
    }

    /// Number of arguments.
    fn get_num_args(&self) -> PyResult<usize> {
        Ok(self.get_args()?.len())
    }

    /// Arguments, in the order of a call.
    fn get_args(&self) -> PyResult<Vec<XclbinArgument>> {
        let (image, kernel) = self.place()?;
        let arguments = &image.kernels()[*kernel].arguments;
        let mut arguments: Vec<_> = arguments.iter().filter(|a| a.id.is_some()).collect();
        arguments.sort_by_key(|argument| argument.id);
        let unit = image.units().iter().position(|unit| unit.kernel == *kernel);
        Ok(arguments
            .into_iter()
            .map(|argument| XclbinArgument {
                image: Arc::clone(image),
                argument: argument.clone(),
                banks: match (unit, argument.id) {
                    (Some(unit), Some(id)) => {
                        let banks = image.units()[unit].banks.get(id as usize);
                        banks.cloned().unwrap_or_default()
                    }
                    _ => Vec::new(),
                },
            })
            .collect())
    }

    /// Compute units.
    fn get_cus(&self) -> PyResult<Vec<XclbinIp>> {
        let (image, kernel) = self.place()?;
        let units = image.units().iter().enumerate();
        Ok(units
            .filter(|(_, unit)| unit.kernel == *kernel)
            .map(|(unit, _)| XclbinIp(Some((Arc::clone(image), unit))))
            .collect())
    }
}

/// A compute unit of an image.
#[pyclass(name = "xclbinip", module = "pyxrt", frozen)]
pub(crate) struct XclbinIp(Option<(Arc<Image>, usize)>);

impl XclbinIp {
    fn place(&self) -> PyResult<&(Arc<Image>, usize)> {
        self.0.as_ref().ok_or_else(|| empty("xclbinip"))
    }
}

#[pymethods]
impl XclbinIp {
    #[new]
    fn new() -> Self {
        Self(None)
    }

    /// Name, `kernel:instance`.
    fn get_name(&self) -> PyResult<String> {
        let (image, unit) = self.place()?;
        Ok(image.units()[*unit].name.clone())
    }

    /// First address of its registers.
    fn get_base_address(&self) -> PyResult<u64> {
        let (image, unit) = self.place()?;
        Ok(image.units()[*unit].base)
    }
}

/// An argument of a kernel.
#[pyclass(name = "xclbinarg", module = "pyxrt", frozen)]
pub(crate) struct XclbinArgument {
    image: Arc<Image>,
    argument: Argument,
    banks: Vec<usize>,
}

#[pymethods]
impl XclbinArgument {
    /// Name.
    fn get_name(&self) -> &str {
        &self.argument.name
    }

    /// Position in a call.
    fn get_index(&self) -> Option<u32> {
        self.argument.id
    }

    /// Type as C spells it.
    fn get_host_type(&self) -> &str {
        &self.argument.type_name
    }

    /// Name of the port that it goes through.
    fn get_port(&self) -> &str {
        &self.argument.port
    }

    /// Bytes.
    fn get_size(&self) -> u64 {
        self.argument.size
    }

    /// Offset of its register, bytes.
    fn get_offset(&self) -> u64 {
        self.argument.offset
    }

    /// Memory banks that it is connected to, in the kernel's first compute unit.
    fn get_mems(&self) -> Vec<XclbinMemory> {
        let banks = self.banks.iter();
        banks
            .map(|&bank| XclbinMemory(Some((Arc::clone(&self.image), bank))))
            .collect()
    }
}

/// A memory bank of an image's platform.
#[pyclass(name = "xclbinmem", module = "pyxrt", frozen)]
pub(crate) struct XclbinMemory(Option<(Arc<Image>, usize)>);

impl XclbinMemory {
    fn bank(&self) -> PyResult<&host_runtime::BankInfo> {
        let (image, bank) = self.0.as_ref().ok_or_else(|| empty("xclbinmem"))?;
        Ok(&image.banks()[*bank])
    }
}

#[pymethods]
impl XclbinMemory {
    #[new]
    fn new() -> Self {
        Self(None)
    }

    /// Name, for instance `DDR[0]`.
    fn get_tag(&self) -> PyResult<String> {
        Ok(self.bank()?.name.clone())
    }

    /// First address.
    fn get_base_address(&self) -> PyResult<u64> {
        Ok(self.bank()?.base)
    }

    /// Size, KiB.
    fn get_size_kb(&self) -> PyResult<u64> {
        Ok(self.bank()?.size / 1024)
    }

    /// Whether it can be used.
    fn get_used(&self) -> PyResult<bool> {
        Ok(self.bank()?.size > 0)
    }

    /// Its number, which is the memory group of a buffer in it.
    fn get_index(&self) -> PyResult<usize> {
        self.bank()?;
        Ok(self.0.as_ref().map_or(0, |(_, bank)| *bank))
    }
}
