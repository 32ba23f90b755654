//! One of the two sets of buffers that a validation alternates between, with its run.

use std::time::Duration;

use super::card_policy::slot_registers;
use super::{Answers, PIECE};
use crate::cancel::CancelToken;
use crate::card::Card;
use crate::card_id::CardId;
use crate::kernel::Kernel;
use crate::memory::{Buffer, Direction};
use crate::run::Run;
use crate::tcp::registers as reg;
use crate::tcp::{Descriptor, Options, Output, Policy, Tally};
use crate::{Error, Result};

/// Kernel arguments.
const DESCRIPTORS: usize = 0;
const VERDICTS: usize = 1;
const COUNT: usize = 2;
const OPTIONS: usize = 3;

/// Pieces are never smaller, so that a validator that is used for few descriptors again and again keeps its buffers.
const SMALLEST: usize = 4096;

/// Longest wait for a run whose answers nobody wants. An abort costs the card its registers, so it comes second;
/// a caller that cancelled does not want to wait either.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Registers whose change over a run is its account: low words, since no run counts to 2^32.
static SNAPSHOT: [u32; 3 + Tally::COUNTERS] = {
    let mut offsets = [reg::STATUS; 3 + Tally::COUNTERS];
    offsets[1] = reg::FAIL_ADDRESS;
    offsets[2] = reg::FAIL_ADDRESS + 4;
    let mut counter = 0;
    while counter < Tally::COUNTERS {
        offsets[3 + counter] = reg::COUNTERS + 8 * counter as u32;
        counter += 1;
    }
    offsets
};

pub(super) struct Piece {
    input: Buffer,
    output: Buffer,
    run: Run,
    count: usize,
    /// Bytes of one answer.
    answer_bytes: usize,
    running: bool,
}

impl Piece {
    pub(super) fn new(
        card: &Card,
        kernel: &Kernel,
        count: usize,
        options: Options,
    ) -> Result<Self> {
        let room = count.next_power_of_two().clamp(SMALLEST, PIECE);
        let input = card.allocate(kernel.bank_of(DESCRIPTORS)?, room * Descriptor::SIZE)?;
        let output = card.allocate(
            kernel.bank_of(VERDICTS)?,
            room * options.output.bytes_per_descriptor(),
        )?;
        let mut run = kernel.run().snapshot(&SNAPSHOT);
        run.set_buffer(DESCRIPTORS, &input)?;
        run.set_buffer(VERDICTS, &output)?;
        Ok(Self {
            input,
            output,
            run,
            count: 0,
            answer_bytes: 0,
            running: false,
        })
    }

    pub(super) fn fits(&self, count: usize, options: Options) -> bool {
        count * Descriptor::SIZE <= self.input.len()
            && count * options.output.bytes_per_descriptor() <= self.output.len()
    }

    pub(super) fn is_running(&self) -> bool {
        self.running
    }

    /// The descriptors of the run whose answers were not handed out.
    pub(super) fn under_way(&self) -> Option<&[Descriptor]> {
        let bytes = &self.input.map()[..self.count * Descriptor::SIZE];
        self.running.then(|| bytemuck::cast_slice(bytes))
    }

    /// Copies the descriptors to the card and starts the run.
    pub(super) fn start(
        &mut self,
        descriptors: &[Descriptor],
        options: Options,
        policy: Option<&Policy>,
    ) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(descriptors);
        self.input.map_mut()[..bytes.len()].copy_from_slice(bytes);
        self.input.sync_range(Direction::ToDevice, ..bytes.len())?;
        self.count = descriptors.len();
        self.answer_bytes = options.output.bytes_per_descriptor();
        self.run.set_scalar(COUNT, self.count as u64)?;
        self.run.set_scalar(OPTIONS, u32::from(options).into())?;
        self.run.with_registers(
            policy.map_or_else(Vec::new, |policy| slot_registers(options.slot, policy)),
        );
        self.run.start()?;
        self.running = true;
        Ok(())
    }

    /// Waits for the run and returns its account.
    pub(super) fn finish(
        &mut self,
        card: CardId,
        timeout: Duration,
        cancel: &CancelToken,
    ) -> Result<Tally> {
        self.run.wait_or_cancel(timeout, cancel)?;
        let outcome = self.run.outcome();
        let &[status, address_low, address_high, ..] = &outcome.after[..] else {
            return Err(Error::Inconsistent { card });
        };
        if status != 0 {
            let address = (u64::from(address_high) << 32) | u64::from(address_low);
            return Err(Error::RunFailed {
                card,
                unit: self.run.unit_name().to_owned(),
                status,
                meaning: reg::status_meaning(status),
                address: reg::status_has_address(status).then_some(address),
            });
        }
        let mut counters = [0; Tally::COUNTERS];
        for (counter, (after, before)) in counters
            .iter_mut()
            .zip(outcome.after.iter().zip(&outcome.before).skip(3))
        {
            *counter = u64::from(after.wrapping_sub(*before));
        }
        self.output
            .sync_range(Direction::FromDevice, ..self.count * self.answer_bytes)?;
        Ok(Tally::from_counters(counters))
    }

    /// Its answers are good.
    pub(super) fn end(&mut self) {
        self.running = false;
    }

    /// The descriptors of the finished run and the answers to them.
    pub(super) fn answers(&mut self, output: Output) -> (&[Descriptor], Answers<'_>) {
        let len = self.count * output.bytes_per_descriptor();
        (
            bytemuck::cast_slice(&self.input.map()[..self.count * Descriptor::SIZE]),
            match output {
                Output::Verdicts => {
                    Answers::Verdicts(bytemuck::cast_slice(&self.output.map()[..len]))
                }
                Output::Details => {
                    Answers::Details(bytemuck::cast_slice(&self.output.map()[..len]))
                }
            },
        )
    }

    /// Lets a run end whose answers nobody wants, or ends it if that takes long: at most as long as its caller waits.
    pub(super) fn settle(&mut self, timeout: Duration) {
        if !std::mem::take(&mut self.running) {
            return;
        }
        let settled = match self.run.wait(SETTLE_TIMEOUT.min(timeout)) {
            Err(Error::RunTimeout { .. }) => self.run.abort(),
            settled => settled,
        };
        if let Err(error) = settled {
            tracing::debug!(%error, "a run whose answers were not wanted ended with an error");
        }
    }
}
