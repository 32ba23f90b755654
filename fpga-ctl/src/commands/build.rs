//! `fpga-ctl build`: from RTL and a description of each kernel to an image for simulated cards.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bitstreams::link::{
    BankRange, Config, DEFAULT_PLATFORM, KernelSource, Linker, Signer, find_description,
};
use clap::Args;
use cosim::Cache;

use crate::output_file;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
Each description begins a kernel, and the sources after it are that kernel's; what stands before the first belongs \
to it too. Descriptions are a kernel.xml, a TOML file, and what Vivado and Vitis package kernels with: a script \
(package_kernel.tcl, gen_xo.tcl), a component.xml, an .xo; or a folder with one of them. All but a kernel.xml name \
their sources themselves.

Examples:
  fpga-ctl build kernel.xml rtl/*.sv -o vadd.xclbin
  fpga-ctl build scripts/package_kernel.tcl -o vadd.xclbin
  fpga-ctl build vadd.toml -G WIDTH=512 --clock 250 -o vadd.xclbin
  fpga-ctl build read.toml add.toml write.toml --config link.cfg -o chain.xclbin
  fpga-ctl build kernel.xml list.f -o vadd.xclbin -- -Wall";

/// Arguments of `build`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct BuildArgs {
    /// Descriptions (.xml, .toml, .tcl, .xo, folders) and sources (.v, .sv, .f)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Image to write, an .xclbin
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Linking configuration, as of v++ --config: nk, sp, slr and stream_connect
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Top module, if it has not the kernel's name
    #[arg(long, value_name = "MODULE")]
    top: Option<String>,
    /// Arguments of a packaging script, separated by spaces
    #[arg(long, value_name = "ARGUMENTS", allow_hyphen_values = true)]
    tclargs: Option<String>,
    /// Override a parameter of the top module
    #[arg(short = 'G', value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Define a preprocessor macro
    #[arg(short = 'D', value_name = "NAME[=VALUE]", value_parser = define)]
    defines: Vec<(String, Option<String>)>,
    /// Folder for includes and for modules found by their file's name
    #[arg(short = 'I', value_name = "FOLDER")]
    include_dirs: Vec<PathBuf>,
    /// Frequency of ap_clk [default: the configuration's, else 300]
    #[arg(long, value_name = "MHZ", value_parser = clap::value_parser!(u16).range(1..))]
    clock: Option<u16>,
    /// Frequency of ap_clk_2 [default: the configuration's, else 500]
    #[arg(long, value_name = "MHZ", value_parser = clap::value_parser!(u16).range(1..))]
    clock2: Option<u16>,
    /// Memories, beside those that the configuration names [default: DDR banks 0 and 1]
    #[arg(long, value_name = "MEMORY", value_delimiter = ',')]
    banks: Vec<BankRange>,
    /// Platform that the image names
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PLATFORM)]
    platform: String,
    /// Whether waves can be recorded; without them building takes less time
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    waves: bool,
    /// Count coverage; the image's kernels cannot be saved then, so only one program at a time can use the card
    #[arg(long)]
    coverage: bool,
    /// Key that signs the image [default: local, made by itself]
    #[arg(long, value_name = "NAME", conflicts_with = "unsigned")]
    key: Option<String>,
    /// Do not sign the image; cards refuse it until somebody does
    #[arg(long)]
    unsigned: bool,
    /// Seconds that Verilator and the compiler may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// Further arguments to Verilator
    #[arg(last = true, value_name = "VERILATOR ARGUMENT")]
    verilator_args: Vec<String>,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("it is not of the form NAME=VALUE".to_owned()),
    }
}

fn define(text: &str) -> Result<(String, Option<String>), String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    if name.is_empty() {
        return Err("it is not of the form NAME or NAME=VALUE".to_owned());
    }
    Ok((name.to_owned(), value))
}

/// Runs `build`.
pub(crate) fn run(args: &BuildArgs) -> Result<()> {
    let kernels = kernels(args)?;
    let config = match &args.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    let linker = Linker {
        kernels,
        config,
        platform: args.platform.clone(),
        banks: args.banks.clone(),
        clock: args.clock,
        second_clock: args.clock2,
        waves: args.waves,
        coverage: args.coverage,
        verilator_args: args.verilator_args.clone(),
        timeout: Duration::from_secs(args.timeout),
        timestamp: source_date_epoch()?,
        signer: signer(args),
        trust_folder: None,
    };
    let linked = linker.link(&Cache::user()?)?;
    output_file::write(&args.output, linked.image.as_bytes())?;

    let layout = linked.image.ip_layout()?.unwrap_or_default();
    let units: Vec<_> = layout.ips.iter().map(|ip| ip.name.as_str()).collect();
    let mut out = Stdout::new();
    writeln!(
        out,
        "{}: {} ({}), {} KiB{}",
        args.output.display(),
        units.join(", "),
        linked.image.uuid(),
        linked.image.as_bytes().len().div_ceil(1024),
        if linked.cached {
            ", its model from the cache"
        } else {
            ""
        }
    )?;
    out.finish()
}

fn signer(args: &BuildArgs) -> Signer {
    if args.unsigned {
        return Signer::Nobody;
    }
    args.key.clone().map_or_else(Signer::default, Signer::Key)
}

/// The kernels that the files make up.
fn kernels(args: &BuildArgs) -> Result<Vec<KernelSource>> {
    let mut kernels: Vec<KernelSource> = Vec::new();
    for path in &args.files {
        let path = match path.is_dir() {
            true => find_description(path)?,
            false => path.clone(),
        };
        match extension(&path).as_str() {
            "xml" | "toml" | "tcl" | "xo" => match kernels.last_mut() {
                // Sources that came before the first description.
                Some(kernel) if kernel.description.is_none() => {
                    kernel.description = Some(path);
                }
                _ => kernels.push(KernelSource {
                    description: Some(path),
                    ..KernelSource::default()
                }),
            },
            "v" | "sv" | "vp" | "svp" | "vh" | "svh" | "h" | "f" | "vhd" | "vhdl" | "xci" => {
                if kernels.is_empty() {
                    kernels.push(KernelSource::default());
                }
                let kernel = kernels.last_mut().expect("there is one");
                kernel.sources.push(path);
            }
            "cpp" | "cl" | "c" => bail!(
                "{}: it is a kernel in C++ or OpenCL, which HLS makes RTL from; give that RTL, or the .xo that \
                 v++ --compile wrote",
                path.display()
            ),
            _ => bail!(
                "{}: it is neither a description (.xml, .toml, .tcl, .xo) nor a source (.v, .sv, .f)",
                path.display()
            ),
        }
    }
    if kernels.len() > 1 && (args.top.is_some() || !args.parameters.is_empty()) {
        bail!(
            "--top and -G are for one kernel, and there are {}; write them into a TOML description of each: \
             top = \"...\" and [parameters]",
            kernels.len()
        );
    }
    for kernel in &mut kernels {
        let arguments = args.tclargs.iter().flat_map(|text| text.split_whitespace());
        kernel.script_arguments = arguments.map(str::to_owned).collect();
        kernel.top.clone_from(&args.top);
        kernel.parameters.clone_from(&args.parameters);
        kernel.defines.clone_from(&args.defines);
        kernel.include_dirs.clone_from(&args.include_dirs);
    }
    Ok(kernels)
}

fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

/// Seconds since 1970 that a reproducible build is told to use; 0 if it is told nothing.
fn source_date_epoch() -> Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text
            .parse()
            .with_context(|| format!("SOURCE_DATE_EPOCH=\"{text}\" is no number of seconds")),
        Err(_) => Ok(0),
    }
}
