//! `CLOCK_FREQ_TOPOLOGY`: the clocks of an image.

use std::fmt;

use bytemuck::{Pod, Zeroable};
use serde::Serialize;

use crate::error::Result;
use crate::section::SectionKind;
use crate::table::{Table, field, text};

/// `struct clock_freq`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct RawClockFreq {
    mhz: u16,
    kind: u8,
    unused: [u8; 5],
    name: [u8; 128],
}

const _: () = assert!(size_of::<RawClockFreq>() == 136);

const TABLE: Table = Table {
    kind: SectionKind::ClockFreqTopology,
    count_size: 2,
    first: 2,
};

/// The clocks of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClockFrequencies {
    /// The entries.
    pub clocks: Vec<Clock>,
}

/// One clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// Name, at most 127 bytes, for instance `KERNEL_CLK`.
    pub name: String,
    /// Frequency, MHz.
    pub mhz: u16,
    /// What it drives.
    pub kind: ClockType,
}

/// `enum CLOCK_TYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClockType {
    /// `CT_UNUSED`.
    Unused,
    /// `CT_DATA`: `ap_clk` of the kernels, on most platforms.
    Data,
    /// `CT_KERNEL`: `ap_clk_2` of the kernels, on most platforms.
    Kernel,
    /// `CT_SYSTEM`.
    System,
    /// A number that is not in the list.
    Unknown(u8),
}

impl From<u8> for ClockType {
    fn from(number: u8) -> Self {
        match number {
            0 => ClockType::Unused,
            1 => ClockType::Data,
            2 => ClockType::Kernel,
            3 => ClockType::System,
            other => ClockType::Unknown(other),
        }
    }
}

impl From<ClockType> for u8 {
    fn from(kind: ClockType) -> Self {
        match kind {
            ClockType::Unused => 0,
            ClockType::Data => 1,
            ClockType::Kernel => 2,
            ClockType::System => 3,
            ClockType::Unknown(number) => number,
        }
    }
}

impl fmt::Display for ClockType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClockType::Unused => f.pad("UNUSED"),
            ClockType::Data => f.pad("DATA"),
            ClockType::Kernel => f.pad("KERNEL"),
            ClockType::System => f.pad("SYSTEM"),
            ClockType::Unknown(number) => f.pad(&format!("UNKNOWN({number})")),
        }
    }
}

impl Serialize for ClockType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl ClockFrequencies {
    pub(crate) fn parse(data: &[u8]) -> Result<Self> {
        let clocks = TABLE
            .read::<RawClockFreq>(data)?
            .iter()
            .map(|raw| Clock {
                name: text(&raw.name),
                mhz: raw.mhz,
                kind: raw.kind.into(),
            })
            .collect();
        Ok(ClockFrequencies { clocks })
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let entries = self
            .clocks
            .iter()
            .map(|clock| {
                Ok(RawClockFreq {
                    mhz: clock.mhz,
                    kind: clock.kind.into(),
                    unused: [0; 5],
                    name: field("clock name", &clock.name)?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        TABLE.write(&entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_follow_a_two_byte_count() {
        let clocks = ClockFrequencies {
            clocks: vec![Clock {
                name: "DATA_CLK".into(),
                mhz: 300,
                kind: ClockType::Data,
            }],
        };
        let bytes = clocks.to_bytes().unwrap();
        assert_eq!(bytes.len(), 138);
        assert_eq!(bytes[..5], [1, 0, 44, 1, 1]);
        assert_eq!(bytes[10..19], *b"DATA_CLK\0");
        assert_eq!(ClockFrequencies::parse(&bytes).unwrap(), clocks);
        for number in 0..=u8::MAX {
            assert_eq!(u8::from(ClockType::from(number)), number);
        }
    }
}
