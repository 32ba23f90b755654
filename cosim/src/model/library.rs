//! A model's shared object, loaded from a file or straight from memory.

use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::sync::Arc;

use cxx::UniquePtr;
use rustix::fs::{MemfdFlags, memfd_create};

use super::ffi::bridge;
use super::{InstanceOptions, Model, ModelError};

/// A loaded model; clones share it, and instances keep it loaded.
#[derive(Clone)]
pub struct ModelLibrary(pub(super) Arc<Loaded>);

pub(super) struct Loaded {
    pub(super) library: UniquePtr<bridge::Library>,
    origin: String,
    /// What the loader knows the object by.
    path: String,
    /// Keeps `path` from naming another file while the object is loaded.
    file: Option<Backing>,
}

#[allow(dead_code, reason = "held for their Drop only")]
enum Backing {
    Memory(File),
    Temporary(tempfile::NamedTempFile),
}

// SAFETY: the C++ class holds a handle and function pointers that never change; the functions behind them
// may be called from any thread (instances are made under a lock of their own).
unsafe impl Send for Loaded {}
// SAFETY: as above.
unsafe impl Sync for Loaded {}

impl ModelLibrary {
    /// Loads the shared object at `path`.
    ///
    /// Loading runs code from the file: only load what you trust.
    ///
    /// # Errors
    ///
    /// [`ModelError::Load`] if it cannot be loaded or is no model of this version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let origin = path.display().to_string();
        // Without a slash the loader would search the system's folders.
        let absolute = std::path::absolute(path).map_err(|error| load(&origin, error))?;
        let Some(name) = absolute.to_str() else {
            return Err(load(&origin, "its path is not UTF-8"));
        };
        Self::load(origin, name.to_owned(), None)
    }

    /// Loads a shared object from its bytes, without a file where the system allows it.
    ///
    /// # Errors
    ///
    /// [`ModelError::Load`] if it cannot be loaded or is no model of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let origin = "from memory".to_owned();
        match Self::in_memory(&origin, bytes) {
            Ok(library) => Ok(library),
            Err(error) => {
                tracing::debug!(%error, "a model is loaded through a temporary file");
                let mut file = tempfile::Builder::new()
                    .suffix(".so")
                    .tempfile()
                    .map_err(|error| load(&origin, error))?;
                file.write_all(bytes)
                    .map_err(|error| load(&origin, error))?;
                let Some(path) = file.path().to_str().map(str::to_owned) else {
                    return Err(load(&origin, "the folder for temporary files is not UTF-8"));
                };
                Self::load(origin, path, Some(Backing::Temporary(file)))
            }
        }
    }

    fn in_memory(origin: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        let fd = memfd_create("cosim-model", MemfdFlags::CLOEXEC)
            .map_err(|error| load(origin, error))?;
        let mut file = File::from(fd);
        file.write_all(bytes).map_err(|error| load(origin, error))?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        Self::load(origin.to_owned(), path, Some(Backing::Memory(file)))
    }

    fn load(origin: String, path: String, file: Option<Backing>) -> Result<Self, ModelError> {
        let library = bridge::open_library(&path).map_err(|error| load(&origin, error))?;
        Ok(Self(Arc::new(Loaded {
            library,
            origin,
            path,
            file,
        })))
    }

    /// Names of the kernels in it.
    pub fn kernels(&self) -> Vec<String> {
        self.0
            .library
            .kernels()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// A new instance of `kernel`, not yet reset.
    ///
    /// # Errors
    ///
    /// [`ModelError::Instantiate`] if there is no such kernel or its initialization stops.
    pub fn instantiate(&self, kernel: &str, options: InstanceOptions) -> Result<Model, ModelError> {
        Model::new(self, kernel, options)
    }
}

impl fmt::Debug for ModelLibrary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelLibrary")
            .field("origin", &self.0.origin)
            .finish_non_exhaustive()
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        self.library = UniquePtr::null();
        if self.file.is_some() && bridge::is_loaded(&self.path) {
            // The system kept the object: its path must never name another one.
            tracing::debug!(origin = self.origin, "the model stays mapped");
            std::mem::forget(self.file.take());
        }
    }
}

fn load(origin: &str, reason: impl fmt::Display) -> ModelError {
    ModelError::Load {
        origin: origin.to_owned(),
        reason: reason.to_string(),
    }
}
