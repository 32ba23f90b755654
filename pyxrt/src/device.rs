//! `device`: a card by its index or address; and `hw_context`, newer programs' way to load an image.

use std::sync::Arc;

use host_runtime::{Image, xrt_card};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arguments::{Identity, ImageArgument, Size, shown};
use crate::error::{empty, failed, raised, wrong_type};
use crate::identity::Uuid;
use crate::info;
use crate::session::Session;
use crate::xclbin::Xclbin;

/// A card. Objects of one card share one opening of it.
#[pyclass(name = "device", module = "pyxrt", frozen, from_py_object)]
#[derive(Clone)]
pub struct Device {
    session: Option<Arc<Session>>,
}

#[pymethods]
impl Device {
    /// device(index), device(bdf): opens a card by its index, its PCIe address or its name, "sim:0".
    #[new]
    #[pyo3(signature = (index=None, *, bdf=None))]
    fn new(
        py: Python<'_>,
        index: Option<&Bound<'_, PyAny>>,
        bdf: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let Some(name) = index.or(bdf) else {
            return Ok(Self { session: None });
        };
        let name = match name.cast::<PyString>() {
            Ok(text) => text.to_string(),
            Err(_) => name.extract::<Size>()?.0.to_string(),
        };
        let session = py.detach(|| {
            let (_, card) = xrt_card(&name, None).map_err(raised)?;
            Session::open(card)
        })?;
        Ok(Self {
            session: Some(session),
        })
    }

    /// Programs the card with an xclbin, given as an object or by its path, unless it holds that very one.
    fn load_xclbin(&self, py: Python<'_>, xclbin: ImageArgument) -> PyResult<Uuid> {
        let image = Arc::clone(xclbin.xclbin(py)?.image()?);
        let session = self.session()?;
        py.detach(|| session.load(&image))?;
        Ok(Uuid(image.uuid()))
    }

    /// Makes an xclbin known to the card, for a hw_context to load it.
    fn register_xclbin(&self, py: Python<'_>, xclbin: ImageArgument) -> PyResult<Uuid> {
        let image = Arc::clone(xclbin.xclbin(py)?.image()?);
        self.session()?.register(&image);
        Ok(Uuid(image.uuid()))
    }

    /// The UUID of the loaded xclbin; all zeros if there is none.
    fn get_xclbin_uuid(&self) -> PyResult<Uuid> {
        let image = self.session()?.card().image();
        Ok(Uuid(
            image.map_or_else(::uuid::Uuid::nil, |image| image.uuid()),
        ))
    }

    /// What is known of the card, as text: the key is of xrt_info_device.
    fn get_info(&self, key: &Bound<'_, PyAny>) -> PyResult<String> {
        let number = key.extract::<i64>().map_err(|_| {
            wrong_type(format!(
                "get_info: the key must be of pyxrt.xrt_info_device, not {}",
                shown(key)
            ))
        })?;
        Ok(info::text(self.session()?.card(), number))
    }

    fn __repr__(&self) -> String {
        match &self.session {
            Some(session) => format!("<pyxrt.device {}>", session.card().id()),
            None => "<pyxrt.device (empty)>".to_owned(),
        }
    }
}

impl Device {
    pub(crate) fn session(&self) -> PyResult<&Arc<Session>> {
        self.session.as_ref().ok_or_else(|| empty("device"))
    }
}

/// An image on a card: loads it, and stands for it.
#[pyclass(name = "hw_context", module = "pyxrt", frozen, from_py_object)]
#[derive(Clone)]
pub struct Context {
    loaded: Option<(Device, Arc<Image>)>,
    pub(crate) mode: u8,
}

#[pymethods]
impl Context {
    /// hw_context(device, uuid), hw_context(device, xclbin), hw_context(device, xclbin_path), each with an access mode:
    /// loads the image. One given by its UUID must have been registered, or be loaded.
    #[new]
    #[pyo3(signature = (device=None, uuid=None, mode=None, *, xclbin=None, xclbin_path=None))]
    fn new(
        py: Python<'_>,
        device: Option<Device>,
        uuid: Option<&Bound<'_, PyAny>>,
        mode: Option<&Bound<'_, PyAny>>,
        xclbin: Option<&Bound<'_, PyAny>>,
        xclbin_path: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let mode = crate::kernel::access_mode("hw_context", mode)?;
        let Some(device) = device else {
            return Ok(Self { loaded: None, mode });
        };
        let image = uuid.or(xclbin).or(xclbin_path).ok_or_else(|| {
            wrong_type("hw_context: the second argument must be an xclbin, its path or its uuid")
        })?;
        let session = Arc::clone(device.session()?);
        let image = if image.is_instance_of::<Uuid>() {
            session.registered(image.extract::<Identity>()?.0)?
        } else {
            Arc::clone(image.extract::<ImageArgument>()?.xclbin(py)?.image()?)
        };
        py.detach(|| session.load(&image))?;
        Ok(Self {
            loaded: Some((device, image)),
            mode,
        })
    }

    /// The card.
    fn get_device(&self) -> PyResult<Device> {
        Ok(self.loaded()?.0.clone())
    }

    /// The UUID of the image.
    fn get_xclbin_uuid(&self) -> PyResult<Uuid> {
        Ok(Uuid(self.loaded()?.1.uuid()))
    }

    /// The image.
    fn get_xclbin(&self) -> PyResult<Xclbin> {
        Ok(Xclbin::from(Arc::clone(&self.loaded()?.1)))
    }

    /// The access mode, of hw_context.access_mode.
    fn get_mode<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let class = slf.get_type().getattr("access_mode")?;
        class.call1((slf.get().mode,))
    }
}

impl Context {
    pub(crate) fn loaded(&self) -> PyResult<&(Device, Arc<Image>)> {
        self.loaded.as_ref().ok_or_else(|| empty("hw_context"))
    }
}

/// The card that a call's first argument means.
pub(crate) fn session_of(function: &str, object: &Bound<'_, PyAny>) -> PyResult<Arc<Session>> {
    if let Ok(device) = object.cast::<Device>() {
        return device.get().session().cloned();
    }
    if let Ok(context) = object.cast::<Context>() {
        return context.get().loaded()?.0.session().cloned();
    }
    Err(wrong_type(format!(
        "{function}: the first argument must be a device or a hw_context, not {}",
        shown(object)
    )))
}

/// What a uuid that is neither registered nor loaded is answered with.
pub(crate) fn unknown_image(uuid: ::uuid::Uuid) -> PyErr {
    failed(format!(
        "the xclbin {uuid} is not known to the device: register it with device.register_xclbin()"
    ))
}
