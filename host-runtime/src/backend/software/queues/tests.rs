//! The server's sleep, which no user can see.

use super::*;
use crate::tcp::{Descriptor, Options};

/// Looks after which something that must happen did not.
const LOOKS: usize = 10_000_000;

fn wait_for(what: &str, happened: impl Fn() -> bool) {
    for _ in 0..LOOKS {
        if happened() {
            return;
        }
        std::thread::yield_now();
    }
    panic!("never: {what}");
}

#[test]
fn a_server_without_work_sleeps_and_a_submission_wakes_it() {
    let queues = Queues::new(CardId::Software(0), JudgeSettings::default());
    let mut pair = queues.open(&QueueOptions::default()).unwrap();
    let submission = Submission::new(Descriptor([0; 24]), 5, Options::default());
    for _ in 0..20 {
        wait_for("the server sleeps", || queues.desk.is_sleeping());
        pair.submit(&[submission], 0);
        let mut completions = [Completion::default()];
        let deadline = Instant::now() + Duration::from_secs(60);
        pair.wait(1, deadline, &CancelToken::new()).unwrap();
        assert_eq!(pair.take(&mut completions), 1);
        assert_eq!(completions[0].tag(), 5);
    }
}

#[test]
fn closing_ends_the_server_and_its_pairs() {
    let queues = Queues::new(CardId::Software(0), JudgeSettings::default());
    let mut pair = queues.open(&QueueOptions::default()).unwrap();
    wait_for("the server sleeps", || queues.desk.is_sleeping());
    queues.retire();
    assert!(matches!(pair.progress(0), Err(PairFault::Stale)));
    assert!(matches!(
        queues.open(&QueueOptions::default()),
        Err(Error::WrongState { .. })
    ));
}
