//! Section kinds and the view of one section: numbers from `enum axlf_section_kind`, names as
//! `xclbinutil` prints them, and room for kinds that nobody here has heard of.

use std::fmt;

macro_rules! section_kinds {
    ($($variant:ident = $number:literal, $name:literal;)*) => {
        /// Kind of a section (`enum axlf_section_kind` of XRT's `xclbin.h`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum SectionKind {
            $(#[doc = concat!("`", $name, "`, ", $number, ".")] $variant,)*
            /// A number that is not in the list; the section is kept as it is.
            Unknown(u32),
        }

        impl From<u32> for SectionKind {
            fn from(number: u32) -> Self {
                match number {
                    $($number => SectionKind::$variant,)*
                    other => SectionKind::Unknown(other),
                }
            }
        }

        impl From<SectionKind> for u32 {
            fn from(kind: SectionKind) -> Self {
                match kind {
                    $(SectionKind::$variant => $number,)*
                    SectionKind::Unknown(number) => number,
                }
            }
        }

        impl fmt::Display for SectionKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(SectionKind::$variant => f.pad($name),)*
                    SectionKind::Unknown(number) => f.pad(&format!("UNKNOWN({number})")),
                }
            }
        }
    };
}

section_kinds! {
    Bitstream = 0, "BITSTREAM";
    ClearingBitstream = 1, "CLEARING_BITSTREAM";
    EmbeddedMetadata = 2, "EMBEDDED_METADATA";
    Firmware = 3, "FIRMWARE";
    DebugData = 4, "DEBUG_DATA";
    SchedFirmware = 5, "SCHED_FIRMWARE";
    MemTopology = 6, "MEM_TOPOLOGY";
    Connectivity = 7, "CONNECTIVITY";
    IpLayout = 8, "IP_LAYOUT";
    DebugIpLayout = 9, "DEBUG_IP_LAYOUT";
    DesignCheckpoint = 10, "DESIGN_CHECKPOINT";
    ClockFreqTopology = 11, "CLOCK_FREQ_TOPOLOGY";
    Mcs = 12, "MCS";
    Bmc = 13, "BMC";
    BuildMetadata = 14, "BUILD_METADATA";
    KeyvalueMetadata = 15, "KEYVALUE_METADATA";
    UserMetadata = 16, "USER_METADATA";
    DnaCertificate = 17, "DNA_CERTIFICATE";
    Pdi = 18, "PDI";
    BitstreamPartialPdi = 19, "BITSTREAM_PARTIAL_PDI";
    PartitionMetadata = 20, "PARTITION_METADATA";
    EmulationData = 21, "EMULATION_DATA";
    SystemMetadata = 22, "SYSTEM_METADATA";
    SoftKernel = 23, "SOFT_KERNEL";
    Flash = 24, "FLASH";
    AieMetadata = 25, "AIE_METADATA";
    GroupTopology = 26, "GROUP_TOPOLOGY";
    GroupConnectivity = 27, "GROUP_CONNECTIVITY";
    Smartnic = 28, "SMARTNIC";
    AieResources = 29, "AIE_RESOURCES";
    Overlay = 30, "OVERLAY";
    VenderMetadata = 31, "VENDER_METADATA";
    AiePartition = 32, "AIE_PARTITION";
    IpMetadata = 33, "IP_METADATA";
    AieResourcesBin = 34, "AIE_RESOURCES_BIN";
    AieTraceMetadata = 35, "AIE_TRACE_METADATA";
    Dtbo = 36, "DTBO";
}

/// One section of an image: where it lies and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// What it holds.
    pub kind: SectionKind,
    /// `m_sectionName`, at most 16 bytes, often empty. Bytes that are not UTF-8 end the name.
    pub name: &'a str,
    /// Offset in the file, bytes.
    pub offset: u64,
    /// Content.
    pub data: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_and_known_ones_have_xclbinutil_names() {
        for number in 0..100 {
            assert_eq!(u32::from(SectionKind::from(number)), number);
        }
        assert_eq!(SectionKind::from(24).to_string(), "FLASH");
        assert_eq!(SectionKind::from(26).to_string(), "GROUP_TOPOLOGY");
        assert_eq!(SectionKind::from(36).to_string(), "DTBO");
        assert_eq!(SectionKind::from(37), SectionKind::Unknown(37));
        assert_eq!(SectionKind::Unknown(99).to_string(), "UNKNOWN(99)");
    }
}
