//! `fpga-ctl lease release`: ends the leases of others by asking their processes to end.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use host_runtime::{Access, Card, CardId, LeaseInfo};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::quantity;
use crate::context::Context;
use crate::stdout::Stdout;

/// How often it is looked whether the leases have ended.
const POLL: Duration = Duration::from_millis(20);

/// Arguments of `lease release`.
#[derive(Debug, Args)]
pub(super) struct ReleaseArgs {
    /// Wait so long for the processes to end
    #[arg(long, value_name = "DURATION", value_parser = quantity::duration, default_value = "10s")]
    wait: Duration,
}

pub(super) fn run(context: &Context, args: &ReleaseArgs) -> Result<()> {
    let card = context
        .globals
        .card
        .context("say whose leases are to end: --card CARD")?;
    let leases = leases(context, card);
    for lease in &leases {
        ask_to_end(context, card, lease)?;
    }
    let begin = Instant::now();
    loop {
        let left = self::leases(context, card);
        let left: Vec<_> = left.iter().filter(|lease| leases.contains(lease)).collect();
        let Some(first) = left.first() else { break };
        if begin.elapsed() >= args.wait {
            bail!(
                "{card}: {} (process {}) was asked to end and still has its lease; `kill -9 {}` ends it, and whoever uses the \
                 card next clears it",
                first.program,
                first.pid,
                first.pid
            );
        }
        std::thread::sleep(POLL);
    }
    // Whoever opens a card clears what a killed process left.
    let options = context.options("release", Access::Shared);
    Card::open_with(card, &options)?.abandon()?;
    let mut out = Stdout::new();
    match leases.len() {
        0 => writeln!(out, "{card} is not leased")?,
        1 => writeln!(out, "{card}: a lease ended")?,
        many => writeln!(out, "{card}: {many} leases ended")?,
    }
    out.finish()
}

fn leases(context: &Context, card: CardId) -> Vec<LeaseInfo> {
    let cards = context.inventory().cards.into_iter();
    cards
        .filter(|entry| entry.card == card)
        .flat_map(|entry| entry.leases)
        .collect()
}

fn ask_to_end(context: &Context, card: CardId, lease: &LeaseInfo) -> Result<()> {
    let pid = i32::try_from(lease.pid).ok().and_then(Pid::from_raw);
    let Some(process) = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
        return Ok(());
    };
    send_term(context, card, lease, process).with_context(|| {
        format!(
            "{} (process {}) cannot be asked to end",
            lease.program, lease.pid
        )
    })
}

fn send_term(context: &Context, card: CardId, lease: &LeaseInfo, process: OwnedFd) -> Result<()> {
    // If the lease is still there the number was still its process' when that was opened.
    if leases(context, card).contains(lease) {
        match pidfd_send_signal(&process, Signal::TERM) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
