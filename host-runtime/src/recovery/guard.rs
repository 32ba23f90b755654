//! Between the runtime and a backend: a lost card answers every call at once, a card that somebody recovers is waited for,
//! and a backend that finds its card gone is not asked again.

use std::sync::{Arc, OnceLock};

use super::ladder::OTHERS_TIMEOUT;
use super::lost;
use crate::backend::pair::Pair;
use crate::backend::{
    Backend, EndedRun, Patience, Reliability, RunId, RunRequest, SimulatedTime, Waited,
};
use crate::card::CardCore;
use crate::card_id::CardId;
use crate::image::Image;
use crate::memory::MappedMemory;
use crate::queue::QueueOptions;
use crate::store::{Condition, Health};
use crate::{Error, Result};

/// A guarded backend. It passes on every method of [`Backend`]: also those that have a default, to which the lint below
/// sees.
#[derive(Debug)]
pub(crate) struct Guard {
    card: CardId,
    inner: Box<dyn Backend>,
    health: Arc<Health>,
    /// Why this opening's way to the card is gone, and what mends it.
    gone: OnceLock<(String, String)>,
}

impl Guard {
    pub(crate) fn new(card: CardId, inner: Box<dyn Backend>, health: Arc<Health>) -> Self {
        Self {
            card,
            inner,
            health,
            gone: OnceLock::new(),
        }
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// The error of a card whose way is gone.
    pub(crate) fn gone(&self) -> Option<Error> {
        self.gone.get().map(|(reason, advice)| Error::DeviceLost {
            card: self.card,
            reason: reason.clone(),
            advice: advice.clone(),
        })
    }

    /// The backend, if the card may be worked on.
    fn ask(&self) -> Result<&dyn Backend> {
        if let Some(gone) = self.gone() {
            return Err(gone);
        }
        if !self.health.is_well() && !self.health.is_mine() {
            self.look()?;
        }
        Ok(&*self.inner)
    }

    #[cold]
    fn look(&self) -> Result<()> {
        if let Condition::InTrouble(_) = self.health.condition() {
            // Who gets the lock knows that nobody climbs any more.
            let _ = self.health.climb(OTHERS_TIMEOUT);
        }
        let card = self.card;
        match self.health.condition() {
            Condition::Well => Ok(()),
            Condition::Lost(reason) => Err(lost(card, reason)),
            Condition::InTrouble(left) => Err(Error::NotRecovered {
                card,
                cause: "a recovery was not finished".to_owned(),
                last: "no rung helped so far".to_owned(),
                left,
            }),
        }
    }

    /// Remembers that the card is gone.
    fn noticed<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            self.notice(error);
        }
        result
    }

    /// Remembers a [`Error::DeviceLost`].
    pub(crate) fn notice(&self, error: &Error) {
        if let Error::DeviceLost { reason, advice, .. } = error
            && self.gone.set((reason.clone(), advice.clone())).is_ok()
        {
            tracing::error!("{error}");
        }
    }
}

#[warn(clippy::missing_trait_methods)]
impl Backend for Guard {
    fn image(&self) -> Option<Arc<Image>> {
        self.inner.image()
    }

    fn try_image(&self) -> Result<Option<Arc<Image>>> {
        self.noticed(self.ask()?.try_image())
    }

    fn generation(&self) -> u64 {
        self.inner.generation()
    }

    fn program(&self, image: Arc<Image>) -> Result<()> {
        self.noticed(self.ask()?.program(image))
    }

    fn program_empty(&self, image: Arc<Image>) -> Result<()> {
        self.noticed(self.ask()?.program_empty(image))
    }

    fn reset(&self) -> Result<()> {
        self.noticed(self.ask()?.reset())
    }

    fn reset_unit(&self, unit: usize) -> Result<()> {
        self.noticed(self.ask()?.reset_unit(unit))
    }

    fn renew(&self) -> Result<()> {
        self.noticed(self.ask()?.renew())
    }

    fn lives_here(&self) -> bool {
        self.inner.lives_here()
    }

    fn commit(&self) -> Result<()> {
        self.noticed(self.ask()?.commit())
    }

    fn allocate(&self, bank: usize, len: u64) -> Result<Option<u64>> {
        self.noticed(self.ask()?.allocate(bank, len))
    }

    fn host_side(&self, len: usize) -> Option<MappedMemory> {
        self.inner.host_side(len)
    }

    fn release(&self, address: u64) {
        // Of a card that is gone there is nothing to give back.
        if self.gone.get().is_none() {
            self.inner.release(address);
        }
    }

    fn write_memory(&self, address: u64, bytes: &[u8]) -> Result<()> {
        self.noticed(self.ask()?.write_memory(address, bytes))
    }

    fn read_memory(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        self.noticed(self.ask()?.read_memory(address, bytes))
    }

    fn copy_memory(&self, from: u64, to: u64, len: usize) -> Result<()> {
        self.noticed(self.ask()?.copy_memory(from, to, len))
    }

    fn map_memory(&self, address: u64, len: usize) -> Result<Option<MappedMemory>> {
        self.noticed(self.ask()?.map_memory(address, len))
    }

    fn read_register(&self, unit: usize, offset: u32) -> Result<u32> {
        self.noticed(self.ask()?.read_register(unit, offset))
    }

    fn write_register(&self, unit: usize, offset: u32, value: u32) -> Result<()> {
        self.noticed(self.ask()?.write_register(unit, offset, value))
    }

    fn submit(&self, request: RunRequest) -> Result<RunId> {
        self.noticed(self.ask()?.submit(request))
    }

    fn wait(&self, run: RunId, patience: &Patience) -> Result<Waited> {
        self.noticed(self.ask()?.wait(run, patience))
    }

    fn wait_any(
        &self,
        runs: &dyn Fn() -> Vec<RunId>,
        patience: &Patience,
    ) -> Result<Vec<EndedRun>> {
        let ended = self.noticed(self.ask()?.wait_any(runs, patience))?;
        for (_, result) in &ended {
            if let Err(error) = result {
                self.notice(error);
            }
        }
        Ok(ended)
    }

    fn abort(&self, run: RunId) -> Result<()> {
        // On a card that is gone no run goes on.
        match self.gone.get() {
            Some(_) => Ok(()),
            None => self.noticed(self.inner.abort(run)),
        }
    }

    fn reliability(&self) -> Option<Reliability> {
        self.inner.reliability()
    }

    fn simulated_time(&self) -> Option<SimulatedTime> {
        self.inner.simulated_time()
    }

    fn open_pair(&self, core: &Arc<CardCore>, options: &QueueOptions) -> Result<Box<dyn Pair>> {
        self.noticed(self.ask()?.open_pair(core, options))
    }

    fn close(&self, keep: bool) -> Result<()> {
        self.inner.close(keep)
    }
}
