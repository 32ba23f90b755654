//! Cards as the process has them open. All `device` objects of a card are one opening of it, which ends with the last of
//! them and of what was made with it.

use std::io::Write;
use std::sync::{Arc, Weak};

use host_runtime::{Card, CardId, Error, Image, OpenOptions, SharedImage, TrustOptions};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::error::{failed, raised};
use crate::execution::Execution;

/// A card that is open.
pub(crate) struct Session {
    card: Card,
    execution: Execution,
    /// Keeps other processes from replacing the image.
    shared_image: Mutex<SharedImage>,
    /// Images that contexts may name by their UUIDs.
    images: Mutex<Vec<Arc<Image>>>,
    /// The process that opened it: one that was forked off has no thread to run kernels.
    process: u32,
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
        let session = Arc::new(Self {
            card,
            execution,
            shared_image: Mutex::new(SharedImage::new(id, None).map_err(raised)?),
            images: Mutex::default(),
            process: std::process::id(),
        });
        sessions.push((id, Arc::downgrade(&session)));
        Ok(session)
    }

    pub(crate) fn card(&self) -> &Card {
        &self.card
    }

    pub(crate) fn execution(&self) -> PyResult<&Execution> {
        self.check_process()?;
        Ok(&self.execution)
    }

    /// Has the card hold an image; one that it holds already stays as it is.
    pub(crate) fn load(&self, image: &Arc<Image>) -> PyResult<()> {
        self.check_process()?;
        let mut shared = self.shared_image.lock();
        shared.load(&self.card, image).map_err(raised)
    }

    /// Makes an image known by its UUID.
    pub(crate) fn register(&self, image: &Arc<Image>) {
        let mut images = self.images.lock();
        images.retain(|known| known.uuid() != image.uuid());
        images.push(Arc::clone(image));
    }

    /// An image that was registered, or is loaded.
    pub(crate) fn registered(&self, uuid: ::uuid::Uuid) -> PyResult<Arc<Image>> {
        let images = self.images.lock();
        let known = images.iter().cloned().chain(self.card.image());
        { known }
            .find(|image| image.uuid() == uuid)
            .ok_or_else(|| crate::device::unknown_image(uuid))
    }

    /// The loaded image, which must be that one.
    pub(crate) fn image(&self, uuid: ::uuid::Uuid) -> PyResult<Arc<Image>> {
        let image = self.card.image().ok_or_else(|| {
            raised(Error::NotProgrammed {
                card: self.card.id(),
            })
        })?;
        if image.uuid() == uuid {
            self.shared_image.lock().hold().map_err(raised)?;
            return Ok(image);
        }
        Err(failed(format!(
            "{}: the xclbin {uuid} is not loaded, but {}; load it with device.load_xclbin()",
            self.card.id(),
            image.uuid()
        )))
    }

    fn check_process(&self) -> PyResult<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        Err(failed(format!(
            "{}: the device was opened before this process was forked; open it in the new one only (multiprocessing: the start method \"spawn\")",
            self.card.id()
        )))
    }

    /// Ends all that goes on and stores the card's state.
    fn close(&self) {
        self.execution.close();
        let _ = self.card.clone().close();
    }
}

/// Ends all sessions. Python calls this before it ends: afterwards no thread may call it, and objects that are still
/// alive are never dropped.
#[pyfunction]
pub(crate) fn close_all(py: Python<'_>) {
    let sessions: Vec<_> = SESSIONS
        .lock()
        .drain(..)
        .filter_map(|(_, session)| session.upgrade())
        .filter(|session| session.check_process().is_ok())
        .collect();
    py.detach(|| sessions.iter().for_each(|session| session.close()));
}
