//! The cards of the process. A handle stands for a card, not for an opening of it: as with XRT's own emulation, all
//! openings of a card in a process are one, which ends with the last of them.

use std::ffi::c_void;
use std::sync::{Arc, OnceLock};

use host_runtime::{CardId, Inventory};
use parking_lot::Mutex;

use crate::device::Device;
use crate::error::{Error, Result};

/// Cards to show, by name, for instance `sim:0,software:0`.
const CARDS_VARIABLE: &str = "FPGA_XRT_CARDS";
/// Number of simulated cards to show.
const COUNT_VARIABLE: &str = "FPGA_SIM_CARDS";
/// More than that is a mistake.
const MOST_CARDS: u16 = 64;

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
        let variable = |name| std::env::var(name).ok();
        let ids = match chosen(variable(CARDS_VARIABLE), variable(COUNT_VARIABLE)) {
            Ok(Some(ids)) => ids,
            Ok(None) => known(),
            Err(error) => {
                crate::report::error(&error.to_string());
                Vec::new()
            }
        };
        let slot = |id| Slot {
            id,
            open: Mutex::default(),
        };
        ids.into_iter().map(slot).collect()
    })
}

/// What the user's variables say.
fn chosen(cards: Option<String>, count: Option<String>) -> Result<Option<Vec<CardId>>> {
    if let Some(cards) = cards.filter(|cards| !cards.is_empty()) {
        let names = cards.split(',').map(|name| name.trim().parse());
        return Ok(Some(names.collect::<host_runtime::Result<_>>()?));
    }
    let Some(count) = count.filter(|count| !count.is_empty()) else {
        return Ok(None);
    };
    match count.parse::<u16>() {
        Ok(count) if (1..=MOST_CARDS).contains(&count) => {
            Ok(Some((0..count).map(CardId::Simulated).collect()))
        }
        _ => Err(Error::Invalid(format!(
            "{COUNT_VARIABLE}={count:?} is no number of cards: 1 to {MOST_CARDS}"
        ))),
    }
}

/// The simulated cards that the user has.
fn known() -> Vec<CardId> {
    let mut ids: Vec<_> = Inventory::scan()
        .cards
        .iter()
        .map(|entry| entry.card)
        .filter(|id| matches!(id, CardId::Simulated(_)))
        .collect();
    if ids.is_empty() {
        ids.push(CardId::Simulated(0));
    }
    ids
}

/// Opens the card at an index; the handle to give out.
pub(crate) fn open(index: u32) -> Result<*mut c_void> {
    let slots = slots();
    let slot = slots.get(index as usize).ok_or_else(|| {
        Error::Invalid(format!(
            "there is no device {index}: there are {} ({COUNT_VARIABLE} says how many)",
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
    fn the_variables_name_cards_or_count_them() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(chosen(None, text("")).unwrap(), None);
        assert_eq!(
            chosen(None, text("2")).unwrap(),
            Some(vec![CardId::Simulated(0), CardId::Simulated(1)])
        );
        assert_eq!(
            chosen(text("software:0, sim:3"), text("2")).unwrap(),
            Some(vec![CardId::Software(0), CardId::Simulated(3)])
        );
        for (cards, count) in [(text("sim"), None), (None, text("0")), (None, text("65"))] {
            assert!(chosen(cards, count).is_err());
        }
    }

    #[test]
    fn a_pointer_that_is_no_handle_is_no_device() {
        for handle in [std::ptr::null_mut(), std::ptr::dangling_mut()] {
            assert!(matches!(device(handle), Err(Error::NoDevice)));
        }
    }
}
