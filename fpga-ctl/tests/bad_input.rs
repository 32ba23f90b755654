//! Bad input: exit status 2, an error that says what, where and what to do, no output file, the card as before.

mod common;

use common::Bench;
use host_runtime::bitstreams::{Container, SectionKind, Xclbin};
use host_runtime::collection::sample;
use host_runtime::tcp::Profile;

/// A bench whose card was used, with the file that is to stay as it is.
fn bench_with_output() -> Bench {
    let bench = Bench::new();
    bench
        .run(&["program", "default", "--card", "sim:0"])
        .expect(0);
    bench.write("out", "precious");
    bench
}

/// Runs what must fail, and checks that nothing else happened.
#[track_caller]
fn refused(bench: &Bench, arguments: &[&str], words: &[&str]) {
    let (names, state) = (bench.names(), bench.state_of_card());
    let ended = bench.run(arguments).expect(2);
    assert!(
        ended.stderr.lines().any(|line| line.starts_with("error: ")),
        "{}",
        ended.stderr
    );
    ended.tells(words);
    assert_eq!(bench.names(), names, "no file was made");
    assert_eq!(bench.read("out"), b"precious");
    assert_eq!(bench.state_of_card(), state);
}

#[test]
fn files_that_hold_no_descriptors_are_refused() {
    let bench = bench_with_output();
    let database = sample::database(Profile::Compact);
    let packed: Vec<u8> = sample::entries(Profile::Compact)[..4]
        .iter()
        .flat_map(|(_, d)| d.0)
        .collect();
    for (name, bytes, word) in [
        ("length", packed[..95].to_vec(), "not a multiple of 24"),
        ("empty", Vec::new(), "it is empty"),
        ("noise", vec![0xee; 100], "no known format"),
        ("words", b"hello world\n".to_vec(), "no known format"),
        ("json", b"{\"a\": [1, 2".to_vec(), "cannot be read"),
        ("barren.json", b"{\"a\": \"b\"}".to_vec(), "no descriptor"),
        (
            "line",
            format!("{}\n{}\n", "0".repeat(48), "0".repeat(47)).into_bytes(),
            "line 2",
        ),
        (
            "short.tcpdb",
            database[..database.len() - 1].to_vec(),
            "damaged",
        ),
        ("long.tcpdb", [&database[..], &[0]].concat(), "damaged"),
    ] {
        bench.write(name, bytes);
        refused(
            &bench,
            &["validate", name, "--output", "out"],
            &[name, word],
        );
    }
    refused(
        &bench,
        &["validate", "absent", "--output", "out"],
        &["absent", "No such file"],
    );
    refused(
        &bench,
        &["validate", ".", "--output", "out"],
        &["cannot read ."],
    );
    refused(
        &bench,
        &["validate", "-", "-", "--output", "out"],
        &["once only"],
    );
    // One bad file among good ones: nothing is done at all.
    bench.sample(Profile::Compact);
    refused(
        &bench,
        &["validate", "compact.tcpdb", "noise", "--output", "out"],
        &["noise"],
    );
}

#[test]
fn a_database_with_any_byte_of_its_structure_flipped_is_refused_or_judged() {
    let bench = bench_with_output();
    let database = sample::database(Profile::Compact);
    // The header: magic, count, time (any value is one), index size.
    for byte in (0..10).chain(18..22) {
        let mut bytes = database.clone();
        bytes[byte] ^= 0x10;
        bench.write("flipped", bytes);
        let ended = bench
            .run(&[
                "validate",
                "flipped",
                "--card",
                "software:0",
                "--output",
                "out",
            ])
            .expect(2);
        ended.tells(&["flipped"]);
    }
    assert_eq!(bench.read("out"), b"precious");
}

#[test]
fn damaged_and_foreign_images_are_refused() {
    let bench = bench_with_output();
    bench.run(&["image", "export", "default.xclbin"]).expect(0);
    let image = bench.read("default.xclbin");
    bench.write("cut.xclbin", &image[..image.len() / 2]);
    bench.write("no.xclbin", b"#!/bin/sh");
    refused(
        &bench,
        &["program", "cut.xclbin"],
        &["cut.xclbin", "build it again"],
    );
    refused(&bench, &["program", "no.xclbin"], &["no.xclbin", "xclbin2"]);
    refused(&bench, &["program", "absent.xclbin"], &["absent.xclbin"]);
    for byte in [8, 100, 400, image.len() / 2, image.len() - 1] {
        let mut bytes = image.clone();
        bytes[byte] ^= 1;
        bench.write("flipped.xclbin", bytes);
        refused(&bench, &["program", "flipped.xclbin"], &["flipped.xclbin"]);
        bench.run(&["image", "verify", "flipped.xclbin"]).expect(2);
    }
    // The same with FPGA bits in place of the model.
    let model = Xclbin::parse(image).unwrap();
    let mut foreign = Container::new(model.header().clone());
    for section in model.sections() {
        let data = match section.kind {
            SectionKind::Bitstream => b"\0\x09\x0f\xf0 bits".to_vec(),
            _ => section.data.to_vec(),
        };
        foreign.push(section.kind, section.name, data).unwrap();
    }
    bench.write("fpga.xclbin", foreign.to_bytes().unwrap());
    refused(&bench, &["program", "fpga.xclbin"], &["FPGA", "simulated"]);
}

#[test]
fn policies_with_wrong_fields_are_refused() {
    let bench = bench_with_output();
    bench.sample(Profile::Wide);
    for (text, word) in [
        ("unknown = 1", "unknown"),
        ("limits.max_memory_mb = 65536", "0 to 65535"),
        ("risk.SAFE = \"MAYBE\"", "REQUIRE_APPROVAL"),
        ("deny = [\"NO_SUCH_FLAG\"]", "PROCESS_CONTROL"),
        ("profile = \"compact\"", "--profile compact"),
        ("not toml", "line 1"),
    ] {
        bench.write("policy.toml", text);
        let validate = [
            "validate",
            "wide.tcpdb",
            "--profile",
            "wide",
            "--output",
            "out",
            "--policy",
        ];
        refused(
            &bench,
            &[&validate[..], &["policy.toml"]].concat(),
            &["policy.toml", word],
        );
        if text != "profile = \"compact\"" {
            refused(
                &bench,
                &[
                    "policy",
                    "set",
                    "policy.toml",
                    "--slot",
                    "3",
                    "--profile",
                    "wide",
                ],
                &["policy.toml", word],
            );
        }
    }
    refused(
        &bench,
        &["validate", "wide.tcpdb", "--policy", "16"],
        &["16", "0..=15"],
    );
    refused(
        &bench,
        &["validate", "wide.tcpdb", "--policy", "absent.toml"],
        &["absent.toml"],
    );
    refused(
        &bench,
        &["policy", "set", "policy.toml", "--slot", "16"],
        &["16"],
    );
}

#[test]
fn a_full_disk_leaves_no_output_and_the_card_as_before() {
    let bench = bench_with_output();
    bench.sample(Profile::Wide);
    refused(
        &bench,
        &[
            "validate",
            "wide.tcpdb",
            "--profile",
            "wide",
            "--output",
            "/dev/full",
        ],
        &["/dev/full", "No space left"],
    );
    refused(
        &bench,
        &["validate", "wide.tcpdb", "--output", "no/folder/out"],
        &["no/folder/out"],
    );
    refused(&bench, &["sample", "--output", "/dev/full"], &["/dev/full"]);
    refused(&bench, &["image", "export", "/dev/full"], &["/dev/full"]);
}

#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let bench = Bench::new();
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["doctor"],
        &["completions", "bash"],
        &["man"],
    ] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = bench
            .command()
            .args(arguments)
            .stdout(full)
            .output()
            .unwrap();
        let ended = common::Ended::from(output).expect(2);
        ended.tells(&["standard output", "No space left"]);
    }
}

#[test]
fn a_state_folder_that_cannot_be_written_is_named() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    // Root may write anywhere but here.
    bench.write("file", "");
    for folder in ["/proc/none", "file"] {
        let ended = bench
            .run(&[
                "validate",
                "wide.tcpdb",
                "--state-dir",
                folder,
                "--output",
                "out",
            ])
            .expect(2);
        ended.tells(&[folder, "FPGA_STATE_DIR"]);
        let ended = bench.run(&["doctor", "--state-dir", folder]).expect(1);
        assert!(ended.text().contains("FPGA_STATE_DIR"));
    }
    assert_eq!(bench.names(), ["file", "wide.tcpdb"]);
}

#[test]
fn a_damaged_state_is_told_and_mended_by_a_reset() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    let validate = [
        "validate",
        "wide.tcpdb",
        "--profile",
        "wide",
        "--output",
        "out",
    ];
    bench.run(&validate).expect(0);
    let record = bench.state_folder().join("sim-0/state");
    let models = || {
        let entries = std::fs::read_dir(bench.state_folder().join("sim-0")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| {
                path.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .starts_with("model-")
            })
            .collect::<Vec<_>>()
    };
    for damage in [0, 1] {
        std::fs::remove_file(bench.path("out")).unwrap();
        let damaged = if damage == 0 {
            record.clone()
        } else {
            models()[0].clone()
        };
        let mut bytes = std::fs::read(&damaged).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x20;
        std::fs::write(&damaged, bytes).unwrap();
        let ended = bench.run(&validate).expect(2);
        ended.tells(&["damaged", "fpga-ctl reset --card sim:0"]);
        assert!(!bench.path("out").exists());
        bench.run(&["reset", "--card", "sim:0"]).expect(0);
        bench.run(&validate).expect(0);
    }
}

#[test]
fn cards_and_waves_that_do_not_exist_are_refused() {
    let bench = bench_with_output();
    bench.sample(Profile::Wide);
    refused(
        &bench,
        &["info", "--card", "gpu:0"],
        &["sim:N", "fpga-ctl list"],
    );
    refused(&bench, &["info", "--card", "sim:65536"], &["sim:N"]);
    refused(
        &bench,
        &["policy", "show", "--card", "sim:5"],
        &["sim:5", "fpga-ctl program"],
    );
    let validate = ["validate", "wide.tcpdb", "--profile", "wide"];
    for (more, word) in [
        (&["--waves", "no/folder/w.fst"][..], "no/folder"),
        (
            &["--waves", "w.fst", "--card", "software:0"],
            "--card sim:0",
        ),
        (
            &["--waves", "w.fst", "--waves-from", "5", "--waves-to", "5"],
            "--waves-from 5",
        ),
        (&["--stalls", "96"], "--stalls"),
        (&["--latency", "0"], "--latency"),
    ] {
        refused(&bench, &[&validate[..], more].concat(), &[word]);
    }
}

#[test]
fn a_kernel_that_makes_no_progress_is_given_up_and_the_next_process_finds_a_card_that_works() {
    let bench = bench_with_output();
    bench.sample(Profile::Wide);
    let slow = ["--latency", "2000", "--watchdog", "1000"];
    let validate = ["validate", "wide.tcpdb", "--output", "out"];
    let ended = bench.run(&[&validate[..], &slow].concat()).expect(2);
    ended.tells(&["is lost", "no progress for 1000 clocks", "fpga-ctl reset"]);
    assert_eq!(bench.read("out"), b"precious");
    bench
        .run(&["validate", "wide.tcpdb", "--profile", "wide"])
        .expect(0);
    // No rung helps against such options; without them the first does.
    let info = bench.run(&["info", "--json"]).expect(0).json();
    let recoveries = &info["recoveries"];
    assert_eq!(recoveries["losses"], 1);
    assert_eq!(recoveries["self_tests_failed"], 2);
    assert_eq!(recoveries["recovered_by_soft_reset"], 1);
    let text = bench.run(&["info"]).expect(0).text();
    assert!(text.contains("soft-reset 1 of 2"), "{text}");
}

#[test]
fn descriptors_that_cannot_be_made_or_read_are_refused() {
    let bench = bench_with_output();
    for (arguments, word) in [
        (
            &["encode", "x", "--risk", "safe", "--memory-mb", "65536"][..],
            "memory_mb",
        ),
        (
            &["encode", "x", "--risk", "safe", "--capability", "fly"],
            "FLY",
        ),
        (&["encode", "", "--risk", "safe"], "empty"),
        (
            &["encode", "x", "--risk", "safe", "--vendor-flags", "0x8000"],
            "vendor",
        ),
        (&["encode", "x", "--risk", "odd"], "medium"),
        (&["decode", "54435002"], "48 hex digits"),
        (&["decode", "absent"], "absent"),
    ] {
        refused(&bench, arguments, &[word]);
    }
}
