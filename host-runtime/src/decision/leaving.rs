//! A failed lane on its way out. To let a queue go may take as long as its card needs to come to rest, and the engine stands still
//! for no lane: another thread does it.

use std::thread::{Builder, JoinHandle};

use super::lane::{Lane, LaneError};
use crate::queue::{Completion, Submission};
use crate::tcp::Policy;

/// The thread that lets a lane go. It is waited for where this is dropped: with the engine, or when the place is taken again.
pub(super) struct Leaving(Option<JoinHandle<()>>);

impl Leaving {
    pub(super) fn begin(lane: Box<dyn Lane>) -> Self {
        let thread = Builder::new().name("a failed lane".to_owned());
        // Without a thread it is let go here.
        Self(thread.spawn(move || drop(lane)).ok())
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // A lane that panicked has failed already.
            let _ = thread.join();
        }
    }
}

/// What is in the place of a lane that has failed. Nobody asks it.
#[derive(Debug)]
pub(super) struct Gone;

impl Lane for Gone {
    fn name(&self) -> String {
        "a lane that failed".to_owned()
    }

    fn policy_slots(&self) -> usize {
        0
    }

    fn set_policy(&mut self, _slot: usize, _policy: &Policy) -> Result<u8, LaneError> {
        Err(gone())
    }

    fn submit_many(&mut self, _submissions: &[Submission]) -> Result<usize, LaneError> {
        Err(gone())
    }

    fn poll(&mut self, _completions: &mut [Completion]) -> Result<usize, LaneError> {
        Err(gone())
    }
}

fn gone() -> LaneError {
    LaneError::Failed("it has failed".to_owned())
}
