//! `MEM_TOPOLOGY` (and `GROUP_TOPOLOGY`, the same structure): the memories of a card.

use std::fmt;

use bytemuck::{Pod, Zeroable};
use serde::Serialize;

use crate::error::Result;
use crate::section::SectionKind;
use crate::table::{Table, field, text};

/// `struct mem_data`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct RawMemData {
    kind: u8,
    used: u8,
    padding: [u8; 6],
    size: u64,
    base_address: u64,
    tag: [u8; 16],
}

const _: () = assert!(size_of::<RawMemData>() == 40);

/// The memories of a card, in the order that bank indices count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemTopology {
    /// The entries.
    pub banks: Vec<Bank>,
}

/// One memory, or one stream connection (`struct mem_data`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bank {
    /// Name, at most 15 bytes, for instance `DDR[0]`.
    pub tag: String,
    /// Kind of memory.
    pub kind: MemType,
    /// Whether the image uses it; XRT refuses buffers in a bank that it does not.
    pub used: bool,
    /// Size in KiB; the route id in entries of a stream kind.
    pub size_kib: u64,
    /// First address on the card; the flow id in entries of a stream kind.
    pub base_address: u64,
}

/// `enum MEM_TYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemType {
    /// `MEM_DDR3`.
    Ddr3,
    /// `MEM_DDR4`.
    Ddr4,
    /// `MEM_DRAM`.
    Dram,
    /// `MEM_STREAMING`.
    Streaming,
    /// `MEM_PREALLOCATED_GLOB`.
    PreallocatedGlob,
    /// `MEM_ARE`, Aurora.
    Are,
    /// `MEM_HBM`.
    Hbm,
    /// `MEM_BRAM`.
    Bram,
    /// `MEM_URAM`.
    Uram,
    /// `MEM_STREAMING_CONNECTION`.
    StreamingConnection,
    /// `MEM_HOST`.
    Host,
    /// `MEM_PS_KERNEL`.
    PsKernel,
    /// A number that is not in the list.
    Unknown(u8),
}

impl MemType {
    const NAMED: [(MemType, &'static str); 12] = [
        (MemType::Ddr3, "MEM_DDR3"),
        (MemType::Ddr4, "MEM_DDR4"),
        (MemType::Dram, "MEM_DRAM"),
        (MemType::Streaming, "MEM_STREAMING"),
        (MemType::PreallocatedGlob, "MEM_PREALLOCATED_GLOB"),
        (MemType::Are, "MEM_ARE"),
        (MemType::Hbm, "MEM_HBM"),
        (MemType::Bram, "MEM_BRAM"),
        (MemType::Uram, "MEM_URAM"),
        (MemType::StreamingConnection, "MEM_STREAMING_CONNECTION"),
        (MemType::Host, "MEM_HOST"),
        (MemType::PsKernel, "MEM_PS_KERNEL"),
    ];

    /// Whether the entry is a stream connection and so has neither size nor address.
    pub fn is_stream(self) -> bool {
        matches!(self, MemType::Streaming | MemType::StreamingConnection)
    }
}

impl From<u8> for MemType {
    fn from(number: u8) -> Self {
        Self::NAMED
            .get(usize::from(number))
            .map_or(MemType::Unknown(number), |entry| entry.0)
    }
}

impl From<MemType> for u8 {
    fn from(kind: MemType) -> Self {
        match kind {
            MemType::Unknown(number) => number,
            named => MemType::NAMED
                .iter()
                .zip(0..)
                .find_map(|(entry, number)| (entry.0 == named).then_some(number))
                .expect("every named kind is in the list"),
        }
    }
}

impl fmt::Display for MemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMED.iter().find(|entry| entry.0 == *self) {
            Some(entry) => f.pad(entry.1),
            None => f.pad(&format!("UNKNOWN({})", u8::from(*self))),
        }
    }
}

impl Serialize for MemType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl MemTopology {
    fn table(kind: SectionKind) -> Table {
        Table {
            kind,
            count_size: 4,
            first: 8,
        }
    }

    pub(crate) fn parse(kind: SectionKind, data: &[u8]) -> Result<Self> {
        let entries = Self::table(kind).read::<RawMemData>(data)?;
        let banks = entries
            .iter()
            .map(|raw| Bank {
                tag: text(&raw.tag),
                kind: raw.kind.into(),
                used: raw.used != 0,
                size_kib: raw.size,
                base_address: raw.base_address,
            })
            .collect();
        Ok(MemTopology { banks })
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let entries = self
            .banks
            .iter()
            .map(|bank| {
                Ok(RawMemData {
                    kind: bank.kind.into(),
                    used: bank.used.into(),
                    padding: [0; 6],
                    size: bank.size_kib,
                    base_address: bank.base_address,
                    tag: field("bank name", &bank.tag)?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Self::table(SectionKind::MemTopology).write(&entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_c_structures() {
        let topology = MemTopology {
            banks: vec![Bank {
                tag: "DDR[0]".into(),
                kind: MemType::Ddr4,
                used: true,
                size_kib: 0x100_0000,
                base_address: 0x4_0000_0000,
            }],
        };
        let bytes = topology.to_bytes().unwrap();
        assert_eq!(bytes.len(), 48);
        assert_eq!(bytes[..10], [1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(bytes[16..24], 0x100_0000u64.to_le_bytes());
        assert_eq!(bytes[24..32], 0x4_0000_0000u64.to_le_bytes());
        assert_eq!(bytes[32..39], *b"DDR[0]\0");
        assert_eq!(
            MemTopology::parse(SectionKind::GroupTopology, &bytes).unwrap(),
            topology
        );
    }

    #[test]
    fn every_memory_type_number_survives() {
        for number in 0..=u8::MAX {
            assert_eq!(u8::from(MemType::from(number)), number);
        }
        assert_eq!(MemType::from(6), MemType::Hbm);
        assert_eq!(MemType::from(200).to_string(), "UNKNOWN(200)");
    }
}
