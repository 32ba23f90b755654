//! What cards a machine has: usable ones with their state and holders, and those that cannot be used, with the
//! reason. Looking opens no card and changes nothing.

mod pci;
mod system;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::backend::Backend as _;
use crate::backend::pcie::PcieBackend;
use crate::card_id::CardId;
use crate::card_name::ServedName;
use crate::image::Image;
use crate::lease::CardResources;
use crate::recovery::lost;
use crate::store::{self, Holder, LeaseInfo};
use crate::{Error, Result};
pub use pci::{Bar, PciDetails, PcieLink};
pub use system::SYSTEM_ROOT_VARIABLE;
use system::System;

/// The state of a card that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CardState {
    /// Never used, or emptied: it holds no image.
    Empty,
    /// It holds an image and nobody uses it.
    Ready,
    /// Somebody has it open, or has leased it.
    Held,
}

/// A card that can be used.
#[derive(Debug, Clone, Serialize)]
pub struct CardEntry {
    /// Its name.
    pub card: CardId,
    /// What it is.
    pub description: String,
    /// Its state.
    pub state: CardState,
    /// Counts programmings and resets.
    pub generation: u64,
    /// Identity of the loaded image.
    pub image: Option<uuid::Uuid>,
    /// Kernels of the loaded image.
    pub kernels: Vec<String>,
    /// What is known of its size.
    pub resources: CardResources,
    /// Who has it open.
    pub holders: Vec<Holder>,
    /// Who has leased it.
    pub leases: Vec<LeaseInfo>,
    /// What the bus tells of it, if it is on one.
    pub pci: Option<PciDetails>,
}

impl CardEntry {
    /// A card that nobody has used yet.
    pub(crate) fn unused(card: CardId) -> Self {
        Self::new(card, 0, None, store::Peek::default())
    }

    /// Adds what the bus tells.
    fn describe_as(&mut self, found: &pci::BusCard) {
        let PciDetails { model, address, .. } = &found.details;
        self.description = match self.card {
            CardId::Xrt(_) => format!("{model}, driven by XRT, at {address}"),
            _ => format!("{model}, by VFIO"),
        };
        // The board's memory, also where the image uses a part of it.
        self.resources = CardResources {
            memory: found.resources.memory.or(self.resources.memory),
            ..found.resources
        };
        self.pci = Some(found.details.clone());
    }

    fn new(card: CardId, generation: u64, image: Option<&Image>, peek: store::Peek) -> Self {
        let in_use = !peek.holders.is_empty() || !peek.leases.is_empty();
        let banks = image.map(|image| {
            let own = image.banks().iter().filter(|bank| !bank.is_host());
            own.map(|bank| bank.size).sum()
        });
        Self {
            card,
            description: describe(card),
            state: match (image, in_use) {
                (_, true) => CardState::Held,
                (Some(_), false) => CardState::Ready,
                (None, false) => CardState::Empty,
            },
            generation,
            image: image.map(Image::uuid),
            kernels: image.map_or_else(Vec::new, |image| {
                let kernels = image.kernels().iter();
                kernels.map(|kernel| kernel.name.clone()).collect()
            }),
            resources: CardResources::of(card, banks),
            holders: peek.holders,
            leases: peek.leases,
            pci: None,
        }
    }
}

/// A card that is there and cannot be used.
#[derive(Debug, Clone, Serialize)]
pub struct UnusableCard {
    /// Its name or address.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Why it cannot be used.
    pub reason: String,
    /// What to do.
    pub advice: String,
    /// What the bus tells of it, if it is on one.
    pub pci: Option<PciDetails>,
}

/// The cards of a machine.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Inventory {
    /// Cards that can be used.
    pub cards: Vec<CardEntry>,
    /// Cards that cannot.
    pub unusable: Vec<UnusableCard>,
    /// Where it looked for simulated cards, and takes leases; `None`: the user's own.
    #[serde(skip)]
    pub(crate) state_folder: Option<PathBuf>,
}

impl Inventory {
    /// Looks for cards: the user's simulated ones, the software device, and PCI cards.
    pub fn scan() -> Self {
        Self::scan_with(None)
    }

    /// As [`Inventory::scan`], with another state folder.
    pub fn scan_with(state_folder: Option<&Path>) -> Self {
        Self::scan_system(state_folder, &System::of_environment())
    }

    /// As [`Inventory::scan`], with another state folder, and another root of `/sys`, `/proc` and `/dev`.
    pub fn scan_in(state_folder: Option<&Path>, system_root: &Path) -> Self {
        Self::scan_system(state_folder, &System::at(system_root))
    }

    fn scan_system(state_folder: Option<&Path>, system: &System) -> Self {
        let (on_bus, unusable_on_bus) = pci::scan(system);
        let mut inventory = Self {
            state_folder: state_folder.map(Path::to_owned),
            ..Self::default()
        };
        let mut known: Vec<CardId> = vec![CardId::Simulated(0), CardId::Software(0)];
        known.extend(on_bus.iter().map(|found| found.card));
        known.extend(used_cards(state_folder));
        known.extend(
            store::served_cards(state_folder)
                .into_iter()
                .map(CardId::Served),
        );
        known.sort();
        known.dedup();
        for card in known {
            let found = on_bus.iter().find(|found| found.card == card);
            let details = found.map(|found| found.details.clone());
            match entry(card, state_folder) {
                Ok(mut entry) => {
                    if let Some(found) = found {
                        entry.describe_as(found);
                    }
                    inventory.cards.push(entry);
                }
                Err(error) => inventory.unusable.push(UnusableCard {
                    pci: details,
                    ..unusable(card, &error)
                }),
            }
        }
        inventory.unusable.extend(unusable_on_bus);
        inventory
    }

    /// The card to use when none was named: the first real one that can be used, else `sim:0` (`software:0` in a
    /// build without co-simulation).
    pub fn default_card(&self) -> CardId {
        let real = self
            .cards
            .iter()
            .map(|entry| entry.card)
            .find(|card| match card {
                CardId::Xrt(_) => crate::backend::xrt::is_installed(),
                CardId::Pci(_) => true,
                _ => false,
            });
        if let Some(real) = real {
            return real;
        }
        if cfg!(feature = "cosim") {
            CardId::Simulated(0)
        } else {
            CardId::Software(0)
        }
    }
}

fn describe(card: CardId) -> String {
    match card {
        CardId::Simulated(_) => "simulated card (Verilated RTL)".to_owned(),
        CardId::Software(_) => "software device (golden model)".to_owned(),
        CardId::Served(_) => "served simulated card (PCIe)".to_owned(),
        CardId::Pci(_) => "card on the PCIe bus (VFIO)".to_owned(),
        CardId::Xrt(_) => "card driven by XRT".to_owned(),
    }
}

/// Cards that have a folder.
fn used_cards(state_folder: Option<&Path>) -> Vec<CardId> {
    let Ok(root) = store::state_root(CardId::Simulated(0), state_folder) else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir(root) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .replacen('-', ":", 1)
                .parse()
                .ok()
        })
        // A served card is there as long as it is served, one on the bus as long as that has it.
        .filter(|card| !matches!(card, CardId::Served(_) | CardId::Pci(_)))
        .collect()
}

fn entry(card: CardId, state_folder: Option<&Path>) -> Result<CardEntry> {
    if !cfg!(feature = "cosim") && matches!(card, CardId::Simulated(_)) {
        return Err(Error::CardUnusable {
            card,
            reason: "this program was built without co-simulation".to_owned(),
            advice: "build it with the feature `cosim`".to_owned(),
        });
    }
    if let CardId::Served(name) = card {
        return served_entry(card, name, state_folder);
    }
    let peek = store::peek(card, state_folder)?;
    if let Some(reason) = peek.lost {
        return Err(lost(card, reason));
    }
    let image = peek.image.as_ref().map(|path| {
        let xclbin = bitstreams::Xclbin::read(path)?;
        Image::new(xclbin)
    });
    let image = image.transpose().map_err(|source| Error::CardUnusable {
        card,
        reason: format!("its image cannot be read: {source}"),
        advice: format!("reset it: `fpga-ctl reset --card {card}`"),
    })?;
    Ok(CardEntry::new(
        card,
        peek.generation,
        image.as_deref(),
        peek,
    ))
}

/// A served card tells of itself, to whoever attaches for a moment.
fn served_entry(card: CardId, name: ServedName, state_folder: Option<&Path>) -> Result<CardEntry> {
    let peek = store::peek(card, state_folder)?;
    if let Some(reason) = peek.lost {
        return Err(lost(card, reason));
    }
    let socket = store::served_socket(name, state_folder)?;
    // No opening of the card, which its lease might exclude.
    let attached = PcieBackend::open_served(card, &socket, None, None)?;
    let image = attached.image();
    let entry = CardEntry::new(card, attached.generation(), image.as_deref(), peek);
    Ok(CardEntry {
        resources: attached.resources(),
        ..entry
    })
}

fn unusable(card: CardId, error: &Error) -> UnusableCard {
    let advice = match error {
        Error::StateDamaged { .. } => format!("`fpga-ctl reset --card {card}`"),
        Error::StateFolder { advice, .. } => (*advice).to_owned(),
        Error::CardUnusable { advice, .. } | Error::DeviceLost { advice, .. } => advice.clone(),
        Error::NotRecovered { left, .. } => format!("`fpga-ctl reset --card {card} --rung {left}`"),
        _ => "see the reason".to_owned(),
    };
    UnusableCard {
        name: card.to_string(),
        description: describe(card),
        reason: error.to_string(),
        advice,
        pci: None,
    }
}

/// PCIe address of `xrt:index`; `None` if no such real card is there.
pub(crate) fn xrt_address(index: u16) -> Option<String> {
    pci::xrt_address(&System::of_environment(), index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_cards_has_the_simulated_and_the_software_one() {
        let state = tempfile::tempdir().unwrap();
        let inventory = Inventory::scan_in(Some(state.path()), Path::new("/nonexistent"));
        let names: Vec<_> = inventory
            .cards
            .iter()
            .map(|entry| (entry.card.to_string(), entry.state))
            .collect();
        assert!(names.contains(&("software:0".to_owned(), CardState::Empty)));
        assert!(
            inventory.unusable.iter().all(|card| card.name == "sim:0")
                || inventory.unusable.is_empty()
        );
        assert!(
            !state.path().join("sim-0").exists(),
            "looking creates nothing"
        );
    }

    #[test]
    fn a_damaged_card_is_listed_as_unusable_with_what_mends_it() {
        let state = tempfile::tempdir().unwrap();
        std::fs::create_dir(state.path().join("software-0")).unwrap();
        std::fs::write(state.path().join("software-0/state"), "{").unwrap();
        let inventory = Inventory::scan_in(Some(state.path()), Path::new("/nonexistent"));
        let card = inventory
            .unusable
            .iter()
            .find(|card| card.name == "software:0")
            .unwrap();
        assert!(
            card.reason.contains("damaged") && card.advice.contains("fpga-ctl reset"),
            "{card:?}"
        );
    }
}
