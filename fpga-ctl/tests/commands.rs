//! The other commands.

mod common;

use std::path::Path;

use common::{Bench, CARDS, sample_descriptors};
use host_runtime::tcp::Profile;
use serde_json::json;

const GIT: &str = "544350020002ba9f11ec0000024407d000c80d920003f202";

#[test]
fn every_command_has_help_with_examples() {
    let bench = Bench::new();
    for command in [
        "",
        "validate",
        "list",
        "info",
        "program",
        "reset",
        "encode",
        "decode",
        "policy show",
        "policy set",
        "policy template",
        "image show",
        "image verify",
        "image export",
        "sample",
        "xrt-env",
        "run",
        "doctor",
        "completions",
        "verify",
        "sign",
        "key new",
        "key list",
        "key trust",
        "key remove",
        "key export",
        "man",
    ] {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let help = bench.run(&arguments).expect(0).text();
        assert!(
            help.contains("Examples:") && help.contains("  fpga-ctl "),
            "{command}: {help}"
        );
    }
    bench.run(&["no-such-command"]).expect(2);
    bench.run(&["--version"]).expect(0);
}

#[test]
fn the_cards_are_listed_with_what_they_hold() {
    let bench = Bench::new();
    let cards = |bench: &Bench| bench.run(&["list", "--json"]).expect(0).json()["cards"].clone();
    assert_eq!(cards(&bench)[0]["state"], "empty");
    bench
        .run(&["program", "default", "--card", "sim:3"])
        .expect(0);
    let listed = cards(&bench);
    let card = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|card| card["card"] == "sim:3")
        .unwrap();
    assert_eq!(
        (&card["state"], &card["kernels"]),
        (&json!("ready"), &json!(["tcp_validator"]))
    );
    let text = bench.run(&["list"]).expect(0).text();
    assert!(
        text.contains("sim:3") && text.contains("tcp_validator"),
        "{text}"
    );
}

#[test]
fn info_tells_what_a_card_counted_and_changes_nothing() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    let empty = bench.run(&["info", "--json"]).expect(0).json();
    assert_eq!(
        (&empty["image"], &empty["generation"]),
        (&json!(null), &json!(0))
    );
    let text = bench.run(&["info"]).expect(0).text();
    assert!(text.contains("fpga-ctl program"), "{text}");
    for card in CARDS {
        bench
            .run(&[
                "validate",
                "wide.tcpdb",
                "--profile",
                "wide",
                "--card",
                card,
            ])
            .expect(0);
        let info = bench
            .run(&["info", "--json", "--card", card])
            .expect(0)
            .json();
        assert_eq!(info["image"]["clock_mhz"], 300);
        assert_eq!(info["image"]["banks"][1]["base"], 16u64 << 30);
        assert_eq!(
            info["counters"]["descriptors"],
            sample_descriptors(Profile::Wide).len()
        );
        assert_eq!(info["counters"]["malformed"]["BAD_RISK"], 3);
        assert_eq!(
            bench
                .run(&["info", "--json", "--card", card])
                .expect(0)
                .json(),
            info
        );
        let text = bench.run(&["info", "--card", card]).expect(0).text();
        assert!(
            text.contains("[1] ") && text.contains("active clocks"),
            "{text}"
        );
    }
}

#[test]
fn reset_keeps_the_image_and_forgets_policies_and_counters() {
    let bench = Bench::new();
    bench.sample(Profile::Wide);
    bench.write("policy.toml", "limits.max_memory_mb = 17");
    for arguments in [&["reset", "--json"][..], &["reset", "--state", "--json"]] {
        bench.run(&["program", "default"]).expect(0);
        bench
            .run(&["policy", "set", "policy.toml", "--slot", "2"])
            .expect(0);
        bench
            .run(&["validate", "wide.tcpdb", "--profile", "wide"])
            .expect(0);
        let before = bench.run(&["info", "--json"]).expect(0).json();
        let after = bench.run(arguments).expect(0).json();
        assert_eq!(after["image"], before["image"]);
        assert!(after["generation"].as_u64() > before["generation"].as_u64());
        let info = bench.run(&["info", "--json"]).expect(0).json();
        assert_eq!(info["counters"]["descriptors"], 0);
        let slot = bench
            .run(&["policy", "show", "--slot", "2", "--json"])
            .expect(0)
            .json();
        assert_eq!(slot[0]["max_memory_mb"], 65535);
    }
}

#[test]
fn descriptors_are_made_and_explained() {
    let bench = Bench::new();
    let encode = [
        "encode",
        "git",
        "--risk",
        "medium",
        "--capability",
        "file-modification",
        "--capability",
        "REQUIRES_ROOT",
        "--exec-ms",
        "2000",
        "--memory-mb",
        "200",
        "--output-kb",
        "3474",
    ];
    assert_eq!(bench.run(&encode).expect(0).text(), format!("{GIT}\n"));
    let format = |format| {
        bench
            .run(&[&encode[..], &["--format", format]].concat())
            .expect(0)
    };
    assert_eq!(format("json").json(), json!({ "git": GIT }));
    assert_eq!(format("raw").stdout.len(), 24);

    let text = bench.run(&["decode", GIT]).expect(0).text();
    for words in [
        "well-formed",
        "MEDIUM_RISK",
        "REQUIRES_ROOT, FILE_MODIFICATION",
        "2000 ms",
        "f202 (crc32), right",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    // The specification's own broken example.
    let rm = "544350020002d67f249b0000022f138801f40032000296f8";
    let text = bench.run(&["decode", rm]).expect(0).text();
    assert!(
        text.contains("BAD_CHECKSUM") && text.contains("should be fd61"),
        "{text}"
    );

    bench.sample(Profile::Wide);
    let decoded = bench
        .run(&["decode", "wide.tcpdb", "--profile", "wide", "--json"])
        .expect(0)
        .json();
    let decoded = decoded.as_array().unwrap();
    assert_eq!(decoded.len(), sample_descriptors(Profile::Wide).len());
    assert!(
        decoded
            .iter()
            .any(|one| one["name"] == "git" && one["cause"].is_null())
    );
    let from_stdin = bench
        .run_with_input(&["decode", "-", "--json"], GIT.as_bytes())
        .expect(0)
        .json();
    assert_eq!(from_stdin[0]["exec_ms"], 2000);
}

#[test]
fn a_policy_goes_round_through_template_set_and_show() {
    let bench = Bench::new();
    for card in CARDS {
        bench.run(&["program", "default", "--card", card]).expect(0);
        let template = bench
            .run(&["policy", "template", "--profile", "wide"])
            .expect(0)
            .text();
        let strict = template.replace("deny = []", "deny = [\"DESTRUCTIVE\", \"bit:20\"]");
        assert_ne!(strict, template);
        let set = ["policy", "set", "-", "--slot", "7", "--card", card];
        bench.run_with_input(&set, strict.as_bytes()).expect(0);
        let shown = bench
            .run(&["policy", "show", "--slot", "7", "--card", card])
            .expect(0)
            .text();
        assert!(
            shown.contains("profile = \"wide\"")
                && shown.contains("deny = [\"DESTRUCTIVE\", \"bit:20\"]")
        );
        // What is shown can be set again.
        bench
            .run_with_input(
                &["policy", "set", "-", "--slot", "8", "--card", card],
                shown.as_bytes(),
            )
            .expect(0);
        let slots = bench
            .run(&["policy", "show", "--all", "--json", "--card", card])
            .expect(0)
            .json();
        assert_eq!(slots.as_array().unwrap().len(), 16);
        assert_eq!(slots[7]["deny_mask"], (1 << 11) | (1 << 20));
        assert_eq!(slots[8]["deny_mask"], slots[7]["deny_mask"]);
    }
}

#[test]
fn images_are_exported_shown_and_verified() {
    let bench = Bench::new();
    bench.run(&["image", "export", "a.xclbin"]).expect(0);
    for image in ["default", "a.xclbin"] {
        let text = bench.run(&["image", "show", image]).expect(0).text();
        assert!(
            text.contains("tcp_validator") && text.contains("DDR[1]"),
            "{text}"
        );
        let text = bench.run(&["image", "verify", image]).expect(0).text();
        assert!(
            text.contains("simulated cards") && text.contains("digest is right"),
            "{text}"
        );
    }
    let text = bench.run(&["image", "show", "queue"]).expect(0).text();
    assert!(
        text.contains("tcp_queue") && text.contains("HOST[0]"),
        "{text}"
    );
    // A damaged one is shown with what is wrong with it.
    let mut bytes = bench.read("a.xclbin");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bench.write("damaged.xclbin", bytes);
    assert!(
        bench
            .run(&["image", "show", "damaged.xclbin"])
            .expect(0)
            .text()
            .contains("mismatch")
    );
    bench.run(&["program", "a.xclbin"]).expect(0);
}

#[test]
fn samples_are_the_same_for_the_same_seed() {
    let bench = Bench::new();
    let random = |seed| {
        bench
            .run(&[
                "sample", "--random", "5000", "--seed", seed, "--output", "out",
            ])
            .expect(0);
        bench.read("out")
    };
    let first = random("4");
    assert_eq!(first.len(), 5000 * 24);
    assert_eq!(random("4"), first);
    assert_ne!(random("5"), first);
    let none = bench
        .run(&[
            "sample",
            "--random",
            "1000",
            "--malformed",
            "0",
            "--output",
            "-",
        ])
        .expect(0);
    bench.write("sound", none.stdout);
    let report = bench
        .run(&["validate", "sound", "--card", "software:0", "--json"])
        .expect(0)
        .json();
    assert_eq!(report["valid"], 1000);
}

#[test]
fn doctor_names_what_is_missing_with_the_command_that_mends_it() {
    let bench = Bench::new();
    let output = bench
        .command()
        .args(["doctor", "--json"])
        .env("PATH", "/nonexistent")
        .output()
        .unwrap();
    let report = common::Ended::from(output).expect(1).json();
    let check = |name: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks
            .iter()
            .find(|check| check["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(report["ok"], false);
    for (name, package) in [
        ("verilator", "verilator"),
        ("g++", "g++"),
        ("zlib headers", "zlib1g-dev"),
    ] {
        assert_eq!(check(name)["status"], "problem");
        assert!(
            check(name)["fix"]
                .as_str()
                .unwrap()
                .ends_with(&format!("apt-get install {package}"))
        );
    }
    assert_eq!(check("state folder")["status"], "ok");
    // The sample works without any of them: only building kernels needs them.
    bench.sample(Profile::Wide);
    let mut command = bench.command();
    let validate = command
        .args(["validate", "wide.tcpdb", "--profile", "wide"])
        .env("PATH", "/nonexistent");
    common::Ended::from(validate.output().unwrap()).expect(0);
}

#[test]
fn there_is_a_manual_page_for_every_command_and_a_completion_for_every_shell() {
    let bench = Bench::new();
    bench.run(&["man", "--dir", "man"]).expect(0);
    for page in [
        "fpga-ctl",
        "fpga-ctl-validate",
        "fpga-ctl-policy-set",
        "fpga-ctl-image-export",
    ] {
        let text = String::from_utf8(bench.read(&format!("man/{page}.1"))).unwrap();
        assert!(text.contains(".TH"), "{page}: {text}");
    }
    let validate = String::from_utf8(bench.read("man/fpga-ctl-validate.1")).unwrap();
    assert!(validate.contains("fail\\-on") && validate.contains("Examples"));
    assert!(
        bench
            .run(&["man"])
            .expect(0)
            .text()
            .contains(".TH fpga-ctl")
    );
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = bench.run(&["completions", shell]).expect(0).text();
        assert!(
            script.contains("validate") && script.contains("fail-on"),
            "{shell}"
        );
    }
}

#[test]
fn colors_are_there_when_asked_for_only() {
    let bench = Bench::new();
    let colored = |when: &str| {
        bench
            .run(&["list", "--color", when])
            .expect(0)
            .text()
            .contains('\u{1b}')
    };
    assert!(colored("always") && !colored("never") && !colored("auto"));
}

#[test]
fn the_state_folder_can_be_named_by_an_option() {
    let bench = Bench::new();
    bench
        .run(&[
            "program",
            "default",
            "--card",
            "software:0",
            "--state-dir",
            "elsewhere",
        ])
        .expect(0);
    assert!(Path::new(&bench.path("elsewhere/software-0")).is_dir());
    assert!(!bench.state_folder().join("software-0").exists());
}
