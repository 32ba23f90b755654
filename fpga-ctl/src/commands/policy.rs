//! `fpga-ctl policy`: the policies in a card's slots, as TOML.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand, value_parser};
use host_runtime::tcp::{Decision, Policy, PolicyFile, PolicySlot, Profile, RiskLevel};
use host_runtime::{Access, KERNEL};
use serde::Serialize;

use crate::choices;
use crate::cli::JsonFlag;
use crate::context::Context;
use crate::stdout::Stdout;

const SHOW_HELP: &str = "\
Examples:
  fpga-ctl policy show
  fpga-ctl policy show --slot 3 --json
  fpga-ctl policy show --all";

const SET_HELP: &str = "\
Examples:
  fpga-ctl policy template --profile wide > strict.toml
  fpga-ctl policy set strict.toml --slot 3
  fpga-ctl validate sample.tcpdb --profile wide --policy 3";

const TEMPLATE_HELP: &str = "\
Examples:
  fpga-ctl policy template --profile wide > strict.toml";

/// The commands about policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show what a slot, or every slot, of a card holds
    #[command(after_help = SHOW_HELP)]
    Show(ShowArgs),
    /// Store a policy in a slot of a card
    #[command(after_help = SET_HELP)]
    Set(SetArgs),
    /// Print a policy to begin with, every field explained
    #[command(after_help = TEMPLATE_HELP)]
    Template(TemplateArgs),
}

impl PolicyCommand {
    pub(crate) fn reports_json(&self) -> bool {
        matches!(self, Self::Show(ShowArgs { json, .. }) if json.json)
    }
}

/// Arguments of `policy show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Slot, 0 to 15
    #[arg(long, value_name = "SLOT", value_parser = value_parser!(u32).range(0..16), default_value_t = 0)]
    slot: u32,
    /// Every slot
    #[arg(long, conflicts_with = "slot")]
    all: bool,
    /// Whose names to use for flags [default: the profile with this reserved mask, else compact]
    #[arg(long, value_parser = choices::profile())]
    profile: Option<Profile>,
    #[command(flatten)]
    json: JsonFlag,
}

/// Arguments of `policy set`.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Policy, TOML; - is standard input
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
    /// Slot, 0 to 15
    #[arg(long, value_name = "SLOT", value_parser = value_parser!(u32).range(0..16))]
    slot: u32,
    /// Profile of the policy, if the file states none
    #[arg(long, value_parser = choices::profile(), default_value = "compact")]
    profile: Profile,
}

/// Arguments of `policy template`.
#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    /// Profile that the policy is for
    #[arg(long, value_parser = choices::profile(), default_value = "compact")]
    profile: Profile,
}

/// A policy as JSON reports have it. Masks are of the 32 security flags.
#[derive(Debug, Serialize)]
pub(crate) struct PolicyView {
    risk: BTreeMap<RiskLevel, Decision>,
    reserved_mask: u32,
    deny_mask: u32,
    approval_mask: u32,
    max_exec_ms: u32,
    max_memory_mb: u16,
    max_output_kb: u16,
    exceeded: Decision,
}

impl From<&Policy> for PolicyView {
    fn from(policy: &Policy) -> Self {
        Self {
            risk: RiskLevel::ALL.into_iter().zip(policy.risk).collect(),
            reserved_mask: policy.reserved_mask,
            deny_mask: policy.deny_mask,
            approval_mask: policy.approval_mask,
            max_exec_ms: policy.limits.max_exec_ms,
            max_memory_mb: policy.limits.max_memory_mb,
            max_output_kb: policy.limits.max_output_kb,
            exceeded: policy.exceeded,
        }
    }
}

/// A slot as the JSON report has it.
#[derive(Debug, Serialize)]
struct SlotView {
    slot: usize,
    #[serde(flatten)]
    policy: PolicyView,
}

/// Reads a policy; `-` is standard input.
pub(crate) fn read_file(path: &Path, default_profile: Profile) -> Result<PolicyFile> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .read_to_string(&mut text)
            .map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let text = text.with_context(|| format!("cannot read the policy {}", path.display()))?;
    PolicyFile::parse(&text, default_profile)
        .with_context(|| format!("cannot use the policy {}", path.display()))
}

/// Runs a `policy` command.
pub(crate) fn run(context: &Context, command: &PolicyCommand) -> Result<()> {
    match command {
        PolicyCommand::Show(args) => show(context, args),
        PolicyCommand::Set(args) => set(context, args),
        PolicyCommand::Template(args) => template(args),
    }
}

fn show(context: &Context, args: &ShowArgs) -> Result<()> {
    let slots: Vec<PolicySlot> = if args.all {
        PolicySlot::all().collect()
    } else {
        vec![PolicySlot::new(args.slot)?]
    };
    let card = context.card();
    let policies: Vec<(PolicySlot, Policy)> =
        context.look_at_card(card, "policy show", |card| {
            let kernel = card.kernel(KERNEL)?;
            let read = |slot| Ok((slot, kernel.policy(slot)?));
            slots.into_iter().map(read).collect()
        })?;
    let mut out = Stdout::new();
    if args.json.json {
        let views: Vec<SlotView> = policies
            .iter()
            .map(|(slot, policy)| SlotView {
                slot: slot.index(),
                policy: PolicyView::from(policy),
            })
            .collect();
        out.json(&views)?;
    } else {
        for (index, (slot, policy)) in policies.iter().enumerate() {
            let profile = args.profile.unwrap_or_else(|| likely_profile(policy));
            let file = PolicyFile {
                profile,
                policy: *policy,
            };
            let gap = if index > 0 { "\n" } else { "" };
            writeln!(out, "{gap}# {card}, policy slot {}", slot.index())?;
            write!(out, "{}", file.to_toml())?;
        }
    }
    out.finish()
}

/// A slot does not say for which profile its policy was written, but the reserved mask mostly does.
fn likely_profile(policy: &Policy) -> Profile {
    Profile::ALL
        .into_iter()
        .find(|profile| profile.reserved_mask() == policy.reserved_mask)
        .unwrap_or_default()
}

fn set(context: &Context, args: &SetArgs) -> Result<()> {
    let file = read_file(&args.file, args.profile)?;
    let slot = PolicySlot::new(args.slot)?;
    let card = context.card();
    let options = context.options("policy set", Access::Shared);
    context.with_card(card, &options, |card| {
        Ok(card.kernel(KERNEL)?.set_policy(slot, &file.policy)?)
    })?;
    let mut out = Stdout::new();
    writeln!(out, "{card}: policy slot {} set", slot.index())?;
    out.finish()
}

fn template(args: &TemplateArgs) -> Result<()> {
    let mut out = Stdout::new();
    write!(out, "{}", template_text(args.profile))?;
    out.finish()
}

/// The profile's own policy, each field with a comment.
fn template_text(profile: Profile) -> String {
    let file = PolicyFile {
        profile,
        policy: Policy::for_profile(profile),
    };
    let names: Vec<&str> = profile.capabilities().iter().map(|c| c.name).collect();
    let mut text = format!(
        "# A policy for `fpga-ctl policy set` and `fpga-ctl validate --policy`.\n\
         # Fields left out are as they stand here. The most severe of all rules that apply decides.\n\
         # Decisions: APPROVE, CAUTION, REQUIRE_APPROVAL, REJECT.\n\
         # Flags: {}, \"bit:N\", or a mask.\n\n",
        names.join(", ")
    );
    for line in file.to_toml().lines() {
        let key = line.split(' ').next().unwrap_or_default();
        let comment = match key {
            "profile" => "names the flags: compact or wide",
            "reserved_mask" => "any of these flags makes a descriptor malformed",
            "deny" => "any of these flags means REJECT",
            "require_approval" => "any of these flags means at least REQUIRE_APPROVAL",
            "[risk]" => "the decision for each risk level",
            "[limits]" => "a cost strictly above its maximum exceeds it",
            "exceeded" => "the mildest decision when a maximum is exceeded",
            _ => "",
        };
        if comment.is_empty() {
            text += line;
        } else {
            text += &format!("{line:<40} # {comment}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_the_profiles_own_policy() {
        for profile in Profile::ALL {
            let other = Profile::ALL.into_iter().find(|&p| p != profile).unwrap();
            let file = PolicyFile::parse(&template_text(profile), other).unwrap();
            assert_eq!(file.profile, profile);
            assert_eq!(file.policy, Policy::for_profile(profile));
        }
    }
}
