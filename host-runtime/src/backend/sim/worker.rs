//! What passes between threads that submit, wait for and drive runs, and the thread that drives while the
//! program copies.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::{DRIVER_POLL, Shared};
use crate::backend::{EndedRun, Patience, RunId, RunOutcome, RunRequest};
use crate::cancel::CancelToken;
use crate::card_id::CardId;
use crate::{Error, Result};

/// Longest that the helper thread waits for the card's turn before it leaves it to those who wait for a run.
const TURN_PATIENCE: Duration = Duration::from_millis(100);

/// Runs on their way in and out.
#[derive(Debug)]
pub(crate) struct Board {
    card: CardId,
    submitted: Mutex<VecDeque<(RunId, RunRequest, u64)>>,
    ended: Mutex<HashMap<RunId, Result<RunOutcome>>>,
    posted: Condvar,
    /// Runs submitted and not ended.
    pending: AtomicUsize,
}

impl Board {
    pub(super) fn new(card: CardId) -> Self {
        Self {
            card,
            submitted: Mutex::default(),
            ended: Mutex::default(),
            posted: Condvar::new(),
            pending: AtomicUsize::new(0),
        }
    }

    pub(super) fn submit(&self, run: RunId, request: RunRequest, generation: u64) {
        self.pending.fetch_add(1, Ordering::Relaxed);
        self.submitted.lock().push_back((run, request, generation));
    }

    /// Takes a run back that no driver has seen yet.
    pub(super) fn withdraw(&self, run: RunId) -> bool {
        let mut submitted = self.submitted.lock();
        let position = submitted.iter().position(|(queued, ..)| *queued == run);
        if let Some(position) = position {
            submitted.remove(position);
            self.pending.fetch_sub(1, Ordering::Relaxed);
        }
        position.is_some()
    }

    /// Runs to start on the image of that generation; those of an older one ended with it.
    pub(super) fn take_submitted(&self, generation: u64) -> Vec<(RunId, RunRequest)> {
        let mut submitted = self.submitted.lock();
        if submitted.is_empty() {
            return Vec::new();
        }
        let mut current = Vec::new();
        let mut stale = Vec::new();
        for (run, request, made_for) in submitted.drain(..) {
            if made_for == generation {
                current.push((run, request));
            } else {
                stale.push(run);
            }
        }
        drop(submitted);
        let card = self.card;
        self.post(
            stale
                .into_iter()
                .map(|run| (run, Err(Error::Stale { card, what: "run" })))
                .collect(),
        );
        current
    }

    /// Puts runs that were not begun back at the front.
    pub(super) fn give_back(&self, runs: Vec<(RunId, RunRequest)>, generation: u64) {
        let mut submitted = self.submitted.lock();
        for (run, request) in runs.into_iter().rev() {
            submitted.push_front((run, request, generation));
        }
    }

    /// Makes results known to those who wait.
    pub(super) fn post(&self, ended: Vec<(RunId, Result<RunOutcome>)>) {
        if ended.is_empty() {
            return;
        }
        self.pending.fetch_sub(ended.len(), Ordering::Relaxed);
        self.ended.lock().extend(ended);
        self.posted.notify_all();
    }

    pub(super) fn take(&self, run: RunId) -> Option<Result<RunOutcome>> {
        self.ended.lock().remove(&run)
    }

    /// Takes the results of those of these runs that ended.
    pub(super) fn take_all(&self, runs: &[RunId]) -> Vec<EndedRun> {
        let mut ended = self.ended.lock();
        if ended.is_empty() {
            return Vec::new();
        }
        runs.iter()
            .filter_map(|&run| Some((run, ended.remove(&run)?)))
            .collect()
    }

    /// Sleeps until something is posted, or for that long.
    pub(super) fn sleep(&self, at_most: Duration) {
        let mut ended = self.ended.lock();
        self.posted.wait_for(&mut ended, at_most);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.pending.load(Ordering::Relaxed) > 0
    }
}

/// The helper thread.
#[derive(Debug)]
pub(crate) struct Worker {
    signal: Arc<Signal>,
    board: Weak<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Kicked,
    Stopped,
}

impl Worker {
    pub(super) fn spawn(card: CardId, shared: &Arc<Shared>) -> Result<Self> {
        let signal = Arc::new(Signal::default());
        let thread = {
            let signal = Arc::clone(&signal);
            let shared = Arc::downgrade(shared);
            std::thread::Builder::new()
                .name(format!("{card} clock"))
                .spawn(move || serve(&signal, &shared))
        };
        let thread = thread.map_err(|source| Error::CardUnusable {
            card,
            reason: format!("no thread could be started for it: {source}"),
            advice: "end other programs, or raise the limit on processes".to_owned(),
        })?;
        Ok(Self {
            signal,
            board: Arc::downgrade(shared),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Has the thread drive while there are runs. Costs nothing when there are none.
    pub(super) fn kick(&self) {
        if self
            .board
            .upgrade()
            .is_some_and(|shared| shared.board.is_busy())
        {
            let mut state = self.signal.state.lock();
            if *state == State::Idle {
                *state = State::Kicked;
                self.signal.changed.notify_one();
            }
        }
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        *self.signal.state.lock() = State::Stopped;
        self.signal.changed.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

fn serve(signal: &Signal, shared: &Weak<Shared>) {
    loop {
        {
            let mut state = signal.state.lock();
            while *state == State::Idle {
                signal.changed.wait(&mut state);
            }
            if *state == State::Stopped {
                return;
            }
        }
        let Some(shared) = shared.upgrade() else {
            return;
        };
        drive_pending(signal, &shared);
        let mut state = signal.state.lock();
        if *state == State::Kicked {
            *state = State::Idle;
        }
    }
}

fn drive_pending(signal: &Signal, shared: &Shared) {
    while shared.board.is_busy() && *signal.state.lock() != State::Stopped {
        let patience = Patience {
            timeout: TURN_PATIENCE,
            cancel: CancelToken::new(),
        };
        match shared.residency.try_sit(&patience) {
            Ok(Some(mut seat)) => {
                if let Err(error) = shared.drive(&mut seat) {
                    tracing::error!(%error, "the simulated card could not be driven");
                    return;
                }
                seat.bump();
            }
            Ok(None) => shared.board.sleep(DRIVER_POLL),
            // Whoever waits for the run gets the error when it tries itself.
            Err(_) => return,
        }
    }
}
