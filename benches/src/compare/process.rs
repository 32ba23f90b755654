//! Peers that are programs of their own. They are told descriptors, where to write verdicts, and the policy in numbers;
//! they judge once and say `ready`; then each line of milliseconds is answered by a line with the nanoseconds for each
//! descriptor. Starting them is so never measured.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use host_runtime::tcp::{Descriptor, Options, Policy};
use peers::workload;
use tempfile::TempDir;

/// Longest wait for an answer, above the time it measures for. Building RTL for cocotb takes minutes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where a peer's standard error goes.
const COMPLAINTS: &str = "complaints";

/// What a peer judges.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) descriptors: &'a [Descriptor],
    pub(crate) options: Options,
    pub(crate) policy: &'a Policy,
}

impl Job<'_> {
    /// Options and policy as the peers take them: see peers/job.py.
    pub(crate) fn numbers(&self) -> Vec<String> {
        let Policy {
            risk,
            exceeded,
            reserved_mask,
            deny_mask,
            approval_mask,
            limits,
            ..
        } = *self.policy;
        let checksum = self.options.checksum as u32;
        let mut numbers = vec![checksum, self.options.layout as u32];
        numbers.extend(risk.map(|decision| u32::from(decision.code())));
        numbers.extend([
            u32::from(exceeded.code()),
            reserved_mask,
            deny_mask,
            approval_mask,
        ]);
        numbers.extend([
            limits.max_exec_ms,
            limits.max_memory_mb.into(),
            limits.max_output_kb.into(),
        ]);
        numbers.iter().map(u32::to_string).collect()
    }
}

/// A peer that is running and judges as the golden model does.
pub(crate) struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    folder: TempDir,
}

impl Peer {
    /// Starts it and compares its verdicts. The files of descriptors and verdicts are appended to the command, then `more`.
    pub(crate) fn start(mut command: Command, job: Job<'_>, more: &[String]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let [given, written] = ["descriptors", "verdicts"].map(|name| folder.path().join(name));
        std::fs::write(&given, bytemuck::cast_slice(job.descriptors))?;
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .args([&given, &written])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join(COMPLAINTS))?)
            .spawn()
            .with_context(|| format!("{program} cannot be started"))?;
        let output = child.stdout.take().context("it has a standard output")?;
        let input = child.stdin.take();
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut peer = Self {
            child,
            input,
            lines,
            folder,
        };
        while peer.line(PATIENCE)? != "ready" {}
        let expected = workload::expected(job.descriptors, job.options, job.policy);
        let verdicts = std::fs::read(written).context("it wrote no verdicts")?;
        ensure!(
            verdicts == bytemuck::cast_slice::<_, u8>(&expected),
            "its verdicts are not those of the golden model"
        );
        Ok(peer)
    }

    /// Nanoseconds for each descriptor, the shortest pass within the time.
    pub(crate) fn measure(&mut self, slice: Duration) -> Result<f64> {
        let input = self.input.as_mut().context("it has a standard input")?;
        writeln!(input, "{}", slice.as_millis())?;
        let line = self.line(PATIENCE + slice)?;
        line.parse()
            .with_context(|| format!("it answered {line:?}"))
    }

    fn line(&mut self, patience: Duration) -> Result<String> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Ok(line),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("no answer in {patience:?}"),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let end = self.child.wait()?;
                let text = std::fs::read_to_string(self.folder.path().join(COMPLAINTS))?;
                let last = text.lines().rev().find(|line| !line.trim().is_empty());
                bail!("it ended, {end}: {}", last.unwrap_or("without a word"))
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.input.take());
        // Without input it ends by itself, unless it hangs.
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
