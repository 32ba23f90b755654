//! Names of cards: what a user writes to say which one is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::card_name::ServedName;
use vfio::PciAddress;

/// A card of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum CardId {
    /// `sim:N`: a card whose kernels are Verilated RTL.
    Simulated(u16),
    /// `software:N`: the golden model behind a card's interface, without RTL.
    Software(u16),
    /// `xrt:N`: a card that the installed XRT drives; real ones are counted in the order of their PCIe addresses.
    Xrt(u16),
    /// `pcie:NAME`: a card that a process serves as a PCIe device (`fpga-ctl sim serve`).
    Served(ServedName),
    /// `pcie:0000:03:00.0`: a card on the PCIe bus, which the kernel's VFIO gives to this process.
    Pci(PciAddress),
}

impl CardId {
    /// The card's name as a single path component.
    pub(crate) fn folder_name(self) -> String {
        // A served card's name has no colon: the other ones stay, so that no two cards have the same folder.
        self.to_string().replacen(':', "-", 1)
    }
}

impl fmt::Display for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simulated(index) => write!(f, "sim:{index}"),
            Self::Software(index) => write!(f, "software:{index}"),
            Self::Xrt(index) => write!(f, "xrt:{index}"),
            Self::Served(name) => write!(f, "pcie:{name}"),
            Self::Pci(address) => write!(f, "pcie:{address}"),
        }
    }
}

impl FromStr for CardId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::CardName {
            text: text.to_owned(),
        };
        let (kind, index) = text.split_once(':').ok_or_else(wrong)?;
        if kind == "pcie" {
            // No name has a colon, and every address has one.
            let card = match index.contains(':') {
                true => index.parse().map(Self::Pci).ok(),
                false => index.parse().map(Self::Served).ok(),
            };
            return card.ok_or_else(wrong);
        }
        // No sign, no leading zeros: one card has one name.
        let number: u16 = index.parse().map_err(|_| wrong())?;
        if number.to_string() != index {
            return Err(wrong());
        }
        match kind {
            "sim" => Ok(Self::Simulated(number)),
            "software" => Ok(Self::Software(number)),
            "xrt" => Ok(Self::Xrt(number)),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for CardId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<CardId> for String {
    fn from(id: CardId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_the_same_card() {
        for id in [
            CardId::Simulated(0),
            CardId::Simulated(65535),
            CardId::Software(3),
            CardId::Xrt(1),
            CardId::Served("lab-1".parse().unwrap()),
            CardId::Pci("0000:03:00.0".parse().unwrap()),
        ] {
            assert_eq!(id.to_string().parse::<CardId>().unwrap(), id);
        }
    }

    #[test]
    fn no_two_cards_have_one_folder() {
        let folder = |name: &str| name.parse::<CardId>().unwrap().folder_name();
        assert_eq!(folder("sim:0"), "sim-0");
        assert_ne!(folder("pcie:0000-03-00.0"), folder("pcie:0000:03:00.0"));
        assert_eq!(folder("pcie:03:00.0"), folder("pcie:0000:03:00.0"));
    }

    #[test]
    fn other_names_are_refused_with_the_form_expected() {
        for text in [
            "",
            "sim",
            "sim:",
            "sim:x",
            "sim:-1",
            "sim:+1",
            "sim:00",
            "sim:65536",
            "card:0",
            "sim:0:0",
            "pcie:",
            "pcie:../x",
            "pcie:0000:03:00",
            "pcie:03:00.8",
            "SIM:0",
        ] {
            let error = text.parse::<CardId>().unwrap_err().to_string();
            assert!(error.contains("sim:N"), "{text:?}: {error}");
        }
    }
}
