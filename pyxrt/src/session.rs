//! Cards as the process has them open. All `device` objects of a card are one opening of it, which ends with the last of
//! them and of what was made with it.

use std::io::Write;
use std::mem::ManuallyDrop;
use std::sync::{Arc, Weak};

use host_runtime::{Access, Card, CardId, Contexts, Image, OpenOptions, TrustOptions};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::error::{failed, raised};
use crate::execution::Execution;

/// A card that is open.
pub(crate) struct Session {
    /// Left alone in a process that was forked off: its thread and its locks are the other process'.
    opening: ManuallyDrop<Opening>,
    /// The process that opened it.
    process: u32,
}

struct Opening {
    card: Card,
    execution: Execution,
    /// What this process uses, which keeps the image from being replaced.
    contexts: Mutex<Contexts>,
    /// Images that contexts may name by their UUIDs.
    images: Mutex<Vec<Arc<Image>>>,
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_ours() {
            // SAFETY: dropped once, here, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.opening) };
        }
    }
}

/// Tells of an untrusted image that is run. Not through Python: its lock may be held by who waits for this thread.
fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "pyxrt: WARNING: {text}");
}

static SESSIONS: Mutex<Vec<(CardId, Weak<Session>)>> = Mutex::new(Vec::new());

impl Session {
    /// Opens a card, or takes the opening that there is.
    pub(crate) fn open(id: CardId) -> PyResult<Arc<Self>> {
        let mut sessions = SESSIONS.lock();
        sessions.retain(|(_, session)| session.strong_count() > 0);
        let open = sessions
            .iter()
            .filter(|(open, _)| *open == id)
            .find_map(|(_, session)| session.upgrade());
        if let Some(session) = open {
            session.check_process()?;
            return Ok(session);
        }
        let options = OpenOptions {
            purpose: "a Python program that uses pyxrt".to_owned(),
            trust: TrustOptions::from_environment(warn),
            ..OpenOptions::default()
        };
        let card = Card::open_with(id, &options).map_err(raised)?;
        let execution = Execution::new(&card)?;
        let opening = Opening {
            contexts: Mutex::new(Contexts::new(id, None).map_err(raised)?),
            images: Mutex::default(),
            card,
            execution,
        };
        let session = Arc::new(Self {
            opening: ManuallyDrop::new(opening),
            process: std::process::id(),
        });
        sessions.push((id, Arc::downgrade(&session)));
        Ok(session)
    }

    pub(crate) fn card(&self) -> &Card {
        &self.opening.card
    }

    pub(crate) fn execution(&self) -> PyResult<&Execution> {
        self.check_process()?;
        Ok(&self.opening.execution)
    }

    /// As `execution`, for what was started in this process.
    pub(crate) fn runs(&self) -> &Execution {
        &self.opening.execution
    }

    /// Has the card hold an image; one that it holds already stays as it is.
    pub(crate) fn load(&self, image: &Arc<Image>) -> PyResult<()> {
        self.check_process()?;
        let mut contexts = self.opening.contexts.lock();
        contexts.load(&self.opening.card, image).map_err(raised)
    }

    /// Makes an image known by its UUID.
    pub(crate) fn register(&self, image: &Arc<Image>) {
        let mut images = self.opening.images.lock();
        images.retain(|known| known.uuid() != image.uuid());
        images.push(Arc::clone(image));
    }

    /// An image that was registered, or is loaded.
    pub(crate) fn registered(&self, uuid: ::uuid::Uuid) -> PyResult<Arc<Image>> {
        let images = self.opening.images.lock();
        let known = images.iter().cloned().chain(self.opening.card.image());
        { known }
            .find(|image| image.uuid() == uuid)
            .ok_or_else(|| crate::device::unknown_image(uuid))
    }

    /// The loaded image, which must be that one.
    pub(crate) fn image(&self, uuid: ::uuid::Uuid) -> PyResult<Arc<Image>> {
        self.check_process()?;
        let mut contexts = self.opening.contexts.lock();
        contexts.hold(&self.opening.card, uuid).map_err(raised)
    }

    /// Uses compute units of the loaded image, as long as what is returned lives.
    pub(crate) fn use_units(
        self: &Arc<Self>,
        units: &[usize],
        access: Access,
    ) -> PyResult<UnitsInUse> {
        let mut in_use = UnitsInUse {
            session: Arc::clone(self),
            units: Vec::new(),
        };
        for &unit in units {
            let opened = self.opening.contexts.lock().open(Some(unit), access);
            opened.map_err(raised)?;
            in_use.units.push(unit);
        }
        Ok(in_use)
    }

    fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    fn check_process(&self) -> PyResult<()> {
        if self.is_ours() {
            return Ok(());
        }
        Err(failed(format!(
            "{}: the device was opened before this process was forked; open it in the new one only (multiprocessing: the start method \"spawn\")",
            self.opening.card.id()
        )))
    }

    /// Ends all that goes on and stores the card's state.
    fn close(&self) {
        self.opening.execution.close();
        let _ = self.opening.card.clone().close();
    }
}

/// Compute units in use, until it is dropped.
pub(crate) struct UnitsInUse {
    session: Arc<Session>,
    units: Vec<usize>,
}

impl Drop for UnitsInUse {
    fn drop(&mut self) {
        if self.session.is_ours() {
            let mut contexts = self.session.opening.contexts.lock();
            for &unit in &self.units {
                contexts.close(Some(unit));
            }
        }
    }
}

/// Ends all sessions. Python calls this before it ends: afterwards no thread may call it, and objects that are still
/// alive are never dropped.
#[pyfunction]
pub(crate) fn close_all(py: Python<'_>) {
    py.detach(|| {
        let sessions: Vec<_> = SESSIONS
            .lock()
            .drain(..)
            .filter_map(|(_, session)| session.upgrade())
            .collect();
        for session in sessions.iter().filter(|session| session.is_ours()) {
            session.close();
        }
    });
}
