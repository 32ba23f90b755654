//! `fpga-ctl regress` as somebody uses it: what it prints, what it keeps, and what an end in the middle leaves.

mod common;

use std::process::{Command, Stdio};

use common::{Bench, Ended, wait_for, wait_until};

/// A test that passes, and a random one that fails by its seed and can record waves.
const MIXED: &str = r#"
[[test]]
name = "passes"
command = "true"
[[test]]
name = "odd <&> even"
command = "echo the seed is {seed}; exit $(({seed} % 2))"
waves = "echo waves of {seed} > {folder}/waves.vcd"
"#;

fn text(bench: &Bench, name: &str) -> String {
    String::from_utf8(bench.read(name)).unwrap()
}

/// Runs of the history, one a line.
fn runs(bench: &Bench) -> usize {
    text(bench, "out/history.jsonl").lines().count()
}

#[test]
fn a_failure_is_told_with_its_command_kept_with_its_waves_and_reported() {
    let bench = Bench::new();
    bench.write("list.toml", MIXED);
    let ended = bench.run(&[
        "regress",
        "list.toml",
        "--output",
        "out",
        "--seeds",
        "2",
        "--seed",
        "6",
    ]);
    let ended = ended.expect(1);
    ended.tells(&[
        "ok: passes",
        "ok: odd <&> even, seed 6",
        "FAILED: odd <&> even, seed 7",
        "3 runs, 1 failed",
    ]);

    // The command that it prints repeats the failure.
    let line = |word: &str| {
        let line = ended
            .stderr
            .lines()
            .find_map(|line| line.trim().strip_prefix(word));
        line.unwrap_or_else(|| panic!("no {word} in {}", ended.stderr))
            .to_owned()
    };
    let again: Ended = Command::new("sh")
        .arg("-c")
        .arg(line("again: "))
        .output()
        .unwrap()
        .into();
    assert_eq!(again.expect(1).text(), "the seed is 7\n");
    let kept = std::path::PathBuf::from(line("kept: "));
    assert_eq!(
        std::fs::read_to_string(kept.join("waves.vcd")).unwrap(),
        "waves of 7\n"
    );
    assert_eq!(
        std::fs::read_to_string(kept.join("log")).unwrap(),
        "the seed is 7\n"
    );

    let junit = text(&bench, "out/junit.xml");
    assert!(
        junit.contains("tests=\"3\"") && junit.contains("failures=\"1\""),
        "{junit}"
    );
    assert!(junit.contains("odd &lt;&amp;&gt; even"), "{junit}");
    let page = text(&bench, "out/index.html");
    for said in [
        "1 failed",
        "odd &lt;&amp;&gt; even",
        "the seed is 7",
        "exit $((7 % 2))",
    ] {
        assert!(page.contains(said), "no {said} in {page}");
    }
}

#[test]
fn by_time_it_goes_on_with_new_seeds_and_ends() {
    let bench = Bench::new();
    bench.write(
        "list.toml",
        "[[test]]\nname = \"t\"\ncommand = \"echo {seed} >> seeds\"\n",
    );
    let arguments = [
        "regress",
        "list.toml",
        "--output",
        "out",
        "--for",
        "1s",
        "--jobs",
        "1",
    ];
    bench.run(&arguments).expect(0);
    let seeds = text(&bench, "seeds");
    let mut distinct: Vec<_> = seeds.lines().collect();
    distinct.dedup();
    assert!(distinct.len() > 1, "{seeds}");
    assert_eq!(distinct.len(), seeds.lines().count(), "{seeds}");
}

/// Starts a regression whose only test says that it runs, and ends with whoever runs it.
fn start_endless(bench: &Bench) -> std::process::Child {
    let endless = "[[test]]\nname = \"endless\"\ncommand = \"touch runs; while kill -0 $PPID; do sleep 0.05; done\"\n";
    bench.write("endless.toml", endless);
    let mut command = bench.command();
    command.args(["regress", "endless.toml", "--output", "out"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("the test runs", || bench.path("runs").exists());
    child
}

#[test]
fn a_kill_in_the_middle_leaves_what_the_next_run_goes_on_with() {
    let bench = Bench::new();
    bench.write("list.toml", MIXED);
    let whole = ["regress", "list.toml", "--output", "out", "--seed", "2"];
    bench.run(&whole).expect(0);
    let mut child = start_endless(&bench);
    child.kill().unwrap();
    wait_for(child);
    assert_eq!(runs(&bench), 1, "a run that was killed is none");
    bench.run(&whole).expect(0);
    assert_eq!(runs(&bench), 2);
    assert!(text(&bench, "out/index.html").contains("all passed"));
}

#[test]
fn an_interrupt_ends_what_runs_and_reports_what_is_done() {
    let bench = Bench::new();
    let child = start_endless(&bench);
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let ended = wait_for(child);
    ended.tells(&["stopped"]);
    assert_eq!(runs(&bench), 1);
    assert!(text(&bench, "out/index.html").contains("stopped before its end"));
}

#[test]
fn lists_that_cannot_be_used_are_refused_by_name() {
    let bench = Bench::new();
    bench
        .run(&["regress", "none.toml"])
        .expect(2)
        .tells(&["none.toml"]);
    bench.write(
        "twice.toml",
        "[[test]]\nname=\"a\"\ncommand=\"true\"\n[[test]]\nname=\"a\"\ncommand=\"true\"\n",
    );
    bench
        .run(&["regress", "twice.toml"])
        .expect(2)
        .tells(&["twice.toml", "\"a\""]);
    bench.write("list.toml", MIXED);
    bench
        .run(&["regress", "list.toml", "--only", "nothing"])
        .expect(2)
        .tells(&["nothing"]);
}
