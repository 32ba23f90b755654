//! From RTL to an image: builds kernels with Verilator, checks them against their descriptions, and packs them with
//! the memories, streams and compute units that a linking configuration asks for.
//!
//! Nothing needs to be configured for a plain kernel: it gets one compute unit, two DDR banks of 16 GiB, every
//! pointer in the first, and 300 MHz.

mod agree;
mod config;
mod description;
mod error;
mod memory;
mod package;
mod place;
mod sources;
mod xpm;

use std::path::{Path, PathBuf};
use std::time::Duration;

use cosim::interface::Interfaces;
use cosim::{Cache, ModelBuild};
use xclbin::{BuildMetadata, Clock, ClockType, ImageBuilder, KernelDescription, SecretKey, Xclbin};

pub use config::{BankRange, Config};
pub use error::LinkError;
pub use package::find as find_description;

use crate::trust::{LOCAL_KEY, TrustStore};

use description::{Described, Description};
use memory::Memories;
use sources::Sources;

/// Platform that images are for unless told.
pub const DEFAULT_PLATFORM: &str = "tcp_sim_2ddr_202610_1";
/// MHz of `ap_clk` and `ap_clk_2` unless told, as on Alveo cards.
const DEFAULT_CLOCK: u16 = 300;
const DEFAULT_SECOND_CLOCK: u16 = 500;

/// A kernel's sources and description.
#[derive(Debug, Clone, Default)]
pub struct KernelSource {
    /// `kernel.xml`, TOML, a packaging script (`.tcl`), `component.xml` or `.xo`; a kernel that only has streams needs
    /// none.
    pub description: Option<PathBuf>,
    /// Arguments that a packaging script is called with.
    pub script_arguments: Vec<String>,
    /// Top module, unless it has the kernel's name.
    pub top: Option<String>,
    /// Verilog sources, and file lists (`.f`) whose paths are relative to the list.
    pub sources: Vec<PathBuf>,
    /// Folders for includes and for modules found by their file's name.
    pub include_dirs: Vec<PathBuf>,
    /// Parameters of the top module.
    pub parameters: Vec<(String, String)>,
    /// Preprocessor macros.
    pub defines: Vec<(String, Option<String>)>,
}

/// What an image is linked from.
#[derive(Debug, Clone)]
pub struct Linker {
    /// The kernels.
    pub kernels: Vec<KernelSource>,
    /// The linking configuration.
    pub config: Config,
    /// Platform the image is for.
    pub platform: String,
    /// Memories, beside those that the configuration names; `DDR[0:1]` if empty.
    pub banks: Vec<BankRange>,
    /// MHz of `ap_clk`, before what the configuration says.
    pub clock: Option<u16>,
    /// MHz of `ap_clk_2`, before what the configuration says.
    pub second_clock: Option<u16>,
    /// Whether waves can be recorded.
    pub waves: bool,
    /// Whether coverage is counted.
    pub coverage: bool,
    /// Further arguments to Verilator.
    pub verilator_args: Vec<String>,
    /// How long Verilator and the compiler may take.
    pub timeout: Duration,
    /// Seconds since 1970 that the image bears; 0 for reproducible builds.
    pub timestamp: u64,
    /// Who signs the image.
    pub signer: Signer,
    /// Folder of the trust store with the signer's key; `None`: the user's.
    pub trust_folder: Option<PathBuf>,
}

/// Who vouches for an image that is linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// A key of the trust store, by its name.
    Key(String),
    /// Nobody: cards refuse it unless told otherwise.
    Nobody,
}

impl Default for Signer {
    /// The key of what is built here, made now if there is none yet.
    fn default() -> Self {
        Self::Key(LOCAL_KEY.to_owned())
    }
}

/// A linked image.
#[derive(Debug)]
pub struct Linked {
    /// The image, checked as programming checks it.
    pub image: Xclbin,
    /// Every file that it was made from, as far as Verilator read it.
    pub dependencies: Vec<PathBuf>,
    /// The model was in the cache already.
    pub cached: bool,
}

impl Default for Linker {
    fn default() -> Self {
        Self {
            kernels: Vec::new(),
            config: Config::default(),
            platform: DEFAULT_PLATFORM.to_owned(),
            banks: Vec::new(),
            clock: None,
            second_clock: None,
            waves: true,
            coverage: false,
            verilator_args: Vec::new(),
            timeout: Duration::from_secs(600),
            timestamp: 0,
            signer: Signer::default(),
            trust_folder: None,
        }
    }
}

impl Linker {
    /// Builds the model, or finds it in the cache, and makes the image.
    ///
    /// # Errors
    /// What is wrong with a source (file and line), a port, an argument or the configuration, by name.
    pub fn link(&self, cache: &Cache) -> Result<Linked, LinkError> {
        let memories = self.memories()?;
        // Before the long part: a key that cannot be used is told at once.
        let key = self.key()?;
        let library = xpm::install(cache)?;
        let mut builds = Vec::new();
        let mut kernels = Vec::new();
        for source in &self.kernels {
            let path = source.description.as_deref();
            let described = Described::read(path, &source.script_arguments, cache)?;
            let files = source.files(&described)?;
            let build = self.model(source, &described, &files, &library)?;
            // Verilator alone is quick: what does not fit is told before anything is compiled.
            let (build, rtl) = inspect(build, cache)
                .map_err(|error| explain(error, &files, &described.generated))?;
            kernels.push(describe(described, &rtl)?);
            builds.push(build);
        }
        let two_clocks = kernels.iter().any(|(_, second)| *second);
        let kernels = kernels.into_iter().map(|(kernel, _)| kernel).collect();
        let placed = place::units(kernels, &self.config, &memories)?;
        let streams = place::streams(&placed, &self.config)?;

        let built = cosim::link(&builds, cache)?;
        let model =
            std::fs::read(&built.path).map_err(|e| LinkError::io("read", &built.path, e))?;
        let notes = [("linker".to_owned(), "verilator".into())];
        let metadata = BuildMetadata::new(
            "fpga-ctl build",
            env!("CARGO_PKG_VERSION"),
            notes.into_iter().collect(),
        );
        let mut image = ImageBuilder::new(&self.platform, model)
            .timestamp(self.timestamp)
            .build_metadata(metadata);
        for bank in memories.banks() {
            image = image.bank(bank);
        }
        for (kernel, units) in placed {
            image = image.kernel(kernel, units);
        }
        for stream in streams {
            image = image.stream(stream);
        }
        for clock in self.clocks(two_clocks) {
            image = image.clock(clock);
        }
        let mut image = image.build()?;
        if let Some(key) = key {
            image = image.signed(&key)?;
        }
        Ok(Linked {
            image,
            dependencies: built.dependencies,
            cached: built.cached,
        })
    }

    fn key(&self) -> Result<Option<SecretKey>, LinkError> {
        let Signer::Key(name) = &self.signer else {
            return Ok(None);
        };
        let store = TrustStore::open(self.trust_folder.as_deref())?;
        Ok(Some(store.secret(name)?))
    }

    fn clocks(&self, two: bool) -> Vec<Clock> {
        let clock = |name: &str, mhz, kind| Clock {
            name: name.to_owned(),
            mhz,
            kind,
        };
        let first = self.clock.or(self.config.clock).unwrap_or(DEFAULT_CLOCK);
        let second = self.second_clock.or(self.config.second_clock);
        let mut clocks = vec![clock("DATA_CLK", first, ClockType::Data)];
        if two || second.is_some() {
            let mhz = second.unwrap_or(DEFAULT_SECOND_CLOCK);
            clocks.push(clock("KERNEL_CLK", mhz, ClockType::Kernel));
        }
        clocks
    }

    fn memories(&self) -> Result<Memories, LinkError> {
        let mut memories = Memories::default();
        if self.banks.is_empty() {
            let default = "DDR[0:1]".parse().expect("a constant");
            memories.add(&default).map_err(LinkError::Request)?;
        }
        for range in &self.banks {
            memories.add(range).map_err(LinkError::Request)?;
        }
        for line in &self.config.memories {
            memories
                .add(&line.says.banks)
                .map_err(|problem| self.config.error(line.line, problem))?;
        }
        Ok(memories)
    }

    fn model(
        &self,
        source: &KernelSource,
        described: &Described,
        files: &Sources,
        library: &Path,
    ) -> Result<ModelBuild, LinkError> {
        let extra = described.extra.as_ref();
        let written = extra.and_then(|toml| toml.top.clone());
        let top = source.top.clone().or(written);
        let (name, top) = names(described.name(), top, files)?;
        let mut build = ModelBuild::new(top)
            .name(&name)
            .trace(self.waves)
            .coverage(self.coverage)
            .timeout(self.timeout);
        let none = Vec::new();
        if files.verilog.is_empty() && files.lists.is_empty() {
            return Err(LinkError::kernel(&name, no_sources(files)));
        }
        for list in &files.lists {
            build = build.file_list(list);
        }
        for file in &files.verilog {
            build = build.source(&file.path);
        }
        let includes = extra.map_or(&none, |toml| &toml.include);
        let includes = includes.iter().chain(&source.include_dirs);
        for folder in includes.chain(&files.include) {
            build = build.include_dir(folder);
        }
        for file in &files.data {
            build = build.data_file(file);
        }
        if let Some(toml) = extra {
            for (parameter, value) in &toml.parameters {
                build = build.parameter(parameter, verilog(value));
            }
            for (name, value) in &toml.defines {
                build = match value {
                    toml::Value::Boolean(false) => build,
                    toml::Value::Boolean(true) => build.define(name, None),
                    toml::Value::String(text) => build.define(name, Some(text)),
                    other => build.define(name, Some(&other.to_string())),
                };
            }
        }
        for (parameter, value) in &source.parameters {
            build = build.parameter(parameter, value);
        }
        for (name, value) in &source.defines {
            build = build.define(name, value.as_deref());
        }
        // Looked at last: a kernel that brings its own keeps it.
        build = build
            .verilator_arg("-y")
            .verilator_arg(library.display().to_string());
        for argument in &self.verilator_args {
            build = build.verilator_arg(argument);
        }
        Ok(build)
    }
}

/// A TOML value as Verilog writes it.
fn verilog(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => format!("\"{text}\""),
        toml::Value::Boolean(on) => u8::from(*on).to_string(),
        other => other.to_string(),
    }
}

impl KernelSource {
    /// The sources of the description and the given ones.
    fn files(&self, described: &Described) -> Result<Sources, LinkError> {
        let written = described.extra.iter().flat_map(|toml| &toml.sources);
        Sources::sort(written.chain(&self.sources))
    }
}

/// The kernel's name and its top module, from what was said of either and from the sources.
fn names(
    name: Option<&str>,
    top: Option<String>,
    files: &Sources,
) -> Result<(String, String), LinkError> {
    let top = match (top, name) {
        (Some(top), _) => top,
        // File lists are for Verilator to look into.
        (None, Some(name)) if files.defines(name) || !files.lists.is_empty() => name.to_owned(),
        (None, _) => match (files.tops().as_slice(), name) {
            ([top], _) => (*top).to_owned(),
            // For Verilator to say that it is not there.
            (_, Some(name)) => name.to_owned(),
            ([], None) => {
                return Err(LinkError::Request(
                    "a kernel has no name; give its kernel.xml or TOML description, or --top"
                        .to_owned(),
                ));
            }
            (several, None) => {
                return Err(LinkError::Request(format!(
                    "a kernel has no name, and each of these modules may be its top: {}; say which with --top",
                    several.join(", ")
                )));
            }
        },
    };
    Ok((name.unwrap_or(&top).to_owned(), top))
}

fn no_sources(files: &Sources) -> String {
    let Some(first) = files.foreign.first() else {
        return "it has no sources; give .v, .sv or .f files after its description".to_owned();
    };
    format!("it has no Verilog sources: {}", unusable(first))
}

/// Why Verilator cannot use a file.
fn unusable(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let kind = match extension.to_ascii_lowercase().as_str() {
        "vhd" | "vhdl" => "is VHDL, which Verilator cannot read; give a Verilog version of it",
        "xci" | "xcix" | "bd" => {
            "is IP that Vivado generates sources for; give generated Verilog, or a model of it written by you"
        }
        _ => "is of a kind that Verilator cannot read; give Verilog in its place",
    };
    format!("{} {kind}", path.display())
}

/// Has Verilator read the sources, and answers the build that it could read.
///
/// `.v` files are read as SystemVerilog, as many use some of it; where their grammar forbids that, they are read as
/// Verilog, in which `do`, `bit` and `priority` are names.
fn inspect(
    build: ModelBuild,
    cache: &Cache,
) -> Result<(ModelBuild, Interfaces), cosim::BuildError> {
    let error = match build.inspect(cache) {
        Ok(rtl) => return Ok((build, rtl)),
        Err(error) => error,
    };
    let grammar = matches!(&error, cosim::BuildError::Verilator { message, .. }
        if message.contains("SystemVerilog keyword") || message.contains("syntax error"));
    if grammar {
        let verilog = build.verilator_arg("+1364-2005ext+v");
        if let Ok(rtl) = verilog.inspect(cache) {
            return Ok((verilog, rtl));
        }
    }
    Err(error)
}

/// Adds to Verilator's word of a missing module why it may be missing.
fn explain(error: cosim::BuildError, files: &Sources, generated: &[(String, String)]) -> LinkError {
    let reason = match &error {
        cosim::BuildError::Verilator { message, .. } => {
            sources::missing_module(message).and_then(|module| {
                let made = generated.iter().find(|made| made.0 == module);
                let made = made.map(|(_, ip)| {
                    format!(
                        "Vivado generates `{module}` from its IP {ip}; give generated Verilog, or a model of it \
                         written by you"
                    )
                });
                made.or_else(|| files.foreign_of(module).map(unusable))
            })
        }
        _ => None,
    };
    match (error, reason) {
        (cosim::BuildError::Verilator { top, message }, Some(reason)) => {
            let message = format!("{}\n{reason}", message.trim_end());
            cosim::BuildError::Verilator { top, message }.into()
        }
        (error, _) => error.into(),
    }
}

/// The kernel's description, checked against its RTL, and whether it has a second clock.
fn describe(
    described: Described,
    rtl: &Interfaces,
) -> Result<(KernelDescription, bool), LinkError> {
    let name = &rtl.kernel;
    let mut kernel = match described.description {
        Description::Xml(kernel) => *kernel,
        Description::Toml(toml) => description::complete(name, Some(&toml), rtl)?,
        Description::None => description::complete(name, None, rtl)?,
    };
    agree::check(&mut kernel, rtl)?;
    Ok((kernel, rtl.clocks.len() > 1))
}
