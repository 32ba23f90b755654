//! Who may use which compute unit: locks in the card's folder, so that they hold between processes and go with the
//! process that took them.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::PathBuf;

use crate::error::{Error, Result};

/// The compute unit that stands for none: its context only keeps the image. XRT opens it with all bits set.
pub(crate) const VIRTUAL_UNIT: u32 = u32::MAX;

/// The contexts of one opening of a card.
#[derive(Debug)]
pub(crate) struct Contexts {
    folder: PathBuf,
    open: HashMap<u32, Context>,
}

#[derive(Debug)]
struct Context {
    _lock: Option<File>,
    exclusive: bool,
    count: usize,
}

impl Contexts {
    /// None yet; `folder` is made when the first lock is taken.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            open: HashMap::new(),
        }
    }

    /// Whether no context is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// `xclOpenContext`.
    pub(crate) fn open(&mut self, unit: u32, shared: bool) -> Result<()> {
        if let Some(context) = self.open.get_mut(&unit) {
            if context.exclusive || !shared {
                return Err(Error::Busy(format!(
                    "compute unit {unit} is open already, and one of the uses is exclusive"
                )));
            }
            context.count += 1;
            return Ok(());
        }
        let lock = if unit == VIRTUAL_UNIT {
            None
        } else {
            let file = self.file(&format!("unit-{unit}.lock"))?;
            let locked = if shared {
                file.try_lock_shared()
            } else {
                file.try_lock()
            };
            locked.map_err(|error| {
                lock_error(
                    &format!("another process excludes this use of compute unit {unit}"),
                    error,
                )
            })?;
            Some(file)
        };
        let context = Context {
            _lock: lock,
            exclusive: !shared,
            count: 1,
        };
        self.open.insert(unit, context);
        Ok(())
    }

    /// `xclCloseContext`.
    pub(crate) fn close(&mut self, unit: u32) -> Result<()> {
        let Some(context) = self.open.get_mut(&unit) else {
            return Err(Error::Invalid(format!(
                "no context is open on compute unit {unit}"
            )));
        };
        context.count -= 1;
        if context.count == 0 {
            self.open.remove(&unit);
        }
        Ok(())
    }

    /// Refuses a use of a compute unit without a context.
    pub(crate) fn check(&self, unit: u32) -> Result<()> {
        if self.open.contains_key(&unit) {
            return Ok(());
        }
        Err(Error::NotPermitted(format!(
            "no context is open on compute unit {unit}: xclOpenContext it first"
        )))
    }

    fn file(&self, name: &str) -> Result<File> {
        let path = self.folder.join(name);
        std::fs::create_dir_all(&self.folder)
            .and_then(|()| {
                File::options()
                    .create(true)
                    .truncate(false)
                    .write(true)
                    .open(&path)
            })
            .map_err(|source| Error::System {
                action: format!("opening the lock {}", path.display()),
                source,
            })
    }
}

fn lock_error(busy: &str, error: TryLockError) -> Error {
    match error {
        TryLockError::WouldBlock => Error::Busy(busy.to_owned()),
        TryLockError::Error(source) => Error::System {
            action: "locking".to_owned(),
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exclusive_and_shared_uses_exclude_each_other_within_and_between_openings() {
        let folder = tempfile::tempdir().unwrap();
        let contexts = || Contexts::new(folder.path().join("contexts"));
        let (mut one, mut other) = (contexts(), contexts());
        one.open(0, true).unwrap();
        one.open(0, true).unwrap();
        other.open(0, true).unwrap();
        assert_eq!(one.open(0, false).unwrap_err().number(), libc::EBUSY);
        one.open(1, false).unwrap();
        assert_eq!(other.open(1, true).unwrap_err().number(), libc::EBUSY);
        assert_eq!(other.check(1).unwrap_err().number(), libc::EPERM);
        one.close(1).unwrap();
        other.open(1, false).unwrap();
        other.check(1).unwrap();
        assert_eq!(one.close(1).unwrap_err().number(), libc::EINVAL);
        one.open(VIRTUAL_UNIT, true).unwrap();
        other.open(VIRTUAL_UNIT, true).unwrap();
    }
}
