//! The environment for programs written against XRT.

mod common;

use common::Bench;

/// A bench with a folder that passes for the shim; its name is one that a shell would take apart.
fn bench_with_shim() -> (Bench, String) {
    let bench = Bench::new();
    let shim = bench.path("a 'shim'");
    std::fs::create_dir_all(shim.join("lib")).unwrap();
    std::fs::write(shim.join("lib/libxrt_hwemu.so.2"), "").unwrap();
    let shim = shim.into_os_string().into_string().unwrap();
    (bench, shim)
}

#[test]
fn a_shell_reads_the_environment_back() {
    let (bench, shim) = bench_with_shim();
    let script =
        r#"eval "$("$0" xrt-env --card sim:3)" && printf '%s\n' "$XILINX_XRT" "$FPGA_XRT_CARDS""#;
    let program = bench.command();
    let output = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(program.get_program())
        .env("FPGA_XRT_SHIM", &shim)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, format!("{shim}\nsim:3\n"));
}

#[test]
fn run_becomes_the_program_with_its_exit_status() {
    let (bench, shim) = bench_with_shim();
    let run = |arguments: &[&str]| -> common::Ended {
        let mut command = bench.command();
        command.env("FPGA_XRT_SHIM", &shim).arg("run").arg("--");
        command.args(arguments).output().unwrap().into()
    };
    let script = r#"test "$XCL_EMULATION_MODE" = hw_emu && printf %s "$XILINX_XRT"; exit 7"#;
    let ended = run(&["sh", "-c", script]).expect(7);
    assert_eq!(ended.text(), shim);
    run(&["./no-such-program"])
        .expect(2)
        .tells(&["no-such-program"]);
}

#[test]
fn a_python_module_alone_is_enough_for_python_programs() {
    let bench = Bench::new();
    let shim = bench.path("shim");
    std::fs::create_dir_all(shim.join("python")).unwrap();
    std::fs::write(shim.join("python/pyxrt.abi3.so"), "").unwrap();
    let mut command = bench.command();
    let script = r#"printf %s "$PYTHONPATH${XILINX_XRT+ and XRT}""#;
    command.args(["run", "--", "sh", "-c", script]);
    command
        .env("FPGA_XRT_SHIM", &shim)
        .env("PYTHONPATH", "/mine");
    command.env_remove("XILINX_XRT");
    let ended: common::Ended = command.output().unwrap().into();
    let ended = ended.expect(0);
    assert_eq!(ended.text(), format!("{}/python:/mine", shim.display()));
    ended.tells(&["only Python programs", "scripts/build-xrt-shim"]);
}

#[test]
fn without_a_shim_the_error_says_how_to_build_it() {
    let bench = Bench::new();
    let mut command = bench.command();
    let command = command.env("FPGA_XRT_SHIM", bench.path("nowhere"));
    let ended: common::Ended = command.arg("xrt-env").output().unwrap().into();
    ended.expect(2).tells(&[
        "nowhere",
        "scripts/build-xrt-shim",
        "libxrt-dev",
        "scripts/build-pyxrt",
    ]);
}
