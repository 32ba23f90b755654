//! This program in another role: a card's server, or one of many clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use host_runtime::{CardId, Image, OpenOptions, ServeOptions, ServedCard};
use peers::limits;

use super::shared;

/// Name of the served card.
const NAME: &str = "bench";

/// What a process that this program starts does.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Serves a card until its standard input ends.
    Server,
    /// Uses one until it is told to stop.
    Client,
}

/// Where a role finds its card's state, and the CPU that it keeps to.
const FOLDER: &str = "FPGA_BENCH_FOLDER";
const CPU: &str = "FPGA_BENCH_CPU";

/// Plays a role to its end.
pub(crate) fn play(role: Role) -> Result<()> {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from);
    let folder = folder.with_context(|| format!("{FOLDER} is not set"))?;
    if let Some(cpu) = std::env::var(CPU).ok().and_then(|text| text.parse().ok()) {
        limits::keep_to(cpu);
    }
    match role {
        Role::Server => serve(folder),
        Role::Client => shared::use_card(card()?, &options(folder)),
    }
}

fn card() -> Result<CardId> {
    Ok(CardId::Served(NAME.parse()?))
}

fn options(folder: PathBuf) -> OpenOptions {
    OpenOptions {
        purpose: "a benchmark".to_owned(),
        state_folder: Some(folder),
        ..OpenOptions::default()
    }
}

fn serve(folder: PathBuf) -> Result<()> {
    let options = ServeOptions {
        image: Some(Image::queue_image()?),
        state_folder: Some(folder),
        ..ServeOptions::default()
    };
    let served = ServedCard::start(NAME.parse()?, &options)?;
    println!("{}", served.socket().display());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// A process in a role; ended when this is dropped.
pub(super) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(super) fn start(role: Role, folder: &std::path::Path, cpu: Option<usize>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let name = role.to_possible_value().context("a role has a name")?;
        command
            .args(["--role", name.get_name()])
            .env(FOLDER, folder);
        if let Some(cpu) = cpu {
            command.env(CPU, cpu.to_string());
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("this program cannot be started again")?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("it has an output")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    pub(super) fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("it has an input")?;
        Ok(writeln!(input, "{line}")?)
    }

    pub(super) fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("a process of the benchmark ended; see above");
        }
        Ok(line.trim().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its input ends.
        self.input = None;
        for _ in 0..200 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A served card in another process.
pub(super) struct Server {
    process: std::cell::RefCell<Process>,
    socket: PathBuf,
    folder: tempfile::TempDir,
}

impl Server {
    /// `cpu`: where its threads stay.
    pub(super) fn start(cpu: Option<usize>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut process = Process::start(Role::Server, folder.path(), cpu)?;
        let socket = process.hear()?.into();
        Ok(Self {
            process: process.into(),
            socket,
            folder,
        })
    }

    pub(super) fn card(&self) -> CardId {
        card().expect("the name is one")
    }

    pub(super) fn options(&self) -> OpenOptions {
        options(self.folder.path().to_owned())
    }

    /// Where it is served, if it still is.
    pub(super) fn socket(&self) -> Result<PathBuf> {
        let ended = self.process.borrow_mut().child.try_wait()?;
        match ended {
            None => Ok(self.socket.clone()),
            Some(status) => bail!("the card's server ended: {status}"),
        }
    }

    pub(super) fn client(&self) -> Result<Process> {
        Process::start(Role::Client, self.folder.path(), None)
    }
}
