//! Processes that are stopped, killed, or share a card.

mod common;

use common::{Bench, wait_for};
use host_runtime::tcp::Profile;
use rustix::process::{Pid, Signal, kill_process};

fn send(child: &std::process::Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A card with a policy and counts of its own.
fn used_bench() -> Bench {
    let bench = Bench::new();
    bench.sample(Profile::Compact);
    bench.run(&["program", "default"]).expect(0);
    bench.write("policy.toml", "limits.max_memory_mb = 17");
    bench
        .run(&["policy", "set", "policy.toml", "--slot", "4"])
        .expect(0);
    bench.run(&["validate", "compact.tcpdb"]).expect(0);
    bench
}

#[test]
fn an_interrupted_validation_leaves_no_output_and_the_card_as_before() {
    for signal in [Signal::INT, Signal::TERM] {
        let bench = used_bench();
        let state = bench.state_of_card();
        let child = bench.start_endless(&["--output", "out"]);
        bench.await_output();
        send(&child, signal);
        let ended = wait_for(child).expect(2);
        ended.tells(&["stopping", "interrupted"]);
        assert_eq!(
            bench.names(),
            ["compact.tcpdb", "endless.bin", "policy.toml"]
        );
        assert_eq!(bench.state_of_card(), state);
        bench.run(&["validate", "compact.tcpdb"]).expect(0);
    }
}

#[test]
fn an_interrupt_is_told_in_the_json_report_too() {
    let bench = used_bench();
    let child = bench.start_endless(&["--output", "out", "--json"]);
    bench.await_output();
    send(&child, Signal::INT);
    let message = wait_for(child).expect(2).json()["error"]["message"].to_string();
    assert!(message.contains("interrupted"), "{message}");
}

#[test]
fn an_interrupt_while_reading_a_pipe_ends_the_wait() {
    let bench = Bench::new();
    let mut child = bench
        .command()
        .args(["-v", "validate", "-"])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let pipe = child.stdin.take();
    // It says on standard error that it reads; from then on it takes signals.
    let mut stderr = child.stderr.take().unwrap();
    let mut told = Vec::new();
    while !told.ends_with(b"\n") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut stderr, &mut byte).unwrap();
        told.push(byte[0]);
    }
    send(&child, Signal::INT);
    wait_for(child).expect(2);
    drop(pipe);
}

#[test]
fn a_killed_validation_leaves_a_usable_card_with_its_state() {
    let bench = used_bench();
    let state = bench.state_of_card();
    let mut child = bench.start_endless(&["--output", "out"]);
    bench.await_output();
    send(&child, Signal::KILL);
    assert_eq!(child.wait().unwrap().code(), None);
    assert!(!bench.path("out").exists());
    assert_eq!(bench.state_of_card(), state);
    let list = bench.run(&["list", "--json"]).expect(0).json();
    let card = list["cards"]
        .as_array()
        .unwrap()
        .iter()
        .find(|card| card["card"] == "sim:0");
    assert_eq!(card.unwrap()["state"], "ready");
    bench
        .run(&["validate", "compact.tcpdb", "--check"])
        .expect(0);
    bench.run(&["program", "default"]).expect(0);
}

#[test]
fn processes_share_a_card_that_was_never_used() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    let start = || {
        bench
            .command()
            .args([
                "validate",
                "wide.tcpdb",
                "--profile",
                "wide",
                "--check",
                "--json",
            ])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    for child in children {
        let report = wait_for(child).expect(0).json();
        assert_eq!(
            report["valid"].as_u64().unwrap() + 15,
            report["count"].as_u64().unwrap()
        );
    }
}

#[test]
fn processes_that_come_and_go_share_a_card() {
    let bench = used_bench();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..8 {
                    bench.run(&["validate", "compact.tcpdb"]).expect(0);
                    bench.run(&["info"]).expect(0);
                }
            });
        }
    });
    let count = common::sample_descriptors(Profile::Compact).len() as u64;
    let info = bench.run(&["info", "--json"]).expect(0).json();
    assert_eq!(info["counters"]["descriptors"], 33 * count);
}

#[test]
fn a_card_in_use_is_listed_with_its_holder_and_cannot_be_programmed() {
    let bench = used_bench();
    let child = bench.start_endless(&["--output", "out"]);
    bench.await_output();
    let list = bench.run(&["list", "--json"]).expect(0).json();
    let card = list["cards"]
        .as_array()
        .unwrap()
        .iter()
        .find(|card| card["card"] == "sim:0")
        .unwrap();
    assert_eq!(card["state"], "held");
    assert_eq!(card["holders"][0]["pid"], child.id());
    assert_eq!(card["holders"][0]["purpose"], "validate");
    let holder = format!("process {}", child.id());
    for arguments in [
        &["program", "default"][..],
        &["reset"],
        &["reset", "--state"],
    ] {
        bench.run(arguments).expect(2).tells(&["sim:0", &holder]);
    }
    send(&child, Signal::INT);
    wait_for(child).expect(2);
}
