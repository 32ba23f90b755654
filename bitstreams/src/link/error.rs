//! Why an image cannot be made: whose fault, where, and what to do.

use std::path::{Path, PathBuf};

/// Why sources and a configuration do not make an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Verilator, the compiler or the ports of a kernel.
    #[error(transparent)]
    Build(#[from] cosim::BuildError),
    /// The container.
    #[error(transparent)]
    Image(#[from] xclbin::Error),
    /// The key that is to sign the image.
    #[error("the image cannot be signed: {0}")]
    Sign(#[from] crate::trust::TrustError),
    /// A `kernel.xml` that cannot be used.
    #[error("{path}: {source}")]
    Xml {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: xclbin::Error,
    },
    /// A TOML description that cannot be used.
    #[error("{path}: {problem}")]
    Description {
        /// The file.
        path: PathBuf,
        /// What is wrong, where, and what was expected.
        problem: String,
    },
    /// A line of a linking configuration.
    #[error("{path}:{line}: {problem}")]
    Config {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// The description of a kernel and its RTL say different things.
    #[error("kernel `{kernel}`: {problem}")]
    Kernel {
        /// The kernel.
        kernel: String,
        /// Where they differ, and what to do.
        problem: String,
    },
    /// Something asked for that cannot be.
    #[error("{0}")]
    Request(String),
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

impl LinkError {
    pub(super) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn kernel(kernel: &str, problem: impl Into<String>) -> Self {
        Self::Kernel {
            kernel: kernel.to_owned(),
            problem: problem.into(),
        }
    }
}

/// Reads a text file, naming it in the error.
pub(super) fn read(path: &Path) -> Result<String, LinkError> {
    std::fs::read_to_string(path).map_err(|source| LinkError::io("read", path, source))
}
