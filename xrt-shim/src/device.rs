//! One card as XRT's drivers show it: loaded image, buffer objects by handle, contexts and commands.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use host_runtime::bitstreams::Xclbin;
use host_runtime::{Access, Card, CardId, Contexts, Image, Kernel, OpenOptions, TrustOptions};
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::execution::Execution;
use crate::memory::BufferObject;
use crate::packet::{self, Command};
use crate::report;

/// The compute unit that stands for none: its context only keeps the image. XRT opens it with all bits set.
const VIRTUAL_UNIT: u32 = u32::MAX;

/// An open card.
#[derive(Debug)]
pub(crate) struct Device {
    card: Card,
    execution: Execution,
    contexts: Mutex<Contexts>,
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
        let device = Self {
            execution: Execution::new(&card)?,
            card,
            contexts: Mutex::new(Contexts::new(id, None)?),
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
        self.contexts.lock().load(&self.card, &image)?;
        self.find_units()
    }

    /// `xclOpenContext`.
    pub(crate) fn open_context(&self, uuid: Uuid, unit: u32, shared: bool) -> Result<()> {
        let mut contexts = self.contexts.lock();
        contexts.hold(&self.card, uuid)?;
        let access = if shared {
            Access::Shared
        } else {
            Access::Exclusive
        };
        Ok(contexts.open(self.context_of(unit)?, access)?)
    }

    /// `xclCloseContext`.
    pub(crate) fn close_context(&self, unit: u32) -> Result<()> {
        if self.contexts.lock().close(self.context_of(unit)?) {
            return Ok(());
        }
        Err(Error::Invalid(format!(
            "no context is open on compute unit {unit}"
        )))
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
        { units.iter() }
            .map(|&unit| {
                let unit = unit as u32;
                self.check_context(unit)?;
                self.unit(unit, |unit| unit.index)
            })
            .collect()
    }

    fn kernel(&self, unit: u32) -> Result<Kernel> {
        self.check_context(unit)?;
        self.unit(unit, |unit| unit.kernel.clone())
    }

    /// Refuses a use of a compute unit without a context.
    fn check_context(&self, unit: u32) -> Result<()> {
        if self.contexts.lock().is_open(self.context_of(unit)?) {
            return Ok(());
        }
        Err(Error::NotPermitted(format!(
            "no context is open on compute unit {unit}: xclOpenContext it first"
        )))
    }

    /// What the runtime calls the context that XRT opens on that unit.
    fn context_of(&self, unit: u32) -> Result<Option<usize>> {
        if unit == VIRTUAL_UNIT {
            return Ok(None);
        }
        self.unit(unit, |unit| Some(unit.index))
    }

    fn unit<T>(&self, unit: u32, look: impl FnOnce(&Unit) -> T) -> Result<T> {
        let units = self.units.read();
        units.get(unit as usize).map(look).ok_or_else(|| {
            Error::Invalid(format!(
                "there is no compute unit {unit}: the loaded image has {}",
                units.len()
            ))
        })
    }

    /// Puts the compute units in XRT's order.
    fn find_units(&self) -> Result<()> {
        let mut units = Vec::new();
        if let Some(image) = self.card.image() {
            for index in image.units_in_xrt_order()? {
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
