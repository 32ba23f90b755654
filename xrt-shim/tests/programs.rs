//! Programs written against XRT, unchanged, on our cards: compiled, linked with the installed XRT, and run. Where XRT is
//! not installed (Debian: libxrt-dev) each test says so and does nothing.

#[path = "programs/through_xrt.rs"]
mod through_xrt;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use bitstreams::link::{KernelSource, Linker};
use host_runtime::bitstreams::trust::{LOCAL_KEY, TrustStore};
use host_runtime::bitstreams::{Bitstream, ComputeUnit, ImageBuilder, Xclbin};
use host_runtime::collection::sample;
use host_runtime::tcp::{Descriptor, Options, Policy, Profile, golden};
use host_runtime::{Image, XrtShim, cosim};
use tempfile::TempDir;

/// Longest that a program may take, seconds: `timeout` ends it then.
const TIME_LIMIT: &str = "120";

/// The folder that `XILINX_XRT` names, built once; `None` if there is no XRT.
fn shim() -> Option<&'static Path> {
    static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
    SHIM.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/build-xrt-shim");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("xrt");
        let archive = static_library();
        let built = Command::new(script)
            .arg("--archive")
            .args([&archive, &folder])
            .output()
            .unwrap();
        match built.status.code() {
            Some(0) => Some(folder),
            Some(2) => {
                eprintln!("skipped: {}", String::from_utf8_lossy(&built.stdout).trim());
                None
            }
            _ => panic!("{}", String::from_utf8_lossy(&built.stderr)),
        }
    })
    .as_deref()
}

/// The library as cargo built it for this test: the latest beside the test itself.
fn static_library() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let beside = std::fs::read_dir(program.parent().unwrap()).unwrap();
    let libraries = beside.map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libxrt_shim") && name.ends_with(".a")
    });
    let built = |path: &PathBuf| path.metadata().unwrap().modified().unwrap();
    libraries
        .max_by_key(built)
        .expect("cargo builds the static library too")
}

/// A folder with what programs get: images, descriptors and their verdicts; and with the cards' state.
struct Bench {
    folder: TempDir,
    shim: &'static Path,
}

impl Bench {
    fn new(shim: &'static Path) -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
            shim,
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
        let store = TrustStore::open(Some(&bench.path("trust"))).unwrap();
        let key = store.secret(LOCAL_KEY).unwrap();
        for (name, units) in [("two_units.xclbin", 2), ("one_unit.xclbin", 1)] {
            let image = image(units, None);
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

    /// Compiles a program of `tests/programs` with these libraries.
    fn compile(&self, source: &str, libraries: &[&str]) -> PathBuf {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/programs")
            .join(source);
        let is_c = source.extension().is_some_and(|extension| extension == "c");
        let program = self.path(source.file_stem().unwrap().to_str().unwrap());
        let compiled = Command::new(if is_c { "gcc" } else { "g++" })
            .arg(if is_c { "-std=gnu11" } else { "-std=c++17" })
            .args(["-O1", "-Wall", "-Wno-deprecated-declarations", "-I"])
            .arg(self.shim.join("include"))
            .arg(&source)
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(self.shim.join("lib"))
            .args(libraries)
            .output()
            .unwrap();
        let messages = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "{messages}");
        program
    }

    /// Starts a program as a user would: with the variables of `fpga-ctl xrt-env`, and more.
    fn start(&self, program: &Path, variables: &[(&str, &str)]) -> Child {
        let inputs = [
            "two_units.xclbin",
            "one_unit.xclbin",
            "descriptors",
            "wide",
            "compact",
        ];
        let mut command = self.command(program);
        command
            .args(inputs.map(|name| self.path(name)))
            .envs(variables.iter().copied());
        command.spawn().unwrap()
    }

    /// A program, to be given arguments, with the environment for XRT.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("timeout");
        command
            .arg(TIME_LIMIT)
            .arg(program)
            .envs(self.environment())
            .env("FPGA_STATE_DIR", self.path("state"))
            .env("FPGA_TRUST_DIR", self.path("trust"))
            // XRT writes logs to where it is.
            .current_dir(self.folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// What `fpga-ctl xrt-env` prints, for the shim of this test.
    fn environment(&self) -> Vec<(&'static str, std::ffi::OsString)> {
        XrtShim::at(self.shim).unwrap().variables()
    }

    fn run(&self, program: &Path, variables: &[(&str, &str)]) {
        check(self.start(program, variables));
    }
}

fn check(program: Child) {
    let output = program.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The default image's kernel with that many compute units, and its model or another one; unsigned.
fn image(units: u64, model: Option<Vec<u8>>) -> Xclbin {
    let default = Image::default_image().unwrap();
    let Some(Bitstream::Model(own)) = default.xclbin().bitstream() else {
        panic!("the default image holds a model");
    };
    let model = model.unwrap_or_else(|| own.to_vec());
    let mut builder = ImageBuilder::new(default.platform(), model);
    for bank in default.xclbin().mem_topology().unwrap().unwrap().banks {
        builder = builder.bank(bank);
    }
    for clock in default
        .xclbin()
        .clock_frequencies()
        .unwrap()
        .unwrap()
        .clocks
    {
        builder = builder.clock(clock);
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
fn native_programs_run() {
    let Some(shim) = shim() else { return };
    let bench = Bench::new(shim);
    let program = bench.compile("native.cpp", &["-lxrt_coreutil", "-luuid", "-pthread"]);
    bench.run(&program, &[]);
}

#[test]
fn a_hung_kernel_times_out_is_aborted_and_is_ended_by_the_watchdog() {
    let Some(shim) = shim() else { return };
    let bench = Bench::new(shim);
    let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host-runtime/tests/kernels");
    let source = KernelSource {
        description: Some(kernels.join("hang.toml")),
        ..KernelSource::default()
    };
    let linker = Linker {
        kernels: vec![source],
        trust_folder: Some(bench.path("trust")),
        ..Linker::default()
    };
    let cache = cosim::Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"));
    bench.write("hang.xclbin", linker.link(&cache).unwrap().image.as_bytes());
    let program = bench.compile("hung.cpp", &["-lxrt_coreutil"]);
    let mut command = bench.command(&program);
    command.arg(bench.path("hang.xclbin"));
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("watchdog") || told.contains("no progress"),
        "{told}"
    );
}

#[test]
fn programs_in_c_run_on_the_simulated_card_and_on_the_software_device() {
    let Some(shim) = shim() else { return };
    let bench = Bench::new(shim);
    let program = bench.compile("c_interface.c", &["-lxrt_coreutil"]);
    bench.run(&program, &[]);
    bench.run(&program, &[("FPGA_XRT_CARDS", "software:0")]);
}

#[test]
fn code_of_an_untrusted_image_is_not_mapped_unless_that_is_allowed_which_is_told() {
    let Some(shim) = shim() else { return };
    let bench = Bench::new(shim);
    let program = bench.compile("c_interface.c", &["-lxrt_coreutil"]);
    let run = |allow| {
        let started = bench.start(&program, &[("FPGA_ALLOW_UNTRUSTED", allow)]);
        let output = started.wait_with_output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&told).into_owned();
        assert!(told.contains("not trusted"), "{told}");
        output.status.success()
    };

    // It leaves a file when it is mapped.
    let marker = bench.path("sprung");
    let trap = format!(
        "#include <fcntl.h>\n#include <unistd.h>\n\
         __attribute__((constructor)) static void spring(void) {{ close(creat({marker:?}, 0600)); }}\n"
    );
    bench.write("trap.c", trap.as_bytes());
    let mut compiler = Command::new("gcc");
    compiler.current_dir(bench.folder.path());
    compiler.args(["-shared", "-fPIC", "trap.c", "-o", "trap.so"]);
    assert!(compiler.status().unwrap().success());
    let trap = image(2, Some(std::fs::read(bench.path("trap.so")).unwrap()));
    bench.write("two_units.xclbin", trap.as_bytes());
    assert!(!run("0"));
    assert!(!marker.exists());
    // It is no model, but that shows only after it was mapped.
    assert!(!run("1"));
    assert!(marker.exists());

    bench.write("two_units.xclbin", image(2, None).as_bytes());
    assert!(!run("0"));
    assert!(run("1"));
    // Nor is what the card now holds loaded for the next program.
    assert!(!run("0"));
}

#[test]
fn programs_that_call_the_driver_interface_run() {
    let Some(shim) = shim() else { return };
    let bench = Bench::new(shim);
    let program = bench.compile("hal.cpp", &["-lxrt_core", "-lxrt_coreutil"]);
    bench.run(&program, &[]);
}

#[test]
fn opencl_programs_run() {
    let Some(shim) = shim() else { return };
    let bench = Bench::new(shim);
    let program = bench.compile("opencl.c", &["-lxilinxopencl", "-lxrt_coreutil"]);
    bench.run(&program, &[]);
    // By way of the loader of OpenCL libraries.
    let program = bench.compile("opencl.c", &["-lOpenCL"]);
    bench.run(&program, &[]);
}

#[test]
fn two_cards_work_in_one_program() {
    let Some(shim) = shim() else { return };
    let bench = Bench::new(shim);
    let program = bench.compile("two_cards.cpp", &["-lxrt_coreutil"]);
    bench.run(&program, &[("FPGA_SIM_CARDS", "2")]);
    bench.run(&program, &[("FPGA_XRT_CARDS", "sim:0,software:0")]);
}

#[test]
fn several_processes_share_a_card_without_disturbing_each_other() {
    let Some(shim) = shim() else { return };
    let bench = Bench::new(shim);
    let program = bench.compile("sharing.cpp", &["-lxrt_coreutil"]);
    let programs: Vec<Child> = (0..4).map(|_| bench.start(&program, &[])).collect();
    programs.into_iter().for_each(check);
}

#[test]
fn another_image_on_a_card_in_use_is_refused_until_its_user_is_gone() {
    let Some(shim) = shim() else { return };
    let bench = Bench::new(shim);
    let program = bench.compile("two_images.cpp", &["-lxrt_coreutil"]);
    bench.run(&program, &[]);
}

#[test]
fn the_runtime_drives_its_own_card_through_xrt() {
    if let Some(folder) = std::env::var_os(through_xrt::FOLDER_VARIABLE) {
        return through_xrt::run(Path::new(&folder));
    }
    let Some(shim) = shim() else { return };
    let bench = Bench::new(shim);
    // XRT looks at its environment when it is loaded: a process of its own.
    let mut command = bench.command(&std::env::current_exe().unwrap());
    command
        .args(["--exact", "the_runtime_drives_its_own_card_through_xrt"])
        .env(through_xrt::FOLDER_VARIABLE, bench.folder.path());
    check(command.spawn().unwrap());
}
