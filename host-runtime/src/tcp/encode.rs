//! Making descriptors: every field checked against what its profile can hold.

use md5::{Digest, Md5};
use thiserror::Error;

use super::{
    Checksum, Descriptor, Layout, Profile, RiskLevel,
    descriptor::{CHECKED_BYTES, MAGIC, VERSION},
    profile::{UnknownCapability, VENDOR_MASK},
};

/// The command hash of a name: the first four bytes of its MD5, big-endian.
pub fn command_hash(name: &str) -> u32 {
    let digest = Md5::digest(name.as_bytes());
    u32::from_be_bytes(std::array::from_fn(|i| digest[i]))
}

/// Builds one well-formed descriptor.
///
/// Costs are taken as `u64` so that a value too large for its field is an error of
/// [`build`](Self::build) that names the field, not a silent cut.
///
/// ```
/// use host_runtime::tcp::{DescriptorBuilder, Profile, RiskLevel};
///
/// let git = DescriptorBuilder::new(Profile::Compact, "git", RiskLevel::MediumRisk)
///     .capability("FILE_MODIFICATION")?
///     .capability("REQUIRES_ROOT")?
///     .exec_ms(2000)
///     .memory_mb(200)
///     .output_kb(3474)
///     .build()?;
/// assert_eq!(git.to_string(), "544350020002ba9f11ec0000024407d000c80d920003f202");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct DescriptorBuilder {
    profile: Profile,
    checksum: Checksum,
    command: String,
    flags: u32,
    vendor_flags: u32,
    exec_ms: u64,
    memory_mb: u64,
    output_kb: u64,
}

impl DescriptorBuilder {
    /// A descriptor of that command at that risk, with no capabilities and no costs.
    pub fn new(profile: Profile, command: impl Into<String>, risk: RiskLevel) -> Self {
        Self {
            profile,
            checksum: profile.checksum(),
            command: command.into(),
            flags: 1 << risk.bit(),
            vendor_flags: 0,
            exec_ms: 0,
            memory_mb: 0,
            output_kb: 0,
        }
    }

    /// Adds a capability by its name in the profile.
    ///
    /// # Errors
    ///
    /// [`UnknownCapability`] when the profile has none of that name.
    pub fn capability(mut self, name: &str) -> Result<Self, UnknownCapability> {
        self.flags |= self.profile.capability_mask(name)?;
        Ok(self)
    }

    /// Sets the vendor bits, 16..=31 of the security flags.
    pub fn vendor_flags(mut self, flags: u32) -> Self {
        self.vendor_flags = flags;
        self
    }

    /// Sets the execution time in milliseconds.
    pub fn exec_ms(mut self, exec_ms: u64) -> Self {
        self.exec_ms = exec_ms;
        self
    }

    /// Sets the memory use in megabytes.
    pub fn memory_mb(mut self, memory_mb: u64) -> Self {
        self.memory_mb = memory_mb;
        self
    }

    /// Sets the output size in kilobytes.
    pub fn output_kb(mut self, output_kb: u64) -> Self {
        self.output_kb = output_kb;
        self
    }

    /// Uses another checksum than the profile's.
    pub fn checksum(mut self, checksum: Checksum) -> Self {
        self.checksum = checksum;
        self
    }

    /// The descriptor.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when a value does not fit its field.
    pub fn build(&self) -> Result<Descriptor, EncodeError> {
        if self.command.is_empty() {
            return Err(EncodeError::EmptyCommand);
        }
        if self.vendor_flags & !VENDOR_MASK != 0 {
            return Err(EncodeError::VendorFlags(self.vendor_flags));
        }
        let layout = self.profile.layout();
        let exec_ms = self.fit("exec_ms", self.exec_ms, layout.max_exec_ms())?;
        let memory_mb = self.fit("memory_mb", self.memory_mb, u16::MAX.into())? as u16;
        let output_kb = self.fit("output_kb", self.output_kb, u16::MAX.into())? as u16;

        let mut bytes = Vec::with_capacity(Descriptor::SIZE);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(command_hash(&self.command).to_be_bytes());
        bytes.extend((self.flags | self.vendor_flags).to_be_bytes());
        match layout {
            Layout::Compact => bytes.extend((exec_ms as u16).to_be_bytes()),
            Layout::Wide => bytes.extend(exec_ms.to_be_bytes()),
        }
        bytes.extend(memory_mb.to_be_bytes());
        bytes.extend(output_kb.to_be_bytes());
        if layout == Layout::Compact {
            let length = self.command.len() as u64;
            let name_len = self.fit("name_len", length, u16::MAX.into())? as u16;
            bytes.extend(name_len.to_be_bytes());
        }

        let mut descriptor = Descriptor([0; Descriptor::SIZE]);
        descriptor.0[..CHECKED_BYTES].copy_from_slice(&bytes);
        descriptor.write_checksum(self.checksum);
        Ok(descriptor)
    }

    fn fit(&self, field: &'static str, value: u64, max: u32) -> Result<u32, EncodeError> {
        u32::try_from(value)
            .ok()
            .filter(|value| *value <= max)
            .ok_or(EncodeError::OutOfRange {
                field,
                value,
                max,
                profile: self.profile,
            })
    }
}

/// Why a descriptor cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The command's name is empty.
    #[error("the command's name is empty; a descriptor needs one for its hash")]
    EmptyCommand,
    /// A value is larger than its field.
    #[error("{field} is {value}, but the {profile} profile holds at most {max}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// The value given.
        value: u64,
        /// The largest value that fits.
        max: u32,
        /// The profile.
        profile: Profile,
    },
    /// A bit below 16 is given as a vendor bit.
    #[error("vendor flags {0:#010x} have bits below 16; name capabilities instead")]
    VendorFlags(u32),
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::tcp::{Options, Policy, decode::Decoded, golden};

    #[test]
    fn the_known_vectors_are_made_from_their_fields() {
        let bang = DescriptorBuilder::new(Profile::Wide, "!", RiskLevel::Safe);
        let bang = bang.exec_ms(100).memory_mb(10).output_kb(1);
        // The published entry sets bit 10, REQUIRES_ROOT in the wide profile.
        let bang = bang.capability("REQUIRES_ROOT").unwrap().build().unwrap();
        assert_eq!(
            bang.to_string(),
            "5443500200029033e0e30000040100000064000a000103e5"
        );
    }

    proptest! {
        #[test]
        fn what_is_built_is_well_formed_and_decodes_to_its_fields(
            profile in select(&Profile::ALL),
            checksum in select(&Checksum::ALL),
            risk in select(&RiskLevel::ALL),
            command in "\\PC{1,40}",
            exec_ms: u32,
            memory_mb: u16,
            output_kb: u16,
            vendor: u16,
            chosen: u8,
        ) {
            let exec_ms = exec_ms & profile.layout().max_exec_ms();
            let mut builder = DescriptorBuilder::new(profile, &command, risk)
                .checksum(checksum)
                .exec_ms(exec_ms.into())
                .memory_mb(memory_mb.into())
                .output_kb(output_kb.into())
                .vendor_flags(u32::from(vendor) << 16);
            let mut names = Vec::new();
            for (index, capability) in profile.capabilities().iter().enumerate() {
                if chosen >> index & 1 == 1 {
                    builder = builder.capability(capability.name).unwrap();
                    names.push(capability.name);
                }
            }
            let descriptor = builder.build().unwrap();

            let options = Options { checksum, ..Options::for_profile(profile) };
            let policy = Policy::for_profile(profile);
            prop_assert!(golden::evaluate(&descriptor, options, &policy).verdict().is_valid());

            let decoded = Decoded::with_checksum(&descriptor, profile, checksum);
            prop_assert_eq!(decoded.cause, None);
            prop_assert_eq!(decoded.risk, Some(risk));
            prop_assert_eq!(decoded.capabilities, names);
            prop_assert_eq!(decoded.exec_ms, exec_ms);
            prop_assert_eq!(decoded.memory_mb, memory_mb);
            prop_assert_eq!(decoded.output_kb, output_kb);
            prop_assert_eq!(decoded.flags, format!("{:08x}", descriptor.flags()));
            prop_assert_eq!(descriptor.flags() >> 16, u32::from(vendor));
            let name_len = (profile == Profile::Compact).then_some(command.len() as u16);
            prop_assert_eq!(decoded.name_len, name_len);
        }
    }

    #[test]
    fn a_value_past_its_field_is_refused_by_name() {
        let builder = |profile| DescriptorBuilder::new(profile, "x", RiskLevel::Safe);
        let cases = [
            (builder(Profile::Compact).exec_ms(0x1_0000), "exec_ms"),
            (builder(Profile::Wide).exec_ms(0x1_0000_0000), "exec_ms"),
            (builder(Profile::Wide).memory_mb(0x1_0000), "memory_mb"),
            (builder(Profile::Compact).output_kb(u64::MAX), "output_kb"),
            (
                DescriptorBuilder::new(Profile::Compact, "x".repeat(0x1_0000), RiskLevel::Safe),
                "name_len",
            ),
        ];
        for (builder, name) in cases {
            let error = builder.build().unwrap_err();
            assert!(
                matches!(error, EncodeError::OutOfRange { field, .. } if field == name),
                "{name}: {error}"
            );
        }
        assert!(builder(Profile::Wide).exec_ms(0xffff_ffff).build().is_ok());
    }

    #[test]
    fn an_empty_command_and_stray_vendor_bits_are_refused() {
        let empty = DescriptorBuilder::new(Profile::Wide, "", RiskLevel::Safe);
        assert_eq!(empty.build(), Err(EncodeError::EmptyCommand));
        let stray =
            DescriptorBuilder::new(Profile::Wide, "x", RiskLevel::Safe).vendor_flags(0x8000);
        assert_eq!(stray.build(), Err(EncodeError::VendorFlags(0x8000)));
    }
}
