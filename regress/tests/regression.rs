//! Regressions of shell commands: what is run, what is kept, what is told.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use regress::history::Run;
use regress::{Extent, History, Plan, Regression, Report, Verdict, junit, page};

fn plan(folder: &Path, text: &str) -> Plan {
    let path = folder.join("plan.toml");
    std::fs::write(&path, text).unwrap();
    Plan::read(&path).unwrap()
}

fn run(folder: &Path, text: &str, extent: Extent) -> Report {
    let regression = Regression {
        plan: &plan(folder, text),
        extent,
        jobs: 3,
        root: folder,
        failures: &folder.join("failures"),
    };
    regression.run(&|_| (), &|| false).unwrap()
}

fn seeds(count: u64, first: u64) -> Extent {
    Extent::Seeds { count, first }
}

const MIXED: &str = r#"
[[test]]
name = "even"
command = "echo said {seed}; exit $(({seed} % 2))"
waves = "echo waves of {seed} > {folder}/waves.vcd"
[[test]]
name = "once"
command = "true"
"#;

#[test]
fn random_tests_run_by_seeds_and_the_others_once() {
    let folder = tempfile::tempdir().unwrap();
    let report = run(folder.path(), MIXED, seeds(4, 10));
    let mut seen: Vec<_> = report
        .outcomes
        .iter()
        .map(|one| (one.name.as_str(), one.seed, one.passed()))
        .collect();
    seen.sort_unstable();
    let even = |seed| ("even", Some(seed), seed % 2 == 0);
    assert_eq!(
        seen,
        [even(10), even(11), even(12), even(13), ("once", None, true)]
    );
}

#[test]
fn a_failure_keeps_what_it_said_and_its_waves_and_tells_the_command_that_repeats_it() {
    let folder = tempfile::tempdir().unwrap();
    let report = run(folder.path(), MIXED, seeds(2, 10));
    let failed: Vec<_> = report.failures().collect();
    let [failed] = failed[..] else {
        panic!("{failed:?}")
    };
    assert_eq!(failed.command, "echo said 11; exit $((11 % 2))");
    let kept = failed.folder.as_ref().unwrap();
    assert_eq!(
        std::fs::read_to_string(kept.join("log")).unwrap(),
        "said 11\n"
    );
    assert_eq!(
        std::fs::read_to_string(kept.join("waves.vcd")).unwrap(),
        "waves of 11\n"
    );
    // Nothing is kept of those that passed.
    assert_eq!(
        std::fs::read_dir(folder.path().join("failures"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn a_test_that_does_not_end_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[[test]]\nname = \"endless\"\ncommand = \"sleep 1000 & echo $! > child; wait\"\nseconds = 1\n";
    let report = run(folder.path(), text, seeds(1, 0));
    assert_eq!(report.outcomes[0].verdict, Verdict::TimedOut);
    let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
    let state = std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
    // Gone, or dead and not waited for yet by whoever inherited it.
    assert!(state.is_err() || state.is_ok_and(|state| state.contains(") Z ")));
}

#[test]
fn by_time_the_rounds_go_on_with_other_seeds() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[[test]]\nname = \"t\"\ncommand = \"true {seed}\"\n[[test]]\nname = \"once\"\ncommand = \"true\"\n";
    let plan = plan(folder.path(), text);
    let regression = Regression {
        plan: &plan,
        extent: Extent::Time {
            span: Duration::from_secs(3600),
            first: 5,
        },
        jobs: 2,
        root: folder.path(),
        failures: &folder.path().join("failures"),
    };
    let count = AtomicUsize::new(0);
    let progress = |_: &regress::Outcome| {
        count.fetch_add(1, Ordering::Relaxed);
    };
    let report = regression
        .run(&progress, &|| count.load(Ordering::Relaxed) >= 20)
        .unwrap();
    assert!(report.stopped);
    let random: Vec<_> = report.outcomes.iter().filter_map(|one| one.seed).collect();
    assert_eq!(
        random.iter().collect::<BTreeSet<_>>().len(),
        random.len(),
        "no seed twice"
    );
    assert!(random.iter().all(|seed| (5..100).contains(seed)));
    assert_eq!(
        report
            .outcomes
            .iter()
            .filter(|one| one.name == "once")
            .count(),
        1
    );
}

#[test]
fn the_history_grows_and_outlives_a_kill_in_the_middle_of_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let report = run(folder.path(), MIXED, seeds(3, 10));
    let path = folder.path().join("history.jsonl");
    for subject in ["one", "two"] {
        let mut history = History::read(&path).unwrap();
        history.add(&path, Run::of(&report, subject)).unwrap();
    }
    let history = History::read(&path).unwrap();
    assert_eq!(history.runs[1].subject, "two");
    let tally = history.runs[1].tests["even"];
    assert_eq!((tally.runs, tally.failed), (3, 1));

    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let mut history = History::read(&path).unwrap();
    assert_eq!(history.runs.len(), 1);
    history.add(&path, Run::of(&report, "three")).unwrap();
    let subjects: Vec<_> = History::read(&path)
        .unwrap()
        .runs
        .into_iter()
        .map(|run| run.subject)
        .collect();
    assert_eq!(subjects, ["one", "three"]);
}

#[test]
fn reports_for_machines_and_for_people_tell_the_failure_and_its_command() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "[[test]]\nname = \"<odd> & \\\"rest\\\"\"\ncommand = \"echo '<tag>'; exit {seed}\"\n";
    let report = run(folder.path(), text, seeds(2, 0));
    let xml = String::from_utf8(junit::write(&report)).unwrap();
    assert!(xml.contains("tests=\"2\" failures=\"1\""), "{xml}");
    assert!(
        xml.contains("echo &apos;&lt;tag&gt;&apos;; exit 1") || xml.contains("exit 1"),
        "{xml}"
    );
    let mut reader = quick_xml::Reader::from_str(&xml);
    while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}

    let mut history = History::default();
    history
        .add(&folder.path().join("h"), Run::of(&report, "v1"))
        .unwrap();
    let html = page::write(&report, &history);
    assert!(
        html.contains("1 failed") && html.contains("exit 1") && html.contains("&lt;odd&gt;"),
        "{html}"
    );
    assert!(
        html.contains(", seed 1") && html.contains("exit status: 1"),
        "{html}"
    );
    assert!(!html.contains("<odd>") && !html.contains("<tag>"), "{html}");
}

/// The plan of this repository: readable, and with every test of the independent bench.
#[test]
fn the_plan_of_the_hardware_has_every_test_of_the_bench() {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let plan = Plan::read(&root.join("hdl/regress.toml")).unwrap();
    for file in std::fs::read_dir(root.join("hdl/tb")).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let Some(kernel) = name
            .strip_prefix("test_")
            .map(|rest| rest.split(['_', '.']).next().unwrap().to_owned())
        else {
            continue;
        };
        let text = std::fs::read_to_string(file.path()).unwrap();
        for test in text.split("@cocotb.test()\nasync def ").skip(1) {
            let test = format!("{kernel}/{}", test.split('(').next().unwrap());
            let found = plan
                .tests
                .iter()
                .any(|planned| planned.command.ends_with(&format!(" {test}")));
            assert!(found, "{test} of {name} is not in hdl/regress.toml");
        }
    }
}
