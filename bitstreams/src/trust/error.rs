//! What can be wrong with keys and the trust store: which file, why, and what mends it.

use std::path::{Path, PathBuf};

use super::TRUST_FOLDER_VARIABLE;

/// Result of the trust store's operations.
pub type Result<T, E = TrustError> = std::result::Result<T, E>;

/// Why the trust store cannot be used as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// There is no place for the trust store.
    #[error(
        "there is no folder to keep keys in: HOME is not set; name one with {TRUST_FOLDER_VARIABLE}"
    )]
    NoFolder,
    /// A file or folder of the store could not be used.
    #[error("cannot {action} {}: {source}; mend that, or name another trust folder with {TRUST_FOLDER_VARIABLE}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The content of a key's file is no key.
    #[error("the key file {} cannot be used: {problem}; restore it, or remove it with `fpga-ctl key remove {name}`", .path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// The key's name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Others than its owner may do too much with a file.
    #[error("{} can be {danger} by others (mode {mode:03o}), so it is not used; mend it: chmod {fix} {}", .path.display(), .path.display())]
    Permissions {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// `read` or `changed`.
        danger: &'static str,
        /// The argument of chmod that mends it.
        fix: &'static str,
    },
    /// A name that no key can have.
    #[error(
        "\"{}\" cannot be the name of a key: use up to 64 letters, digits, '-', '_' and '.', the first no '.'",
        .name.escape_debug()
    )]
    Name {
        /// What was given.
        name: String,
    },
    /// There is a key of that name already.
    #[error(
        "there is a key {name} already; choose another name, or remove it first: `fpga-ctl key remove {name}`"
    )]
    Taken {
        /// The name.
        name: String,
    },
    /// The key is in the store under another name.
    #[error("the key is in the trust store already, by the name {name}")]
    Known {
        /// That name.
        name: String,
    },
    /// There is no key of that name.
    #[error("there is no key {name} in {}, only: {available}; `fpga-ctl key new {name}` makes one", .folder.display())]
    Missing {
        /// The name.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// The keys that are there.
        available: String,
    },
    /// Only the public half of the key is here.
    #[error(
        "of the key {name} only the public half is here; sign where the key was made, or with a key of your own"
    )]
    NoSecret {
        /// The name.
        name: String,
    },
    /// The key's secret half would be lost.
    #[error(
        "the key {name} has its secret half here, which cannot be made again; to remove both: \
         `fpga-ctl key remove {name} --with-secret`"
    )]
    HasSecret {
        /// The name.
        name: String,
    },
    /// A text is no key, or none can be made.
    #[error(transparent)]
    Key(#[from] xclbin::Error),
}

impl TrustError {
    pub(super) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
