//! The interrupts of one client: eventfds that the device signals, by type and number.

use std::os::fd::OwnedFd;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::{Errno, write};

use crate::protocol::{IrqInfo, SetIrqs};

#[derive(Debug, Default)]
struct Vector {
    trigger: Option<OwnedFd>,
    masked: bool,
    /// It was triggered while it was masked.
    pending: bool,
}

/// The interrupts of one type.
#[derive(Debug)]
struct Vectors {
    info_flags: u32,
    vectors: Vec<Vector>,
}

/// The interrupts of one client, all types.
#[derive(Debug)]
pub(crate) struct Interrupts(Mutex<Vec<Vectors>>);

impl Vector {
    fn trigger(&mut self) {
        if self.masked {
            self.pending = true;
        } else if let Some(eventfd) = &self.trigger {
            // A counter at its maximum says enough, and must not block the device, whatever the client has made of the
            // file since; a broken file is the client's business.
            let mut files = [PollFd::new(eventfd, PollFlags::OUT)];
            if poll(&mut files, Some(&Timespec::default())) == Ok(1) {
                let _ = write(eventfd, &1u64.to_ne_bytes());
            }
        }
    }
}

/// Refuses what has a place in a file system, or is a pipe or a socket: writing to it could take as long as its other end
/// likes. Eventfds have no type, as the kernel's other anonymous files, whose writes wait for nobody.
fn check_anonymous(file: &OwnedFd) -> Result<(), Errno> {
    let kind = FileType::from_raw_mode(fstat(file)?.st_mode);
    match kind {
        FileType::Unknown => Ok(()),
        _ => Err(Errno::INVAL),
    }
}

impl Interrupts {
    /// With so many interrupts of each type.
    pub(crate) fn new(types: impl IntoIterator<Item = (u32, bool)>) -> Self {
        let vectors = types.into_iter().map(|(count, maskable)| Vectors {
            info_flags: match count {
                0 => 0,
                _ if maskable => IrqInfo::EVENTFD | IrqInfo::NORESIZE | IrqInfo::MASKABLE,
                _ => IrqInfo::EVENTFD | IrqInfo::NORESIZE,
            },
            vectors: (0..count).map(|_| Vector::default()).collect(),
        });
        Self(Mutex::new(vectors.collect()))
    }

    /// Flags and number of the interrupts of a type.
    pub(crate) fn info(&self, index: u32) -> Option<(u32, u32)> {
        let types = self.0.lock();
        let vectors = types.get(index as usize)?;
        Some((vectors.info_flags, vectors.vectors.len() as u32))
    }

    /// Signals an interrupt; nothing happens where the client wants none.
    pub(crate) fn trigger(&self, index: u32, vector: u32) {
        let mut types = self.0.lock();
        let vectors = types.get_mut(index as usize);
        if let Some(vector) = vectors.and_then(|of_type| of_type.vectors.get_mut(vector as usize)) {
            vector.trigger();
        }
    }

    /// Follows a request of the client. `booleans` and `eventfds` are what came with it.
    pub(crate) fn set(
        &self,
        request: &SetIrqs,
        booleans: &[u8],
        eventfds: Vec<OwnedFd>,
    ) -> Result<(), Errno> {
        const DATA: u32 = SetIrqs::DATA_NONE | SetIrqs::DATA_BOOL | SetIrqs::DATA_EVENTFD;
        const ACTION: u32 = SetIrqs::MASK | SetIrqs::UNMASK | SetIrqs::TRIGGER;
        let (data, action) = (request.flags & DATA, request.flags & ACTION);
        if data.count_ones() != 1
            || action.count_ones() != 1
            || request.flags & !(DATA | ACTION) != 0
        {
            return Err(Errno::INVAL);
        }
        let mut types = self.0.lock();
        let of_type = types.get_mut(request.index as usize).ok_or(Errno::INVAL)?;
        let end = request
            .start
            .checked_add(request.count)
            .ok_or(Errno::INVAL)? as usize;
        let start = request.start as usize;
        let vectors = of_type.vectors.get_mut(start..end).ok_or(Errno::INVAL)?;
        let maskable = of_type.info_flags & IrqInfo::MASKABLE != 0;
        if action != SetIrqs::TRIGGER && !maskable {
            return Err(Errno::INVAL);
        }
        match (data, action) {
            // The special case that switches the whole type off.
            (SetIrqs::DATA_NONE, SetIrqs::TRIGGER) if (request.start, request.count) == (0, 0) => {
                of_type
                    .vectors
                    .iter_mut()
                    .for_each(|vector| *vector = Vector::default());
            }
            (SetIrqs::DATA_EVENTFD, SetIrqs::TRIGGER) => {
                if !eventfds.is_empty() && eventfds.len() != vectors.len() {
                    return Err(Errno::INVAL);
                }
                for eventfd in &eventfds {
                    check_anonymous(eventfd)?;
                    fcntl_setfl(eventfd, fcntl_getfl(eventfd)? | OFlags::NONBLOCK)?;
                }
                let mut eventfds = eventfds.into_iter();
                vectors
                    .iter_mut()
                    .for_each(|vector| vector.trigger = eventfds.next());
            }
            // Eventfds by which the device would tell of masking: nothing here masks but the client.
            (SetIrqs::DATA_EVENTFD, _) => return Err(Errno::NOTSUP),
            _ => {
                if data == SetIrqs::DATA_BOOL && booleans.len() != vectors.len() {
                    return Err(Errno::INVAL);
                }
                let chosen = |index: usize| data == SetIrqs::DATA_NONE || booleans[index] != 0;
                let chosen = vectors
                    .iter_mut()
                    .enumerate()
                    .filter(|(index, _)| chosen(*index));
                for (_, vector) in chosen {
                    match action {
                        SetIrqs::MASK => vector.masked = true,
                        SetIrqs::UNMASK => {
                            vector.masked = false;
                            if std::mem::take(&mut vector.pending) {
                                vector.trigger();
                            }
                        }
                        _ => vector.trigger(),
                    }
                }
            }
        }
        Ok(())
    }
}
