//! Signed images from the command line: keys, signing, checking, and what becomes of images that are not trusted.

mod common;

use std::os::unix::fs::PermissionsExt;

use common::{Bench, validators};
use host_runtime::bitstreams::Xclbin;
use host_runtime::tcp::Profile;

/// A bench with an image that nobody signed.
fn with_unsigned_image() -> Bench {
    let bench = Bench::new();
    bench.write("other.xclbin", validators(2).as_bytes());
    bench
}

fn fingerprint(bench: &Bench, name: &str) -> String {
    let keys = bench.run(&["key", "list", "--json"]).expect(0).json();
    let keys = keys["keys"].as_array().unwrap().clone();
    let key = keys.iter().find(|key| key["name"] == name).unwrap();
    key["fingerprint"].as_str().unwrap().to_owned()
}

#[test]
fn an_image_is_refused_until_it_is_signed_and_again_when_the_key_is_removed() {
    let bench = with_unsigned_image();
    let refused = bench.run(&["program", "other.xclbin"]).expect(2);
    refused.tells(&[
        "other.xclbin",
        "sim:0",
        "not signed",
        "fpga-ctl sign",
        "--allow-untrusted",
    ]);
    bench.run(&["verify", "other.xclbin"]).expect(1);

    bench.run(&["key", "new", "release"]).expect(0);
    let sign = ["sign", "other.xclbin", "--key", "release"];
    let signed = bench.run(&sign).expect(0).text();
    let fingerprint = fingerprint(&bench, "release");
    assert!(signed.contains(&fingerprint), "{signed}");
    let verified = bench.run(&["verify", "other.xclbin"]).expect(0).text();
    assert!(
        verified.contains("trusted, signed by the trusted key release"),
        "{verified}"
    );
    bench.run(&["program", "other.xclbin"]).expect(0);
    let info = bench.run(&["info", "--json"]).expect(0).json();
    assert_eq!(info["trust"]["key"], "release");
    assert!(info["counters"].is_object());

    bench.run(&["key", "remove", "release"]).expect(2);
    bench
        .run(&["key", "remove", "release", "--with-secret"])
        .expect(0);
    bench.run(&["program", "other.xclbin"]).expect(2).tells(&[
        &fingerprint,
        "not in the trust store",
        "key trust",
    ]);
    // What the card holds already is not run either, and is looked at without.
    bench.run(&["reset"]).expect(2).tells(&["not trusted"]);
    let info = bench.run(&["info", "--json"]).expect(0).json();
    assert_eq!(info["trust"]["trusted"], false);
    assert!(info["counters"].is_null());
    let info = bench.run(&["info"]).expect(0).text();
    assert!(info.contains("NOT TRUSTED"), "{info}");
    bench.run(&["program", "default"]).expect(0);
    bench.run(&["reset"]).expect(0);
}

#[test]
fn an_untrusted_image_is_allowed_loudly_and_for_one_command() {
    let bench = with_unsigned_image();
    for quiet in [&[][..], &["--quiet"]] {
        let program = [&["program", "other.xclbin", "--allow-untrusted"], quiet].concat();
        bench
            .run(&program)
            .expect(0)
            .tells(&["WARNING", "not trusted", "not signed"]);
    }
    bench.sample(Profile::Wide);
    let validate = ["validate", "wide.tcpdb", "--profile", "wide"];
    bench.run(&validate).expect(2).tells(&["not trusted"]);
    let allowed = [&validate[..], &["--allow-untrusted"]].concat();
    bench.run(&allowed).expect(0).tells(&["WARNING"]);
    let mut command = bench.command();
    command.args(validate).env("FPGA_ALLOW_UNTRUSTED", "1");
    common::Ended::from(command.output().unwrap())
        .expect(0)
        .tells(&["WARNING"]);
    let mut command = bench.command();
    command.args(validate).env("FPGA_ALLOW_UNTRUSTED", "0");
    common::Ended::from(command.output().unwrap()).expect(2);
}

#[test]
fn what_one_user_signs_another_runs_after_trusting_the_key() {
    let (author, user) = (with_unsigned_image(), Bench::new());
    author.run(&["key", "new", "release"]).expect(0);
    let sign = ["sign", "other.xclbin", "--key", "release", "-o", "out"];
    author.run(&sign).expect(0);
    assert_eq!(author.read("other.xclbin"), validators(2).as_bytes());
    author
        .run(&["key", "export", "release", "-o", "release.pub"])
        .expect(0);
    user.write("got.xclbin", author.read("out"));
    user.write("author.pub", author.read("release.pub"));
    let fingerprint = fingerprint(&author, "release");

    user.run(&["program", "got.xclbin"])
        .expect(2)
        .tells(&[&fingerprint]);
    let trusted = user.run(&["key", "trust", "author.pub"]).expect(0);
    assert!(trusted.text().contains(&fingerprint));
    user.run(&["program", "got.xclbin"]).expect(0);
    let report = user.run(&["verify", "got.xclbin", "--json"]).expect(0);
    assert_eq!(report.json()["images"][0]["key"], "author");
    // The user has no secret half of it.
    user.run(&["sign", "got.xclbin", "--key", "author"])
        .expect(2)
        .tells(&["public half"]);
}

#[test]
fn a_changed_image_is_corrupt_whatever_is_allowed() {
    let bench = with_unsigned_image();
    bench.run(&["sign", "other.xclbin"]).expect(0);
    let mut bytes = bench.read("other.xclbin");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bench.write("other.xclbin", bytes);
    let verified = bench.run(&["verify", "other.xclbin"]).expect(1).text();
    assert!(verified.contains("corrupt"), "{verified}");
    bench
        .run(&["program", "other.xclbin", "--allow-untrusted"])
        .expect(2)
        .tells(&["corrupt"]);
    bench
        .run(&["sign", "other.xclbin"])
        .expect(2)
        .tells(&["cannot sign other.xclbin", "corrupt"]);
}

#[test]
fn signing_replaces_the_file_as_a_whole_or_leaves_it() {
    let bench = with_unsigned_image();
    let before = bench.read("other.xclbin");
    bench
        .run(&["sign", "other.xclbin", "--key", "absent"])
        .expect(2)
        .tells(&["no key absent", "fpga-ctl key new absent"]);
    bench
        .run(&["sign", "other.xclbin", "-o", "no/such/folder"])
        .expect(2);
    assert_eq!(bench.read("other.xclbin"), before);
    bench
        .run(&["sign", "default"])
        .expect(2)
        .tells(&["--output"]);
    bench.run(&["sign", "other.xclbin"]).expect(0);
    let signed = Xclbin::parse(bench.read("other.xclbin")).unwrap();
    assert!(signed.has_content_of(&validators(2)));
    assert_eq!(bench.names(), ["other.xclbin"]);
}

#[test]
fn what_is_no_key_is_refused_and_a_secret_is_not_repeated() {
    let bench = Bench::new();
    bench.run(&["key", "new", "mine"]).expect(0);
    let secret = bench.trust_folder().join("keys/mine.key");
    let text = std::fs::read_to_string(&secret).unwrap();
    let seed = text.split_whitespace().nth(1).unwrap();
    let ended = bench
        .run(&["key", "trust", secret.to_str().unwrap(), "--name", "x"])
        .expect(2);
    ended.tells(&["secret key"]);
    assert!(!ended.stderr.contains(seed));
    bench.write("junk.pub", "ssh-ed25519 AAAA");
    bench
        .run(&["key", "trust", "junk.pub"])
        .expect(2)
        .tells(&["junk.pub holds no public key"]);
    bench
        .run(&["key", "trust", "absent.pub"])
        .expect(2)
        .tells(&["neither a file nor a key"]);
    bench
        .run(&["key", "trust", "."])
        .expect(2)
        .tells(&["no file with a key"]);
    let key = "ed25519 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    bench
        .run(&["key", "trust", key])
        .expect(2)
        .tells(&["--name"]);
    bench
        .run(&["key", "trust", key, "--name", "../x"])
        .expect(2)
        .tells(&["cannot be the name"]);
    bench
        .run(&["key", "new", "mine"])
        .expect(2)
        .tells(&["already"]);
}

#[test]
fn doctor_tells_what_is_wrong_with_the_trust_store_and_how_to_mend_it() {
    let bench = Bench::new();
    let check = || {
        let report = Bench::run(&bench, &["doctor", "--json"]).json();
        let checks = report["checks"].as_array().unwrap().clone();
        let is_it = |check: &&serde_json::Value| check["name"] == "trust store";
        checks.iter().find(is_it).unwrap().clone()
    };
    assert_eq!(check()["status"], "ok");
    bench.run(&["key", "new", "mine"]).expect(0);
    let folder = bench.trust_folder().join("keys");
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(&folder, open).unwrap();
    assert_eq!(check()["status"], "problem");
    let fix = check()["fix"].as_str().unwrap().to_owned();
    let mended = std::process::Command::new("sh").args(["-c", &fix]).status();
    assert!(mended.unwrap().success());
    assert_eq!(check()["status"], "ok");
    bench.write("state/trust/keys/mine.pub", "nonsense");
    assert_eq!(check()["fix"], "fpga-ctl key remove mine");
}

#[test]
fn what_is_built_is_signed_with_the_local_key_unless_told_otherwise() {
    let bench = Bench::new();
    let rtl = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rtl/adder.sv");
    let description = "name = \"adder\"\n[[args]]\nname = \"left\"\n[[args]]\nname = \"right\"\n";
    bench.write("adder.toml", description);
    bench.run(&["key", "new", "release"]).expect(0);
    for (options, code, key) in [
        (&[][..], 0, Some("local")),
        (&["--key", "release"], 0, Some("release")),
        (&["--unsigned"], 1, None),
    ] {
        let build = [&["build", "adder.toml", rtl, "-o", "a.xclbin"], options].concat();
        bench.run(&build).expect(0);
        let report = bench.run(&["verify", "a.xclbin", "--json"]).expect(code);
        assert_eq!(report.json()["images"][0]["key"].as_str(), key);
    }
    bench
        .run(&["build", "adder.toml", rtl, "-o", "b", "--key", "absent"])
        .expect(2)
        .tells(&["no key absent"]);
}

#[test]
fn programs_that_use_xrt_are_allowed_what_the_command_line_allows() {
    let bench = Bench::new();
    let mut command = bench.command();
    command.args(["run", "--allow-untrusted", "--", "env"]);
    let ended = common::Ended::from(command.output().unwrap());
    if ended.code != Some(0) {
        println!("skipped: {}", ended.stderr);
        return;
    }
    assert!(ended.text().contains("FPGA_ALLOW_UNTRUSTED=1\n"));
    let environment = bench.run(&["xrt-env"]).expect(0).text();
    assert!(!environment.contains("FPGA_ALLOW_UNTRUSTED"));
}
