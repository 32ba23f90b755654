//! What holds for queues of simulated cards alone: the image, other processes, runs beside queues, pairs that the card stops.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use host_runtime::bitstreams::link::{Config, KernelSource, Linker};
use host_runtime::cosim::Cache;
use host_runtime::queue::{Completion, KERNEL, Queue, QueueOptions, QueuePath, StopCause};
use host_runtime::tcp::{Profile, golden};
use host_runtime::{CancelToken, Card, CardId, Error, Image, OpenOptions, Validator};

use crate::common::Bench;
use crate::promises::{WAIT, drain};
use crate::traffic::{History, Traffic};

const CARD: CardId = CardId::Simulated(0);

fn options(path: QueuePath) -> QueueOptions {
    QueueOptions {
        entries: 16,
        path,
        ..QueueOptions::default()
    }
}

fn open(card: &Card) -> Queue {
    card.open_queue(&options(QueuePath::Auto)).unwrap()
}

/// Uses the queue and checks the answers.
fn check(queue: &mut Queue) {
    let mut traffic = Traffic::new(3);
    let submissions = traffic.many(16);
    assert_eq!(queue.submit_many(&submissions), 16);
    let completions = drain(queue);
    for (submission, completion) in submissions.iter().zip(&completions) {
        History::new().check(submission, completion);
    }
}

#[test]
fn an_empty_card_gets_the_image_with_the_queue_and_another_image_is_left_alone() {
    let bench = Bench::new();
    let card = bench.open(CARD);
    check(&mut open(&card));
    assert_eq!(
        card.image().unwrap().uuid(),
        Image::queue_image().unwrap().uuid()
    );
    card.program(&Image::default_image().unwrap()).unwrap();
    let error = card.open_queue(&options(QueuePath::Auto)).unwrap_err();
    assert!(
        matches!(&error, Error::KernelMissing { kernel, .. } if kernel == KERNEL),
        "{error}"
    );
    assert!(error.to_string().contains("`queue`"), "{error}");
    assert_eq!(
        card.image().unwrap().uuid(),
        Image::default_image().unwrap().uuid()
    );
}

#[test]
fn few_submissions_are_pushed_and_many_go_by_the_ring() {
    let bench = Bench::new();
    let card = bench.open(CARD);
    for (path, pushed) in [
        (QueuePath::Auto, [true, true, false]),
        (QueuePath::Ring, [false; 3]),
        (QueuePath::Push, [true; 3]),
    ] {
        let mut queue = card.open_queue(&options(path)).unwrap();
        let mut traffic = Traffic::new(4);
        for (count, pushed) in [1, 2, 7].into_iter().zip(pushed) {
            assert_eq!(queue.submit_many(&traffic.many(count)), count);
            for completion in drain(&mut queue) {
                assert_eq!(completion.came_by_push(), pushed, "{path:?}, {count}");
            }
        }
    }
}

/// An image as a user builds it, of both kernels.
fn both_kernels(bench: &Bench) -> Arc<Image> {
    let hdl = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hdl");
    let kernel = |list: &str, description: &str| KernelSource {
        sources: vec![hdl.join(list)],
        description: Some(hdl.join(description)),
        ..KernelSource::default()
    };
    let linker = Linker {
        kernels: vec![
            kernel("tcp_validator.f", "kernel.xml"),
            kernel("tcp_queue.f", "kernel_queue.xml"),
        ],
        config: Config::default(),
        trust_folder: Some(bench.trust_folder()),
        ..Linker::default()
    };
    let cache = Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"));
    Image::new(linker.link(&cache).unwrap().image).unwrap()
}

#[test]
fn runs_and_queues_of_one_card_work_beside_each_other() {
    let bench = Bench::new();
    let card = bench.open(CARD);
    card.program(&both_kernels(&bench)).unwrap();
    let descriptors: Vec<_> = host_runtime::collection::sample::entries(Profile::Compact)
        .into_iter()
        .map(|(_, descriptor)| descriptor)
        .collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20 {
                let mut validator = Validator::new(&card).unwrap().check(true);
                let report = validator.validate(&descriptors).unwrap();
                assert_eq!(report.answers.len(), descriptors.len());
            }
        });
        for _ in 0..3 {
            scope.spawn(|| {
                let mut queue = open(&card);
                for _ in 0..20 {
                    check(&mut queue);
                }
            });
        }
    });
    // The queue that is open does not keep a run from beginning.
    let _queue = open(&card);
    let report = Validator::new(&card)
        .unwrap()
        .validate(&descriptors)
        .unwrap();
    let summary = golden_count(&descriptors);
    assert_eq!(report.summary.tally.verdicts.valid, summary);
}

fn golden_count(descriptors: &[host_runtime::tcp::Descriptor]) -> u64 {
    let options = Default::default();
    let policy = host_runtime::tcp::Policy::reset_default();
    descriptors
        .iter()
        .filter(|descriptor| {
            golden::evaluate(descriptor, options, &policy)
                .verdict()
                .is_valid()
        })
        .count() as u64
}

#[test]
fn others_wait_for_the_card_while_a_queue_is_open_and_learn_who_has_it() {
    let bench = Bench::new();
    let card = bench.open(CARD);
    let mut queue = open(&card);
    // Another opening is to this one what another process is.
    let other = bench.open(CARD);
    let soon = QueueOptions {
        timeout: Duration::from_millis(20),
        ..options(QueuePath::Auto)
    };
    let error = other.open_queue(&soon).unwrap_err();
    assert!(matches!(error, Error::TurnTimeout { .. }), "{error}");
    assert!(error.to_string().contains("a test"), "{error}");
    check(&mut queue);
    drop(queue);
    check(&mut open(&other));
}

/// What was set while a queue was open outlives it, as all of a card's state does.
#[test]
fn a_card_goes_on_from_its_queues_policies() {
    let bench = Bench::new();
    let policy = Traffic::new(5).policy();
    let slot = host_runtime::tcp::PolicySlot::new(3).unwrap();
    let card = bench.open(CARD);
    assert_eq!(open(&card).set_policy(slot, &policy).unwrap(), 1);
    drop(card);
    assert_eq!(
        open(&bench.open(CARD)).set_policy(slot, &policy).unwrap(),
        2
    );
}

#[test]
fn a_pair_that_the_card_stops_ends_its_queue_and_no_other() {
    let bench = Bench::new();
    let card = bench.open(CARD);
    let (mut queue, mut other) = (open(&card), open(&card));
    let mut traffic = Traffic::new(6);
    let submissions = traffic.many(5);
    queue.submit_many(&submissions[..3]);
    assert_eq!(drain(&mut queue).len(), 3);
    // A doorbell far outside the ring.
    let kernel = card.kernel(KERNEL).unwrap();
    let doorbell = 0x700 + 8 * queue.pair() as u32;
    kernel.write_register(doorbell, 0x4000).unwrap();
    queue.submit_many(&submissions[3..]);
    let mut completions = [Completion::default(); 4];
    let error = queue
        .wait(&mut completions, WAIT, &CancelToken::new())
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::QueueStopped {
                cause: StopCause::BadTail,
                outstanding: 2,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(queue.unanswered().count(), 2);
    assert_eq!(queue.submit_many(&submissions), 0);
    check(&mut other);
    let pair = queue.pair();
    drop(queue);
    let mut queue = open(&card);
    assert_eq!(queue.pair(), pair);
    check(&mut queue);
}

#[test]
fn a_card_programmed_under_a_queue_ends_it() {
    let bench = Bench::new();
    let card = bench.open(CARD);
    let mut queue = open(&card);
    queue.submit_many(&Traffic::new(7).many(4));
    card.program(&Image::queue_image().unwrap()).unwrap();
    let error = queue.poll(&mut [Completion::default(); 4]).unwrap_err();
    assert!(
        matches!(error, Error::QueueStale { outstanding: 4, .. }),
        "{error}"
    );
    check(&mut open(&card));
    drop(queue);
    check(&mut open(&card));
}

/// Names the state folder of the process that is killed.
const FOLDER: &str = "FPGA_TEST_FOLDER";

#[test]
fn a_killed_process_leaves_a_card_that_can_be_used() {
    let bench = Bench::new();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "simulated::killed", "--ignored", "--nocapture"])
        .env(FOLDER, bench.folder.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("in the middle"), "{text}");
    let card = bench.open(CARD);
    let mut queue = open(&card);
    assert_eq!(queue.pair(), 0);
    check(&mut queue);
}

#[test]
#[ignore = "the process that a_killed_process_leaves_a_card_that_can_be_used kills"]
fn killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let options = OpenOptions {
        state_folder: Some(folder.into()),
        ..OpenOptions::default()
    };
    let card = Card::open_with(CARD, &options).unwrap();
    let mut queue = open(&card);
    let mut traffic = Traffic::new(8);
    check(&mut queue);
    queue.submit_many(&traffic.many(9));
    queue.poll(&mut [Completion::default(); 2]).unwrap();
    println!("in the middle");
    std::process::abort();
}
