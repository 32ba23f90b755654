//! A process that is killed in the middle of a recovery.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use host_runtime::{Card, CardId, OpenOptions, Recovery, Rung, TrustOptions, recoveries};

use crate::with_kernels::{Hospital, works};

/// In the child: the folder of the card's state.
const FOLDER: &str = "RECOVERY_TEST_FOLDER";

/// Not a test of its own: the process that is killed.
#[test]
fn child_that_recovers_without_an_end() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let options = OpenOptions {
        trust: TrustOptions {
            folder: Some(folder.join("trust")),
            ..TrustOptions::default()
        },
        state_folder: Some(folder),
        ..OpenOptions::default()
    };
    loop {
        let card = Card::open_with(CardId::Simulated(0), &options).unwrap();
        for rung in [Rung::Abort, Rung::SoftReset, Rung::Reprogram] {
            card.climb(rung, Rung::Reprogram, "a test").unwrap();
        }
    }
}

fn start_child(hospital: &Hospital) -> Child {
    let folder = hospital.options(Recovery::NONE).state_folder.unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child_that_recovers_without_an_end"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_process_killed_in_the_middle_of_a_recovery_leaves_a_usable_card() {
    let hospital = Hospital::simulated();
    let folder = hospital.options(Recovery::NONE).state_folder.unwrap();
    let counted = || recoveries(hospital.id(), Some(&folder)).unwrap();
    let mut unfinished = 0;
    for round in 1..=6 {
        let before = counted();
        let mut child = start_child(&hospital);
        // In the midst of one: as many were begun as ended, and one more.
        let is_amid = || {
            let now = counted();
            let begun = now.troubles - before.troubles;
            let rungs = now.aborts + now.soft_resets + now.reprograms;
            begun >= round && rungs > now.self_tests_passed + now.self_tests_failed
        };
        while !is_amid() {
            assert!(child.try_wait().unwrap().is_none(), "the child ended");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let refused = Card::open_with(hospital.id(), &hospital.options(Recovery::NONE));
        unfinished += u32::from(refused.is_err());
        works(&hospital.open(Recovery::default()));
    }
    assert!(unfinished > 0, "no recovery was caught in the midst");
}
