//! What a card under test has to do: random descriptors under a random policy, with what the golden model says of each. By runs,
//! or by a queue, of which every submission must be answered, or told as not answered, once.

use std::time::Duration;

use crate::queue::{Completion, Queue, QueueOptions, QueuePath, Refusal, Submission};
use crate::tcp::random::{self, RandomDescriptors};
use crate::tcp::{Descriptor, Detail, Options, Output, Policy, PolicySlot, Profile, golden};
use crate::{CancelToken, Card, PolicyChoice, Recovery, Result, Validator};

/// The slot that `PolicyChoice::Given` uses; the golden model does not care.
const SLOT: u32 = 15;

/// Submissions that a queue has outstanding at most. There are more of them, so that rings wrap around.
const ENTRIES: usize = 64;

/// Descriptors that go through a queue: a simulated one takes its clocks one by one.
const THROUGH_QUEUE: usize = 200;

/// How work ended that ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// All answers are the golden model's.
    Right,
    /// An answer is not, or one was given twice, or one was neither given nor told as missing.
    Wrong,
    /// A queue gave no more answers in time, and knows which are missing.
    Silent,
}

impl From<bool> for Done {
    fn from(right: bool) -> Self {
        if right { Self::Right } else { Self::Wrong }
    }
}

/// Descriptors with what the golden model says of them.
pub(super) struct Work {
    descriptors: Vec<Descriptor>,
    options: Options,
    profile: Profile,
    policy: Policy,
    path: QueuePath,
    expected: Vec<Detail>,
}

impl Work {
    pub(super) fn random(seed: u64) -> Self {
        let profile = Profile::ALL[(seed % 2) as usize];
        let policy = random::policy(seed);
        let options = Options {
            checksum: profile.checksum(),
            layout: profile.layout(),
            slot: PolicySlot::new(SLOT).expect("a slot of the card"),
            ..random::options(seed)
        };
        let count = THROUGH_QUEUE + (seed >> 8) as usize % 1300;
        let descriptors = RandomDescriptors::new(seed, options, &policy);
        let descriptors: Vec<Descriptor> = descriptors.take(count).collect();
        let expected = descriptors
            .iter()
            .map(|one| golden::evaluate(one, options, &policy))
            .collect();
        let paths = [QueuePath::Auto, QueuePath::Ring, QueuePath::Push];
        Self {
            descriptors,
            options,
            profile,
            policy,
            path: paths[(seed >> 24) as usize % paths.len()],
            expected,
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.descriptors.len() as u64
    }

    /// Has the card judge the descriptors by runs.
    pub(super) fn done_by_runs(&self, card: &Card, timeout: Duration) -> Result<Done> {
        let mut validator = Validator::new(card)?
            .profile(self.profile)
            .policy(PolicyChoice::Given(self.policy))
            .output(self.options.output)
            .timeout(timeout)
            // What a fault is found by shows before anything is done about it.
            .recovery(Recovery::NONE);
        let answers = validator.validate(&self.descriptors)?.answers;
        let details = self.expected.iter();
        let expected: Vec<u8> = match self.options.output {
            Output::Verdicts => details.map(|detail| detail.verdict().0).collect(),
            Output::Details => details
                .flat_map(|detail| detail.to_word().to_le_bytes())
                .collect(),
        };
        Ok(Done::from(answers == expected))
    }

    /// How the queue is opened that judges the descriptors.
    pub(super) fn queue_options(&self) -> QueueOptions {
        QueueOptions {
            entries: ENTRIES,
            path: self.path,
            purpose: "a campaign of faults".to_owned(),
            ..QueueOptions::default()
        }
    }

    /// Has a queue of the card judge the first of the descriptors. Each answer is waited for so long.
    pub(super) fn done_by_queue(&self, card: &Card, timeout: Duration) -> Result<Done> {
        let mut queue = card.open_queue(&self.queue_options())?;
        let version = queue.set_policy(self.options.slot, &self.policy)?;
        let mut account = Account::new(THROUGH_QUEUE);
        let mut completions = [Completion::default(); ENTRIES];
        let ended = loop {
            account.submitted += queue.submit_many(&self.submissions(account.submitted));
            match queue.wait(&mut completions, timeout, &CancelToken::new()) {
                Ok(0) => break Ok(Done::Silent),
                Ok(count) => {
                    for completion in &completions[..count] {
                        let right = self.is_right(completion, version) && account.takes(completion);
                        if !right {
                            return Ok(Done::Wrong);
                        }
                    }
                }
                Err(error) => break Err(error),
            }
            if account.answered == THROUGH_QUEUE {
                break Ok(Done::Right);
            }
        };
        if !account.is_complete(&queue) {
            return Ok(Done::Wrong);
        }
        if matches!(ended, Ok(Done::Right)) {
            // A card that answered and does not come to rest is in trouble as well.
            queue.close()?;
        }
        ended
    }

    /// What is left to be submitted, as much as there may be room for. A submission's tag is its descriptor's place.
    fn submissions(&self, begin: usize) -> Vec<Submission> {
        (begin..THROUGH_QUEUE)
            .take(ENTRIES)
            .map(|index| Submission::new(self.descriptors[index], index as u32, self.options))
            .collect()
    }

    fn is_right(&self, completion: &Completion, version: u8) -> bool {
        let Some(expected) = self.expected.get(completion.tag() as usize) else {
            return false;
        };
        completion.verdict() == expected.verdict()
            && completion.refusal() == expected.cause().map(Refusal::Malformed)
            && completion.policy_version() == version
    }
}

/// Which submissions of a queue were answered.
struct Account {
    submitted: usize,
    answered: usize,
    is_answered: Vec<bool>,
}

impl Account {
    fn new(count: usize) -> Self {
        Self {
            submitted: 0,
            answered: 0,
            is_answered: vec![false; count],
        }
    }

    /// Takes an answer; whether it was due.
    fn takes(&mut self, completion: &Completion) -> bool {
        let tag = completion.tag() as usize;
        let due = tag < self.submitted && !std::mem::replace(&mut self.is_answered[tag], true);
        self.answered += usize::from(due);
        due
    }

    /// Whether each submission was answered, or else is one of those of which the queue says that they are not, and none is both
    /// or neither.
    fn is_complete(&self, queue: &Queue) -> bool {
        let mut told = self.is_answered[..self.submitted].to_vec();
        queue.unanswered().all(|tag| {
            let tag = tag as usize;
            tag < self.submitted && !std::mem::replace(&mut told[tag], true)
        }) && told.iter().all(|told| *told)
    }
}
