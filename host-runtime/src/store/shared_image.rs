//! The image that programs sharing a card agree on: whoever uses it keeps others from replacing it, with a lock that
//! goes with the process that took it. This is how XRT's drivers treat a loaded xclbin.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::holders;
use crate::{Card, CardId, Error, Image, Result};

/// Longest that another process' programming of the card is waited for.
const PROGRAMMING: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// One program's part in the image that a shared card holds. Dropped, it lets go of it.
#[derive(Debug)]
pub struct SharedImage {
    pub(super) card: CardId,
    pub(super) folder: PathBuf,
    /// Locked shared while this program uses the image.
    held: Option<File>,
}

impl SharedImage {
    /// Holds nothing yet. `state_folder` as in [`OpenOptions`](crate::OpenOptions).
    ///
    /// # Errors
    /// [`Error::CardUnusable`] if there is no state folder.
    pub fn new(card: CardId, state_folder: Option<&Path>) -> Result<Self> {
        let folder = super::state_root(card, state_folder)?.join(card.folder_name());
        Ok(Self {
            card,
            folder,
            held: None,
        })
    }

    /// Keeps others from replacing the image. Waits up to a minute for one who replaces it just now.
    ///
    /// # Errors
    /// [`Error::TurnTimeout`] if that takes longer, [`Error::StateFolder`].
    pub fn hold(&mut self) -> Result<()> {
        if self.held.is_none() {
            let (file, path) = self.file("image.lock")?;
            self.wait_for(&path, || file.try_lock_shared())?;
            self.held = Some(file);
        }
        Ok(())
    }

    /// Has the card hold this image, and holds it: a card that has it already keeps it. Of those who load at the same
    /// time, one comes after the other.
    ///
    /// # Errors
    /// [`Error::CardBusy`] if another process uses another image, those of [`SharedImage::hold`] and of
    /// [`Card::program`].
    pub fn load(&mut self, card: &Card, image: &Arc<Image>) -> Result<()> {
        let is_loaded = || {
            // What the card holds may be another process' doing; working on it shows it.
            let worked = card.read_memory(0, &mut []);
            let refused = matches!(worked, Err(Error::Untrusted { .. } | Error::Trust(_)));
            !refused && card.image().map(|image| image.uuid()) == Some(image.uuid())
        };
        self.load_unless(is_loaded, || card.program(image))
    }

    fn load_unless(
        &mut self,
        is_loaded: impl FnOnce() -> bool,
        program: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let (loading, path) = self.file("loading.lock")?;
        self.wait_for(&path, || loading.try_lock())?;
        if is_loaded() {
            return self.hold();
        }
        self.held = None;
        let (file, path) = self.file("image.lock")?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::CardBusy {
                    card: self.card,
                    holders: holders::describe(&self.folder),
                });
            }
            Err(TryLockError::Error(source)) => return Err(self.fault("lock", path, source)),
        }
        let programmed = program();
        drop(file);
        self.hold()?;
        programmed
    }

    /// Opens a lock's file, and makes it if it is not there.
    pub(super) fn file(&self, name: &str) -> Result<(File, PathBuf)> {
        let path = self.folder.join(name);
        let opened = std::fs::create_dir_all(&self.folder).and_then(|()| {
            File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
        });
        match opened {
            Ok(file) => Ok((file, path)),
            Err(source) => Err(self.fault("open the lock", path, source)),
        }
    }

    /// Waits for a lock that another process holds while it programs the card.
    fn wait_for(&self, path: &Path, lock: impl Fn() -> Result<(), TryLockError>) -> Result<()> {
        let begin = Instant::now();
        loop {
            match lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if begin.elapsed() < PROGRAMMING => {
                    std::thread::sleep(POLL);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::TurnTimeout {
                        card: self.card,
                        waited: PROGRAMMING,
                        holders: holders::describe(&self.folder),
                    });
                }
                Err(TryLockError::Error(source)) => {
                    return Err(self.fault("lock", path.to_owned(), source));
                }
            }
        }
    }

    pub(super) fn fault(
        &self,
        action: &'static str,
        path: PathBuf,
        source: std::io::Error,
    ) -> Error {
        Error::StateFolder {
            card: self.card,
            action,
            path,
            source,
            advice: super::FOLDER_ADVICE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_replaced_only_when_nobody_else_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let program = || SharedImage::new(CardId::Simulated(0), Some(folder.path())).unwrap();
        let (mut one, mut other) = (program(), program());
        let must_not = || panic!("must not be programmed");
        one.load_unless(|| false, || Ok(())).unwrap();
        other.load_unless(|| true, must_not).unwrap();
        let error = one.load_unless(|| false, must_not).unwrap_err();
        assert!(matches!(error, Error::CardBusy { .. }), "{error}");
        drop(other);
        one.load_unless(|| false, || Ok(())).unwrap();
    }
}
