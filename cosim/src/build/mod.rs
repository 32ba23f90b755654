//! Turns Verilog into a loadable model: Verilator, a generated glue file, the C++ compiler, a cache.
//!
//! Pure Rust and independent of the engine, so that build scripts can use it.

mod bind;
mod cache;
mod command;
mod compile;
mod data;
mod error;
mod glue;
mod link;
mod ports;
mod verilate;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use cache::Cache;
pub use error::BuildError;
pub use link::{BuiltModels, link};

use crate::interface::Interfaces;
use command::Deadline;

/// A model to be built: sources, parameters, and what it shall be able to do.
///
/// ```no_run
/// # fn main() -> Result<(), cosim::BuildError> {
/// let model = cosim::ModelBuild::new("tcp_validator")
///     .file_list("hdl/tcp_validator.f")
///     .parameter("DATA_WIDTH", 512)
///     .build(&cosim::Cache::user()?)?;
/// println!("{}", model.path.display());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ModelBuild {
    /// Name of the kernel.
    kernel: String,
    top: String,
    sources: Vec<PathBuf>,
    file_lists: Vec<PathBuf>,
    include_dirs: Vec<PathBuf>,
    data_files: Vec<PathBuf>,
    parameters: Vec<(String, String)>,
    defines: Vec<(String, Option<String>)>,
    verilator_args: Vec<String>,
    trace: bool,
    coverage: bool,
    savable: bool,
    timeout: Duration,
}

/// A model in the cache.
#[derive(Debug, Clone)]
pub struct BuiltModel {
    /// The shared object.
    pub path: PathBuf,
    /// Ports of the kernel.
    pub interfaces: Interfaces,
    /// Every file that was read: what a build script should watch.
    pub dependencies: Vec<PathBuf>,
    /// It was in the cache already.
    pub cached: bool,
}

impl ModelBuild {
    /// A model of the module `top`, which also names the kernel; waves and save/restore on, coverage off.
    pub fn new(top: impl Into<String>) -> Self {
        let top = top.into();
        Self {
            kernel: top.clone(),
            top,
            sources: Vec::new(),
            file_lists: Vec::new(),
            include_dirs: Vec::new(),
            data_files: Vec::new(),
            parameters: Vec::new(),
            defines: Vec::new(),
            verilator_args: Vec::new(),
            trace: true,
            coverage: false,
            savable: true,
            timeout: Duration::from_secs(600),
        }
    }

    /// Adds a Verilog source; packages before their users, as Verilator wants it.
    pub fn source(mut self, path: impl Into<PathBuf>) -> Self {
        self.sources.push(path.into());
        self
    }

    /// Adds a file list (`.f`), its paths relative to the list itself.
    pub fn file_list(mut self, path: impl Into<PathBuf>) -> Self {
        self.file_lists.push(path.into());
        self
    }

    /// Adds a folder for `` `include `` and for modules found by their file's name.
    pub fn include_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.include_dirs.push(path.into());
        self
    }

    /// Adds a file that the kernel reads by that file's name. Those that a string in its sources or parameters names are
    /// found without it; all of them become part of the model.
    pub fn data_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_files.push(path.into());
        self
    }

    /// Overrides a parameter of the top module. Text needs Verilog's own quotes.
    pub fn parameter(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.parameters.push((name.into(), value.to_string()));
        self
    }

    /// Defines a preprocessor macro, with or without a value.
    pub fn define(mut self, name: impl Into<String>, value: Option<&str>) -> Self {
        self.defines.push((name.into(), value.map(str::to_owned)));
        self
    }

    /// Passes one more argument to Verilator as it is.
    pub fn verilator_arg(mut self, argument: impl Into<String>) -> Self {
        self.verilator_args.push(argument.into());
        self
    }

    /// Whether waves can be recorded.
    pub fn trace(mut self, on: bool) -> Self {
        self.trace = on;
        self
    }

    /// Whether coverage is counted; Verilator excludes save and restore then, so it turns those off.
    pub fn coverage(mut self, on: bool) -> Self {
        self.coverage = on;
        self
    }

    /// Whether the state can be saved and restored.
    pub fn savable(mut self, on: bool) -> Self {
        self.savable = on;
        self
    }

    /// How long the whole build may take (600 seconds unless told); then its processes are killed.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    fn saves(&self) -> bool {
        self.savable && !self.coverage
    }

    /// Names the kernel otherwise than its top module.
    pub fn name(mut self, kernel: impl Into<String>) -> Self {
        self.kernel = kernel.into();
        self
    }

    /// Builds the model, or finds it in the cache: see [`link`].
    ///
    /// # Errors
    ///
    /// As [`link`].
    pub fn build(&self, cache: &Cache) -> Result<BuiltModel, BuildError> {
        let mut built = link(std::slice::from_ref(self), cache)?;
        Ok(BuiltModel {
            path: built.path,
            interfaces: built.kernels.remove(0),
            dependencies: built.dependencies,
            cached: built.cached,
        })
    }

    /// The kernel's ports, without compiling it: Verilator alone runs, for tens of milliseconds.
    ///
    /// # Errors
    ///
    /// What Verilator rejects; ports that do not make up their interface.
    pub fn inspect(&self, cache: &Cache) -> Result<Interfaces, BuildError> {
        let deadline = Deadline::after(self.timeout);
        let work = cache.work_dir()?;
        let verilated =
            verilate::run_verilator(self, &format!("V{}", self.kernel), work.path(), deadline)?;
        Ok(bind::bind(&self.kernel, &ports::parse(&verilated.header)?)?.layout)
    }
}

/// Reads a file, naming it in the error.
fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    std::fs::read(path).map_err(|source| BuildError::io("read", path, source))
}

/// Writes a file, naming it in the error.
fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), BuildError> {
    std::fs::write(path, bytes).map_err(|source| BuildError::io("write", path, source))
}
