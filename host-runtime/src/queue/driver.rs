//! What a driver of `tcp_queue` does by its registers, whatever the way to them is.

use super::KERNEL;
use super::registers as queue_reg;
use super::rings::Shape;
use crate::card_id::CardId;
use crate::tcp::registers as reg;
use crate::tcp::{Policy, PolicySlot};
use crate::{Error, Result};

/// How many pairs a unit has, if it is what its name says.
pub(crate) fn count_pairs(card: CardId, mut read: impl FnMut(u32) -> Result<u32>) -> Result<usize> {
    let found = (read(reg::IDENTITY)?, read(reg::INTERFACE_VERSION)?);
    let known = (
        queue_reg::IDENTITY_VALUE,
        queue_reg::INTERFACE_VERSION_VALUE,
    );
    if found != known {
        return Err(Error::WrongState {
            card,
            reason: format!(
                "its {KERNEL} says it is {:#010x} version {}, this program knows {:#010x} version {}; \
                 program the image that this program carries: `fpga-ctl program --card {card} queue`",
                found.0, found.1, known.0, known.1
            ),
        });
    }
    Ok(read(queue_reg::PAIRS)? as usize)
}

/// Offset of a pair's register.
pub(crate) fn pair_register(pair: u32, offset: u32) -> u32 {
    queue_reg::PAIR + queue_reg::PAIR_STRIDE * pair + offset
}

/// What to write to a pair's registers to enable it with rings at an address.
pub(crate) fn enabling(shape: Shape, address: u64) -> [(u32, u32); 6] {
    let completions = address + shape.completions_offset() as u64;
    [
        (queue_reg::SIZES, shape.register()),
        (queue_reg::SUBMISSIONS, address as u32),
        (queue_reg::SUBMISSIONS + 4, (address >> 32) as u32),
        (queue_reg::COMPLETIONS, completions as u32),
        (queue_reg::COMPLETIONS + 4, (completions >> 32) as u32),
        (queue_reg::CONTROL, queue_reg::ENABLE),
    ]
}

/// The register that tells a policy slot's version, and puts its shadow in force when it is written.
pub(crate) fn policy_version(slot: PolicySlot) -> u32 {
    queue_reg::POLICY_VERSION + 4 * slot.index() as u32
}

/// What to write to put a policy in force.
pub(crate) fn setting(slot: PolicySlot, policy: &Policy) -> impl Iterator<Item = (u32, u32)> {
    let words = reg::POLICY + reg::POLICY_STRIDE * slot.index() as u32;
    (words..)
        .step_by(4)
        .zip(policy.to_words())
        .chain([(policy_version(slot), 0)])
}
