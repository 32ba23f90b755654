//! The module as Python programs use it: each file of `tests/python` is run by an interpreter with the module that cargo
//! built. Where there is no Python a test says so and does nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use host_runtime::Image;
use host_runtime::bitstreams::trust::{LOCAL_KEY, TrustStore};
use host_runtime::bitstreams::{Bitstream, ComputeUnit, ImageBuilder, Xclbin};
use host_runtime::collection::sample;
use host_runtime::tcp::{Descriptor, Options, Policy, Profile, golden};
use tempfile::TempDir;

/// Longest that a program may take, seconds: `timeout` ends it then.
const TIME_LIMIT: &str = "120";

/// Python as users have it; `None` if it is absent, or too old for the module.
fn system_python() -> Option<PathBuf> {
    let python = PathBuf::from("python3");
    let new_enough = "import sys; sys.exit(sys.version_info < (3, 11))";
    if succeeds(&python, new_enough) {
        return Some(python);
    }
    eprintln!("skipped: there is no python3 of version 3.11 or newer (apt-get install python3)");
    None
}

/// A Python that has numpy: the one of scripts/setup, or the user's.
fn python_with_numpy() -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/venv/bin/python3");
    let found = [ours, PathBuf::from("python3")]
        .into_iter()
        .find(|python| succeeds(python, "import numpy"));
    if found.is_none() {
        eprintln!("skipped: no python3 here has numpy (scripts/setup test installs one that has)");
    }
    found
}

fn succeeds(python: &Path, program: &str) -> bool {
    let ended = Command::new(python).args(["-c", program]).output();
    ended.is_ok_and(|ended| ended.status.success())
}

/// The module as cargo built it for this test: the latest beside the test itself.
fn module() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let beside = std::fs::read_dir(program.parent().unwrap()).unwrap();
    let modules = beside.map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libpyxrt") && name.ends_with(".so")
    });
    let built = |path: &PathBuf| path.metadata().unwrap().modified().unwrap();
    modules
        .max_by_key(built)
        .expect("cargo builds the module too")
}

/// A folder with what the programs get: the module, images, descriptors and their verdicts; and with the cards' state.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let entries = sample::entries(Profile::Wide).into_iter();
        let descriptors: Vec<Descriptor> = entries.map(|(_, descriptor)| descriptor).collect();
        let bytes: Vec<u8> = descriptors.iter().flat_map(|d| d.0).collect();
        let verdicts = |options: u32| -> Vec<u8> {
            let options = Options::try_from(options).unwrap();
            let policy = Policy::reset_default();
            let judge = |d| golden::evaluate(d, options, &policy).verdict().0;
            descriptors.iter().map(judge).collect()
        };
        std::fs::create_dir(bench.path("module")).unwrap();
        std::os::unix::fs::symlink(module(), bench.path("module/pyxrt.abi3.so")).unwrap();
        let store = TrustStore::open(Some(&bench.path("trust"))).unwrap();
        let key = store.secret(LOCAL_KEY).unwrap();
        for (name, units) in [("one_unit.xclbin", 1), ("two_units.xclbin", 2)] {
            let image = image(units);
            bench.write(name, image.signed(&key).unwrap().as_bytes());
        }
        bench.write("descriptors", &bytes);
        bench.write("wide", &verdicts(5));
        bench.write("compact", &verdicts(0));
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Runs a program, in the folder.
    fn run(&self, python: &Path, program: &Path, variables: &[(&str, &str)]) -> Output {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
        let path = std::env::join_paths([self.path("module"), tests]).unwrap();
        Command::new("timeout")
            .arg(TIME_LIMIT)
            .arg(python)
            .arg("-B")
            .arg(program)
            .env("PYTHONPATH", path)
            .env("FPGA_STATE_DIR", self.path("state"))
            .env("FPGA_TRUST_DIR", self.path("trust"))
            .env_remove("FPGA_ALLOW_UNTRUSTED")
            .env_remove("FPGA_XRT_CARDS")
            .env_remove("FPGA_SIM_CARDS")
            .envs(variables.iter().copied())
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// Runs a file of tests.
    #[track_caller]
    fn check(&self, python: &Path, tests: &str, variables: &[(&str, &str)]) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/python")
            .join(tests);
        let output = self.run(python, &file, variables);
        assert!(
            output.status.success(),
            "{tests}: {}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The default image's kernel with that many compute units.
fn image(units: u64) -> Xclbin {
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

#[test]
fn names_values_and_errors_are_those_of_xrts_module() {
    let Some(python) = system_python() else {
        return;
    };
    Bench::new().check(&python, "interface.py", &[("FPGA_SIM_CARDS", "3")]);
}

#[test]
fn buffers_have_two_sides_and_python_sees_the_hosts_without_a_copy() {
    let Some(python) = system_python() else {
        return;
    };
    Bench::new().check(&python, "buffers.py", &[]);
}

#[test]
fn runs_start_end_time_out_and_are_interrupted() {
    let Some(python) = system_python() else {
        return;
    };
    Bench::new().check(&python, "runs.py", &[("FPGA_SIM_CARDS", "2")]);
}

#[test]
fn programs_run_on_the_software_device_too() {
    let Some(python) = system_python() else {
        return;
    };
    let bench = Bench::new();
    bench.check(&python, "validation.py", &[]);
    bench.check(
        &python,
        "validation.py",
        &[("FPGA_XRT_CARDS", "software:0")],
    );
}

#[test]
fn processes_share_a_card_and_keep_its_state() {
    let Some(python) = system_python() else {
        return;
    };
    Bench::new().check(&python, "processes.py", &[]);
}

#[test]
fn numpy_works_on_buffers_in_place() {
    let Some(python) = python_with_numpy() else {
        return;
    };
    Bench::new().check(&python, "arrays.py", &[]);
}

#[test]
fn an_untrusted_image_is_refused_unless_that_is_allowed_which_is_told() {
    let Some(python) = system_python() else {
        return;
    };
    let bench = Bench::new();
    bench.write("unsigned.xclbin", image(2).as_bytes());
    let program = "import pyxrt\npyxrt.device(0).load_xclbin(pyxrt.xclbin(\"unsigned.xclbin\"))\n";
    bench.write("load.py", program.as_bytes());
    let run = |allow| {
        let variables = [("FPGA_ALLOW_UNTRUSTED", allow)];
        let output = bench.run(&python, &bench.path("load.py"), &variables);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("not trusted"), "{told}");
        output.status.success()
    };
    assert!(!run("0"));
    assert!(run("1"));
    assert!(!run("0"));
}
