//! What is judged: the same descriptors and policies for everything that is compared.

use host_runtime::tcp::random::RandomDescriptors;
use host_runtime::tcp::{Checksum, Descriptor, Limits, Options, Policy, Verdict, golden};

/// Descriptors that stay in the first-level cache, with their verdicts: 25 KiB.
pub const IN_CACHE: usize = 1024;

/// Descriptors that no cache holds: 384 MiB.
pub const IN_MEMORY: usize = 16 << 20;

/// Options with that checksum, and the rest as usual.
pub fn options(checksum: Checksum) -> Options {
    Options {
        checksum,
        ..Options::default()
    }
}

/// Random descriptors, 5 % of them malformed; always the same ones.
pub fn descriptors(count: usize, options: Options, policy: &Policy) -> Vec<Descriptor> {
    RandomDescriptors::new(1, options, policy)
        .malformed_share(0.05)
        .take(count)
        .collect()
}

/// What the golden model says of them.
pub fn expected(descriptors: &[Descriptor], options: Options, policy: &Policy) -> Vec<Verdict> {
    let mut expected = vec![Verdict::default(); descriptors.len()];
    golden::evaluate_verdicts(descriptors, options, policy, &mut expected);
    expected
}

/// A policy that asks everything there is to ask; the default one asks for neither deny flags nor maxima.
pub fn demanding() -> Policy {
    Policy {
        deny_mask: 0x0001_0000,
        approval_mask: 0x0002_0000,
        limits: Limits {
            max_exec_ms: 1000,
            max_memory_mb: 512,
            max_output_kb: 100,
        },
        ..Policy::default()
    }
}
