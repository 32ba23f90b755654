//! The files to validate. All are read (packed ones: mapped) before the card is opened, so that a bad one
//! costs nothing.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use host_runtime::collection::Collection;

/// How standard input is named on the command line.
const STANDARD_INPUT: &str = "-";

/// A file's descriptors.
#[derive(Debug)]
pub(crate) struct Input {
    /// The path, or `standard input`.
    pub(crate) label: String,
    pub(crate) collection: Collection,
}

/// Reads all files; an error names the first that cannot be.
pub(super) fn read_all(paths: &[PathBuf]) -> Result<Vec<Input>> {
    let standard = |path: &&PathBuf| path.as_path() == Path::new(STANDARD_INPUT);
    ensure!(
        paths.iter().filter(standard).count() < 2,
        "standard input (-) can be read once only"
    );
    paths.iter().map(|path| Input::read(path)).collect()
}

impl Input {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        if path != Path::new(STANDARD_INPUT) {
            return Ok(Self {
                label: path.display().to_string(),
                collection: Collection::open(path)?,
            });
        }
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
        Ok(Self {
            label: "standard input".to_owned(),
            collection: Collection::from_bytes(bytes)
                .context("cannot read the descriptors in standard input")?,
        })
    }
}
