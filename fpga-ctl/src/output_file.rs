//! Files that are written whole or not at all: beside their place first, then renamed. Pipes and devices,
//! which cannot be replaced, are written directly.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

/// What is being written now, for an end that runs no destructors.
static PENDING: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Removes an unfinished file. Only for the end of the process.
pub(crate) fn remove_pending() {
    let mut pending = PENDING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = pending.take() {
        // There is nobody left to tell.
        let _ = std::fs::remove_file(path);
    }
}

/// A file being written. Dropped before [`OutputFile::commit`], it leaves nothing.
#[derive(Debug)]
pub(crate) struct OutputFile {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// Renamed to `place` when complete.
    New {
        file: BufWriter<NamedTempFile>,
        place: PathBuf,
    },
    /// A pipe or a device.
    Special(BufWriter<File>),
}

impl OutputFile {
    /// Begins a file at `path`.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let target = Self::open(path).with_context(|| cannot_write(path))?;
        Ok(Self {
            path: path.to_owned(),
            target,
        })
    }

    fn open(path: &Path) -> io::Result<Target> {
        // A link is followed: the file it points to is replaced, not the link.
        let place = match std::fs::canonicalize(path) {
            Ok(place) => place,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(error),
        };
        match std::fs::metadata(&place) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(io::Error::new(
                    io::ErrorKind::IsADirectory,
                    "it is a folder; name a file",
                ));
            }
            Ok(metadata) if !metadata.is_file() => {
                let file = File::options().write(true).open(&place)?;
                return Ok(Target::Special(BufWriter::new(file)));
            }
            _ => {}
        }
        let folder = match place.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // As readable as any file its owner makes (the umask applies), not private.
        let file = tempfile::Builder::new()
            .prefix(".fpga-ctl-")
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        *PENDING.lock().unwrap_or_else(PoisonError::into_inner) = Some(file.path().to_owned());
        Ok(Target::New {
            file: BufWriter::new(file),
            place,
        })
    }

    /// Writes all of these bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.target {
            Target::New { file, .. } => file.write_all(bytes),
            Target::Special(file) => file.write_all(bytes),
        };
        written.with_context(|| cannot_write(&self.path))
    }

    /// Hands all bytes to the disk, which is where a full one shows.
    pub(crate) fn complete(&mut self) -> Result<()> {
        let completed = match &mut self.target {
            Target::New { file, .. } => file
                .flush()
                .and_then(|()| file.get_ref().as_file().sync_all()),
            Target::Special(file) => file.flush(),
        };
        completed.with_context(|| cannot_write(&self.path))
    }

    /// Puts the file in its place.
    pub(crate) fn commit(mut self) -> Result<()> {
        self.complete()?;
        if let Target::New { file, place } = self.target {
            let persisted = file
                .into_inner()
                .map_err(io::Error::from)
                .and_then(|file| Ok(file.persist(place)?));
            persisted.with_context(|| cannot_write(&self.path))?;
        }
        Ok(())
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = OutputFile::create(path)?;
    file.write(bytes)?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn an_unfinished_file_leaves_what_was_there_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        write(&path, b"old").unwrap();
        let mut file = OutputFile::create(&path).unwrap();
        file.write(b"new").unwrap();
        drop(file);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_link_keeps_being_one_and_its_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
    }

    #[test]
    fn devices_are_written_and_never_replaced() {
        write(Path::new("/dev/null"), b"x").unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
        let error = write(Path::new("/dev/full"), b"x").unwrap_err();
        assert!(error.to_string().contains("/dev/full"), "{error}");
    }

    #[test]
    fn folders_and_missing_folders_are_refused_by_name() {
        for path in [".", "no/such/folder/out"] {
            let error = write(Path::new(path), b"x").unwrap_err();
            assert!(error.to_string().contains(path), "{error}");
        }
    }
}
