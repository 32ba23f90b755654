//! Taking descriptors apart for people and for reports: every field by its name.

use serde::Serialize;

use super::{
    Cause, Checksum, Descriptor, Options, Profile, RiskLevel, golden,
    profile::{RISK_MASK, VENDOR_MASK},
};

/// Every field of a descriptor as one profile reads it, well-formed or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decoded {
    /// The 24 bytes as 48 hex digits.
    pub bytes: String,
    /// The profile it is read by.
    pub profile: Profile,
    /// Why it is malformed; `None` when well-formed.
    pub cause: Option<Cause>,
    /// Bytes 0..4 as hex digits.
    pub magic: String,
    /// The version field.
    pub version: u16,
    /// The command hash as eight hex digits.
    pub command_hash: String,
    /// The security flags as eight hex digits.
    pub flags: String,
    /// The risk level, if exactly one is set.
    pub risk: Option<RiskLevel>,
    /// Every risk level that is set.
    pub risk_bits: Vec<RiskLevel>,
    /// The capabilities that are set, by name.
    pub capabilities: Vec<&'static str>,
    /// The numbers of the profile's reserved bits that are set.
    pub reserved_bits: Vec<u32>,
    /// The numbers of the vendor bits that are set.
    pub vendor_bits: Vec<u32>,
    /// The execution time in milliseconds.
    pub exec_ms: u32,
    /// The memory use in megabytes.
    pub memory_mb: u16,
    /// The output size in kilobytes.
    pub output_kb: u16,
    /// The length of the command's name in bytes, where the layout has it.
    pub name_len: Option<u16>,
    /// The checksum.
    pub checksum: DecodedChecksum,
}

/// The checksum of a descriptor, as stored and as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecodedChecksum {
    /// The algorithm.
    pub algorithm: Checksum,
    /// The stored value as four hex digits.
    pub stored: String,
    /// The value that the bytes call for, as four hex digits.
    pub expected: String,
    /// Whether the two agree.
    pub ok: bool,
}

impl Decoded {
    /// Reads a descriptor as its profile does.
    pub fn new(descriptor: &Descriptor, profile: Profile) -> Self {
        Self::with_checksum(descriptor, profile, profile.checksum())
    }

    /// Reads a descriptor as its profile does, but for the checksum.
    pub fn with_checksum(descriptor: &Descriptor, profile: Profile, checksum: Checksum) -> Self {
        let layout = profile.layout();
        let flags = descriptor.flags();
        let options = Options {
            checksum,
            ..Options::for_profile(profile)
        };
        let stored = descriptor.stored_checksum();
        let expected = descriptor.expected_checksum(checksum);
        Self {
            bytes: descriptor.to_string(),
            profile,
            cause: golden::check(descriptor, options, profile.reserved_mask()).err(),
            magic: hex::encode(descriptor.magic()),
            version: descriptor.version(),
            command_hash: format!("{:08x}", descriptor.command_hash()),
            flags: format!("{flags:08x}"),
            risk: RiskLevel::from_flags(flags),
            risk_bits: bits(flags & RISK_MASK)
                .map(|bit| RiskLevel::ALL[bit as usize])
                .collect(),
            capabilities: profile.capability_names(flags).collect(),
            reserved_bits: bits(flags & profile.reserved_mask()).collect(),
            vendor_bits: bits(flags & VENDOR_MASK).collect(),
            exec_ms: descriptor.exec_ms(layout),
            memory_mb: descriptor.memory_mb(layout),
            output_kb: descriptor.output_kb(layout),
            name_len: descriptor.name_len(layout),
            checksum: DecodedChecksum {
                algorithm: checksum,
                stored: format!("{stored:04x}"),
                expected: format!("{expected:04x}"),
                ok: stored == expected,
            },
        }
    }
}

fn bits(mask: u32) -> impl Iterator<Item = u32> {
    (0..u32::BITS).filter(move |bit| mask >> bit & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_broken_rm_is_explained() {
        let rm = "544350020002d67f249b0000022f138801f40032000296f8"
            .parse()
            .unwrap();
        let decoded = Decoded::new(&rm, Profile::Compact);
        assert_eq!(decoded.cause, Some(Cause::BadChecksum));
        assert_eq!(decoded.checksum.stored, "96f8");
        assert_eq!(decoded.checksum.expected, "fd61");
        assert!(!decoded.checksum.ok);
        assert_eq!(decoded.risk, None);
        assert_eq!(decoded.risk_bits, RiskLevel::ALL[..4]);
        assert_eq!(decoded.reserved_bits, [5]);
        assert_eq!(decoded.capabilities, ["FILE_MODIFICATION"]);
        assert_eq!((decoded.exec_ms, decoded.name_len), (5000, Some(2)));
    }

    #[test]
    fn the_profile_names_the_bits_and_places_the_costs() {
        let bang = "5443500200029033e0e30001040100000064000a000103e5"
            .parse()
            .unwrap();
        let wide = Decoded::new(&bang, Profile::Wide);
        assert_eq!(wide.capabilities, ["REQUIRES_ROOT"]);
        assert_eq!(wide.vendor_bits, [16]);
        assert_eq!((wide.exec_ms, wide.memory_mb, wide.output_kb), (100, 10, 1));
        let compact = Decoded::new(&bang, Profile::Compact);
        assert_eq!(compact.capabilities, ["SYSTEM_MODIFICATION"]);
        assert_eq!(
            (compact.exec_ms, compact.memory_mb, compact.output_kb),
            (0, 100, 10)
        );
    }
}
