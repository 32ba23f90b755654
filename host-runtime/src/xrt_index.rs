//! Cards as XRT names them: by an index, or by a PCIe address. The shim, the Python module and `xbutil` count alike,
//! so that device 1 is the same card for all of them.

use std::path::Path;

use crate::card_name::ServedName;
use crate::{CardId, Error, Inventory, Result};

/// Environment variable that names the cards to show to XRT's programs, for instance `sim:0,software:0`.
pub const XRT_CARDS_VARIABLE: &str = "FPGA_XRT_CARDS";
/// Environment variable that says how many simulated cards to show to XRT's programs.
pub const SIM_CARDS_VARIABLE: &str = "FPGA_SIM_CARDS";
/// More than that is a mistake.
const MOST_CARDS: u16 = 64;

/// PCI domains that stand for cards without an address of their own. No bus has them: firmware counts domains from 0,
/// and Linux gives those of its own making numbers above 0xffff.
const SIMULATED_DOMAIN: u16 = 0x9000;
const SOFTWARE_DOMAIN: u16 = 0x9001;
const XRT_DOMAIN: u16 = 0x9002;
const SERVED_DOMAIN: u16 = 0x9003;

/// A number for a name, the same in every process: FNV-1a, folded.
fn number_of(name: ServedName) -> u16 {
    let hash = name.as_str().bytes().fold(0x811c_9dc5u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (hash ^ hash >> 16) as u16
}

impl CardId {
    /// The PCIe address that stands for the card where programs expect one, `domain:bus:device.function` in hexadecimal.
    /// The low five bits of the card's number are the device, then come the bus and the function.
    pub fn pcie_address(self) -> String {
        let (domain, number) = match self {
            Self::Simulated(number) => (SIMULATED_DOMAIN, number),
            Self::Software(number) => (SOFTWARE_DOMAIN, number),
            Self::Xrt(number) => (XRT_DOMAIN, number),
            Self::Served(name) => (SERVED_DOMAIN, number_of(name)),
            Self::Pci(address) => return address.to_string(),
        };
        let (device, bus, function) = (number & 0x1f, number >> 5 & 0xff, number >> 13);
        format!("{domain:04x}:{bus:02x}:{device:02x}.{function}")
    }
}

/// The cards in the order of XRT's indices: those that [`XRT_CARDS_VARIABLE`] names, else as many simulated ones as
/// [`SIM_CARDS_VARIABLE`] says, else the simulated cards that the state folder knows (`sim:0` if there are none).
///
/// # Errors
/// [`Error::CardName`] or [`Error::CardCount`] if a variable says nonsense.
pub fn xrt_cards(state_folder: Option<&Path>) -> Result<Vec<CardId>> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let chosen = chosen(variable(XRT_CARDS_VARIABLE), variable(SIM_CARDS_VARIABLE))?;
    Ok(chosen.unwrap_or_else(|| known(state_folder)))
}

/// Index and card of what a user calls a device: an index of [`xrt_cards`], a PCIe address, or a card's own name.
///
/// # Errors
/// [`Error::NoDevice`] if there is none, and those of [`xrt_cards`].
pub fn xrt_card(name: &str, state_folder: Option<&Path>) -> Result<(usize, CardId)> {
    let cards = xrt_cards(state_folder)?;
    let index = match name.parse::<usize>() {
        Ok(index) => (index < cards.len()).then_some(index),
        Err(_) => cards
            .iter()
            .position(|card| is_address(name, &card.pcie_address()) || card.to_string() == name),
    };
    index
        .map(|index| (index, cards[index]))
        .ok_or_else(|| Error::NoDevice {
            name: name.to_owned(),
            available: cards
                .iter()
                .enumerate()
                .map(|(index, card)| format!("{index} ({}, {card})", card.pcie_address()))
                .collect::<Vec<_>>()
                .join(", "),
        })
}

/// Whether a user means this address, which may be written without its function, and in capitals.
fn is_address(name: &str, address: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == address
        || address
            .rsplit_once('.')
            .is_some_and(|(slot, _)| slot == name)
}

/// What the user's variables say.
fn chosen(cards: Option<String>, count: Option<String>) -> Result<Option<Vec<CardId>>> {
    if let Some(cards) = cards {
        let names = cards.split(',').map(|name| match name.trim().parse()? {
            card @ CardId::Xrt(_) => Err(Error::CardUnusable {
                card,
                reason: format!("{XRT_CARDS_VARIABLE} cannot show XRT its own cards"),
                advice: "name simulated cards there, or the software device".to_owned(),
            }),
            card => Ok(card),
        });
        return Ok(Some(names.collect::<Result<_>>()?));
    }
    let Some(count) = count else {
        return Ok(None);
    };
    match count.parse::<u16>() {
        Ok(count) if (1..=MOST_CARDS).contains(&count) => {
            Ok(Some((0..count).map(CardId::Simulated).collect()))
        }
        _ => Err(Error::CardCount {
            variable: SIM_CARDS_VARIABLE,
            value: count,
            most: MOST_CARDS,
        }),
    }
}

/// The simulated cards that the user has.
fn known(state_folder: Option<&Path>) -> Vec<CardId> {
    let mut ids: Vec<_> = Inventory::scan_with(state_folder)
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_variables_name_cards_or_count_them() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(chosen(None, None).unwrap(), None);
        assert_eq!(
            chosen(None, text("2")).unwrap(),
            Some(vec![CardId::Simulated(0), CardId::Simulated(1)])
        );
        assert_eq!(
            chosen(text("software:0, sim:3"), text("2")).unwrap(),
            Some(vec![CardId::Software(0), CardId::Simulated(3)])
        );
        for (cards, count) in [
            (text("sim"), None),
            (text("sim:0,xrt:0"), None),
            (None, text("0")),
            (None, text("65")),
        ] {
            assert!(chosen(cards, count).is_err());
        }
    }

    #[test]
    fn every_card_has_an_address_of_its_own() {
        assert_eq!(CardId::Simulated(0).pcie_address(), "9000:00:00.0");
        assert_eq!(CardId::Simulated(33).pcie_address(), "9000:01:01.0");
        assert_eq!(CardId::Software(65535).pcie_address(), "9001:ff:1f.7");
        let addresses: HashSet<_> = (0..=u16::MAX)
            .map(|number| CardId::Simulated(number).pcie_address())
            .collect();
        assert_eq!(addresses.len(), 1 << 16);
    }

    #[test]
    fn a_device_is_found_by_index_by_address_and_by_name() {
        let state = tempfile::tempdir().unwrap();
        std::fs::create_dir(state.path().join("sim-3")).unwrap();
        let find = |name: &str| xrt_card(name, Some(state.path()));
        let third = (1, CardId::Simulated(3));
        for name in ["1", "9000:00:03.0", "9000:00:03", "sim:3"] {
            assert_eq!(find(name).unwrap(), third, "{name}");
        }
        let error = find("2").unwrap_err().to_string();
        assert!(error.contains("1 (9000:00:03.0, sim:3)"), "{error}");
        assert!(find("9000:00:04.0").is_err());
    }
}
