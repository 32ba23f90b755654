//! What a card must do before it is handed out again: give back what was written into its memory, answer on its registers,
//! and judge descriptors as the golden model does.

use std::sync::Arc;
use std::time::Duration;

use bitstreams::ControlProtocol;

use super::Recovery;
use crate::card::{Card, CardCore};
use crate::collection::sample;
use crate::image::{Image, UnitInfo};
use crate::memory::Direction;
use crate::queue::{self, Completion, QueueOptions, Refusal, Submission};
use crate::tcp::registers as reg;
use crate::tcp::{Descriptor, Options, Output, Policy, Profile, golden};
use crate::validator::{KERNEL, Validator};
use crate::{CancelToken, Error, Result};

/// Bytes written into each bank and read back.
const MEMORY: usize = 4096;

/// Longest that a run of a few hundred descriptors takes, on a machine that is busy with other things.
const TIMEOUT: Duration = Duration::from_secs(20);

/// `ap_start`: nothing runs after a reset.
const AP_START: u32 = 1;

/// Whether a compute unit judges descriptors.
pub(super) fn is_validator(image: &Image, unit: usize) -> bool {
    image.kernels()[image.units()[unit].kernel].name == KERNEL
}

/// Tests one compute unit, or all.
pub(super) fn run(core: &Arc<CardCore>, unit: Option<usize>) -> Result<()> {
    let Some(image) = core.backend().try_image()? else {
        return Ok(());
    };
    let card = Card::from_core(Arc::clone(core));
    for bank in (0..image.banks().len()).filter(|&bank| image.banks()[bank].size > 0) {
        memory(&card, &image, bank)?;
    }
    for index in (0..image.units().len()).filter(|&index| unit.is_none_or(|unit| unit == index)) {
        if is_validator(&image, index) {
            validator(&card, &image.units()[index].name)?;
            // What the test counted is no work of anybody.
            match core.backend().reset_unit(index) {
                // XRT has no way to; then it is counted.
                Err(Error::WrongState { .. } | Error::UnitBusy { .. }) => {}
                reset => reset?,
            }
        } else {
            registers(core, &image, index)?;
        }
    }
    let has_queues = |unit: &UnitInfo| image.kernels()[unit.kernel].name == queue::KERNEL;
    match unit.map_or_else(
        || image.units().iter().any(has_queues),
        |unit| has_queues(&image.units()[unit]),
    ) {
        true => queue_answers(&card),
        false => Ok(()),
    }
}

fn failed(card: &Card, what: String) -> Error {
    let card = card.id();
    Error::SelfTest { card, what }
}

fn memory(card: &Card, image: &Image, bank: usize) -> Result<()> {
    let mut buffer = match card.allocate(bank, MEMORY) {
        // All of it is in use: by those who will find out.
        Err(Error::OutOfMemory { .. }) => return Ok(()),
        buffer => buffer?,
    };
    // Another pattern in each place and bank.
    let word = |index: usize| (index as u32 + 1).wrapping_mul(0x9E37_79B9) ^ bank as u32;
    let pattern: Vec<u8> = (0..MEMORY / 4)
        .flat_map(|index| word(index).to_le_bytes())
        .collect();
    buffer.map_mut().copy_from_slice(&pattern);
    buffer.sync(Direction::ToDevice)?;
    buffer.map_mut().fill(0);
    buffer.sync(Direction::FromDevice)?;
    let wrong = (buffer.map().iter().zip(&pattern)).position(|(read, written)| read != written);
    match wrong {
        None => Ok(()),
        Some(offset) => Err(failed(
            card,
            format!(
                "memory of {} at {:#x} does not give back what was written",
                image.banks()[bank].name,
                buffer.address() + offset as u64
            ),
        )),
    }
}

fn validator(card: &Card, unit: &str) -> Result<()> {
    let entries = sample::entries(Profile::Wide).into_iter();
    let descriptors: Vec<Descriptor> = entries.map(|(_, descriptor)| descriptor).collect();
    let mut validator = Validator::on(card, card.kernel(unit)?)?
        .profile(Profile::Wide)
        .output(Output::Details)
        .check(true)
        .recovery(Recovery::NONE)
        .timeout(TIMEOUT);
    match validator.validate(&descriptors) {
        Ok(_) => Ok(()),
        Err(Error::Mismatch { index, .. }) => Err(failed(
            card,
            format!(
                "{unit} judges descriptor {index} of the sample otherwise than the golden model"
            ),
        )),
        Err(other) => Err(other),
    }
}

/// A queue of the card answers, and as the golden model does where nobody has set a policy.
fn queue_answers(card: &Card) -> Result<()> {
    let mut queue = match card.open_queue(&QueueOptions {
        purpose: "a self-test".to_owned(),
        ..QueueOptions::default()
    }) {
        // All are in use: by those who will find out.
        Err(Error::NoFreePair { .. }) => return Ok(()),
        queue => queue?,
    };
    let options = Options::default();
    let entries = sample::entries(Profile::Compact).into_iter();
    let descriptors: Vec<Descriptor> = entries
        .map(|(_, descriptor)| descriptor)
        .take(queue.capacity())
        .collect();
    let submissions: Vec<Submission> = (0..)
        .zip(&descriptors)
        .map(|(tag, descriptor)| Submission::new(*descriptor, tag, options))
        .collect();
    let submitted = queue.submit_many(&submissions);
    let mut completions = vec![Completion::default(); submitted];
    let mut answered = 0;
    while answered < submitted {
        let (free, cancel) = (&mut completions[answered..], CancelToken::new());
        match queue.wait(free, TIMEOUT, &cancel)? {
            0 => {
                let what = format!("a queue gave {answered} of {submitted} answers");
                return Err(failed(card, what));
            }
            count => answered += count,
        }
    }
    let policy = Policy::reset_default();
    for (descriptor, completion) in descriptors.iter().zip(&completions) {
        let expected = golden::evaluate(descriptor, options, &policy);
        let same = completion.policy_version() != 0 || completion.verdict() == expected.verdict();
        if !same || completion.refusal() != expected.cause().map(Refusal::Malformed) {
            let what = format!(
                "a queue judges {descriptor} of the sample otherwise than the golden model"
            );
            return Err(failed(card, what));
        }
    }
    queue.close()
}

/// Of other kernels: that it answers, and does not run.
fn registers(core: &Arc<CardCore>, image: &Image, unit: usize) -> Result<()> {
    if image.control(unit) == ControlProtocol::ApCtrlNone {
        return Ok(());
    }
    let control = core.backend().read_register(unit, reg::CONTROL)?;
    if control & AP_START != 0 {
        let what = format!(
            "{} runs, though nobody started it: its control register holds {control:#x}",
            image.units()[unit].name
        );
        let card = core.id();
        return Err(Error::SelfTest { card, what });
    }
    Ok(())
}
