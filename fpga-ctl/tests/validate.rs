//! `fpga-ctl validate`: every format in, every format out, the same on every card.

mod common;

use std::process::Stdio;

use common::{Bench, CARDS, golden_details, published, sample_descriptors};
use host_runtime::tcp::{Policy, PolicyFile, Profile};
use serde_json::json;

#[test]
fn the_output_file_holds_what_the_specification_says() {
    let bench = Bench::new();
    for profile in Profile::ALL {
        let name = profile.to_string();
        let file = bench.sample(profile);
        let policy = Policy::for_profile(profile);
        let details = golden_details(&sample_descriptors(profile), profile, &policy);
        let verdicts: Vec<u8> = details.iter().map(|detail| detail[0]).collect();
        for card in CARDS {
            let validate = |more: &[&str]| {
                let path = file.to_str().unwrap();
                let mut arguments = vec![
                    "validate",
                    path,
                    "--profile",
                    &name,
                    "--card",
                    card,
                    "--output",
                    "out",
                ];
                arguments.extend(more);
                bench.run(&arguments).expect(0);
                bench.read("out")
            };
            // With a listing the card answers with details, without one with verdicts.
            assert_eq!(validate(&[]), verdicts);
            assert_eq!(validate(&["--limit", "0"]), verdicts);
            assert_eq!(
                validate(&["--check", "--stalls", "40", "--seed", "9"]),
                verdicts
            );
            assert_eq!(validate(&["--detail"]), details.concat());
        }
    }
}

#[test]
fn every_format_of_input_counts_alike_also_from_standard_input() {
    let bench = Bench::new();
    let entries = host_runtime::collection::sample::entries(Profile::Wide);
    let packed: Vec<u8> = entries
        .iter()
        .flat_map(|(_, descriptor)| descriptor.0)
        .collect();
    let hex: String = entries
        .iter()
        .map(|(name, d)| format!("{d} {name}\n"))
        .collect();
    let members: serde_json::Map<_, _> = entries
        .iter()
        .map(|(name, d)| (name.clone(), json!({ "descriptor": d.to_string() })))
        .collect();
    let json = json!({ "deep": [members] }).to_string();
    let database = host_runtime::collection::sample::database(Profile::Wide);
    for (format, contents) in [
        ("packed", packed),
        ("hex", hex.into_bytes()),
        ("json", json.into_bytes()),
        ("tcpdb", database),
    ] {
        bench.write("input", &contents);
        let from_file = bench.run(&["validate", "input", "--profile", "wide", "--json"]);
        let from_stdin =
            bench.run_with_input(&["validate", "-", "--profile", "wide", "--json"], &contents);
        for report in [from_file, from_stdin] {
            let report = report.expect(0).json();
            assert_eq!(report["files"][0]["format"], format);
            assert_eq!(report["count"], entries.len());
            let expected = json!({
                "BAD_MAGIC": 3, "BAD_VERSION": 3, "BAD_CHECKSUM": 3, "BAD_RISK": 3, "RESERVED_FLAGS": 3,
            });
            assert_eq!(report["malformed"], expected);
        }
    }
}

#[test]
fn the_table_names_the_worst_and_counts_everything() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    let ended = bench
        .run(&[
            "validate",
            "wide.tcpdb",
            "--profile",
            "wide",
            "--limit",
            "16",
        ])
        .expect(0);
    let text = ended.text();
    let listed: Vec<&str> = text.lines().skip(1).take(16).collect();
    assert!(
        listed[..15].iter().all(|line| line.contains("MALFORMED")),
        "{text}"
    );
    assert!(
        listed[15].contains("REJECT") && listed[15].contains("CRITICAL"),
        "{text}"
    );
    assert!(
        text.contains("malformed/bad_risk-2") && text.contains("--all"),
        "{text}"
    );
    for words in [
        "sim:0",
        "policy of the profile",
        "descriptors/s",
        "simulated",
        " clocks",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    ended.tells(&["no card is present", "sim:0"]);
    assert!(!text.contains('\u{1b}'), "no colors in a pipe");

    let all = bench.run(&[
        "validate",
        "wide.tcpdb",
        "--profile",
        "wide",
        "--all",
        "--card",
        "software:0",
    ]);
    let all = all.expect(0);
    let names = sample_descriptors(Profile::Wide).len();
    assert!(
        all.text()
            .lines()
            .filter(|line| line.contains(" 0x"))
            .count()
            == names
    );
    assert!(
        !all.text().contains("simulated") && all.stderr.is_empty(),
        "{}",
        all.stderr
    );
}

#[test]
fn names_from_a_file_cannot_reach_the_terminal() {
    let bench = Bench::new();
    let hex = sample_descriptors(Profile::Compact)[0];
    bench.write("names", format!("{hex} \u{1b}]0;owned\u{7}\n"));
    let text = bench.run(&["validate", "names"]).expect(0).text();
    assert!(
        !text.contains('\u{1b}') && text.contains("\\u{1b}"),
        "{text}"
    );
}

#[test]
fn csv_has_a_line_for_each_descriptor() {
    let bench = Bench::new();
    bench.sample(Profile::Compact);
    let git = "544350020002ba9f11ec0000024407d000c80d920003f202";
    bench.write(
        "git",
        format!("{git} git, the tool\n{}\n", git.replace("f202", "f203")),
    );
    let ended = bench
        .run(&["validate", "git", "compact.tcpdb", "--format", "csv"])
        .expect(0);
    let text = ended.text();
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        "index,name,verdict,decision,risk,cause,over_maximum,flag_hit,file"
    );
    assert_eq!(
        lines.next().unwrap(),
        "0,\"git, the tool\",0x13,CAUTION,MEDIUM_RISK,,false,false,git"
    );
    assert_eq!(
        lines.next().unwrap(),
        "1,,0x00,MALFORMED,,BAD_CHECKSUM,false,false,git"
    );
    assert_eq!(lines.count(), sample_descriptors(Profile::Compact).len());
}

#[test]
fn several_files_are_one_report_with_the_counts_of_each() {
    let bench = Bench::new();
    bench.sample(Profile::Compact);
    let git = "544350020002ba9f11ec0000024407d000c80d920003f202";
    bench.write("git", git);
    let report = bench
        .run(&[
            "validate",
            "git",
            "compact.tcpdb",
            "--json",
            "--output",
            "out",
        ])
        .expect(0)
        .json();
    let count = sample_descriptors(Profile::Compact).len();
    assert_eq!(report["count"], count + 1);
    assert_eq!(report["files"][0]["count"], 1);
    assert_eq!(report["files"][0]["decisions"]["CAUTION"], 1);
    assert_eq!(report["files"][1]["count"], count);
    assert_eq!(report["listed"][0]["file"], "compact.tcpdb");
    assert_eq!(bench.read("out").len(), count + 1);
    let text = bench
        .run(&["validate", "git", "compact.tcpdb"])
        .expect(0)
        .text();
    assert!(text.contains("2 files"), "{text}");
}

#[test]
fn fail_on_gives_exit_status_1_for_what_is_that_bad_or_worse() {
    let bench = Bench::new();
    let encode = |risk: &str| bench.run(&["encode", "x", "--risk", risk]).expect(0).text();
    let malformed = encode("safe").replace("5443", "5444");
    // From mild to severe, with how many of the four thresholds they reach.
    for (content, reached) in [
        (encode("safe"), 0),
        (encode("medium"), 1),
        (encode("high"), 2),
        (encode("critical"), 3),
        (malformed, 4),
    ] {
        bench.write("one", format!("{}{content}", encode("low")));
        for (index, threshold) in ["caution", "approval", "reject", "malformed"]
            .iter()
            .enumerate()
        {
            let code = i32::from(index < reached);
            let ended = bench.run(&[
                "validate",
                "one",
                "--card",
                "software:0",
                "--fail-on",
                threshold,
                "--json",
            ]);
            assert_eq!(
                ended.expect(code).json()["failed"],
                code == 1,
                "{threshold} of {content}"
            );
        }
        bench
            .run(&["validate", "one", "--card", "software:0"])
            .expect(0);
    }
}

#[test]
fn policies_come_from_the_profile_a_slot_or_a_file() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    let toml = "profile = \"wide\"\nrequire_approval = [\"NETWORK_ACCESS\"]\n[limits]\nmax_memory_mb = 100\n";
    bench.write("strict.toml", toml);
    let policy = PolicyFile::parse(toml, Profile::Wide).unwrap().policy;
    let expected: Vec<u8> =
        golden_details(&sample_descriptors(Profile::Wide), Profile::Wide, &policy)
            .iter()
            .map(|detail| detail[0])
            .collect();
    for card in CARDS {
        bench.run(&["program", "default", "--card", card]).expect(0);
        bench
            .run(&[
                "policy",
                "set",
                "strict.toml",
                "--slot",
                "5",
                "--card",
                card,
            ])
            .expect(0);
        for (choice, source) in [("strict.toml", "file"), ("5", "slot")] {
            let arguments = [
                "validate",
                "wide.tcpdb",
                "--profile",
                "wide",
                "--card",
                card,
                "--policy",
                choice,
            ];
            let report = bench.run(&[&arguments[..], &["--output", "out", "--json"]].concat());
            let report = report.expect(0).json();
            assert_eq!(report["policy"]["source"], source);
            assert_eq!(report["policy"]["max_memory_mb"], 100);
            assert!(
                report["flag_hit"].as_u64() > Some(0) && report["over_maximum"].as_u64() > Some(0)
            );
            assert_eq!(bench.read("out"), expected, "{card} {choice}");
        }
        // The policy of a file is on the card for the length of the run only.
        let slots = bench
            .run(&["policy", "show", "--all", "--json", "--card", card])
            .expect(0)
            .json();
        assert_eq!(slots[15]["max_memory_mb"], 65535);
        assert_eq!(slots[5]["max_memory_mb"], 100);
    }
    // Slot 0 decides on compact descriptors.
    bench.write("reject.toml", "risk.SAFE = \"REJECT\"");
    bench
        .run(&["policy", "set", "reject.toml", "--slot", "0"])
        .expect(0);
    bench.sample(Profile::Compact);
    let report = bench
        .run(&["validate", "compact.tcpdb", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&report["policy"]["slot"], &report["policy"]["risk"]["SAFE"]),
        (&json!(0), &json!("REJECT"))
    );
    let safe = report["listed"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["risk"] == "SAFE");
    assert_eq!(safe.unwrap()["decision"], "REJECT");
}

#[test]
fn another_checksum_than_the_profiles_can_be_asked_for() {
    let bench = Bench::new();
    let hex = bench
        .run(&["encode", "x", "--risk", "safe", "--checksum", "modbus"])
        .expect(0)
        .text();
    bench.write("modbus", hex);
    let valid = |more: &[&str]| {
        let arguments = [&["validate", "modbus", "--json"], more].concat();
        bench.run(&arguments).expect(0).json()["valid"].clone()
    };
    assert_eq!(
        (valid(&[]), valid(&["--checksum", "modbus"])),
        (json!(0), json!(1))
    );
}

#[test]
fn the_same_seed_gives_the_same_clocks_and_another_one_others() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    let clocks = |seed: &str| {
        bench.run(&["program", "default"]).expect(0);
        let arguments = [
            "validate",
            "wide.tcpdb",
            "--profile",
            "wide",
            "--stalls",
            "50",
            "--json",
            "--seed",
            seed,
        ];
        bench.run(&arguments).expect(0).json()["clocks"]
            .as_u64()
            .unwrap()
    };
    let first = clocks("7");
    assert_eq!(clocks("7"), first);
    assert_ne!(clocks("8"), first);
}

#[test]
fn memory_timing_is_what_was_asked_for() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    let clocks = |more: &[&str]| {
        let arguments = [
            &["validate", "wide.tcpdb", "--profile", "wide", "--json"],
            more,
        ]
        .concat();
        bench.run(&arguments).expect(0).json()["clocks"]
            .as_u64()
            .unwrap()
    };
    let usual = clocks(&[]);
    assert!(clocks(&["--latency", "5000"]) >= usual + 4900);
    assert!(clocks(&["--write-latency", "5000"]) >= usual + 4900);
    assert!(clocks(&["--bandwidth", "1"]) >= 6000);
}

#[test]
fn waves_are_recorded_whole_or_in_a_window() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    bench.run(&["program", "default"]).expect(0);
    let validate = ["validate", "wide.tcpdb", "--profile", "wide", "--waves"];
    bench.run(&[&validate[..], &["all.fst"]].concat()).expect(0);
    bench.run(&["program", "default"]).expect(0);
    bench
        .run(
            &[
                &validate[..],
                &["some.fst", "--waves-from", "100", "--waves-to", "110"],
            ]
            .concat(),
        )
        .expect(0);
    let (all, some) = (bench.read("all.fst"), bench.read("some.fst"));
    for waves in [&all, &some] {
        // The first block of an FST file is its header: type 0, 329 bytes.
        assert_eq!(waves[..9], [0, 0, 0, 0, 0, 0, 0, 1, 73], "an FST header");
    }
    assert!(some.len() < all.len(), "{} < {}", some.len(), all.len());
}

#[test]
fn an_empty_database_is_counted_and_no_error() {
    let bench = Bench::new();
    let mut bytes = Vec::new();
    host_runtime::collection::tcpdb::write::<&str>(&[], 0, &mut bytes).unwrap();
    bench.write("empty.tcpdb", bytes);
    let report = bench
        .run(&["validate", "empty.tcpdb", "--json", "--output", "out"])
        .expect(0)
        .json();
    assert_eq!(
        (&report["count"], &report["descriptors_per_s"]),
        (&json!(0), &json!(0.0))
    );
    assert!(bench.read("out").is_empty());
    bench.run(&["validate", "empty.tcpdb"]).expect(0);
}

#[test]
fn a_reader_that_goes_away_ends_the_output_quietly() {
    let bench = Bench::new();
    let many: String = (0..20_000)
        .map(|_| format!("{}\n", "5".repeat(48)))
        .collect();
    bench.write("many", many);
    for more in [&["--format", "csv"][..], &["--all"], &["--json", "--all"]] {
        let mut child = bench
            .command()
            .args(["validate", "many", "--card", "software:0"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = common::wait_for(child).expect(0);
        assert_eq!(ended.stderr, "");
    }
    // The output file is still written.
    let mut child = bench
        .command()
        .args([
            "validate",
            "many",
            "--card",
            "software:0",
            "--format",
            "csv",
            "--output",
            "out",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    common::wait_for(child).expect(0);
    assert_eq!(bench.read("out"), vec![0; 20_000]);
}

#[test]
fn quiet_says_nothing_but_the_report() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    let ended = bench
        .run(&["validate", "wide.tcpdb", "--profile", "wide", "-q"])
        .expect(0);
    assert_eq!(ended.stderr, "");
}

/// The numbers of the issue, where the published collections are at hand.
#[test]
fn the_published_collections_count_as_known() {
    for (name, profile, expected) in [
        (
            "knowledge-base.tcpdb",
            "wide",
            json!([1567, 1552, 15, { "APPROVE": 1008, "CAUTION": 480, "REQUIRE_APPROVAL": 20, "REJECT": 44 }]),
        ),
        (
            "command-families.json",
            "compact",
            json!([184, 184, 0, { "APPROVE": 48, "CAUTION": 104, "REQUIRE_APPROVAL": 29, "REJECT": 3 }]),
        ),
    ] {
        let Some(path) = published(name) else {
            continue;
        };
        let bench = Bench::new();
        for card in CARDS {
            let path = path.to_str().unwrap();
            let ended = bench.run(&[
                "validate",
                path,
                "--profile",
                profile,
                "--json",
                "--check",
                "--card",
                card,
            ]);
            let report = ended.expect(0).json();
            let found = json!([
                report["count"],
                report["valid"],
                report["malformed"]["BAD_RISK"],
                report["decisions"],
            ]);
            assert_eq!(found, expected, "{name} on {card}");
        }
    }
}
