//! `fpga-ctl` in this machine: the real driver, and what it says to people.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use vfio::{Binding, Error, Function, PCI_DEVICES, PciAddress};

use crate::card::TestCard;
use crate::edu::Edu;
use crate::memory::Memory;

const FPGA_CTL: &str = "/bin/fpga-ctl";
/// The example of `host-runtime`.
const QUEUE: &str = "/bin/queue";
pub(crate) const SAMPLE: &str = "/tmp/sample.tcpdb";
/// Somebody who is not root.
const USER: u32 = 1000;

pub(crate) fn fpga_ctl(arguments: &[&str], user: Option<u32>) -> Command {
    command(FPGA_CTL, arguments, user)
}

fn command(program: &str, arguments: &[&str], user: Option<u32>) -> Command {
    let state = format!("/tmp/state-{}", user.unwrap_or(0));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("FPGA_STATE_DIR", state);
    command.stdin(Stdio::null());
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    command
}

pub(crate) fn run(arguments: &[&str]) -> Result<Output> {
    let output = fpga_ctl(arguments, None)
        .output()
        .context("fpga-ctl could not be started")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "fpga-ctl {arguments:?}: {}: {errors}",
        output.status
    );
    Ok(output)
}

/// What fpga-ctl says when it fails.
pub(crate) fn failure(arguments: &[&str], user: Option<u32>) -> Result<String> {
    let output = fpga_ctl(arguments, user)
        .output()
        .context("fpga-ctl could not be started")?;
    ensure!(
        !output.status.success(),
        "fpga-ctl {arguments:?} did not fail"
    );
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Judges a sample on a card, and returns the detail words.
pub(crate) fn judge(card: &str) -> Result<Vec<u8>> {
    let verdicts = "/tmp/verdicts.bin";
    let arguments = [
        "validate",
        SAMPLE,
        "--profile",
        "wide",
        "--detail",
        "--output",
        verdicts,
    ];
    run(&[&arguments[..], &["--card", card]].concat())?;
    Ok(fs::read(verdicts)?)
}

pub(crate) fn validate(card: &TestCard) -> Result<()> {
    run(&["sample", "--profile", "wide", "--output", SAMPLE])?;
    let expected = judge("software:0")?;
    ensure!(expected.len() > 100, "{} bytes of verdicts", expected.len());
    let name = format!("pcie:{}", card.address());
    ensure!(
        judge(&name)? == expected,
        "the card and the software device do not agree"
    );
    let info = run(&["info", "--card", &name])?;
    let info = String::from_utf8_lossy(&info.stdout).into_owned();
    ensure!(info.contains("tcp_validator"), "info says {info}");
    Ok(())
}

pub(crate) fn killed(card: &TestCard) -> Result<()> {
    let expected = judge("software:0")?;
    let name = format!("pcie:{}", card.address());
    // Enough that it does not end by itself.
    run(&["sample", "--random", "1000000", "--output", "/tmp/long.bin"])?;
    let long = ["validate", "/tmp/long.bin", "--card", &name];
    let mut child = fpga_ctl(&long, None).stdout(Stdio::null()).spawn()?;
    let holders = format!("/tmp/state-0/pcie-{}/holders", card.address());
    let held = crate::memory::until("the program holds the card", || {
        Ok(fs::read_dir(&holders).is_ok_and(|mut entries| entries.next().is_some()))
    });
    let ended = child.try_wait()?;
    child.kill()?;
    child.wait()?;
    held?;
    ensure!(ended.is_none(), "it ended by itself: {ended:?}");
    ensure!(
        judge(&name)? == expected,
        "the card and the software device do not agree"
    );
    Ok(())
}

/// What discovery makes of it.
pub(crate) fn listed(card: &TestCard) -> Result<()> {
    let name = format!("pcie:{}", card.address());
    let list = run(&["list", "--json"])?;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    ensure!(list.contains(&format!("\"{name}\"")), "list says {list}");
    let report = run(&["validate", SAMPLE, "--profile", "wide", "--json"])?;
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    ensure!(
        report.contains(&format!("\"{name}\"")),
        "validate says {report}"
    );
    Ok(())
}

pub(crate) fn queue(card: &TestCard) -> Result<()> {
    let mut queue = command(QUEUE, &[&format!("pcie:{}", card.address())], None);
    let output = queue.output().context("the program could not be started")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {errors}", output.status);
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        said.contains("as the golden model has them"),
        "it says {said}"
    );
    Ok(())
}

fn group_file(address: PciAddress) -> Result<String> {
    let group = Binding::look(Path::new(PCI_DEVICES), address)?.check()?;
    Ok(format!("/dev/vfio/{group}"))
}

pub(crate) fn not_ours(edu: &Edu) -> Result<()> {
    let said = failure(
        &["info", "--card", &format!("pcie:{}", edu.address())],
        None,
    )?;
    ensure!(said.contains("it has no identity block"), "it says {said}");
    Ok(())
}

pub(crate) fn permission(edu: &Edu) -> Result<()> {
    let card = format!("pcie:{}", edu.address());
    let file = group_file(edu.address())?;
    let said = failure(&["info", "--card", &card], Some(USER))?;
    ensure!(
        said.contains("permission") && said.contains(&format!("chown \"$USER\" {file}")),
        "it says {said}"
    );
    chown(&file, Some(USER), Some(USER))?;
    let said = failure(&["info", "--card", &card], Some(USER))?;
    ensure!(said.contains("it has no identity block"), "it says {said}");
    Ok(())
}

/// Has this thread do something without root's right to lock as much memory as it likes.
fn without_right_to_lock<T>(work: impl FnOnce() -> T) -> Result<T> {
    let all = capabilities(None)?;
    let mut less = all;
    less.effective.remove(CapabilitySet::IPC_LOCK);
    set_capabilities(None, less)?;
    let result = work();
    set_capabilities(None, all)?;
    Ok(result)
}

/// Without the right that root has, memory is locked up to a limit.
pub(crate) fn memory_limit(edu: &Edu) -> Result<()> {
    let bytes = 64 << 10;
    let memory = Memory::new(bytes)?;
    let function = Function::open(edu.address())?;
    let whole = getrlimit(Resource::Memlock);
    let limit = |current| setrlimit(Resource::Memlock, Rlimit { current, ..whole });
    limit(Some(bytes as u64 / 2))?;
    let refused = without_right_to_lock(|| memory.map(&function, 0x10_0000));
    limit(whole.current)?;
    let refused = refused?;
    ensure!(
        matches!(refused, Err(Error::MemoryLock { limit, .. }) if limit == bytes as u64 / 2),
        "{refused:?}"
    );
    without_right_to_lock(|| memory.map(&function, 0x10_0000))??;
    drop(function);
    Ok(())
}
