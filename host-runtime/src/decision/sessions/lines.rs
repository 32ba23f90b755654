//! The memory of sessions: cache lines of entries, in huge pages where the system has them. A look-up in a million agents
//! would else wait for the page tables as long as for the entry.

use bytemuck::{Pod, Zeroable};
use memmap2::MmapMut;

use super::Session;

/// Entries of a cache line.
pub(super) const LINE: usize = 4;
/// A session with its agent.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Entry {
    pub(super) agent: u64,
    /// One more than the namespace's index; 0 is a free entry.
    namespace: u32,
    place: u32,
}

impl Entry {
    pub(super) const FREE: Self = Self {
        agent: 0,
        namespace: 0,
        place: 0,
    };

    pub(super) const fn new(agent: u64, session: Session) -> Self {
        Self {
            agent,
            namespace: session.namespace + 1,
            place: session.place,
        }
    }

    pub(super) const fn is_free(&self) -> bool {
        self.namespace == 0
    }

    /// The session; [`Session::NONE`] if the entry is free.
    pub(super) const fn session(&self) -> Session {
        Session {
            namespace: self.namespace.wrapping_sub(1),
            place: self.place,
        }
    }
}

/// The entries of a cache line, on one.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [Entry; LINE]);

/// Lines of free entries at first, mapped from the system: it gives the memory that is touched, and takes all of it back.
#[derive(Debug)]
pub(super) struct Lines(MmapMut);

impl Lines {
    pub(super) fn new(count: usize) -> std::io::Result<Self> {
        let map = MmapMut::map_anon(count * size_of::<Line>())?;
        // Without huge pages it works too.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Self(map))
    }

    #[inline(always)]
    pub(super) fn as_slice(&self) -> &[Line] {
        bytemuck::cast_slice(&self.0)
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [Line] {
        bytemuck::cast_slice_mut(&mut self.0)
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        self.0.len()
    }
}
