//! Which PCI functions are FPGA cards, and what they are called.

use crate::lease::CardResources;

/// AMD, as Xilinx.
const XILINX: u16 = 0x10EE;
/// Altera, before it was Intel's.
const ALTERA: u16 = 0x1172;
const INTEL: u16 = 0x8086;
const AMAZON: u16 = 0x1D0F;

/// PCI class of processing accelerators. Amazon's other devices have other ones.
const CLASS_ACCELERATOR: u32 = 0x12;

/// What a function is, as far as it matters for who can drive it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of an Alveo card with XRT's shell: programs work with it.
    AlveoUser,
    /// Of the same cards: the one that XRT's tools flash and reset.
    AlveoManagement,
    /// AMD's PCIe cores in a design of somebody's own: ours, perhaps.
    Custom,
    /// Intel's and Altera's cards.
    Intel,
    /// Those of Amazon's machines.
    Amazon,
}

/// A function that is an FPGA card's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) resources: CardResources,
}

const fn size(memory_gib: u64, luts: u64, dsps: u64) -> CardResources {
    CardResources {
        memory: Some(memory_gib << 30),
        luts: Some(luts),
        dsps: Some(dsps),
    }
}

/// Alveo cards with XRT's shell: identifiers of the management function, the next one is the user function's (XRT's
/// `xocl` and `xclmgmt` drivers); sizes of AMD's data sheets DS962 (U200, U250), DS963 (U280), DS965 (U50), DS978 (U55C).
const ALVEO: [(u16, &str, CardResources); 6] = [
    (0x5000, "Alveo U200", size(64, 1_182_000, 6840)),
    (0x5004, "Alveo U250", size(64, 1_728_000, 12_288)),
    (0x500C, "Alveo U280", size(40, 1_304_000, 9024)),
    (0x5020, "Alveo U50", size(8, 872_000, 5952)),
    (0x5044, "Versal VCK5000", UNKNOWN),
    (0x505C, "Alveo U55C", size(16, 1_304_000, 9024)),
];

const UNKNOWN: CardResources = CardResources {
    memory: None,
    luts: None,
    dsps: None,
};

/// Intel's FPGA cards: among its thousands of devices nothing but the identifier tells them.
const INTEL_CARDS: [(u16, &str); 6] = [
    (0x09C4, "Programmable Acceleration Card, Arria 10"),
    (0xBCBD, "Arria 10, integrated, physical function"),
    (0xBCC0, "Xeon with integrated FPGA, physical function"),
    (0x0B2B, "Programmable Acceleration Card D5005, Stratix 10"),
    (0x0B30, "Programmable Acceleration Card N3000"),
    (0xBCCE, "Open FPGA Stack, physical function"),
];

impl Model {
    /// What the function with these identifiers is; `None` if it is no FPGA card's.
    pub(super) fn of(vendor: u16, device: u16, class: u32) -> Option<Self> {
        let known = |maker: &str, name: &str, kind, resources| Self {
            name: format!("{maker} {name}"),
            kind,
            resources,
        };
        let named = |maker: &str, kind| {
            let name = pci_ids::Device::from_vid_pid(vendor, device).map(|device| device.name());
            let name = name.map_or_else(|| format!("device {device:04x}"), str::to_owned);
            known(maker, &name, kind, UNKNOWN)
        };
        match vendor {
            XILINX => Some(
                ALVEO
                    .iter()
                    .find_map(|&(management, name, resources)| match device {
                        _ if device == management => {
                            let name = format!("{name}, management function");
                            Some(known("AMD", &name, Kind::AlveoManagement, resources))
                        }
                        _ if device == management + 1 => {
                            Some(known("AMD", name, Kind::AlveoUser, resources))
                        }
                        _ => None,
                    })
                    .unwrap_or_else(|| named("AMD/Xilinx", Kind::Custom)),
            ),
            ALTERA => Some(named("Intel/Altera", Kind::Intel)),
            INTEL => {
                let card = INTEL_CARDS.iter().find(|(known, _)| *known == device);
                card.map(|(_, name)| known("Intel", name, Kind::Intel, UNKNOWN))
            }
            AMAZON if class >> 16 == CLASS_ACCELERATOR => Some(named("Amazon", Kind::Amazon)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fpga_cards_are_known_and_other_devices_are_not() {
        let kind = |vendor, device, class| Model::of(vendor, device, class).map(|model| model.kind);
        assert_eq!(kind(XILINX, 0x5004, 0x120000), Some(Kind::AlveoManagement));
        assert_eq!(kind(XILINX, 0x5005, 0x120000), Some(Kind::AlveoUser));
        assert_eq!(kind(XILINX, 0x903F, 0x120000), Some(Kind::Custom));
        assert_eq!(kind(INTEL, 0x09C4, 0x120000), Some(Kind::Intel));
        assert_eq!(kind(ALTERA, 0x0004, 0x120000), Some(Kind::Intel));
        assert_eq!(kind(AMAZON, 0xF001, 0x120000), Some(Kind::Amazon));
        // A network card, and Amazon's.
        assert_eq!(kind(INTEL, 0x1533, 0x020000), None);
        assert_eq!(kind(AMAZON, 0xEC20, 0x020000), None);
        let user = Model::of(XILINX, 0x5005, 0x120000).unwrap();
        assert_eq!(
            (&*user.name, user.resources.dsps),
            ("AMD Alveo U250", Some(12_288))
        );
    }
}
