//! Lanes that judge as they should, until a script or a dice says otherwise.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use host_runtime::decision::{Lane, LaneError};
use host_runtime::queue::{Completion, Refusal, Submission};
use host_runtime::tcp::{Options, Policy, golden};

/// What a lane does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error when a policy is set.
    SetPolicy,
    /// An error when submissions are handed over; it has taken some.
    Submit,
    /// An error when it is polled.
    Poll,
    /// It takes submissions and completes nothing.
    Silent,
    /// It takes no submission.
    Full,
    /// It completes all but one.
    Lose,
    /// It completes one twice.
    Double,
    /// It completes what it was never given.
    Invent,
    /// A verdict with a bit the format does not allow.
    Undefined,
    /// A well-formed verdict of another risk level.
    OtherRisk,
    /// APPROVE in place of what the policy says, at the right risk level.
    Approve,
    /// A verdict beside a cause.
    CauseToo,
    /// A cause that there is not.
    UnknownCause,
    /// Another version of the policy slot.
    Version,
    /// It says that it took more than it was given.
    TakeTooMany,
    /// It says that it completed more than it was asked for.
    CompleteTooMany,
}

impl Fault {
    pub(crate) const ALL: [Self; 16] = [
        Self::SetPolicy,
        Self::Submit,
        Self::Poll,
        Self::Silent,
        Self::Full,
        Self::Lose,
        Self::Double,
        Self::Invent,
        Self::Undefined,
        Self::OtherRisk,
        Self::Approve,
        Self::CauseToo,
        Self::UnknownCause,
        Self::Version,
        Self::TakeTooMany,
        Self::CompleteTooMany,
    ];
}

/// What a test sees and says of a lane while an engine has it.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) fault: Option<Fault>,
    /// Completions that are held back.
    pub(crate) held: bool,
    /// Submissions that it takes at once.
    pub(crate) room: Option<usize>,
    /// Policies that were set, with their slots.
    pub(crate) policies: Vec<(usize, Policy)>,
    /// Submissions that it took.
    pub(crate) taken: Vec<Submission>,
    /// Calls of any kind.
    pub(crate) calls: usize,
    /// The engine has let it go.
    pub(crate) dropped: bool,
}

/// A card's queue with 16 policy slots, or a stand-in for it.
#[derive(Debug)]
pub(crate) struct Double {
    name: &'static str,
    slots: Vec<(Policy, u8)>,
    waiting: VecDeque<Submission>,
    state: Arc<Mutex<State>>,
}

/// The test's side of a double.
#[derive(Debug, Clone)]
pub(crate) struct Handle(Arc<Mutex<State>>);

impl Handle {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

/// A lane with so many slots that does all right, and the handle to make it do otherwise.
pub(crate) fn double(name: &'static str, slots: usize) -> (Box<dyn Lane>, Handle) {
    let state = Arc::<Mutex<State>>::default();
    let double = Double {
        name,
        slots: vec![(Policy::default(), 0); slots],
        waiting: VecDeque::new(),
        state: Arc::clone(&state),
    };
    (Box::new(double), Handle(state))
}

fn error() -> LaneError {
    LaneError::Failed("the double was told to fail".to_owned())
}

impl Drop for Double {
    fn drop(&mut self) {
        self.state.lock().unwrap().dropped = true;
    }
}

impl Double {
    fn complete(&self, submission: &Submission, fault: Option<Fault>) -> Completion {
        let options = submission
            .options()
            .expect("the engine gives what a card takes");
        let (policy, version) = &self.slots[options.slot.index()];
        let detail = golden::evaluate(submission.descriptor(), options, policy);
        let refusal = detail.cause().map(Refusal::Malformed);
        let tag = submission.tag();
        let right = Completion::new(tag, detail.verdict(), refusal, *version);
        let mut bytes: [u8; 8] = bytemuck::cast(right);
        match fault {
            Some(Fault::Invent) => bytes[3] ^= 0x40,
            Some(Fault::Undefined) => bytes[4] = bytes[4] & !1 | 8,
            Some(Fault::OtherRisk) => bytes[4] = if bytes[4] == 9 { 1 } else { 9 },
            Some(Fault::Approve) => bytes[4] &= !6,
            Some(Fault::CauseToo) => (bytes[4], bytes[5]) = (bytes[4] | 1, 3),
            Some(Fault::UnknownCause) => (bytes[4], bytes[5]) = (0, 77),
            Some(Fault::Version) => bytes[7] = bytes[7].wrapping_add(1),
            _ => {}
        }
        bytemuck::cast(bytes)
    }
}

impl Lane for Double {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn policy_slots(&self) -> usize {
        self.slots.len()
    }

    fn set_policy(&mut self, slot: usize, policy: &Policy) -> Result<u8, LaneError> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        if state.fault == Some(Fault::SetPolicy) {
            return Err(error());
        }
        let used = |waiting: &Submission| {
            waiting
                .options()
                .map(|options: Options| options.slot.index())
                == Some(slot)
        };
        assert!(
            !self.waiting.iter().any(used),
            "slot {slot} is rewritten under a request"
        );
        state.policies.push((slot, *policy));
        let (held, version) = &mut self.slots[slot];
        *held = *policy;
        *version = version.wrapping_add(1);
        Ok(*version)
    }

    fn submit_many(&mut self, submissions: &[Submission]) -> Result<usize, LaneError> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        let taken = match state.fault {
            Some(Fault::Full) => 0,
            Some(Fault::Submit) => submissions.len() / 2,
            _ => submissions.len().min(state.room.unwrap_or(usize::MAX)),
        };
        self.waiting.extend(&submissions[..taken]);
        state.taken.extend(&submissions[..taken]);
        match state.fault {
            Some(Fault::Submit) => Err(error()),
            Some(Fault::TakeTooMany) => Ok(submissions.len() + 1),
            _ => Ok(taken),
        }
    }

    fn poll(&mut self, completions: &mut [Completion]) -> Result<usize, LaneError> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        let fault = state.fault;
        match fault {
            Some(Fault::Poll) => return Err(error()),
            Some(Fault::Silent) => return Ok(0),
            Some(Fault::CompleteTooMany) => return Ok(completions.len() + 1),
            _ if state.held => return Ok(0),
            _ => {}
        }
        if fault == Some(Fault::Lose) {
            self.waiting.pop_front();
            state.fault = None;
        }
        drop(state);
        let mut count = 0;
        let mut wrong = fault;
        while count < completions.len()
            && let Some(submission) = self.waiting.pop_front()
        {
            completions[count] = self.complete(&submission, wrong.take());
            count += 1;
        }
        if fault == Some(Fault::Double) && count > 0 && count < completions.len() {
            completions[count] = completions[count - 1];
            count += 1;
        }
        Ok(count)
    }
}
