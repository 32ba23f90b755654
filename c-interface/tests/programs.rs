//! Programs in C and C++ as users build them: the library is installed into a folder, and compiler and linker see nothing
//! but that folder. Where there is no compiler a test says so and does nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Longest that a program may take, seconds: `timeout` ends it then.
const TIME_LIMIT: &str = "300";

/// The library as cargo built it for this test: the latest beside the test itself.
fn library() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let beside = std::fs::read_dir(program.parent().unwrap()).unwrap();
    let libraries = beside.map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libtcp_hardware") && name.ends_with(".so")
    });
    let built = |path: &PathBuf| path.metadata().unwrap().modified().unwrap();
    libraries
        .max_by_key(built)
        .expect("cargo builds the shared library too")
}

/// Runs the installing script.
fn install(arguments: &[&OsStr]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/install-c-library");
    Command::new(script).args(arguments).output().unwrap()
}

fn succeeded(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{out}{err}", output.status);
    out
}

/// Whether a program is there; says so if it is not.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: there is no {program} here (scripts/setup test installs it)");
    }
    found
}

/// A folder with the library installed, the programs, and the state of their cards.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let prefix = bench.path("prefix");
        succeeded(&install(&[
            "--prefix".as_ref(),
            prefix.as_ref(),
            "--library".as_ref(),
            library().as_ref(),
        ]));
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compiles a program of `tests/programs`, or one at a path.
    fn compile(&self, compiler: &str, standard: &str, source: &str) -> PathBuf {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
        let program = self.path("").join(Path::new(source).file_stem().unwrap());
        let compiled = Command::new(compiler)
            .arg(format!("-std={standard}"))
            .args([
                "-g",
                "-O1",
                "-Wall",
                "-Wextra",
                "-Wpedantic",
                "-Werror",
                "-I",
            ])
            .arg(self.path("prefix/include"))
            .arg(sources.join(source))
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(self.path("prefix/lib"))
            .args(["-ltcp_hardware", "-pthread"])
            .output()
            .unwrap();
        succeeded(&compiled);
        program
    }

    /// Runs a program and returns what it printed.
    fn run(&self, program: &Path, arguments: &[&str]) -> String {
        let ended = Command::new("timeout")
            .arg(TIME_LIMIT)
            .arg(program)
            .args(arguments)
            .env("LD_LIBRARY_PATH", self.path("prefix/lib"))
            .env("FPGA_STATE_DIR", self.path("cards"))
            .env("FPGA_TRUST_DIR", self.path("trust"))
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        succeeded(&ended)
    }
}

#[test]
fn every_function_of_hardware_h_answers_and_refuses_as_the_header_says() {
    if !has("cc") {
        return;
    }
    let bench = Bench::new();
    for standard in ["c99", "c11"] {
        let program = bench.compile("cc", standard, "hardware.c");
        bench.run(&program, &["software:0"]);
    }
    #[cfg(feature = "cosim")]
    bench.run(&bench.path("hardware"), &["sim:0"]);
}

#[test]
fn queues_answer_and_refuse_as_the_header_says() {
    if !has("cc") {
        return;
    }
    let bench = Bench::new();
    let program = bench.compile("cc", "c11", "queue.c");
    bench.run(&program, &["software:0"]);
    #[cfg(feature = "cosim")]
    {
        bench.run(&program, &["sim:0"]);
        let options = host_runtime::ServeOptions {
            state_folder: Some(bench.path("cards")),
            ..host_runtime::ServeOptions::default()
        };
        let served = host_runtime::ServedCard::start("c".parse().unwrap(), &options).unwrap();
        bench.run(&program, &[&served.id().to_string()]);
    }
}

#[test]
fn every_function_of_safety_h_answers_and_refuses_as_the_header_says() {
    if !has("cc") {
        return;
    }
    let bench = Bench::new();
    let program = bench.compile("cc", "c11", "safety.c");
    bench.run(&program, &[]);
    #[cfg(feature = "cosim")]
    bench.run(&program, &["sim:0"]);
}

#[test]
fn the_software_device_decides_where_its_state_cannot_be_used() {
    if !has("cc") {
        return;
    }
    let bench = Bench::new();
    let program = bench.compile("cc", "c11", "stateless.c");
    let state = bench.path("cards/software-0");
    std::fs::create_dir_all(&state).unwrap();
    std::fs::write(state.join("state"), "damaged").unwrap();
    bench.run(&program, &[]);
}

#[test]
fn programs_in_c_plus_plus_include_the_headers() {
    if !has("g++") {
        return;
    }
    let bench = Bench::new();
    for standard in ["c++11", "c++17"] {
        let program = bench.compile("g++", standard, "cplusplus.cpp");
        assert_eq!(bench.run(&program, &[]), "CAUTION\n", "{standard}");
    }
}

#[test]
fn the_program_in_the_documentation_prints_what_it_says() {
    if !has("cc") {
        return;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/c-interface.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("```c\n").unwrap();
    let (text, rest) = rest.split_once("```").unwrap();
    let (_, rest) = rest.split_once("It prints `").unwrap();
    let (printed, _) = rest.split_once('`').unwrap();

    let bench = Bench::new();
    let source = bench.path("documented.c");
    std::fs::write(&source, text).unwrap();
    let program = bench.compile("cc", "c11", source.to_str().unwrap());
    assert_eq!(bench.run(&program, &[]).trim_end(), printed);
}

#[test]
fn the_library_exports_what_the_headers_declare_and_nothing_else() {
    if !has("nm") {
        return;
    }
    let listed = Command::new("nm")
        .args(["--dynamic", "--defined-only", "--format=posix"])
        .arg(library())
        .output()
        .unwrap();
    let listed = succeeded(&listed);
    let mut exported: Vec<_> = listed
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    exported.sort_unstable();
    let headers = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/tcp");
    let mut declared = Vec::new();
    for header in std::fs::read_dir(headers).unwrap() {
        let text = std::fs::read_to_string(header.unwrap().path()).unwrap();
        declared.extend(
            text.lines()
                .filter_map(declared_function)
                .map(str::to_owned),
        );
    }
    declared.sort_unstable();
    assert_eq!(exported, declared);
}

/// The function that a header's line begins to declare.
fn declared_function(line: &str) -> Option<&str> {
    if line.starts_with([' ', '/', '#']) || line.starts_with("TCP_") {
        return None;
    }
    let name = line.split_once('(')?.0;
    name.rsplit([' ', '*'])
        .next()
        .filter(|name| name.starts_with("tcp_"))
}

#[test]
fn the_library_is_found_by_its_soname_and_stays_once_it_is_loaded() {
    if !has("readelf") {
        return;
    }
    let read = Command::new("readelf")
        .arg("--dynamic")
        .arg(library())
        .output()
        .unwrap();
    let read = succeeded(&read);
    assert!(
        read.contains("Library soname: [libtcp_hardware.so.0]"),
        "{read}"
    );
    assert!(read.contains("NODELETE"), "{read}");
    let bench = Bench::new();
    for (link, to) in [
        ("libtcp_hardware.so", "libtcp_hardware.so.0"),
        (
            "libtcp_hardware.so.0",
            concat!("libtcp_hardware.so.", env!("CARGO_PKG_VERSION")),
        ),
    ] {
        let target = std::fs::read_link(bench.path("prefix/lib").join(link)).unwrap();
        assert_eq!(target, Path::new(to));
    }
}

#[test]
fn packages_install_below_another_folder_than_their_files_name() {
    let folder = tempfile::tempdir().unwrap();
    let staged = install(&[
        "--prefix".as_ref(),
        "/usr".as_ref(),
        "--libdir".as_ref(),
        "/usr/lib/somewhere".as_ref(),
        "--destdir".as_ref(),
        folder.path().as_ref(),
        "--library".as_ref(),
        library().as_ref(),
    ]);
    succeeded(&staged);
    let root = folder.path().join("usr");
    assert!(root.join("lib/somewhere/libtcp_hardware.so").exists());
    assert!(root.join("include/tcp/hardware.h").exists());
    let description =
        std::fs::read_to_string(root.join("lib/somewhere/pkgconfig/tcp-hardware.pc")).unwrap();
    assert!(
        description.contains("prefix=/usr\nlibdir=${prefix}/lib/somewhere\n"),
        "{description}"
    );
    assert!(!description.contains('@') && !description.contains(folder.path().to_str().unwrap()));
}

#[test]
fn the_installing_script_refuses_what_it_does_not_understand() {
    for (arguments, words) in [
        (&[][..], "where to?"),
        (&["--prefix"][..], "needs a path"),
        (&["--prefix", ""][..], "needs a path"),
        (&["--prefix", "/tmp", "--wings"][..], "--wings"),
        (
            &["--prefix", "/tmp", "--library", "/nonexistent.so"][..],
            "/nonexistent.so",
        ),
    ] {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let refused = install(&arguments);
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(
            !refused.status.success() && text.contains(words),
            "{arguments:?}: {text}"
        );
    }
}
