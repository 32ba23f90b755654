//! Clients that are killed: whatever they were doing, what they held comes back, and the others notice nothing.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use host_runtime::{Card, CardId, Direction, OpenOptions};
use vfio_user::DmaAccess;
use xdma::registers::target;

use crate::attacked::{Attacked, decide, queue, validate};
use crate::driver::{Driver, HOST};
use crate::endless;
use crate::ring::{self, PAGE, Ring};

const FOLDER: &str = "FPGA_TEST_FOLDER";
const MODE: &str = "FPGA_TEST_MODE";

/// What a victim says after each step.
const STEP: &str = "step";

/// Starts a victim, and kills it after so many steps.
fn kill_after(card: &Attacked, mode: &str, steps: usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "vanished::victim", "--ignored", "--nocapture"])
        .env(FOLDER, card.folder())
        .env(MODE, mode)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = said.map_while(Result::ok).filter(|line| line == STEP);
    let seen = said.take(steps).count();
    kill(&mut child);
    assert_eq!(seen, steps, "it ended by itself");
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn step() {
    // Who has killed this does not listen any more.
    if writeln!(std::io::stdout(), "{STEP}").is_err() {
        std::process::exit(0);
    }
}

#[test]
#[ignore = "the process that the tests of this file kill"]
fn victim() {
    let (Some(folder), Ok(mode)) = (std::env::var_os(FOLDER), std::env::var(MODE)) else {
        return;
    };
    let id = CardId::Served("attacked".parse().unwrap());
    let open = OpenOptions {
        state_folder: Some(folder.clone().into()),
        ..OpenOptions::default()
    };
    let socket = PathBuf::from(folder).join("served/attacked.sock");
    step();
    match mode.as_str() {
        "program" => loop {
            let card = Card::open_with(id, &open).unwrap();
            step();
            let mut buffer = card.allocate(0, 4 << 20).unwrap();
            buffer.sync(Direction::ToDevice).unwrap();
            step();
            buffer.sync(Direction::FromDevice).unwrap();
            step();
            validate(&card);
            step();
        },
        "dma" => {
            let driver = Driver::attach(&socket);
            let on_card = endless::card_memory(&driver);
            for channels in [target::H2C, target::C2H].into_iter().cycle() {
                endless::start(&driver, channels, HOST, on_card);
                step();
                endless::stop(&driver, channels);
            }
        }
        "queue" => {
            let card = Card::open_with(id, &open).unwrap();
            let mut queues: Vec<_> = (0..4).map(|_| queue(&card)).collect();
            loop {
                for queue in &mut queues {
                    decide(queue);
                    step();
                }
            }
        }
        // The card writes completions as long as it is asked to.
        "ring" => {
            let driver = Driver::attach(&socket);
            driver.fill(0, &ring::entries());
            let ring = Ring::new(&driver, HOST);
            let mut done = 0u16;
            loop {
                ring.ring(done.wrapping_add(64), done);
                step();
                while ring.completed() == done {}
                done = ring.completed();
            }
        }
        other => panic!("{other}"),
    }
}

#[test]
fn programs_that_are_killed_at_any_moment_leave_nothing_behind() {
    let card = Attacked::validator();
    card.during(|| {
        (1..=8)
            .step_by(2)
            .for_each(|steps| kill_after(&card, "program", steps));
        card.await_clients(1);
        // Nobody has most of a bank any more.
        let driver = Driver::attach(&card.socket());
        let bank = host_runtime::Image::default_image().unwrap().banks()[0].size;
        endless::memory_in(&driver, 0, bank / 4 * 3, 0);
    });
}

#[test]
fn clients_that_are_killed_under_dma_leave_nothing_behind() {
    let card = Attacked::validator();
    card.during(|| {
        (2..=5).for_each(|steps| kill_after(&card, "dma", steps));
        card.await_clients(1);
    });
}

#[test]
fn clients_that_are_killed_while_kernels_work_in_their_memory_leave_nothing_behind() {
    let card = Attacked::queue();
    card.during(|| {
        for steps in 2..=5 {
            kill_after(&card, "queue", steps);
            kill_after(&card, "ring", steps);
        }
        card.await_clients(1);
        // All pairs but the worker's are free.
        let own = card.open();
        let queues: Vec<_> = (0..15).map(|_| queue(&own)).collect();
        drop(queues);
    });
}

#[test]
fn a_client_that_vanishes_with_memory_mapped_over_and_over_leaves_nothing_behind() {
    let card = Attacked::validator();
    card.during(|| {
        for _ in 0..50 {
            let driver = Driver::attach(&card.socket());
            let on_card = endless::card_memory(&driver);
            endless::start(&driver, target::H2C, HOST, on_card);
            let file = driver.memory.as_fd();
            let map = driver
                .client
                .map_dma(1 << 33, PAGE, DmaAccess::BOTH, file, 0);
            map.unwrap();
        }
        card.await_clients(1);
    });
}
