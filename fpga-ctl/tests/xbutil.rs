//! `fpga-ctl` called as `xbutil`: what scripts and programs written for XRT's own tool rely on.

mod common;

use std::path::Path;

use common::{Bench, Ended};
use host_runtime::tcp::Profile;

/// Calls the program by the other name.
fn xbutil(bench: &Bench, arguments: &[&str]) -> Ended {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("xbutil"));
    let set: Vec<_> = bench
        .command()
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command
        .envs(set)
        .current_dir(bench.path(""))
        .stdin(std::process::Stdio::null());
    command.args(arguments).output().unwrap().into()
}

fn with_image(name: &str) -> Bench {
    let bench = Bench::new();
    bench.run(&["image", "export", name]).expect(0);
    bench
}

/// An image without our validator.
fn build_adder(bench: &Bench, name: &str) {
    let rtl = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rtl/adder.sv");
    let description = "name = \"adder\"\n[[args]]\nname = \"left\"\n[[args]]\nname = \"right\"\n";
    bench.write("adder.toml", description);
    bench
        .run(&["build", "adder.toml", rtl.to_str().unwrap(), "-o", name])
        .expect(0);
}

#[test]
fn the_list_has_a_line_for_each_device_and_nothing_else() {
    let bench = Bench::new();
    let mut command = bench.command();
    command.env("FPGA_XRT_CARDS", "sim:0,sim:12,software:0");
    let link = bench.path("xbutil");
    std::os::unix::fs::symlink(command.get_program(), &link).unwrap();
    // By a link too, whatever it is called through.
    let ended: Ended = std::process::Command::new(link)
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .args(["examine", "-r", "list"])
        .output()
        .unwrap()
        .into();
    assert_eq!(
        ended.expect(0).text(),
        "Device 0 PCIe 9000:00:00.0\nDevice 1 PCIe 9000:00:0c.0\nDevice 2 PCIe 9001:00:00.0\n"
    );
}

#[test]
fn a_device_is_programmed_examined_and_reset_by_index_and_by_address() {
    let bench = with_image("tcp_validator_v2.xclbin");
    let address = "9000:00:00.0";
    let ended = xbutil(
        &bench,
        &["program", "-d", "0", "-u", "tcp_validator_v2.xclbin"],
    )
    .expect(0);
    assert_eq!(
        ended.text(),
        format!("INFO: xbutil program succeeded on {address}\n")
    );
    let info = bench.run(&["info", "--json"]).expect(0).json();
    let uuid = info["image"]["uuid"].as_str().unwrap();

    let text = xbutil(
        &bench,
        &[
            "examine",
            "--device",
            address,
            "--report",
            "dynamic-regions",
            "memory",
        ],
    )
    .expect(0)
    .text();
    for word in [uuid, "tcp_validator:tcp_validator_1", "DDR[0]"] {
        assert!(text.contains(word), "no {word} in {text}");
    }

    xbutil(
        &bench,
        &[
            "examine",
            "-d",
            "0",
            "-r",
            "all",
            "-f",
            "json",
            "-o",
            "card.json",
        ],
    )
    .expect(0);
    let report: serde_json::Value = serde_json::from_slice(&bench.read("card.json")).unwrap();
    assert_eq!(report["schema_version"]["schema"], "JSON");
    assert_eq!(report["system"]["host"]["devices"][0]["bdf"], address);
    let device = &report["devices"][0];
    assert_eq!(device["device_id"], address);
    assert_eq!(device["dynamic_regions"][0]["xclbin_uuid"], uuid);
    assert_eq!(
        device["mem_topology"]["board"]["memory"]["memories"][0]["tag"],
        "DDR[0]"
    );

    // An existing file is kept, unless it is to be replaced.
    xbutil(&bench, &["examine", "-f", "JSON", "-o", "card.json"])
        .expect(1)
        .tells(&["ERROR: ", "card.json", "--force"]);
    xbutil(
        &bench,
        &["examine", "-f", "JSON-2020.2", "-o", "card.json", "--force"],
    )
    .expect(0);

    let sample = bench.sample(Profile::Wide);
    bench
        .run(&["validate", sample.to_str().unwrap(), "--profile", "wide"])
        .expect(0);
    let counted = |bench: &Bench| {
        bench.run(&["info", "--json"]).expect(0).json()["counters"]["descriptors"].clone()
    };
    assert_ne!(counted(&bench), 0);
    let text = xbutil(&bench, &["reset", "-d", "0"]).expect(0).text();
    assert!(
        text.ends_with("Successfully reset Device[9000:00:00.0]\n"),
        "{text}"
    );
    assert_eq!(counted(&bench), 0);
}

#[test]
fn validation_tests_memory_and_kernel_and_leaves_the_image_there_was() {
    let bench = Bench::new();
    let text = xbutil(
        &bench,
        &["validate", "-d", "0", "-f", "JSON", "-o", "results.json"],
    )
    .expect(0)
    .text();
    assert!(text.ends_with("Validation completed\n"), "{text}");
    let report: serde_json::Value = serde_json::from_slice(&bench.read("results.json")).unwrap();
    let tests = report["logical_devices"][0]["tests"].as_array().unwrap();
    let outcome = |name: &str| {
        let test = tests.iter().find(|test| test["name"] == name).unwrap();
        test["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (outcome("verify"), outcome("dma")),
        ("passed".into(), "passed".into())
    );
    assert!(text.contains("valid") && text.contains("DDR[1]"), "{text}");
}

#[test]
fn wrong_devices_files_and_options_end_with_xrts_status_and_say_what_is_there() {
    let bench = Bench::new();
    xbutil(&bench, &["program", "-d", "7", "-u", "x.xclbin"])
        .expect(1)
        .tells(&["ERROR: there is no device 7", "0 (9000:00:00.0, sim:0)"]);
    xbutil(&bench, &["program", "-d", "0", "-u", "x.xclbin"])
        .expect(1)
        .tells(&["ERROR: ", "x.xclbin"]);
    xbutil(&bench, &["program", "-d", "0"])
        .expect(1)
        .tells(&["--user"]);
    xbutil(&bench, &["examine", "-d", "0", "-r", "thermal"])
        .expect(1)
        .tells(&["thermal", "sensors"]);
    xbutil(&bench, &["examine", "-f", "json"])
        .expect(1)
        .tells(&["--output"]);
    xbutil(&bench, &["frobnicate"])
        .expect(1)
        .tells(&["frobnicate"]);
    xbutil(&bench, &["--help"]).expect(0);
}

#[test]
fn an_image_in_use_by_another_process_is_not_replaced() {
    let bench = with_image("one.xclbin");
    xbutil(&bench, &["program", "-d", "0", "-u", "one.xclbin"]).expect(0);
    let state = bench.state_folder();
    let mut user = host_runtime::SharedImage::new("sim:0".parse().unwrap(), Some(&state)).unwrap();
    user.hold().unwrap();
    // The same one is no replacement.
    xbutil(&bench, &["program", "-d", "0", "-u", "one.xclbin"]).expect(0);
    build_adder(&bench, "other.xclbin");
    xbutil(&bench, &["program", "-d", "0", "-u", "other.xclbin"])
        .expect(1)
        .tells(&["could not program", "held by"]);
    drop(user);
    xbutil(&bench, &["program", "-d", "0", "-u", "other.xclbin"]).expect(0);
    // Its memory and the borrowed kernel are tested; the image comes back.
    xbutil(&bench, &["validate", "-d", "0", "-r", "verify"]).expect(0);
    let info = bench.run(&["info", "--json"]).expect(0).json();
    assert!(
        info["image"]["units"][0]
            .as_str()
            .unwrap()
            .starts_with("adder"),
        "{info}"
    );
}
