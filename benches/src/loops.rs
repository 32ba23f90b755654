//! The loop over descriptors that one would write in Rust, with the usual crate for each checksum. It does what the golden
//! model does, and is as fast as such a loop gets.

use crc::{CRC_16_MODBUS, CRC_32_ISO_HDLC, Crc};
use host_runtime::tcp::{Checksum, Descriptor, Options, Policy, Verdict};

const MODBUS: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);
const CRC32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Judges with the fastest usual crate: `crc32fast`, `crc`, or a plain sum.
pub fn judge(
    descriptors: &[Descriptor],
    options: Options,
    policy: &Policy,
    verdicts: &mut [Verdict],
) {
    match options.checksum {
        Checksum::Crc32 => judge_each(descriptors, options, policy, verdicts, |bytes| {
            crc32fast::hash(bytes) as u16
        }),
        Checksum::Modbus => judge_each(descriptors, options, policy, verdicts, |bytes| {
            MODBUS.checksum(bytes)
        }),
        Checksum::Sum => judge_each(descriptors, options, policy, verdicts, |bytes| {
            bytes.iter().map(|&byte| u16::from(byte)).sum()
        }),
    }
}

/// What [`judge`] takes for a checksum.
pub const fn name(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::Crc32 => "crc32fast",
        Checksum::Modbus => "crate crc",
        Checksum::Sum => "a plain sum",
    }
}

/// Judges CRC-32 with the crate `crc`, whatever the options say of the checksum.
pub fn judge_with_crc(
    descriptors: &[Descriptor],
    options: Options,
    policy: &Policy,
    verdicts: &mut [Verdict],
) {
    judge_each(descriptors, options, policy, verdicts, |bytes| {
        CRC32.checksum(bytes) as u16
    });
}

/// The loop, with the checksum of the first 22 bytes.
#[inline(always)]
fn judge_each(
    descriptors: &[Descriptor],
    options: Options,
    policy: &Policy,
    verdicts: &mut [Verdict],
    checksum: impl Fn(&[u8]) -> u16,
) {
    for (descriptor, verdict) in descriptors.iter().zip(verdicts) {
        let bytes = descriptor.as_bytes();
        let flags = descriptor.flags();
        let risk = flags & 0x1f;
        let well_formed = bytes[..6] == *b"TCP\x02\x00\x02"
            && descriptor.stored_checksum() == checksum(&bytes[..22])
            && risk.count_ones() == 1
            && flags & policy.reserved_mask == 0;
        *verdict = Verdict::MALFORMED;
        if !well_formed {
            continue;
        }
        let level = risk.trailing_zeros() as u8;
        let mut decision = policy.risk[usize::from(level)].code();
        let mut marks = 1 | level << 3;
        if flags & policy.deny_mask != 0 {
            decision = 3;
            marks |= 0x80;
        }
        if flags & policy.approval_mask != 0 {
            decision = decision.max(2);
            marks |= 0x80;
        }
        let over = descriptor.exec_ms(options.layout) > policy.limits.max_exec_ms
            || descriptor.memory_mb(options.layout) > policy.limits.max_memory_mb
            || descriptor.output_kb(options.layout) > policy.limits.max_output_kb;
        if over {
            decision = decision.max(policy.exceeded.code());
            marks |= 0x40;
        }
        *verdict = Verdict(marks | decision << 1);
    }
}
