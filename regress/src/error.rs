//! What can go wrong with a regression itself, apart from its tests.

use std::path::PathBuf;

/// Why a regression could not be run or told about.
#[derive(Debug, thiserror::Error)]
pub enum RegressError {
    /// The list of tests, the history or a report cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The list of tests is not as it must be.
    #[error("{path}: {message}")]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place.
        message: String,
    },
    /// No test is left to run.
    #[error("no test's name contains {0:?}; --list shows them all")]
    NothingChosen(String),
    /// A line of the history is none: the file was written by something else.
    #[error("{path}, line {line}: {source}; move the file away to begin a new history")]
    History {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl RegressError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
