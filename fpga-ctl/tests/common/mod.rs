//! The program with a state folder and a working folder of its own, so that tests see neither each other nor the
//! user's cards.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use host_runtime::Image;
use host_runtime::bitstreams::{Bitstream, ComputeUnit, ImageBuilder, Xclbin};
use host_runtime::collection::sample;
use host_runtime::tcp::{Descriptor, Options, Policy, Profile, golden};
use serde_json::Value;

pub(crate) const CARDS: [&str; 2] = ["sim:0", "software:0"];

/// Longest that a test waits for something another process does.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Panics unless the exit status is this one.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.text(), self.stderr);
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Panics unless the error text holds all of these.
    #[track_caller]
    pub(crate) fn tells(&self, words: &[&str]) {
        for word in words {
            assert!(
                self.stderr.contains(word),
                "no {word:?} in: {}",
                self.stderr
            );
        }
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A path in the working folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Names in the working folder, without the state folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "state")
            .collect();
        names.sort();
        names
    }

    pub(crate) fn state_folder(&self) -> PathBuf {
        self.path("state")
    }

    pub(crate) fn trust_folder(&self) -> PathBuf {
        self.path("state/trust")
    }

    /// The program, to be given arguments.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("fpga-ctl"));
        command
            .current_dir(self.folder.path())
            .env("FPGA_STATE_DIR", self.state_folder())
            .env("FPGA_CACHE_DIR", models())
            .env("FPGA_TRUST_DIR", self.trust_folder())
            .env_remove("FPGA_CARD")
            .env_remove("FPGA_LEASE")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.command().args(arguments).output().unwrap().into()
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let file = self.write("state-input", input);
        let output = self
            .command()
            .args(arguments)
            .stdin(std::fs::File::open(&file).unwrap())
            .output()
            .unwrap();
        std::fs::remove_file(file).unwrap();
        output.into()
    }

    /// The project's sample of a profile, as a file.
    pub(crate) fn sample(&self, profile: Profile) -> PathBuf {
        self.write(&format!("{profile}.tcpdb"), sample::database(profile))
    }

    /// Everything that a card keeps, as programs see it.
    pub(crate) fn state_of_card(&self) -> (Value, Value) {
        (
            self.run(&["info", "--json"]).expect(0).json(),
            self.run(&["policy", "show", "--all", "--json"])
                .expect(0)
                .json(),
        )
    }

    /// Starts a validation that takes far longer than any test: a memory that takes its time with each burst.
    pub(crate) fn start_endless(&self, arguments: &[&str]) -> Child {
        let descriptors: Vec<u8> = sample_descriptors(Profile::Compact)
            .iter()
            .cycle()
            .take(100_000)
            .flat_map(|descriptor| descriptor.0)
            .collect();
        self.write("endless.bin", descriptors);
        let mut command = self.command();
        command
            .args(["validate", "endless.bin", "--outstanding", "1"])
            .args(["--latency", "500000", "--timeout", "3600"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Waits until a validation writes its output file, which it begins when the card is ready.
    #[track_caller]
    pub(crate) fn await_output(&self) {
        wait_until("an output file was begun", || {
            self.names()
                .iter()
                .any(|name| name.starts_with(".fpga-ctl-"))
        });
    }
}

/// The cache of built models, one for all tests: they build the same ones.
fn models() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("models")
}

/// Asks again and again; panics when that takes too long.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for the end of a process; panics when that takes too long.
#[track_caller]
pub(crate) fn wait_for(mut child: Child) -> Ended {
    wait_until("the process ended", || child.try_wait().unwrap().is_some());
    child.wait_with_output().unwrap().into()
}

/// The sample in the order of its database.
pub(crate) fn sample_descriptors(profile: Profile) -> Vec<Descriptor> {
    let mut entries = sample::entries(profile);
    entries.sort();
    entries
        .into_iter()
        .map(|(_, descriptor)| descriptor)
        .collect()
}

/// An unsigned image of so many of the default image's kernels.
pub(crate) fn validators(units: u64) -> Xclbin {
    let default = Image::default_image().unwrap();
    let Some(Bitstream::Model(model)) = default.xclbin().bitstream() else {
        panic!("the default image holds a model");
    };
    let mut builder = ImageBuilder::new(default.platform(), model.to_vec());
    for bank in default.xclbin().mem_topology().unwrap().unwrap().banks {
        builder = builder.bank(bank);
    }
    let unit = |index: u64| ComputeUnit {
        name: format!("tcp_validator_{}", index + 1),
        base_address: 0x180_0000 + index * 0x1_0000,
        connections: vec![(0, 0), (1, 1)],
    };
    let kernel = default.kernels()[0].clone();
    let builder = builder.kernel(kernel, (0..units).map(unit).collect());
    builder.build().unwrap()
}

/// What the specification says of descriptors.
pub(crate) fn golden_details(
    descriptors: &[Descriptor],
    profile: Profile,
    policy: &Policy,
) -> Vec<[u8; 4]> {
    let options = Options::for_profile(profile);
    descriptors
        .iter()
        .map(|descriptor| golden::evaluate(descriptor, options, policy).0)
        .collect()
}

/// A file of the published collections, where they are at hand; says so where not.
pub(crate) fn published(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data")
        .join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}
