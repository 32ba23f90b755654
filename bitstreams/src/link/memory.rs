//! The memories of a simulated card, with sizes and addresses like those of Alveo cards.

use xclbin::{Bank, MemType};

use super::config::BankRange;

/// A kind of memory: how `sp` names it, what it is, KiB a bank, address of the first, most banks.
///
/// Host programs name banks by their numbers, so the kinds are in the order that Alveo cards have them in: HBM before DDR
/// (U280), and PLRAM and the host's memory after them.
const KINDS: [(&str, MemType, u64, u64, u32); 6] = [
    // A pseudo channel of a U280 or U55C.
    ("HBM", MemType::Hbm, 256 << 10, 0x40_0000_0000, 32),
    // A DIMM of a U200 or U250.
    ("DDR", MemType::Ddr4, 16 << 20, 0, 4),
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
    /// Adds banks, and those before them so that `HBM[3]` is the fourth, unless they are there already.
    pub(super) fn add(&mut self, range: &BankRange) -> Result<(), String> {
        let all = BankRange {
            kind: range.kind.clone(),
            indices: 0..=*range.indices.end(),
        };
        for key in keys(&all)? {
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

    /// Position of the bank that arguments reach unless told: of `DDR[0]`, or the first.
    pub(super) fn default_position(&self) -> usize {
        let ddr = |key: &(usize, u32)| KINDS[key.0].0 == "DDR";
        self.banks.iter().position(ddr).unwrap_or(0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banks_have_the_numbers_that_programs_for_cards_with_hbm_use() {
        let mut memories = Memories::default();
        for range in ["DDR[0:1]", "PLRAM[0]", "HBM[2:3]"] {
            memories
                .add(&range.parse().expect("a range"))
                .expect("they exist");
        }
        let tags: Vec<_> = memories.banks().map(|bank| bank.tag).collect();
        let expected = [
            "HBM[0]", "HBM[1]", "HBM[2]", "HBM[3]", "DDR[0]", "DDR[1]", "PLRAM[0]",
        ];
        assert_eq!(tags, expected);
        assert_eq!(memories.default_position(), 4);
        assert_eq!(
            memories.positions(&"HBM[2:3]".parse().expect("a range")),
            [2, 3]
        );
    }
}
