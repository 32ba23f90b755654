//! Who may use which compute unit: one opening's contexts, as XRT calls them. They are locks in the card's folder, so that
//! they hold between programs of all kinds and go with the process that took them.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::{Access, SharedImage, holders};
use crate::{Card, CardId, Error, Image, Result};

/// The contexts of one opening of a card, and its part in the card's image: that is not replaced while a context is open.
#[derive(Debug)]
pub struct Contexts {
    image: SharedImage,
    /// By the unit's index in the image. `None` stands for no unit: such a context only keeps the image.
    open: HashMap<Option<usize>, Context>,
}

#[derive(Debug)]
struct Context {
    _lock: Option<File>,
    access: Access,
    count: usize,
}

impl Contexts {
    /// None yet. `state_folder` as in [`OpenOptions`](crate::OpenOptions).
    ///
    /// # Errors
    /// [`Error::CardUnusable`] if there is no state folder.
    pub fn new(card: CardId, state_folder: Option<&Path>) -> Result<Self> {
        Ok(Self {
            image: SharedImage::new(card, state_folder)?,
            open: HashMap::new(),
        })
    }

    /// Has the card hold this image, as [`SharedImage::load`] does.
    ///
    /// # Errors
    /// [`Error::ImageInUse`] if contexts are open and the card holds another one, and those of [`SharedImage::load`].
    pub fn load(&mut self, card: &Card, image: &Arc<Image>) -> Result<()> {
        let loaded = card.image().map(|image| image.uuid());
        self.check_replaceable(loaded, image.uuid())?;
        self.image.load(card, image)
    }

    /// The image that the card holds, which must be that one; others are kept from replacing it from now on.
    ///
    /// # Errors
    /// [`Error::ImageNotLoaded`], and those of [`SharedImage::hold`].
    pub fn hold(&mut self, card: &Card, uuid: Uuid) -> Result<Arc<Image>> {
        let loaded = card.image();
        match loaded {
            Some(image) if image.uuid() == uuid => {
                self.image.hold()?;
                Ok(image)
            }
            _ => Err(Error::ImageNotLoaded {
                card: card.id(),
                image: uuid,
                loaded: loaded.map_or_else(|| "none".to_owned(), |image| image.uuid().to_string()),
            }),
        }
    }

    /// Opens a context on a compute unit of the held image, by its index there; or on none, which only keeps the image.
    /// An opening that repeats a use of its own is counted.
    ///
    /// # Errors
    /// [`Error::UnitBusy`] if the unit is in use, and one of the uses is exclusive.
    pub fn open(&mut self, unit: Option<usize>, access: Access) -> Result<()> {
        let busy = |unit: Option<usize>, users: String| Error::UnitBusy {
            card: self.image.card,
            unit: unit.map_or_else(
                || "that stands for none".to_owned(),
                |unit| unit.to_string(),
            ),
            users,
        };
        if let Some(context) = self.open.get_mut(&unit) {
            if context.access != access {
                return Err(busy(unit, "this program in the other way".to_owned()));
            }
            context.count += 1;
            return Ok(());
        }
        let lock = match unit {
            None => None,
            Some(index) => {
                let (file, path) = self.image.file(&format!("unit-{index}.lock"))?;
                let locked = match access {
                    Access::Shared => file.try_lock_shared(),
                    Access::Exclusive => file.try_lock(),
                };
                match locked {
                    Ok(()) => Some(file),
                    Err(TryLockError::WouldBlock) => {
                        return Err(busy(unit, holders::describe(&self.image.folder)));
                    }
                    Err(TryLockError::Error(source)) => {
                        return Err(self.image.fault("lock", path, source));
                    }
                }
            }
        };
        let context = Context {
            _lock: lock,
            access,
            count: 1,
        };
        self.open.insert(unit, context);
        Ok(())
    }

    /// Closes a context; whether there was one.
    pub fn close(&mut self, unit: Option<usize>) -> bool {
        let Some(context) = self.open.get_mut(&unit) else {
            return false;
        };
        context.count -= 1;
        if context.count == 0 {
            self.open.remove(&unit);
        }
        true
    }

    /// Whether a context is open on that unit.
    pub fn is_open(&self, unit: Option<usize>) -> bool {
        self.open.contains_key(&unit)
    }

    fn check_replaceable(&self, loaded: Option<Uuid>, wanted: Uuid) -> Result<()> {
        match loaded {
            Some(image) if image != wanted && !self.open.is_empty() => Err(Error::ImageInUse {
                card: self.image.card,
                image,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Access::{Exclusive, Shared};

    const CARD: CardId = CardId::Simulated(0);

    #[test]
    fn exclusive_and_shared_uses_exclude_each_other_within_and_between_openings() {
        let folder = tempfile::tempdir().unwrap();
        let contexts = || Contexts::new(CARD, Some(folder.path())).unwrap();
        let (mut one, mut other) = (contexts(), contexts());
        #[track_caller]
        fn assert_busy(result: Result<()>) {
            let error = result.unwrap_err();
            assert!(matches!(error, Error::UnitBusy { .. }), "{error}");
        }
        one.open(Some(0), Shared).unwrap();
        one.open(Some(0), Shared).unwrap();
        other.open(Some(0), Shared).unwrap();
        assert_busy(one.open(Some(0), Exclusive));
        one.open(Some(1), Exclusive).unwrap();
        one.open(Some(1), Exclusive).unwrap();
        assert_busy(one.open(Some(1), Shared));
        assert_busy(other.open(Some(1), Shared));
        assert_busy(other.open(Some(1), Exclusive));
        assert!(!other.is_open(Some(1)));
        assert!(one.close(Some(1)));
        assert_busy(other.open(Some(1), Shared));
        assert!(one.close(Some(1)));
        assert!(!one.close(Some(1)));
        other.open(Some(1), Exclusive).unwrap();
        assert!(other.is_open(Some(1)));
        one.open(None, Shared).unwrap();
        other.open(None, Shared).unwrap();
    }

    #[test]
    fn another_image_is_loaded_only_when_no_context_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let mut contexts = Contexts::new(CARD, Some(folder.path())).unwrap();
        let (loaded, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        contexts.check_replaceable(Some(loaded), other).unwrap();
        contexts.open(None, Shared).unwrap();
        contexts.check_replaceable(None, other).unwrap();
        contexts.check_replaceable(Some(loaded), loaded).unwrap();
        let error = { contexts.check_replaceable(Some(loaded), other) }.unwrap_err();
        assert!(matches!(error, Error::ImageInUse { .. }), "{error}");
        assert!(contexts.close(None));
        contexts.check_replaceable(Some(loaded), other).unwrap();
    }
}
