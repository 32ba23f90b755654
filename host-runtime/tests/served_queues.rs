//! Queues and host memory of served cards: what holds between processes, and when memory or processes go away.
#![cfg(feature = "cosim")]

mod common;

use std::process::Command;
use std::time::Duration;

use common::Bench;
use host_runtime::queue::{Completion, Queue, QueueOptions, QueuePath, Submission};
use host_runtime::tcp::{Descriptor, Options};
use host_runtime::{CancelToken, Card, CardId, Image, OpenOptions, SimOptions};

const WAIT: Duration = Duration::from_secs(60);

fn options(path: QueuePath) -> QueueOptions {
    QueueOptions {
        entries: 16,
        path,
        ..QueueOptions::default()
    }
}

fn submission(tag: u32) -> Submission {
    Submission::new(Descriptor([0; 24]), tag, Options::default())
}

/// Uses the queue and sleeps for each answer.
fn check(queue: &mut Queue) {
    let mut completions = [Completion::default(); 16];
    for round in 0..20 {
        let tags: Vec<u32> = (0..=round % 16).collect();
        let submissions: Vec<_> = tags.iter().map(|&tag| submission(tag)).collect();
        assert_eq!(queue.submit_many(&submissions), submissions.len());
        let mut seen = Vec::new();
        while seen.len() < tags.len() {
            let count = queue.wait(&mut completions, WAIT, &CancelToken::new());
            let count = count.unwrap();
            assert!(count > 0, "no answer in time");
            seen.extend(completions[..count].iter().map(Completion::tag));
        }
        assert_eq!(seen, tags);
    }
}

#[test]
fn openings_have_pairs_of_their_own_and_sleep_until_they_are_answered() {
    let bench = Bench::new();
    let id = bench.serve(SimOptions::default());
    let cards: Vec<Card> = (0..4).map(|_| bench.open(id)).collect();
    let mut queues: Vec<Queue> = cards
        .iter()
        .flat_map(|card| {
            [QueuePath::Ring, QueuePath::Push].map(|path| card.open_queue(&options(path)).unwrap())
        })
        .collect();
    let mut pairs: Vec<_> = queues.iter().map(Queue::pair).collect();
    pairs.sort_unstable();
    assert_eq!(pairs, (0..8).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for queue in &mut queues {
            scope.spawn(|| check(queue));
        }
    });
}

#[test]
fn host_memory_is_one_memory_for_kernels_and_the_program() {
    let bench = Bench::new();
    let card = bench.open(bench.serve(SimOptions::default()));
    card.program(&Image::queue_image().unwrap()).unwrap();
    let image = card.image().unwrap();
    let host = image.banks().iter().position(|bank| bank.name == "HOST[0]");
    let buffer = card.allocate_device(host.unwrap(), 8192).unwrap();
    let mapped = buffer.map().unwrap().expect("the program's own memory");
    buffer.write(4096, b"through the runtime").unwrap();
    // SAFETY: 19 bytes of the buffer, which nobody writes now.
    let seen = unsafe { std::slice::from_raw_parts(mapped.as_ptr().add(4096), 19) };
    assert_eq!(seen, b"through the runtime");
    let mut bytes = [0; 7];
    buffer.read(4096, &mut bytes).unwrap();
    assert_eq!(&bytes, b"through");
    let own = card.allocate_device(0, 8192).unwrap();
    assert!(
        own.map().unwrap().is_none(),
        "the card's memory is not seen"
    );
    own.copy_from(0, &buffer, 4096, 7).unwrap();
    own.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"through");
    // The DMA engine reaches the card's own memory alone.
    let address = buffer.address();
    drop(buffer);
    card.write_memory(address, &[1; 8]).unwrap_err();
}

/// Names the state folder of the process that is killed.
const FOLDER: &str = "FPGA_TEST_FOLDER";

#[test]
fn a_killed_process_gives_its_pairs_back_and_the_others_work_on() {
    let bench = Bench::new();
    let id = bench.serve(SimOptions::default());
    let card = bench.open(id);
    let mut queue = card.open_queue(&options(QueuePath::Auto)).unwrap();
    check(&mut queue);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed", "--ignored", "--nocapture"])
        .env(FOLDER, bench.folder.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("in the middle"), "{text}");
    // All of the fifteen that are not this process' own, once the server has noticed.
    let begin = std::time::Instant::now();
    let mut queues = Vec::new();
    while queues.len() < 15 {
        assert!(begin.elapsed() < WAIT, "{} came back", queues.len());
        queues.extend(card.open_queue(&options(QueuePath::Auto)).ok());
    }
    queues.iter_mut().for_each(check);
    check(&mut queue);
}

#[test]
#[ignore = "the process that a_killed_process_gives_its_pairs_back_and_the_others_work_on kills"]
fn killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let open = OpenOptions {
        state_folder: Some(folder.into()),
        ..OpenOptions::default()
    };
    let card = Card::open_with(CardId::Served("test".parse().unwrap()), &open).unwrap();
    let mut queues: Vec<_> = (0..15)
        .map(|_| card.open_queue(&options(QueuePath::Ring)).unwrap())
        .collect();
    let submissions: Vec<_> = (0..16).map(submission).collect();
    for queue in &mut queues {
        assert_eq!(queue.submit_many(&submissions), 16);
    }
    println!("in the middle");
    std::process::abort();
}
