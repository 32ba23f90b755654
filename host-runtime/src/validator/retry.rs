//! A validation goes on when a run of it got into trouble: the card climbs the ladder, and the descriptors that were under
//! way are judged once more. To judge has no other effect than its answers, so that is safe; nothing was handed out twice.

use super::{Account, Job, PolicyChoice, Validator};
use crate::recovery::{Climber, cause, first_rung};
use crate::tcp::{Descriptor, Policy, Tally};
use crate::{Error, Result};

impl Validator {
    /// Starts a run; once more if the card got into trouble and recovered.
    pub(super) fn start_or_recover(
        &mut self,
        index: usize,
        descriptors: &[Descriptor],
        job: Job,
        account: &mut Account,
    ) -> Result<()> {
        match self.start(index, descriptors, job) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.recover(error, job, account)?;
                self.start(index, descriptors, job)
            }
        }
    }

    /// Waits for a run; does it once more if the card got into trouble and recovered.
    pub(super) fn finish_or_recover(
        &mut self,
        index: usize,
        job: Job,
        account: &mut Account,
    ) -> Result<Tally> {
        match self.finish(index, job) {
            Ok(tally) => Ok(tally),
            Err(error) => {
                self.recover(error, job, account)?;
                self.finish(index, job)
            }
        }
    }

    /// Brings the card back and starts again what was under way; what is no trouble of the card, or not to be mended by this
    /// program, goes back to the caller.
    fn recover(&mut self, error: Error, job: Job, account: &mut Account) -> Result<()> {
        let first = first_rung(&error);
        let (Some(first), Some(up_to)) = (first, self.recovery.up_to) else {
            return Err(error);
        };
        if first > up_to || self.cancel.is_cancelled() {
            return Err(error);
        }
        let under_way: Vec<(usize, Vec<Descriptor>)> = (self.pieces.iter().enumerate())
            .filter_map(|(index, piece)| Some((index, piece.under_way()?.to_vec())))
            .collect();
        let core = std::sync::Arc::clone(self.card.core());
        let unit = self.kernel.first_unit();
        let recovered = Climber::of_unit(&core, unit).climb(first, up_to, &cause(&error))?;
        // Buffers and runs of before belong to what was reset.
        self.pieces.clear();
        self.kernel = self.card.kernel(self.kernel.name())?;
        if !recovered.policies_kept {
            self.expect_policy(job, account)?;
        }
        account.recoveries.push(recovered);
        under_way
            .iter()
            .try_for_each(|(index, descriptors)| self.start(*index, descriptors, job))
    }

    /// If the slot that decides lost its policy, it gets the one that the validation began with.
    fn expect_policy(&self, job: Job, account: &Account) -> Result<()> {
        let PolicyChoice::Slot(slot) = job.choice else {
            return Ok(());
        };
        if self.kernel.policy(slot)? == Policy::reset_default() {
            self.kernel.set_policy(slot, &account.policy)?;
        }
        Ok(())
    }
}
