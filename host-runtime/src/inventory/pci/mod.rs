//! FPGA cards on the PCI bus, by what Linux tells of it: which there are, who can drive them, and what keeps the others from
//! being used.

mod details;
mod models;
#[cfg(test)]
mod tests;
mod verdict;

use std::path::PathBuf;

pub use details::{Bar, PciDetails, PcieLink};
use verdict::Verdict;

use super::UnusableCard;
use super::system::System;
use crate::card_id::CardId;
use crate::lease::CardResources;

/// A card on the bus that can be used.
#[derive(Debug, Clone)]
pub(super) struct BusCard {
    pub(super) card: CardId,
    pub(super) details: PciDetails,
    pub(super) resources: CardResources,
}

/// Looks at every function of the bus: cards that can be used, and those that cannot.
pub(super) fn scan(system: &System) -> (Vec<BusCard>, Vec<UnusableCard>) {
    let mut usable = Vec::new();
    let mut unusable = Vec::new();
    let mut by_xrt = 0;
    for folder in functions(system) {
        let Some((model, mut details)) = details::read(&folder) else {
            continue;
        };
        let card = match verdict::judge(system, &folder, &model, &details) {
            Verdict::Xrt => {
                details.notes.push(format!(
                    "{} has it: VFIO does not see it until that lets go",
                    verdict::XOCL
                ));
                by_xrt += 1;
                CardId::Xrt(by_xrt - 1)
            }
            Verdict::Vfio => match details.address.parse() {
                Ok(address) => {
                    details
                        .notes
                        .push("vfio-pci has it: XRT does not see it until that lets go".to_owned());
                    CardId::Pci(address)
                }
                Err(_) => continue,
            },
            Verdict::Unusable { reason, advice } => {
                unusable.push(UnusableCard {
                    name: details.address.clone(),
                    description: details.model.clone(),
                    reason,
                    advice,
                    pci: Some(details),
                });
                continue;
            }
        };
        usable.push(BusCard {
            card,
            details,
            resources: model.resources,
        });
    }
    (usable, unusable)
}

/// PCIe address of `xrt:index`: XRT's cards are counted in the order of their addresses.
pub(super) fn xrt_address(system: &System, index: u16) -> Option<String> {
    let (cards, _) = scan(system);
    let mut cards = cards.into_iter();
    let found = cards.find(|found| found.card == CardId::Xrt(index))?;
    Some(found.details.address)
}

/// The folders of all functions, in the order of their addresses.
fn functions(system: &System) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(system.pci_devices());
    let entries = entries.into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}
