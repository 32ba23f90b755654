//! The thread that clocks a served card while there is something to do, and looks at its clients' doorbells.

use std::time::{Duration, Instant};

use card_shell::CardEvents;
use parking_lot::MutexGuard;

use super::pairs::Pairs;
use super::{Shared, State};
use crate::Result;
use crate::backend::sim::device::{QUEUE_CLOCKS, SimDevice};

/// Clocks between looks at what clients want: register accesses wait for no longer.
const SLICE: u64 = 256;

/// Clocks that go on while queue pairs are held and nothing moves on any bus: more than any memory takes to answer.
const STILL: u64 = 8192;

/// Clocks between looks whether a queue pair was stopped, while others work on.
const WATCH: u64 = 1 << 14;

/// How long doorbells are looked at without a pause once nothing is left to do. Who rings after that has to wake the card.
const SPIN: Duration = Duration::from_millis(1);

/// Looks at doorbells between looks at the time.
const LOOKS: u32 = 64;

/// Longest sleep while pairs are held: for clients that ring and do not wake.
const NAP: Duration = Duration::from_millis(100);

impl State {
    /// Whether the card's clock runs.
    fn runs(&self) -> bool {
        let Some(device) = self.device.as_ref().filter(|_| !self.broken) else {
            return false;
        };
        self.held > 0 || self.afterglow > 0 || self.has_pairs() && device.still_for() < STILL
    }

    fn has_pairs(&self) -> bool {
        self.events
            .as_ref()
            .is_some_and(|events| events.has_pairs())
    }
}

impl Shared {
    pub(super) fn serve(&self) {
        let mut state = self.state.lock();
        while !state.stop {
            self.take_doorbells(&mut state);
            if !state.runs() {
                self.rest(&mut state);
                continue;
            }
            if state.held == 0 {
                state.afterglow = state.afterglow.saturating_sub(SLICE);
            }
            if state.has_pairs() {
                for _ in 0..SLICE / QUEUE_CLOCKS {
                    self.take_doorbells(&mut state);
                    self.clock(&mut state, QUEUE_CLOCKS);
                }
            } else {
                self.clock(&mut state, SLICE);
            }
            self.tell_found(&mut state);
            // Whoever wants a register gets its turn.
            MutexGuard::bump(&mut state);
        }
    }

    fn clock(&self, state: &mut State, clocks: u64) {
        self.with_device(state, |device, pairs, events, unwatched| {
            device.free_run(clocks)?;
            pairs.tell_interrupts(device, events)?;
            *unwatched += clocks;
            if *unwatched >= WATCH {
                *unwatched = 0;
                pairs.tell_stopped(device, events)?;
            }
            Ok(())
        });
        self.tell_interrupts(state);
    }

    /// Uses the device, which breaks down if that fails.
    pub(super) fn with_device(
        &self,
        state: &mut State,
        act: impl FnOnce(&mut SimDevice, &mut Pairs, &dyn CardEvents, &mut u64) -> Result<()>,
    ) {
        let (Some(device), Some(events)) = (&mut state.device, &state.events) else {
            return;
        };
        if let Err(error) = act(device, &mut state.pairs, &**events, &mut state.unwatched) {
            self.break_down(state, &error);
        }
    }

    /// Takes over what was rung, and sends it to the kernels; whether there was anything.
    fn take_doorbells(&self, state: &mut State) -> bool {
        let events = state.events.as_ref();
        let rang = events.is_some_and(|events| events.poll_doorbells());
        let mut rung = std::mem::take(&mut *self.rung.lock());
        if rung.is_empty() {
            return rang;
        }
        if !state.broken {
            self.with_device(state, |device, pairs, events, _| {
                pairs.deliver(&mut rung, device, events)?;
                // Something moves, so that the clock runs.
                device.free_run(1)
            });
        }
        true
    }

    /// Nothing is to be clocked: looks at doorbells for a while, then sleeps until it is woken.
    fn rest(&self, state: &mut MutexGuard<'_, State>) {
        let Some(events) = state.events.clone().filter(|events| events.has_pairs()) else {
            self.wake.wait(state);
            return;
        };
        if !state.broken {
            self.with_device(state, |device, pairs, events, _| {
                pairs.tell_stopped(device, events)
            });
        }
        let mut begin = Instant::now();
        while begin.elapsed() < SPIN {
            for _ in 0..LOOKS {
                if self.take_doorbells(state) {
                    if state.runs() {
                        return;
                    }
                    begin = Instant::now();
                }
            }
            MutexGuard::bump(state);
            if state.stop || state.runs() || !events.has_pairs() {
                return;
            }
        }
        state.woken = false;
        events.set_asleep(true);
        while !self.take_doorbells(state) && !state.woken && !state.stop && !state.runs() {
            self.wake.wait_for(state, NAP);
        }
        events.set_asleep(false);
    }
}
