//! The command line as a whole: the commands, and the options that all of them take.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use host_runtime::{CARD_VARIABLE, CardId};
use tracing_subscriber::filter::LevelFilter;

use crate::commands::{
    build, completions, decode, doctor, encode, image, info, key, lease, list, man, policy,
    program, regress, reset, sample, sign, sim, validate, verify, xrt,
};

const AFTER_HELP: &str = "\
Exit status: 0 all is well, 1 --fail-on found what it looks for (or doctor something missing, verify an image that \
is not trusted), 2 an error, 130 stopped by a second Ctrl-C.

Examples:
  fpga-ctl sample --profile wide --output sample.tcpdb
  fpga-ctl validate sample.tcpdb --profile wide
  fpga-ctl doctor";

/// Cards, images and the validation of Tool Capability Protocol descriptors.
#[derive(Debug, Parser)]
#[command(name = "fpga-ctl", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Card to use: sim:N, software:N, xrt:N, pcie:NAME or pcie:ADDRESS [default: a real card, else sim:0]
    #[arg(long, global = true, value_name = "CARD", env = CARD_VARIABLE)]
    pub(crate) card: Option<CardId>,
    /// Folder of the simulated cards' state [default: FPGA_STATE_DIR, else the XDG state home]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Run the code of images that nobody you trust signed; it can do all that you can
    #[arg(long, global = true)]
    pub(crate) allow_untrusted: bool,
    /// Say more on standard error; -vv says a lot
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say only errors on standard error; no progress bar
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// When to use colors; auto: on a terminal, unless NO_COLOR is set
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub(crate) color: ColorChoice,
}

/// When to use colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

impl Globals {
    /// Sets up what the whole process shares: colors and the log. `trouble`: the command makes trouble on purpose, which is
    /// not to be warned of.
    pub(crate) fn set_up(&self, trouble: bool) {
        if self.color != ColorChoice::Auto {
            let on = self.color == ColorChoice::Always;
            console::set_colors_enabled(on);
            console::set_colors_enabled_stderr(on);
        }
        let level = match (self.quiet, self.verbose) {
            (true, _) => LevelFilter::OFF,
            (false, 0) if trouble => LevelFilter::OFF,
            (false, 0) => LevelFilter::WARN,
            (false, 1) => LevelFilter::INFO,
            (false, 2) => LevelFilter::DEBUG,
            (false, _) => LevelFilter::TRACE,
        };
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(std::io::stderr)
            .with_ansi(console::colors_enabled_stderr())
            .with_target(false)
            .without_time()
            .init();
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Validate descriptors on a card
    Validate(Box<validate::ValidateArgs>),
    /// List the cards of this machine
    List(list::ListArgs),
    /// Lease a card for the duration of a command
    Lease(Box<lease::LeaseArgs>),
    /// Show what a card holds, what it counted and who uses it
    Info(info::InfoArgs),
    /// Build an image from RTL kernels
    Build(Box<build::BuildArgs>),
    /// Load an image into a card
    Program(program::ProgramArgs),
    /// Put a card's kernels back to their reset state
    Reset(reset::ResetArgs),
    /// Make a descriptor
    Encode(encode::EncodeArgs),
    /// Explain descriptors, field by field
    Decode(decode::DecodeArgs),
    /// Show and set a card's policies
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Show, check and export images (.xclbin)
    #[command(subcommand)]
    Image(image::ImageCommand),
    /// Check that images are whole, and signed by somebody you trust
    Verify(verify::VerifyArgs),
    /// Sign an image
    Sign(sign::SignArgs),
    /// Make, list, trust and remove the keys that images are signed with
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Serve simulated cards as PCIe devices
    #[command(subcommand)]
    Sim(sim::SimCommand),
    /// Run the regression of the hardware: a list of tests by seeds, in parallel
    Regress(regress::RegressArgs),
    /// Write a collection of descriptors to try things with
    Sample(sample::SampleArgs),
    /// Print the environment with which programs written against XRT use the cards
    XrtEnv(xrt::EnvironmentArgs),
    /// Run a program written against XRT on the cards
    Run(xrt::RunArgs),
    /// Find what is missing on this machine, and the command that mends it
    Doctor(doctor::DoctorArgs),
    /// Print a shell's completion script
    Completions(completions::CompletionsArgs),
    /// Print the manual, or write a page for each command
    Man(man::ManArgs),
}

impl Command {
    /// Whether standard output is JSON, so that an error is told there too.
    pub(crate) fn reports_json(&self) -> bool {
        match self {
            Self::Validate(args) => args.format() == validate::ReportFormat::Json,
            Self::List(args) => args.json.json,
            Self::Lease(args) => args.reports_json(),
            Self::Info(args) => args.json.json,
            Self::Program(args) => args.json.json,
            Self::Reset(args) => args.json.json,
            Self::Decode(args) => args.json.json,
            Self::Policy(command) => command.reports_json(),
            Self::Image(command) => command.reports_json(),
            Self::Verify(args) => args.json.json,
            Self::Sign(args) => args.json.json,
            Self::Key(command) => command.reports_json(),
            Self::Doctor(args) => args.json.json,
            Self::Regress(args) => args.json.json,
            Self::Sim(command) => command.reports_json(),
            Self::Build(_)
            | Self::Encode(_)
            | Self::Sample(_)
            | Self::XrtEnv(_)
            | Self::Run(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}

/// For commands that report.
#[derive(Debug, Args)]
pub(crate) struct JsonFlag {
    /// Report as JSON (docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,
}
