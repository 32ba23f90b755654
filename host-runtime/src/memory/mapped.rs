//! Card memory that the host sees directly, for buffers whose two sides are the same bytes.

use std::any::Any;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

/// Bytes of a card's memory in the host's address space. They stay readable and writable while this lives, also when
/// the card is programmed anew: then they are nobody's any more.
pub struct MappedMemory {
    start: NonNull<u8>,
    len: usize,
    /// What the bytes belong to.
    _owner: Arc<dyn Any + Send + Sync>,
}

// SAFETY: nothing here reaches through the pointer; who does answers for the order of the accesses.
unsafe impl Send for MappedMemory {}
// SAFETY: as above.
unsafe impl Sync for MappedMemory {}

impl MappedMemory {
    /// `owner` keeps the `len` bytes at `start` alive.
    pub(crate) fn new(start: NonNull<u8>, len: usize, owner: Arc<dyn Any + Send + Sync>) -> Self {
        Self {
            start,
            len,
            _owner: owner,
        }
    }

    /// First byte. Kernels read and write these bytes while they run: what is seen at one instant is only defined
    /// where the program has ordered the two.
    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Debug for MappedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedMemory")
            .field("start", &self.start)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
