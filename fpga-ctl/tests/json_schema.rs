//! Every report is what docs/json.md says, and docs/json.md has a schema for every report.

mod common;

use std::collections::BTreeMap;

use common::{Bench, validators};
use host_runtime::tcp::Profile;
use serde_json::Value;

/// The schemas of docs/json.md, by the heading that each stands under.
fn schemas() -> BTreeMap<String, Value> {
    let text = include_str!("../../docs/json.md");
    let mut schemas = BTreeMap::new();
    for section in text.split("\n## ").skip(1) {
        let (heading, rest) = section.split_once('\n').unwrap();
        let block = rest
            .split("```json\n")
            .nth(1)
            .unwrap_or_else(|| panic!("{heading} has no schema"));
        let schema = block.split("\n```").next().unwrap();
        let schema =
            serde_json::from_str(schema).unwrap_or_else(|error| panic!("{heading}: {error}"));
        schemas.insert(heading.to_owned(), schema);
    }
    schemas
}

#[track_caller]
fn check(heading: &str, report: &Value) {
    let schema = &schemas()[heading];
    let validator = jsonschema::draft202012::new(schema).unwrap();
    let faults: Vec<String> = validator
        .iter_errors(report)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{heading}: {faults:#?} in {report:#}");
}

#[test]
fn reports_are_as_documented() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    bench.write("policy.toml", "profile = \"wide\"");
    bench.write("other.xclbin", validators(2).as_bytes());
    bench.write(
        "tests.toml",
        "[[test]]\nname = \"odd\"\ncommand = \"exit {seed}\"\n[[test]]\nname = \"once\"\ncommand = \"true\"\n",
    );
    let regress = [
        "regress",
        "tests.toml",
        "--output",
        "regress",
        "--seed",
        "0",
        "--json",
    ];
    let program = assert_cmd::cargo::cargo_bin!("fpga-ctl").to_str().unwrap();
    let leased = |arguments: &[&'static str]| {
        let lease = ["lease", "--shared", "--memory", "1GiB", "--", program];
        [&lease[..], arguments].concat()
    };
    let validate = ["validate", "wide.tcpdb", "--profile", "wide", "--json"];
    let reports: [(&str, &str, Vec<&str>, i32); 28] = [
        ("list", "an empty card", vec!["list", "--json"], 0),
        ("lease list", "no lease", vec!["lease", "list", "--json"], 0),
        (
            "lease list",
            "a lease",
            leased(&["lease", "list", "--json"]),
            0,
        ),
        ("list", "a lease", leased(&["list", "--json"]), 0),
        ("info", "an empty card", vec!["info", "--json"], 0),
        (
            "info",
            "programmed",
            vec!["program", "default", "--json"],
            0,
        ),
        ("validate", "in simulation", validate.to_vec(), 0),
        (
            "validate",
            "on software",
            [&validate[..], &["--card", "software:0"]].concat(),
            0,
        ),
        (
            "validate",
            "with everything",
            [
                &validate[..],
                &[
                    "--policy",
                    "policy.toml",
                    "--fail-on",
                    "reject",
                    "--output",
                    "out",
                    "--waves",
                    "w.fst",
                ],
                &["--check", "--detail", "--all", "wide.tcpdb"],
            ]
            .concat(),
            1,
        ),
        (
            "validate",
            "with a slot",
            [&validate[..], &["--policy", "3", "--limit", "0"]].concat(),
            0,
        ),
        ("list", "used cards", vec!["list", "--json"], 0),
        ("info", "a used card", vec!["info", "--json"], 0),
        ("info", "reset", vec!["reset", "--json"], 0),
        (
            "policy show",
            "all",
            vec!["policy", "show", "--all", "--json"],
            0,
        ),
        (
            "decode",
            "the sample",
            vec!["decode", "wide.tcpdb", "--json"],
            0,
        ),
        (
            "image show",
            "default",
            vec!["image", "show", "default", "--json"],
            0,
        ),
        (
            "image verify",
            "default",
            vec!["image", "verify", "default", "--json"],
            0,
        ),
        ("key list", "no key", vec!["key", "list", "--json"], 0),
        ("key", "made", vec!["key", "new", "mine", "--json"], 0),
        (
            "key",
            "trusted",
            vec![
                "key",
                "trust",
                "ed25519 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= theirs",
                "--name",
                "theirs",
                "--json",
            ],
            0,
        ),
        ("key list", "both", vec!["key", "list", "--json"], 0),
        (
            "sign",
            "the default image",
            vec!["sign", "default", "--output", "signed", "--json"],
            0,
        ),
        (
            "verify",
            "trusted images",
            vec!["verify", "default", "signed", "--json"],
            0,
        ),
        (
            "verify",
            "another image",
            vec!["verify", "default", "other.xclbin", "--json"],
            1,
        ),
        (
            "regress",
            "a failure",
            [&regress[..], &["--seeds", "2"]].concat(),
            1,
        ),
        (
            "regress list",
            "two tests",
            [&regress[..], &["--list"]].concat(),
            0,
        ),
        (
            "error",
            "a missing file",
            vec!["validate", "absent", "--json"],
            2,
        ),
        (
            "error",
            "a missing image",
            vec!["image", "show", "absent", "--json"],
            2,
        ),
    ];
    for (heading, what, arguments, code) in &reports {
        let report = bench.run(arguments).expect(*code).json();
        println!("{heading}: {what}");
        check(heading, &report);
    }
    let doctor = bench.run(&["doctor", "--json"]);
    check("doctor", &doctor.json());
    let campaign = ["sim", "campaign", "--only", "9", "--json"];
    check("sim campaign", &bench.run(&campaign).expect(0).json());

    let mut tested: Vec<&str> = reports
        .iter()
        .map(|report| report.0)
        .chain(["doctor", "sim campaign"])
        .collect();
    tested.sort_unstable();
    tested.dedup();
    assert_eq!(
        tested,
        schemas().keys().map(String::as_str).collect::<Vec<_>>()
    );
}

#[test]
fn keys_that_depend_are_there_when_they_should() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    let report = |card: &str| {
        let arguments = [
            "validate",
            "wide.tcpdb",
            "--profile",
            "wide",
            "--json",
            "--card",
            card,
        ];
        bench.run(&arguments).expect(0).json()
    };
    for key in ["clocks", "simulated_s", "seed"] {
        assert!(report("sim:0").get(key).is_some(), "{key}");
        assert!(report("software:0").get(key).is_none(), "{key}");
    }
}

#[test]
fn a_damaged_card_is_listed_as_documented() {
    let bench = Bench::new();
    bench.run(&["program", "default"]).expect(0);
    std::fs::write(bench.state_folder().join("sim-0/state"), "{").unwrap();
    let list = bench.run(&["list", "--json"]).expect(0).json();
    assert_eq!(list["unusable"][0]["name"], "sim:0");
    check("list", &list);
    let doctor = bench.run(&["doctor", "--json"]);
    check("doctor", &doctor.expect(1).json());
}

#[test]
fn cards_on_the_bus_are_listed_with_what_keeps_them_from_being_used() {
    let bench = Bench::new();
    let function = "machine/sys/bus/pci/devices/0000:65:00.0";
    std::fs::create_dir_all(bench.path(function)).unwrap();
    for (name, text) in [
        ("vendor", "0x10ee"),
        ("device", "0x903f"),
        ("class", "0x120000"),
        ("numa_node", "1"),
        ("current_link_speed", "8.0 GT/s PCIe"),
        ("max_link_speed", "8.0 GT/s PCIe"),
        ("current_link_width", "8"),
        ("max_link_width", "16"),
        ("resource", "0xa0000000 0xa1ffffff 0x40200\n"),
    ] {
        bench.write(&format!("{function}/{name}"), text);
    }
    let list = |arguments: &[&str]| -> common::Ended {
        let mut command = bench.command();
        command.arg("list").args(arguments);
        command.env("FPGA_SYSTEM_ROOT", bench.path("machine"));
        command.output().unwrap().into()
    };
    let text = list(&[]).expect(0).text();
    for words in [
        "unusable 0000:65:00.0",
        "10ee:903f), no driver, no IOMMU group, NUMA node 1",
        "link 8.0 GT/s x8 of 8.0 GT/s x16, BAR0 32.00 MiB",
        "note: the link runs at 8.0 GT/s x8",
        "to mend it: sed -i",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    let report = list(&["--json"]).expect(0).json();
    let card = &report["unusable"][0];
    assert_eq!(card["pci"]["bars"][0]["bytes"], 32 << 20);
    check("list", &report);
}
