//! The files of the trust store: written whole or not at all, never over another, and only read if nobody else could
//! have read a secret or changed a key.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::error::{Result, TrustError};

/// More than any key takes.
const LONGEST: u64 = 4096;

/// What others than the owner must not do with a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Guard {
    /// Read or change it: a secret.
    Private,
    /// Change it.
    Public,
}

impl Guard {
    /// Permissions that a new file gets.
    fn mode(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Public => 0o644,
        }
    }

    pub(super) fn check(self, path: &Path, metadata: &std::fs::Metadata) -> Result<()> {
        let (forbidden, danger, fix) = match self {
            Self::Private => (0o077, "read", "go="),
            Self::Public => (0o022, "changed", "go-w"),
        };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & forbidden == 0 {
            return Ok(());
        }
        Err(TrustError::Permissions {
            path: path.to_owned(),
            mode,
            danger,
            fix,
        })
    }
}

/// The text of a file; `None` if there is none.
pub(super) fn read(path: &Path, guard: Guard) -> Result<Option<Zeroizing<String>>> {
    let open = || {
        // A pipe must not be waited for.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Ok((file, metadata))
    };
    let (file, metadata) = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|source| TrustError::io("read", path, source))?,
    };
    guard.check(path, &metadata)?;
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|source| TrustError::io("read", path, source))?;
    Ok(Some(text))
}

/// Makes a file unless there is one; whether it was made. Of several processes one makes it, and no other sees a part.
pub(super) fn create(path: &Path, text: &str, guard: Guard) -> Result<bool> {
    let folder = path.parent().expect("it has a name in the store");
    let write = || -> io::Result<bool> {
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .permissions(Permissions::from_mode(guard.mode()))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(error.error),
        }
        // The name must survive a power cut too, and it belongs to the folder.
        File::open(folder)?.sync_all()?;
        Ok(true)
    };
    write().map_err(|source| TrustError::io("write", path, source))
}

/// Removes a file; whether there was one.
pub(super) fn remove(path: &Path) -> Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(TrustError::io("remove", path, source)),
    }
}

/// Makes the folder, for its owner alone, unless it is there.
pub(super) fn make_folder(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| TrustError::io("create the folder", path, source))
}
