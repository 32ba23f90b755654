//! Cards: which there are, and opening one.

use std::ffi::c_char;

use host_runtime::{CardId, CardState, Inventory};
use parking_lot::RwLock;

use super::status::tcp_status_t;
use crate::arguments::{self, Out};
use crate::boundary::{call, value};
use crate::device::{CARDS, Device};
use crate::failure::Failure;
use crate::open_engine::{CLIENTS, ENGINES};
use crate::open_queue::QUEUES;

/// A card that this program has opened.
#[derive(Debug)]
pub struct tcp_hardware_t {
    _opaque: (),
}

/// What kind of card it is.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_hardware_kind_t {
    /// None that this version can drive.
    TCP_HARDWARE_OTHER = 0,
    /// software:N, which judges on the CPU.
    TCP_HARDWARE_SOFTWARE = 1,
    /// sim:N, whose kernels are simulated Verilog.
    TCP_HARDWARE_SIMULATED = 2,
    /// xrt:N, which the installed XRT drives.
    TCP_HARDWARE_XRT = 3,
    /// pcie:NAME, a simulated card that a process serves as a PCIe device.
    TCP_HARDWARE_SERVED = 4,
    /// pcie:0000:03:00.0, a card on the PCIe bus that the kernel's VFIO gives to this process.
    TCP_HARDWARE_PCI = 5,
}

/// The state of a card.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_hardware_state_t {
    /// It cannot be used; `problem` says why, and what to do.
    TCP_HARDWARE_UNUSABLE = 0,
    /// It holds no image; it gets the default one when it is first used.
    TCP_HARDWARE_EMPTY = 1,
    /// It holds an image, and nobody uses it.
    TCP_HARDWARE_READY = 2,
    /// Somebody has it open, or has leased it.
    TCP_HARDWARE_HELD = 3,
}

/// A card of this machine, as tcp_hardware_init_all found it. Texts that do not fit are cut.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tcp_hardware_info_t {
    /// Its name, for tcp_hardware_open; of a card that cannot be used, its name or PCI address.
    pub name: [c_char; 32],
    /// What it is, for a person.
    pub description: [c_char; 96],
    /// Why it cannot be used and what to do; empty if it can.
    pub problem: [c_char; 512],
    /// UUID of the loaded image; zeros if there is none.
    pub image: [u8; 16],
    /// Counts programmings and resets.
    pub generation: u64,
    /// A tcp_hardware_kind_t.
    pub kind: u32,
    /// A tcp_hardware_state_t.
    pub state: u32,
}

impl tcp_hardware_info_t {
    const NONE: Self = Self {
        name: [0; 32],
        description: [0; 96],
        problem: [0; 512],
        image: [0; 16],
        generation: 0,
        kind: tcp_hardware_kind_t::TCP_HARDWARE_OTHER as u32,
        state: tcp_hardware_state_t::TCP_HARDWARE_UNUSABLE as u32,
    };
}

/// The cards that were found, those that can be used first.
#[derive(Debug)]
struct Found {
    cards: Vec<tcp_hardware_info_t>,
    usable: usize,
}

static FOUND: RwLock<Found> = RwLock::new(Found {
    cards: Vec::new(),
    usable: 0,
});

/// Looks which cards this machine has, again if it was called before. `count`, unless it is NULL, becomes the number of
/// those that can be used. It opens none of them, so it takes them from nobody; the software device is always there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_hardware_init_all(count: *mut usize) -> tcp_status_t {
    call("tcp_hardware_init_all", || {
        // SAFETY: as the header demands.
        let count = unsafe { Out::optional(count, 0) };
        let found = Found::look();
        if let Some(count) = count {
            count.set(found.usable);
        }
        *FOUND.write() = found;
        Ok(())
    })
}

/// How many cards can be used; 0 before tcp_hardware_init_all.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_hardware_count() -> usize {
    value("tcp_hardware_count", 0, || Ok(FOUND.read().usable))
}

/// What is known about a card. Those below tcp_hardware_count() can be used; those from there on cannot, and say why.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_hardware_info(
    index: usize,
    info: *mut tcp_hardware_info_t,
) -> tcp_status_t {
    call("tcp_hardware_info", || {
        // SAFETY: as the header demands.
        let info = unsafe { Out::new(info, "info", tcp_hardware_info_t::NONE) }?;
        let found = FOUND.read();
        let card = found.cards.get(index).ok_or_else(|| {
            let known = found.cards.len();
            Failure::argument(
                "index",
                format!(
                    "is {index}, but {known} cards are known; tcp_hardware_init_all looks for them"
                ),
            )
        })?;
        info.set(*card);
        Ok(())
    })
}

/// What is known about all cards, in the order of tcp_hardware_info: as many as `capacity` allows. `count` becomes the number
/// of all, so a program can ask with capacity 0 first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_hardware_list(
    infos: *mut tcp_hardware_info_t,
    capacity: usize,
    count: *mut usize,
) -> tcp_status_t {
    call("tcp_hardware_list", || {
        // SAFETY: as the header demands.
        let count = unsafe { Out::new(count, "count", 0) }?;
        arguments::check_array(infos, capacity, "infos")?;
        let found = FOUND.read();
        for (index, card) in found.cards.iter().enumerate().take(capacity) {
            // SAFETY: inside the array that the header demands; it was checked.
            unsafe { infos.add(index).write(*card) };
        }
        count.set(found.cards.len());
        Ok(())
    })
}

/// Opens a card by its name: "software:0", "sim:0", "xrt:0". Others may use it at the same time. `card` becomes the handle,
/// or NULL on an error. Any number of threads may use a handle at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_hardware_open(
    name: *const c_char,
    card: *mut *mut tcp_hardware_t,
) -> tcp_status_t {
    call("tcp_hardware_open", || {
        // SAFETY: as the header demands.
        let card = unsafe { Out::new(card, "card", std::ptr::null_mut()) }?;
        // SAFETY: as the header demands.
        let name = unsafe { arguments::text(name, "name") }?;
        card.set(CARDS.insert(Device::open(name)?)?);
        Ok(())
    })
}

/// Closes a card. Calls under way end as if it were open. Closing it once more is TCP_ERROR_HANDLE and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_hardware_close(card: *mut tcp_hardware_t) -> tcp_status_t {
    call("tcp_hardware_close", || CARDS.remove(card))
}

/// Closes all that is open and forgets the cards. The library can be used again after it.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_hardware_shutdown() -> tcp_status_t {
    call("tcp_hardware_shutdown", || {
        CLIENTS.remove_all();
        ENGINES.remove_all();
        QUEUES.remove_all();
        CARDS.remove_all();
        *FOUND.write() = Found {
            cards: Vec::new(),
            usable: 0,
        };
        Ok(())
    })
}

impl Found {
    fn look() -> Self {
        Self::from_inventory(&Inventory::scan())
    }

    fn from_inventory(inventory: &Inventory) -> Self {
        let mut cards: Vec<_> = inventory.cards.iter().map(usable).collect();
        // What its folder's state keeps it from is its policy slots; it judges all the same.
        let software = CardId::Software(0).to_string();
        if !inventory
            .cards
            .iter()
            .any(|entry| entry.card == CardId::Software(0))
        {
            cards.push(tcp_hardware_info_t {
                name: chars(&software),
                description: chars("software device, without policy slots of its own"),
                kind: kind(CardId::Software(0)),
                state: tcp_hardware_state_t::TCP_HARDWARE_READY as u32,
                ..tcp_hardware_info_t::NONE
            });
        }
        let usable = cards.len();
        let others = inventory
            .unusable
            .iter()
            .filter(|card| card.name != software);
        cards.extend(others.map(|card| tcp_hardware_info_t {
            name: chars(&card.name),
            description: chars(&card.description),
            problem: chars(&format!("{}; {}", card.reason, card.advice)),
            kind: card.name.parse().map_or(0, kind),
            ..tcp_hardware_info_t::NONE
        }));
        Self { cards, usable }
    }
}

fn usable(entry: &host_runtime::CardEntry) -> tcp_hardware_info_t {
    tcp_hardware_info_t {
        name: chars(&entry.card.to_string()),
        description: chars(&entry.description),
        image: entry.image.map_or([0; 16], |image| *image.as_bytes()),
        generation: entry.generation,
        kind: kind(entry.card),
        state: match entry.state {
            CardState::Empty => tcp_hardware_state_t::TCP_HARDWARE_EMPTY,
            CardState::Ready => tcp_hardware_state_t::TCP_HARDWARE_READY,
            CardState::Held => tcp_hardware_state_t::TCP_HARDWARE_HELD,
        } as u32,
        ..tcp_hardware_info_t::NONE
    }
}

fn kind(card: CardId) -> u32 {
    let kind = match card {
        CardId::Software(_) => tcp_hardware_kind_t::TCP_HARDWARE_SOFTWARE,
        CardId::Simulated(_) => tcp_hardware_kind_t::TCP_HARDWARE_SIMULATED,
        CardId::Xrt(_) => tcp_hardware_kind_t::TCP_HARDWARE_XRT,
        CardId::Served(_) => tcp_hardware_kind_t::TCP_HARDWARE_SERVED,
        CardId::Pci(_) => tcp_hardware_kind_t::TCP_HARDWARE_PCI,
    };
    kind as u32
}

/// A text for C, cut to what fits with the null at its end, and never inside a character.
pub(crate) fn chars<const N: usize>(text: &str) -> [c_char; N] {
    let mut end = text.len().min(N - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut chars = [0; N];
    for (char, byte) in chars.iter_mut().zip(text[..end].bytes()) {
        *char = byte as c_char;
    }
    chars
}
