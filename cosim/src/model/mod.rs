//! Models in memory: loading a shared object and making instances of its kernels.

mod ffi;
mod instance;
mod library;

use std::path::PathBuf;

pub use instance::{InstanceOptions, Model};
pub use library::ModelLibrary;

/// Why a model could not be loaded or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The shared object is not a model, or not for this program.
    #[error("cannot load the model {origin}: {reason}")]
    Load {
        /// File, or `from memory`.
        origin: String,
        /// The system's or the loader's words.
        reason: String,
    },
    /// The kernel is not in the model, or stopped while it was initialized.
    #[error("cannot make an instance of kernel `{kernel}`: {reason} (the model has: {available})")]
    Instantiate {
        /// The kernel asked for.
        kernel: String,
        /// Why not.
        reason: String,
        /// The kernels there are.
        available: String,
    },
    /// The model's description of itself makes no sense: it was not made by this crate.
    #[error(
        "the description inside the model of `{kernel}` is invalid ({reason}); build the model again"
    )]
    Description {
        /// The kernel.
        kernel: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The kernel ended the simulation: `$finish`, `$stop`, `$fatal`, a failed assertion.
    #[error("kernel `{kernel}` stopped: {reason}")]
    Stopped {
        /// The kernel.
        kernel: String,
        /// What it said, with file and line.
        reason: String,
    },
    /// Waves, coverage or the state could not be written or read.
    #[error("kernel `{kernel}`: cannot {action}: {reason}")]
    Service {
        /// The kernel.
        kernel: String,
        /// What was asked for.
        action: String,
        /// Why not.
        reason: String,
    },
    /// A port that the kernel does not have.
    #[error("kernel `{kernel}` has no {direction} port `{name}` outside its buses")]
    NoPort {
        /// The kernel.
        kernel: String,
        /// The name asked for.
        name: String,
        /// `input` or `output`.
        direction: &'static str,
    },
    /// A path that C++ cannot take.
    #[error("the path {0} contains a zero byte")]
    Path(PathBuf),
}
