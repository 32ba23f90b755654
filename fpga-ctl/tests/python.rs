//! Python programs with `pyxrt` beside this program and its other name, `xbutil`. Where there is no Python a test says so
//! and does nothing.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Bench, Ended};
use host_runtime::tcp::{Policy, Profile};

/// A bench where Python finds the module, and programs find ours; `None` if there is no Python.
fn bench_with_module() -> Option<Bench> {
    let new_enough = "import sys; sys.exit(sys.version_info < (3, 11))";
    let python = Command::new("python3").args(["-c", new_enough]).output();
    if !python.is_ok_and(|ended| ended.status.success()) {
        eprintln!(
            "skipped: there is no python3 of version 3.11 or newer (apt-get install python3)"
        );
        return None;
    }
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("xrt/python")).unwrap();
    std::os::unix::fs::symlink(module(), bench.path("xrt/python/pyxrt.abi3.so")).unwrap();
    Some(bench)
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

/// Runs a Python program by `fpga-ctl run`, with our programs on its path.
fn run_python(bench: &Bench, program: &str, variables: &[(&str, &str)]) -> Ended {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(program);
    let mut command = bench.command();
    let ours = Path::new(command.get_program()).parent().unwrap();
    let before = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(ours.to_owned()).chain(std::env::split_paths(&before));
    let path = std::env::join_paths(path).unwrap();
    command
        .env("PATH", path)
        .env("FPGA_XRT_SHIM", bench.path("xrt"))
        .envs(variables.iter().copied())
        .args(["run", "--", "timeout", "120", "python3", "-B"])
        .arg(program);
    command.output().unwrap().into()
}

#[test]
fn a_manager_finds_programs_and_validates() {
    let Some(bench) = bench_with_module() else {
        return;
    };
    bench
        .run(&["image", "export", "tcp_validator_v2.xclbin"])
        .expect(0);
    let descriptors = common::sample_descriptors(Profile::Compact);
    let bytes: Vec<u8> = descriptors.iter().flat_map(|d| d.0).collect();
    let details = common::golden_details(&descriptors, Profile::Compact, &Policy::reset_default());
    let verdicts: Vec<u8> = details.iter().map(|detail| detail[0]).collect();
    bench.write("descriptors", bytes);
    bench.write("verdicts", verdicts);
    let ended = run_python(
        &bench,
        "tests/python/manager.py",
        &[("FPGA_SIM_CARDS", "2")],
    );
    assert_eq!(
        ended.expect(0).text(),
        "[('0', '9000:00:00.0'), ('1', '9000:00:01.0')]\n"
    );
}

#[test]
fn the_example_of_the_validator_in_python_says_what_its_readme_shows() {
    let Some(bench) = bench_with_module() else {
        return;
    };
    bench
        .run(&["image", "export", "tcp_validator.xclbin"])
        .expect(0);
    let ended = run_python(&bench, "../examples/validator-python/validate.py", &[]).expect(0);
    let readme =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/validator-python/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    assert!(readme.contains(&format!("```text\n{}```", ended.text())));
}
