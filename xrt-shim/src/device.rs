//! One card as XRT's drivers show it: loaded image, buffer objects by handle, contexts and commands.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use host_runtime::bitstreams::{IpType, Xclbin};
use host_runtime::{Card, CardId, Image, Kernel, OpenOptions, SharedImage, TrustOptions};
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use crate::contexts::{Contexts, VIRTUAL_UNIT};
use crate::error::{Error, Result};
use crate::execution::Execution;
use crate::memory::BufferObject;
use crate::packet::{self, Command};
use crate::report;

/// Bits of `ip_data.properties` with the interrupt's number: `IP_INTERRUPT_ID_MASK`.
const INTERRUPT_MASK: u32 = 0xFF00;

/// An open card.
#[derive(Debug)]
pub(crate) struct Device {
    card: Card,
    execution: Execution,
    contexts: Mutex<Contexts>,
    image: Mutex<SharedImage>,
    units: RwLock<Vec<Unit>>,
    objects: Mutex<HashMap<u32, Arc<BufferObject>>>,
    next_object: AtomicU32,
}

/// A compute unit, at the index that XRT gives it.
#[derive(Debug)]
struct Unit {
    /// Index in the image.
    index: usize,
    base: u64,
    kernel: Kernel,
}

impl Device {
    pub(crate) fn open(id: CardId) -> Result<Self> {
        let options = OpenOptions {
            purpose: "a program that uses XRT".to_owned(),
            trust: TrustOptions::from_environment(report::error),
            ..OpenOptions::default()
        };
        let card = Card::open_with(id, &options)?;
        let locks = host_runtime::state_folder(None)?
            .join(id.to_string().replace(':', "-"))
            .join("xrt");
        let device = Self {
            execution: Execution::new(&card)?,
            card,
            contexts: Mutex::new(Contexts::new(locks)),
            image: Mutex::new(SharedImage::new(id, None)?),
            units: RwLock::default(),
            objects: Mutex::default(),
            // 0 would do, but a handle that was never set is often 0.
            next_object: AtomicU32::new(1),
        };
        device.find_units()?;
        Ok(device)
    }

    pub(crate) fn card(&self) -> &Card {
        &self.card
    }

    /// `xclLoadXclBin`: programs the card, unless it holds that very image.
    pub(crate) fn load(&self, bytes: Vec<u8>) -> Result<()> {
        let image = Image::new(Xclbin::parse(bytes).map_err(host_runtime::Error::from)?)?;
        let contexts = self.contexts.lock();
        if !contexts.is_empty() && self.card.image().map(|image| image.uuid()) != Some(image.uuid())
        {
            return Err(Error::Busy(
                "another xclbin is in use by this program: close its kernels first".to_owned(),
            ));
        }
        self.image.lock().load(&self.card, &image)?;
        drop(contexts);
        self.find_units()
    }

    /// `xclOpenContext`.
    pub(crate) fn open_context(&self, uuid: Uuid, unit: u32, shared: bool) -> Result<()> {
        let loaded = self.card.image().map(|image| image.uuid());
        if loaded != Some(uuid) {
            return Err(Error::Busy(format!(
                "the xclbin {uuid} is not loaded, but {}",
                loaded.map_or_else(|| "none".to_owned(), |uuid| uuid.to_string())
            )));
        }
        if unit != VIRTUAL_UNIT {
            self.check_unit(unit)?;
        }
        let mut contexts = self.contexts.lock();
        self.image.lock().hold()?;
        contexts.open(unit, shared)
    }

    /// `xclCloseContext`.
    pub(crate) fn close_context(&self, unit: u32) -> Result<()> {
        self.contexts.lock().close(unit)
    }

    /// `xclRegRead`.
    pub(crate) fn read_register(&self, unit: u32, offset: u32) -> Result<u32> {
        Ok(self.kernel(unit)?.read_register(offset)?)
    }

    /// `xclRegWrite`.
    pub(crate) fn write_register(&self, unit: u32, offset: u32, value: u32) -> Result<()> {
        Ok(self.kernel(unit)?.write_register(offset, value)?)
    }

    /// The index of a compute unit by its name.
    pub(crate) fn unit_named(&self, name: &str) -> Result<u32> {
        let units = self.units.read();
        let found = units
            .iter()
            .position(|unit| unit.kernel.units().any(|known| known == name));
        found
            .map(|index| index as u32)
            .ok_or_else(|| Error::Invalid(format!("there is no compute unit {name:?}")))
    }

    /// The compute unit whose registers an address of the control bus is in, and the offset in them.
    pub(crate) fn unit_at(&self, address: u64) -> Result<(u32, u32)> {
        let units = self.units.read();
        let found = units.iter().enumerate().filter_map(|(index, unit)| {
            let offset = u32::try_from(address.checked_sub(unit.base)?).ok()?;
            Some((index as u32, offset))
        });
        found
            .min_by_key(|&(_, offset)| offset)
            .ok_or_else(|| Error::Invalid(format!("no compute unit has registers at {address:#x}")))
    }

    /// Keeps a buffer object, and answers its handle.
    pub(crate) fn add_object(&self, object: Arc<BufferObject>) -> u32 {
        let handle = self.next_object.fetch_add(1, Ordering::Relaxed);
        self.objects.lock().insert(handle, object);
        handle
    }

    /// The buffer object of a handle.
    pub(crate) fn object(&self, handle: u32) -> Result<Arc<BufferObject>> {
        let objects = self.objects.lock();
        objects
            .get(&handle)
            .cloned()
            .ok_or_else(|| Error::Invalid(format!("{handle} is no buffer's handle")))
    }

    /// `xclFreeBO`.
    pub(crate) fn free_object(&self, handle: u32) -> Result<()> {
        let freed = self.objects.lock().remove(&handle);
        freed
            .map(drop)
            .ok_or_else(|| Error::Invalid(format!("{handle} is no buffer's handle")))
    }

    /// `xclExecBuf`.
    pub(crate) fn execute(&self, buffer: u32) -> Result<()> {
        let object = self.object(buffer)?;
        match packet::parse(&object.packet()?)? {
            Command::Start { units, registers } => {
                let units = self.image_units(&units)?;
                return self.execution.start(buffer, object, &units, registers);
            }
            Command::Initialize { units, registers } => {
                for &unit in &units {
                    for &(offset, value) in &registers {
                        self.write_register(unit as u32, offset, value)?;
                    }
                }
            }
            Command::Abort { buffer } => self.execution.abort(buffer)?,
            Command::Copy {
                source,
                source_offset,
                target,
                target_offset,
                len,
            } => {
                let (source, target) = (self.object(source)?, self.object(target)?);
                target.copy_from(
                    target_offset as usize,
                    &source,
                    source_offset as usize,
                    len as usize,
                )?;
            }
            Command::Configure => {}
        }
        self.execution.complete(&object);
        Ok(())
    }

    /// `xclExecWait`.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        self.execution.wait(timeout)
    }

    /// Indices in the image of compute units that have contexts.
    fn image_units(&self, units: &[usize]) -> Result<Vec<usize>> {
        let contexts = self.contexts.lock();
        let known = self.units.read();
        units
            .iter()
            .map(|&unit| {
                contexts.check(unit as u32)?;
                known
                    .get(unit)
                    .map(|unit| unit.index)
                    .ok_or_else(|| no_unit(unit as u32, known.len()))
            })
            .collect()
    }

    fn kernel(&self, unit: u32) -> Result<Kernel> {
        self.check_unit(unit)?;
        self.contexts.lock().check(unit)?;
        let units = self.units.read();
        let found = units.get(unit as usize);
        found
            .map(|unit| unit.kernel.clone())
            .ok_or_else(|| no_unit(unit, units.len()))
    }

    fn check_unit(&self, unit: u32) -> Result<()> {
        let count = self.units.read().len();
        if (unit as usize) < count {
            Ok(())
        } else {
            Err(no_unit(unit, count))
        }
    }

    /// Puts the compute units in XRT's order.
    fn find_units(&self) -> Result<()> {
        let mut units = Vec::new();
        if let Some(image) = self.card.image() {
            for index in xrt_order(&image)? {
                let info = &image.units()[index];
                units.push(Unit {
                    index,
                    base: info.base,
                    kernel: self.card.kernel(&info.name)?,
                });
            }
        }
        *self.units.write() = units;
        Ok(())
    }
}

fn no_unit(unit: u32, count: usize) -> Error {
    Error::Invalid(format!(
        "there is no compute unit {unit}: the loaded image has {count}"
    ))
}

/// Indices of an image's compute units in the order in which XRT counts them: by interrupt if they have numbers for it,
/// else by address; free-running ones, which have no address, last.
fn xrt_order(image: &Image) -> Result<Vec<usize>> {
    let layout = image
        .xclbin()
        .ip_layout()
        .map_err(host_runtime::Error::from)?;
    let properties: HashMap<&str, u32> = layout
        .iter()
        .flat_map(|layout| &layout.ips)
        .filter(|ip| ip.kind == IpType::Kernel)
        .map(|ip| (ip.name.as_str(), ip.properties & INTERRUPT_MASK))
        .collect();
    let interrupt = |unit: usize| {
        let name = image.units()[unit].name.as_str();
        properties.get(name).copied().unwrap_or(0)
    };
    let base = |unit: usize| image.units()[unit].base;
    let mut order: Vec<usize> = (0..image.units().len()).collect();
    if order.iter().all(|&unit| interrupt(unit) == 0) {
        order.sort_by_key(|&unit| base(unit));
    } else {
        order.sort_by_key(|&unit| (base(unit) == u64::MAX, interrupt(unit)));
    }
    Ok(order)
}
