//! The peers' programs: the C++ one compiled, the Python ones in a virtual environment with numpy and cocotb.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{Job, Peer};

/// Where the peers' sources are.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Programs to start peers with.
pub(crate) struct Tools {
    /// Where peers are built.
    folder: PathBuf,
    python: PathBuf,
    cpp: Result<PathBuf, String>,
}

impl Tools {
    /// Compiles what is to compile.
    pub(crate) fn prepare(folder: &Path, python: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            python,
            cpp: compile(folder).map_err(|error| format!("{error:#}")),
        })
    }

    pub(crate) fn python(&self) -> &Path {
        &self.python
    }

    pub(crate) fn cpp(&self, job: Job<'_>) -> Result<Peer> {
        let program = self.cpp.as_ref().map_err(|why| anyhow::anyhow!("{why}"))?;
        Peer::start(Command::new(program), job, &job.numbers())
    }

    /// A script of `benches/peers` that needs these modules.
    pub(crate) fn script(&self, script: &str, modules: &[&str], job: Job<'_>) -> Result<Peer> {
        self.need(modules)?;
        let mut command = Command::new(&self.python);
        command.arg(sources().join(script));
        Peer::start(command, job, &job.numbers())
    }

    pub(crate) fn cocotb(&self, job: Job<'_>) -> Result<Peer> {
        self.need(&["cocotb"])?;
        let mut command = Command::new(&self.python);
        command.arg(sources().join("cocotb_run.py"));
        // cocotb looks for its own programs beside the interpreter.
        let beside = self.python.parent().unwrap_or(Path::new("."));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = [beside.to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(paths)?);
        let build = self.folder.join("cocotb").to_string_lossy().into_owned();
        Peer::start(command, job, &[u32::from(job.options).to_string(), build])
    }

    fn need(&self, modules: &[&str]) -> Result<()> {
        let python = self.python.display();
        for module in modules.iter().chain(&["sys"]) {
            let found = Command::new(&self.python)
                .args(["-c", &format!("import {module}")])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .with_context(|| format!("{python} cannot be started"))?;
            if !found.success() {
                bail!("{python} has no module {module}: scripts/compare installs it");
            }
        }
        Ok(())
    }
}

fn compile(folder: &Path) -> Result<PathBuf> {
    let program = folder.join("cpp");
    let compiled = Command::new("g++")
        .args([
            "-std=c++20",
            "-O3",
            "-march=native",
            "-Wall",
            "-Wextra",
            "-o",
        ])
        .arg(&program)
        .arg(sources().join("cpp.cpp"))
        .arg("-lz")
        .output()
        .context("g++ cannot be started: scripts/setup installs it")?;
    if !compiled.status.success() {
        let told = String::from_utf8_lossy(&compiled.stderr).into_owned();
        bail!(
            "g++ failed: {}",
            told.lines().next().unwrap_or("without a word")
        );
    }
    Ok(program)
}
