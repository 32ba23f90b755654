//! `IP_LAYOUT`: the compute units and other blocks on the card's control bus.

use std::fmt;

use bytemuck::{Pod, Zeroable};
use serde::Serialize;

use crate::error::Result;
use crate::kernel::ControlProtocol;
use crate::section::SectionKind;
use crate::table::{Table, field, text};

/// `struct ip_data`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct RawIpData {
    kind: u32,
    properties: u32,
    base_address: u64,
    name: [u8; 64],
}

const _: () = assert!(size_of::<RawIpData>() == 80);

const TABLE: Table = Table {
    kind: SectionKind::IpLayout,
    count_size: 4,
    first: 8,
};

/// `IP_INT_ENABLE_MASK`.
const INTERRUPT_ENABLE: u32 = 0x0001;
/// `IP_INTERRUPT_ID_MASK` and `IP_INTERRUPT_ID_SHIFT`.
const INTERRUPT_ID: (u32, u32) = (0x00FE, 1);
/// `IP_CONTROL_MASK` and `IP_CONTROL_SHIFT`.
const CONTROL: (u32, u32) = (0xFF00, 8);

/// The blocks on the control bus, sorted by base address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IpLayout {
    /// The entries, in the order that [`crate::Connection::ip_layout_index`] counts.
    pub ips: Vec<Ip>,
}

/// One block (`struct ip_data`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ip {
    /// What it is.
    pub kind: IpType,
    /// `properties`: for a kernel its control protocol and interrupt; see the accessors.
    pub properties: u32,
    /// First address on the control bus; all ones for a kernel without registers.
    pub base_address: u64,
    /// `kernel:instance` for a compute unit; at most 63 bytes.
    pub name: String,
}

/// `enum IP_TYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpType {
    /// `IP_MB`, a MicroBlaze.
    Mb,
    /// `IP_KERNEL`, a compute unit.
    Kernel,
    /// `IP_DNASC`.
    Dnasc,
    /// `IP_DDR4_CONTROLLER`.
    Ddr4Controller,
    /// `IP_MEM_DDR4`.
    MemDdr4,
    /// `IP_MEM_HBM`.
    MemHbm,
    /// `IP_MEM_HBM_ECC`.
    MemHbmEcc,
    /// `IP_PS_KERNEL`, a kernel in software on the card.
    PsKernel,
    /// A number that is not in the list.
    Unknown(u32),
}

impl IpType {
    const NAMED: [(IpType, &'static str); 8] = [
        (IpType::Mb, "IP_MB"),
        (IpType::Kernel, "IP_KERNEL"),
        (IpType::Dnasc, "IP_DNASC"),
        (IpType::Ddr4Controller, "IP_DDR4_CONTROLLER"),
        (IpType::MemDdr4, "IP_MEM_DDR4"),
        (IpType::MemHbm, "IP_MEM_HBM"),
        (IpType::MemHbmEcc, "IP_MEM_HBM_ECC"),
        (IpType::PsKernel, "IP_PS_KERNEL"),
    ];
}

impl From<u32> for IpType {
    fn from(number: u32) -> Self {
        usize::try_from(number)
            .ok()
            .and_then(|index| Self::NAMED.get(index))
            .map_or(IpType::Unknown(number), |entry| entry.0)
    }
}

impl From<IpType> for u32 {
    fn from(kind: IpType) -> Self {
        match kind {
            IpType::Unknown(number) => number,
            named => IpType::NAMED
                .iter()
                .zip(0..)
                .find_map(|(entry, number)| (entry.0 == named).then_some(number))
                .expect("every named kind is in the list"),
        }
    }
}

impl fmt::Display for IpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMED.iter().find(|entry| entry.0 == *self) {
            Some(entry) => f.pad(entry.1),
            None => f.pad(&format!("UNKNOWN({})", u32::from(*self))),
        }
    }
}

impl Serialize for IpType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Ip {
    /// Largest interrupt number that the field holds.
    pub(crate) const MAX_INTERRUPT: u32 = INTERRUPT_ID.0 >> INTERRUPT_ID.1;

    /// A compute unit. `interrupt` is its interrupt number (0..=127), `None` if it has none.
    pub(crate) fn compute_unit(
        kernel: &str,
        instance: &str,
        base_address: u64,
        control: ControlProtocol,
        interrupt: Option<u32>,
    ) -> Self {
        let interrupt = interrupt.map_or(0, |id| INTERRUPT_ENABLE | id << INTERRUPT_ID.1);
        Ip {
            kind: IpType::Kernel,
            properties: u32::from(control.number()) << CONTROL.1 | interrupt,
            base_address,
            name: format!("{kernel}:{instance}"),
        }
    }

    /// Name of the kernel, if the block is a compute unit.
    pub fn kernel(&self) -> Option<&str> {
        self.compute_unit_names().map(|names| names.0)
    }

    /// Name of the instance, if the block is a compute unit.
    pub fn instance(&self) -> Option<&str> {
        self.compute_unit_names().map(|names| names.1)
    }

    fn compute_unit_names(&self) -> Option<(&str, &str)> {
        match self.kind {
            IpType::Kernel | IpType::PsKernel => self.name.split_once(':'),
            _ => None,
        }
    }

    /// Control protocol of a compute unit; `None` for other blocks and unknown protocols.
    pub fn control(&self) -> Option<ControlProtocol> {
        (self.kind == IpType::Kernel)
            .then(|| ControlProtocol::from_number((self.properties & CONTROL.0) >> CONTROL.1))
            .flatten()
    }

    /// Interrupt number of a compute unit, if it has one that is enabled.
    pub fn interrupt(&self) -> Option<u32> {
        (self.kind == IpType::Kernel && self.properties & INTERRUPT_ENABLE != 0)
            .then_some((self.properties & INTERRUPT_ID.0) >> INTERRUPT_ID.1)
    }
}

impl IpLayout {
    /// The compute units among the blocks.
    pub fn compute_units(&self) -> impl Iterator<Item = &Ip> {
        self.ips.iter().filter(|ip| ip.kind == IpType::Kernel)
    }

    pub(crate) fn parse(data: &[u8]) -> Result<Self> {
        let ips = TABLE
            .read::<RawIpData>(data)?
            .iter()
            .map(|raw| Ip {
                kind: raw.kind.into(),
                properties: raw.properties,
                base_address: raw.base_address,
                name: text(&raw.name),
            })
            .collect();
        Ok(IpLayout { ips })
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let entries = self
            .ips
            .iter()
            .map(|ip| {
                Ok(RawIpData {
                    kind: ip.kind.into(),
                    properties: ip.properties,
                    base_address: ip.base_address,
                    name: field("compute unit name", &ip.name)?,
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
    fn a_compute_unit_has_the_bits_that_xrt_reads() {
        let ip = Ip::compute_unit(
            "vadd",
            "vadd_1",
            0x180_0000,
            ControlProtocol::ApCtrlChain,
            Some(5),
        );
        assert_eq!(ip.properties, 0x010B);
        assert_eq!((ip.kernel(), ip.instance()), (Some("vadd"), Some("vadd_1")));
        assert_eq!(
            (ip.control(), ip.interrupt()),
            (Some(ControlProtocol::ApCtrlChain), Some(5))
        );
        let layout = IpLayout { ips: vec![ip] };
        let bytes = layout.to_bytes().unwrap();
        assert_eq!(bytes.len(), 88);
        assert_eq!(bytes[8..16], [1, 0, 0, 0, 0x0B, 1, 0, 0]);
        assert_eq!(bytes[16..24], 0x180_0000u64.to_le_bytes());
        assert_eq!(bytes[24..36], *b"vadd:vadd_1\0");
        assert_eq!(IpLayout::parse(&bytes).unwrap(), layout);
    }

    #[test]
    fn a_memory_controller_is_no_compute_unit() {
        let ip = Ip {
            kind: IpType::from(5),
            properties: 0x101,
            base_address: 0,
            name: "a:b".into(),
        };
        assert_eq!(ip.kind.to_string(), "IP_MEM_HBM");
        assert_eq!(
            (ip.kernel(), ip.control(), ip.interrupt()),
            (None, None, None)
        );
        assert_eq!(u32::from(IpType::from(77)), 77);
    }
}
