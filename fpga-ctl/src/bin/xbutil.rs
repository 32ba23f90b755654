//! `xbutil`, installed beside `fpga-ctl`: calls that program by this name.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let program = std::env::current_exe().map(|this| this.with_file_name("fpga-ctl"));
    let error = program.map(|program| {
        let error = Command::new(&program)
            .arg0("xbutil")
            .args(std::env::args_os().skip(1))
            .exec();
        format!("cannot run {}: {error}", program.display())
    });
    let error = error.unwrap_or_else(|error| format!("cannot find fpga-ctl: {error}"));
    eprintln!("ERROR: {error}; install fpga-ctl beside xbutil, or link xbutil to it");
    ExitCode::FAILURE
}
