//! The cards of the process. A handle stands for a card, not for an opening of it: as with XRT's own emulation, all
//! openings of a card in a process are one, which ends with the last of them.

use std::ffi::c_void;
use std::sync::{Arc, OnceLock};

use host_runtime::{CardId, SIM_CARDS_VARIABLE, xrt_cards};
use parking_lot::Mutex;

use crate::device::Device;
use crate::error::{Error, Result};

/// A card that the process may open.
#[derive(Debug)]
pub(crate) struct Slot {
    id: CardId,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    count: usize,
    device: Option<Arc<Device>>,
}

static SLOTS: OnceLock<Vec<Slot>> = OnceLock::new();

/// The cards, in the order of their indices.
pub(crate) fn slots() -> &'static [Slot] {
    SLOTS.get_or_init(|| {
        let ids = xrt_cards(None).unwrap_or_else(|error| {
            crate::report::error(&error.to_string());
            Vec::new()
        });
        let slot = |id| Slot {
            id,
            open: Mutex::default(),
        };
        ids.into_iter().map(slot).collect()
    })
}

/// Opens the card at an index; the handle to give out.
pub(crate) fn open(index: u32) -> Result<*mut c_void> {
    let slots = slots();
    let slot = slots.get(index as usize).ok_or_else(|| {
        Error::Invalid(format!(
            "there is no device {index}: there are {} ({SIM_CARDS_VARIABLE} says how many)",
            slots.len()
        ))
    })?;
    let mut open = slot.open.lock();
    if open.device.is_none() {
        open.device = Some(Arc::new(Device::open(slot.id)?));
    }
    open.count += 1;
    Ok(std::ptr::from_ref(slot).cast_mut().cast())
}

/// Ends one opening of a card, and all of its state with the last.
pub(crate) fn close(handle: *mut c_void) -> Result<()> {
    let mut open = slot(handle)?.open.lock();
    open.count = open.count.saturating_sub(1);
    if open.count == 0 {
        let device = open.device.take();
        drop(open);
        drop(device);
    }
    Ok(())
}

/// The device of a handle.
pub(crate) fn device(handle: *mut c_void) -> Result<Arc<Device>> {
    slot(handle)?
        .open
        .lock()
        .device
        .clone()
        .ok_or(Error::NoDevice)
}

/// The card of a handle; it need not be open.
pub(crate) fn card_of(handle: *mut c_void) -> Result<CardId> {
    Ok(slot(handle)?.id)
}

fn slot(handle: *mut c_void) -> Result<&'static Slot> {
    let slots = SLOTS.get().map_or(&[][..], Vec::as_slice);
    slots
        .iter()
        .find(|slot| std::ptr::eq(*slot, handle.cast()))
        .ok_or(Error::NoDevice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_that_is_no_handle_is_no_device() {
        for handle in [std::ptr::null_mut(), std::ptr::dangling_mut()] {
            assert!(matches!(device(handle), Err(Error::NoDevice)));
        }
    }
}
