//! What can go wrong while a model is built, each with the way out.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a model could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is nothing to link.
    #[error("no kernel was given; give at least one")]
    NoKernel,
    /// Two kernels of one object have the same name.
    #[error("two kernels are named `{kernel}`; name one of them otherwise")]
    SameName {
        /// The name.
        kernel: String,
    },
    /// Two kernels of one object open different files by the same name.
    #[error(
        "two kernels read different files by the name `{name}`: {first} and {second}; name one of them otherwise"
    )]
    SameFile {
        /// The name in the sources.
        name: String,
        /// What one reads.
        first: PathBuf,
        /// What the other reads.
        second: PathBuf,
    },
    /// A program is not installed.
    #[error("{program} was not found; install it with `{install}`")]
    MissingTool {
        /// The program.
        program: String,
        /// The command that installs it.
        install: &'static str,
    },
    /// Verilator rejected the sources; its message names file and line.
    #[error("Verilator cannot build `{top}`:\n{message}")]
    Verilator {
        /// Top module.
        top: String,
        /// Verilator's own words.
        message: String,
    },
    /// The C++ compiler or linker failed.
    #[error("compiling the model of `{top}` failed:\n{message}")]
    Compiler {
        /// Top module.
        top: String,
        /// The compiler's own words.
        message: String,
    },
    /// A program took too long and was killed.
    #[error(
        "`{program}` did not end within the build's limit of {limit:?} and was stopped; raise the limit or simplify the kernel"
    )]
    Timeout {
        /// The program.
        program: String,
        /// The limit of the whole build.
        limit: Duration,
    },
    /// Another build of the same model held the cache for too long.
    #[error("another build holds {path} for longer than {limit:?}; wait for it or end it")]
    Locked {
        /// The lock.
        path: PathBuf,
        /// The limit of the whole build.
        limit: Duration,
    },
    /// A signal that an interface needs is not a port of the kernel.
    #[error(
        "interface `{interface}` of kernel `{kernel}` has no port `{port}`; add it to the top module ({reason})"
    )]
    MissingPort {
        /// Top module.
        kernel: String,
        /// Prefix of the interface.
        interface: String,
        /// The port that is not there.
        port: String,
        /// What calls for it.
        reason: &'static str,
    },
    /// A port has a width that its interface does not allow.
    #[error("port `{port}` of kernel `{kernel}` is {found} bits wide; it must be {expected}")]
    PortWidth {
        /// Top module.
        kernel: String,
        /// The port.
        port: String,
        /// Its width in bits.
        found: u32,
        /// What it must be.
        expected: String,
    },
    /// A port points the wrong way for its interface.
    #[error(
        "port `{port}` of kernel `{kernel}` is an {found}; interface `{interface}` needs the opposite"
    )]
    PortDirection {
        /// Top module.
        kernel: String,
        /// Prefix of the interface.
        interface: String,
        /// The port.
        port: String,
        /// `input` or `output`.
        found: &'static str,
    },
    /// A port is of a kind that cannot be driven.
    #[error("port `{port}`: {reason}")]
    UnsupportedPort {
        /// The port.
        port: String,
        /// Why not.
        reason: &'static str,
    },
    /// Verilator's output is not of the form this crate knows.
    #[error("{what} in {path}; Verilator 5.006 to 5.048 are known to work")]
    UnexpectedOutput {
        /// What is missing or odd.
        what: &'static str,
        /// The generated file.
        path: PathBuf,
    },
    /// No folder for the cache could be found.
    #[error("no folder for built models: this user has no home; set FPGA_CACHE_DIR")]
    NoCacheDir,
    /// The cache is open to every user.
    #[error(
        "everybody may write to the folder of built models, {}, so that what is in it may be anybody's code; mend it: chmod o-w {}, or set FPGA_CACHE_DIR to a folder of your own",
        .path.display(), .path.display()
    )]
    OpenCache {
        /// The cache's folder.
        path: PathBuf,
    },
    /// A file or folder could not be used.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl BuildError {
    pub(super) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
