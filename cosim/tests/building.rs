//! Building: the cache, concurrent and killed builds, and what a bad kernel or machine gets.

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{cache, copy_build, rtl};
use cosim::interface::Direction;
use cosim::{BuildError, Cache, ModelBuild, ModelLibrary};

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("the test folder can be made");
    path
}

/// An empty cache in `dir` that shares the compiled run-time library with all other tests.
fn own_cache(dir: &Path) -> Cache {
    // Whoever builds first fills it.
    common::built(512);
    let own = dir.join("cache");
    std::fs::create_dir_all(&own).expect("the test folder can be written");
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models/runtime");
    std::os::unix::fs::symlink(shared, own.join("runtime"))
        .expect("the test folder can be written");
    Cache::at(own)
}

fn counter(dir: &Path, step: u32) -> ModelBuild {
    let source = dir.join("counter.sv");
    let text = "module counter (input logic ap_clk, output logic [7:0] count);\n`include \"step.svh\"\n\
                always_ff @(posedge ap_clk) count <= count + STEP;\nendmodule\n";
    std::fs::write(&source, text).expect("writable");
    std::fs::write(
        dir.join("step.svh"),
        format!("localparam logic [7:0] STEP = {step};\n"),
    )
    .expect("writable");
    ModelBuild::new("counter").source(source).include_dir(dir)
}

#[test]
fn the_cache_answers_for_the_same_content_only() {
    let dir = folder("content");
    let cache = own_cache(&dir);
    let first = counter(&dir, 1).build(&cache).expect("it builds");
    assert!(!first.cached);
    assert!(
        first.dependencies.contains(&dir.join("step.svh")),
        "{:?}",
        first.dependencies
    );
    let again = counter(&dir, 1).build(&cache).expect("cached");
    assert!(again.cached && again.path == first.path && again.interfaces == first.interfaces);
    // Only an included file differs; then only an option.
    assert!(!counter(&dir, 2).build(&cache).expect("it builds").cached);
    assert!(
        !counter(&dir, 1)
            .trace(false)
            .build(&cache)
            .expect("it builds")
            .cached
    );
    // Back at the first content.
    assert!(counter(&dir, 1).build(&cache).expect("cached").cached);
}

#[test]
fn a_damaged_entry_is_built_again() {
    let dir = folder("damaged");
    let cache = own_cache(&dir);
    let first = counter(&dir, 1).build(&cache).expect("it builds");
    let mut bytes = std::fs::read(&first.path).expect("built");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&first.path, &bytes).expect("writable");
    let again = counter(&dir, 1).build(&cache).expect("it builds");
    assert!(!again.cached);
    ModelLibrary::open(again.path).expect("it loads");
}

#[test]
fn builds_at_once_do_the_work_once() {
    let dir = folder("at_once");
    let cache = own_cache(&dir);
    let build = counter(&dir, 1);
    let cached = std::thread::scope(|scope| {
        let threads =
            [0; 4].map(|_| scope.spawn(|| build.build(&cache).expect("it builds").cached));
        threads.map(|thread| thread.join().expect("no panic"))
    });
    assert_eq!(
        cached.iter().filter(|cached| !**cached).count(),
        1,
        "{cached:?}"
    );
}

#[test]
fn a_build_that_takes_too_long_is_stopped_and_leaves_a_usable_cache() {
    let dir = folder("timeout");
    let cache = own_cache(&dir);
    let error = counter(&dir, 1)
        .timeout(Duration::from_millis(100))
        .build(&cache)
        .expect_err("too short");
    assert!(matches!(&error, BuildError::Timeout { .. }), "{error}");
    assert!(
        std::fs::read_dir(dir.join("cache/work"))
            .expect("made")
            .next()
            .is_none(),
        "leftovers"
    );
    let built = counter(&dir, 1).build(&cache).expect("it builds");
    ModelLibrary::open(built.path).expect("it loads");
}

#[test]
fn verilators_message_comes_with_file_and_line() {
    let dir = folder("syntax");
    let source = dir.join("broken.sv");
    std::fs::write(
        &source,
        "module broken (input logic ap_clk);\n  assign x = ;\nendmodule\n",
    )
    .expect("writable");
    let text = ModelBuild::new("broken")
        .source(&source)
        .build(&cache())
        .expect_err("syntax")
        .to_string();
    assert!(text.contains("broken.sv:2:"), "{text}");
    let text = ModelBuild::new("copy")
        .source("/nonexistent.sv")
        .build(&cache())
        .expect_err("no file")
        .to_string();
    assert!(text.contains("/nonexistent.sv"), "{text}");
    let text = copy_build(512)
        .parameter("NO_SUCH", 1)
        .build(&cache())
        .expect_err("no parameter")
        .to_string();
    assert!(text.contains("NO_SUCH"), "{text}");
}

#[test]
fn ports_that_make_no_interface_are_named() {
    for (top, part) in [
        (
            "missing_port",
            "interface `m_axi_gmem` of kernel `missing_port` has no port `m_axi_gmem_awready`",
        ),
        (
            "wrong_width",
            "port `m_axi_gmem_wstrb` of kernel `wrong_width` is 8 bits wide; it must be 4, one a byte of `m_axi_gmem_wdata`",
        ),
        (
            "wrong_direction",
            "port `m_axi_gmem_rvalid` of kernel `wrong_direction` is an output",
        ),
        ("no_clock", "no port `ap_clk`"),
    ] {
        let build = ModelBuild::new(top).source(rtl("ports.sv"));
        let text = build.build(&cache()).expect_err("odd").to_string();
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn unusual_ports_are_bound_and_carry_values() {
    let built = ModelBuild::new("unusual")
        .source(rtl("ports.sv"))
        .build(&cache())
        .expect("it builds");
    let interfaces = &built.interfaces;
    let master = &interfaces.masters[0];
    assert_eq!(
        (
            master.name.as_str(),
            master.data_width,
            master.address_width
        ),
        ("m_axi_in", 1024, 32)
    );
    assert_eq!(
        (master.id_width, master.reads, master.writes),
        (0, true, false)
    );
    let streams: Vec<_> = interfaces
        .streams
        .iter()
        .map(|s| (s.name.as_str(), s.direction, s.data_width))
        .collect();
    assert_eq!(
        streams,
        [
            ("axis_in", Direction::Input, 32),
            ("axis_out", Direction::Output, 8)
        ]
    );
    let ports: Vec<_> = interfaces
        .ports
        .iter()
        .map(|p| (p.name.as_str(), p.width))
        .collect();
    assert_eq!(
        ports,
        [("ap_rst_n", 1), ("doubled", 100), ("wide__value", 100)]
    );

    let library = ModelLibrary::open(built.path).expect("it loads");
    let mut model = library
        .instantiate("unusual", Default::default())
        .expect("it has it");
    model
        .set("wide__value", 0x8000_0000_0000_0001)
        .expect("an input");
    model.clock(1).expect("it runs");
    assert_eq!(model.get("doubled").expect("an output"), 2);
    assert!(
        library
            .instantiate("other", Default::default())
            .expect_err("no such")
            .to_string()
            .contains("unusual")
    );
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let text = copy_build(512)
        .build(&Cache::at("/proc/no_cache"))
        .expect_err("read-only")
        .to_string();
    assert!(text.contains("/proc/no_cache"), "{text}");
}

/// Run by `a_killed_build_leaves_a_usable_cache` in a process of its own.
#[test]
fn build_in_the_folder_of_the_environment() {
    if let Some(dir) = std::env::var_os("COSIM_TEST_BUILD") {
        let dir = Path::new(&dir);
        counter(dir, 1)
            .build(&Cache::at(dir.join("cache")))
            .expect("it builds");
    }
}

#[test]
fn a_killed_build_leaves_a_usable_cache() {
    let dir = folder("killed");
    let cache = own_cache(&dir);
    let mut child = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "build_in_the_folder_of_the_environment"])
        .env("COSIM_TEST_BUILD", &dir)
        .spawn()
        .expect("this test runs");
    // Once the lock exists, the build is under way.
    let locks = dir.join("cache/locks");
    while !std::fs::read_dir(&locks).is_ok_and(|mut locks| locks.next().is_some()) {
        assert!(
            child.try_wait().expect("a child").is_none(),
            "it ended early"
        );
        std::thread::yield_now();
    }
    child.kill().expect("it runs");
    child.wait().expect("it was killed");
    let built = counter(&dir, 1).build(&cache).expect("it builds");
    ModelLibrary::open(built.path).expect("it loads");
}

#[test]
fn an_interface_whose_name_ends_in_an_underscore_keeps_it() {
    let dir = folder("underscore");
    let source = dir.join("sink.sv");
    let text = "module sink (input wire ap_clk, input wire data__tvalid, output wire data__tready,\n\
                input wire [31:0] data__tdata);\nassign data__tready = 1'b1;\nendmodule\n";
    std::fs::write(&source, text).expect("writable");
    let build = ModelBuild::new("sink").source(source);
    let rtl = build.inspect(&own_cache(&dir)).expect("it is well formed");
    assert_eq!(rtl.streams[0].name, "data_");
}

#[test]
fn a_cache_that_everybody_may_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt;

    let dir = folder("open-cache");
    let cache = own_cache(&dir);
    let mode = |mode| std::fs::set_permissions(cache.root(), std::fs::Permissions::from_mode(mode));
    let build = counter(&dir, 1);
    build.build(&cache).expect("the cache is the user's own");
    mode(0o777).expect("the folder is the test's own");
    let error = build
        .build(&cache)
        .expect_err("anybody's code might be in it");
    assert!(matches!(error, BuildError::OpenCache { .. }), "{error}");
    assert!(error.to_string().contains("chmod o-w"), "{error}");
    mode(0o755).expect("the folder is the test's own");
    assert!(build.build(&cache).expect("as before").cached);
}
