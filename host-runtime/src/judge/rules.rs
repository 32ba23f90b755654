//! Options and policy, taken apart once for a batch into what the instruction sets compare bytes with.

use crate::tcp::descriptor::{CHECKED_BYTES, MAGIC, VERSION};
use crate::tcp::verdict::DECISION_SHIFT;
use crate::tcp::{Checksum, Decision, Layout, Options, Policy, RiskLevel, Verdict};

/// Magic and version, bytes 0..6 of every well-formed descriptor.
pub(super) const HEADER: [u8; 6] = {
    let [high, low] = VERSION.to_be_bytes();
    [MAGIC[0], MAGIC[1], MAGIC[2], MAGIC[3], high, low]
};

/// What judges a batch, by bytes. Masks and maxima are in the order of the descriptor's bytes, most significant first.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) checksum: Checksum,
    /// The checksum of the header followed by zeros: what is added to the variable bytes' part.
    pub(super) header_checksum: u16,
    pub(super) layout: Layout,
    pub(super) policy: Policy,
    pub(super) reserved: [u8; 4],
    pub(super) deny: [u8; 4],
    pub(super) approval: [u8; 4],
    /// Whether a deny or approval flag can be hit at all.
    pub(super) has_flags: bool,
    /// The largest bytes 14..22 that pass, as the layout has them; fields without a maximum are all ones.
    pub(super) maxima: [u8; 8],
    /// Whether a maximum can be exceeded at all.
    pub(super) has_maxima: bool,
    /// The decision of each risk level where it lies in a verdict.
    pub(super) decisions: [u8; 5],
    /// The rest of each risk level's verdict, of which no byte is 0.
    pub(super) levels: [u8; 5],
    /// The floor when a maximum is exceeded, where it lies in a verdict.
    pub(super) exceeded: u8,
}

impl Rules {
    pub(super) fn new(options: Options, policy: &Policy) -> Self {
        let mut header = [0; CHECKED_BYTES];
        header[..HEADER.len()].copy_from_slice(&HEADER);
        let limits = policy.limits;
        let [memory, output] = [limits.max_memory_mb, limits.max_output_kb].map(u16::to_be_bytes);
        let exec = limits.max_exec_ms.min(options.layout.max_exec_ms());
        let [e3, e2, e1, e0] = exec.to_be_bytes();
        let maxima = match options.layout {
            Layout::Compact => [
                e1, e0, memory[0], memory[1], output[0], output[1], 0xff, 0xff,
            ],
            Layout::Wide => [e3, e2, e1, e0, memory[0], memory[1], output[0], output[1]],
        };
        let decisions = policy
            .risk
            .map(|decision| decision.code() << DECISION_SHIFT);
        Self {
            checksum: options.checksum,
            header_checksum: options.checksum.compute(&header),
            layout: options.layout,
            policy: *policy,
            reserved: policy.reserved_mask.to_be_bytes(),
            deny: policy.deny_mask.to_be_bytes(),
            approval: policy.approval_mask.to_be_bytes(),
            has_flags: policy.deny_mask | policy.approval_mask != 0,
            maxima,
            has_maxima: maxima != [0xff; 8],
            decisions,
            levels: RiskLevel::ALL.map(|risk| {
                let Verdict(verdict) = Verdict::new(Decision::Approve, risk, false, false);
                verdict
            }),
            exceeded: policy.exceeded.code() << DECISION_SHIFT,
        }
    }
}
