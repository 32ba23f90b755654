//! The memories of a simulated card, with sizes and addresses like those of Alveo cards.

use xclbin::{Bank, MemType};

use super::config::BankRange;

/// A kind of memory: how `sp` names it, what it is, KiB a bank, address of the first, most banks.
const KINDS: [(&str, MemType, u64, u64, u32); 6] = [
    // A DIMM of a U200 or U250.
    ("DDR", MemType::Ddr4, 16 << 20, 0, 4),
    // A pseudo channel of a U280 or U55C.
    ("HBM", MemType::Hbm, 256 << 10, 0x40_0000_0000, 32),
    ("PLRAM", MemType::Bram, 128, 0x30_0000_0000, 6),
    // Memory of the host, which the card reaches over PCIe.
    ("HOST", MemType::Host, 16 << 20, 0x20_0000_0000, 1),
    // Versal's.
    ("MC_NOC", MemType::Ddr4, 8 << 20, 0x500_0000_0000, 4),
    ("LPDDR", MemType::Ddr4, 4 << 20, 0x600_0000_0000, 4),
];

/// The names of the kinds there are.
fn kinds() -> String {
    KINDS.map(|kind| kind.0).join(", ")
}

/// The banks of a card, in the order of their kinds and indices.
#[derive(Debug, Default)]
pub(super) struct Memories {
    /// (index in `KINDS`, index of the bank).
    banks: Vec<(usize, u32)>,
}

impl Memories {
    /// Adds banks, unless they are there already.
    pub(super) fn add(&mut self, range: &BankRange) -> Result<(), String> {
        for key in keys(range)? {
            if let Err(at) = self.banks.binary_search(&key) {
                self.banks.insert(at, key);
            }
        }
        Ok(())
    }

    /// Positions of banks that were added.
    pub(super) fn positions(&self, range: &BankRange) -> Vec<usize> {
        let keys = keys(range).into_iter().flatten();
        keys.filter_map(|key| self.banks.binary_search(&key).ok())
            .collect()
    }

    pub(super) fn banks(&self) -> impl Iterator<Item = Bank> {
        self.banks.iter().map(|&(kind, index)| {
            let (name, kind, size_kib, base, _) = KINDS[kind];
            Bank {
                tag: format!("{name}[{index}]"),
                kind,
                used: true,
                size_kib,
                base_address: base + u64::from(index) * size_kib * 1024,
            }
        })
    }
}

fn keys(range: &BankRange) -> Result<impl Iterator<Item = (usize, u32)> + use<>, String> {
    // Versal's memory controllers are numbered in their names.
    let name = if range.kind.starts_with("MC_NOC") {
        "MC_NOC"
    } else {
        &range.kind
    };
    let kind = KINDS
        .iter()
        .position(|kind| kind.0 == name)
        .ok_or_else(|| format!("there is no memory `{}`; there are {}", range.kind, kinds()))?;
    let most = KINDS[kind].4;
    if *range.indices.end() >= most {
        return Err(format!(
            "{}[{}] does not exist: a simulated card has at most {most} of them",
            range.kind,
            range.indices.end()
        ));
    }
    Ok(range.indices.clone().map(move |index| (kind, index)))
}
