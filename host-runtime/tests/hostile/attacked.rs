//! The card that is attacked, and those who work on it beside.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use host_runtime::collection::sample;
use host_runtime::queue::{Completion, Queue, QueueOptions, Submission};
use host_runtime::tcp::{Descriptor, Options, Policy, Profile, golden};
use host_runtime::{CancelToken, Card, Image, OpenOptions, ServeOptions, ServedCard, Validator};

/// Longest wait for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A served card of this process.
pub(crate) struct Attacked {
    served: ServedCard,
    state: tempfile::TempDir,
    work: fn(&Self, &Card),
}

impl Attacked {
    /// One with `tcp_validator`.
    pub(crate) fn validator() -> Self {
        let image = Image::default_image().unwrap();
        Self::new(image, |_, card| validate(card))
    }

    /// One with `tcp_queue`.
    pub(crate) fn queue() -> Self {
        let image = Image::queue_image().unwrap();
        Self::new(image, |_, card| decide(&mut queue(card)))
    }

    fn new(image: Arc<Image>, work: fn(&Self, &Card)) -> Self {
        let state = tempfile::tempdir().unwrap();
        let options = ServeOptions {
            image: Some(image),
            state_folder: Some(state.path().to_owned()),
            ..ServeOptions::default()
        };
        let served = ServedCard::start("attacked".parse().unwrap(), &options).unwrap();
        Self {
            served,
            state,
            work,
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.served.socket().to_owned()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.state.path()
    }

    pub(crate) fn open(&self) -> Card {
        let options = OpenOptions {
            state_folder: Some(self.state.path().to_owned()),
            ..OpenOptions::default()
        };
        Card::open_with(self.served.id(), &options).unwrap()
    }

    /// Has others work while `attack` does its worst, and after it; they who were there, and one who comes.
    pub(crate) fn during<T>(&self, attack: impl FnOnce() -> T) -> T {
        let card = self.open();
        (self.work)(self, &card);
        let over = AtomicBool::new(false);
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    (self.work)(self, &card);
                }
            });
            // The workers end, whatever becomes of the attack.
            let _over = Over(&over);
            attack()
        });
        (self.work)(self, &card);
        (self.work)(self, &self.open());
        result
    }

    /// Waits until only so many clients are left.
    pub(crate) fn await_clients(&self, left: usize) {
        until("clients are left behind", || self.served.clients() <= left);
    }
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Looks until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

fn descriptors() -> Vec<Descriptor> {
    let entries = sample::entries(Profile::Wide);
    entries.into_iter().map(|(_, one)| one).collect()
}

/// Every answer is compared with the golden model.
pub(crate) fn validate(card: &Card) {
    let validator = Validator::new(card).unwrap().profile(Profile::Wide);
    let report = validator.check(true).validate(&descriptors()).unwrap();
    assert!(report.summary.tally.verdicts.valid > 0);
}

pub(crate) fn queue(card: &Card) -> Queue {
    let options = QueueOptions {
        entries: 64,
        ..QueueOptions::default()
    };
    card.open_queue(&options).unwrap()
}

/// The same by a queue.
pub(crate) fn decide(queue: &mut Queue) {
    let (options, policy) = (Options::for_profile(Profile::Wide), Policy::reset_default());
    let descriptors = descriptors();
    let submissions = (0..).zip(&descriptors);
    let submissions: Vec<_> = submissions
        .map(|(tag, descriptor)| Submission::new(*descriptor, tag, options))
        .collect();
    let mut completions = [Completion::default(); 64];
    let (mut submitted, mut answered) = (0, 0);
    while answered < submissions.len() {
        submitted += queue.submit_many(&submissions[submitted..]);
        let count = queue.wait(&mut completions, PATIENCE, &CancelToken::new());
        let count = count.unwrap();
        assert!(count > 0, "no answer in time");
        for completion in &completions[..count] {
            let descriptor = &descriptors[completion.tag() as usize];
            let expected = golden::evaluate(descriptor, options, &policy);
            assert_eq!(completion.verdict(), expected.verdict());
        }
        answered += count;
    }
}
