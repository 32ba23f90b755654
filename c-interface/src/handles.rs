//! What C holds in place of objects. A handle looks like a pointer but is the key of a slot in a table, with the slot's
//! generation, so one that was closed, or never was one, is found out instead of followed.
//!
//! Closing takes the key out of the table at once; the object goes when the last call that is using it ends.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::LazyLock;

use parking_lot::Mutex;
use sharded_slab::{Config, Entry, Slab};

use crate::failure::{Failure, Result};

/// The bits of a key that say what kind of handle it is. With them set no handle is null, and none is an address that a
/// program has, so a program that follows one ends at once.
const KIND_SHIFT: u32 = usize::BITS - KindBits::RESERVED_BITS as u32;

struct KindBits;

impl Config for KindBits {
    const RESERVED_BITS: usize = 4;
    // 32 * 2^12 handles for each thread that opens some; what is left of a key is the generation: 2^28 of them.
    const INITIAL_PAGE_SIZE: usize = 32;
    const MAX_PAGES: usize = 12;
}

/// A kind of handles, with what they stand for.
pub(crate) struct Handles<T: 'static> {
    kind: &'static str,
    opener: &'static str,
    tag: usize,
    table: LazyLock<Slab<T, KindBits>>,
    /// The keys in the table, for closing all. Held by who opens and closes, never by who looks up.
    open: Mutex<Option<HashSet<usize>>>,
}

/// What a handle can stand for.
pub(crate) trait Closing: Send + Sync {
    /// The handle is being closed: calls that wait are to end.
    fn closing(&self) {}
}

/// An object in use by a call.
pub(crate) struct InUse<T: 'static>(Entry<'static, T, KindBits>);

impl<T> Deref for InUse<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Closing> Handles<T> {
    /// Handles of a kind, told from those of other kinds by `tag`, 1 to 15.
    pub(crate) const fn new(kind: &'static str, opener: &'static str, tag: usize) -> Self {
        Self {
            kind,
            opener,
            tag,
            table: LazyLock::new(Slab::new_with_config),
            open: Mutex::new(None),
        }
    }

    /// A handle for an object.
    ///
    /// # Errors
    /// [`Failure::TooMany`].
    pub(crate) fn insert<C>(&self, object: T) -> Result<*mut C> {
        let mut open = self.open.lock();
        let key = self.table.insert(object);
        let key = key.ok_or(Failure::TooMany { kind: self.kind })?;
        open.get_or_insert_default().insert(key);
        Ok(std::ptr::without_provenance_mut(
            key | self.tag << KIND_SHIFT,
        ))
    }

    /// What a handle stands for.
    ///
    /// # Errors
    /// [`Failure::Handle`] if it stands for nothing.
    pub(crate) fn get<C>(&'static self, handle: *mut C) -> Result<InUse<T>> {
        let entry = self.key(handle).and_then(|key| self.table.get(key));
        entry.map(InUse).ok_or_else(|| self.unknown())
    }

    /// Makes a handle stand for nothing.
    ///
    /// # Errors
    /// [`Failure::Handle`] if it stood for nothing: of two threads that close one handle, one is told so.
    pub(crate) fn remove<C>(&self, handle: *mut C) -> Result<()> {
        let mut open = self.open.lock();
        let key = self.key(handle).ok_or_else(|| self.unknown())?;
        if !open.get_or_insert_default().remove(&key) {
            return Err(self.unknown());
        }
        drop(open);
        self.close(key);
        Ok(())
    }

    /// Makes every handle stand for nothing.
    pub(crate) fn remove_all(&self) {
        let keys = self.open.lock().take();
        for key in keys.into_iter().flatten() {
            self.close(key);
        }
    }

    fn close(&self, key: usize) {
        if let Some(object) = self.table.get(key) {
            object.closing();
        }
        self.table.remove(key);
    }

    fn key<C>(&self, handle: *mut C) -> Option<usize> {
        let bits = handle.addr();
        (bits >> KIND_SHIFT == self.tag).then_some(bits & !(usize::MAX << KIND_SHIFT))
    }

    /// Says that a handle stands for nothing.
    pub(crate) fn unknown(&self) -> Failure {
        Failure::Handle {
            kind: self.kind,
            opener: self.opener,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    type Pointer = *mut u8;

    impl Closing for u32 {}

    #[test]
    fn a_closed_handle_stands_for_nothing_even_after_its_slot_is_used_again() {
        static HANDLES: Handles<u32> = Handles::new("thing", "open", 3);
        let first: Pointer = HANDLES.insert(1).unwrap();
        assert_eq!(*HANDLES.get(first).unwrap(), 1);
        HANDLES.remove(first).unwrap();
        for number in 2..2000 {
            let next: Pointer = HANDLES.insert(number).unwrap();
            assert_ne!(next, first);
            assert!(HANDLES.get(first).is_err() && HANDLES.remove(first).is_err());
            assert_eq!(*HANDLES.get(next).unwrap(), number);
            HANDLES.remove(next).unwrap();
        }
    }

    #[test]
    fn handles_of_another_kind_and_made_up_ones_stand_for_nothing() {
        static ONE: Handles<u32> = Handles::new("thing", "open", 1);
        static TWO: Handles<u32> = Handles::new("other", "open", 2);
        let handle: Pointer = ONE.insert(1).unwrap();
        let _: Pointer = TWO.insert(2).unwrap();
        assert!(TWO.get(handle).is_err());
        let made_up = [
            0,
            1,
            usize::MAX,
            1 << 60,
            (1 << 60) - 1,
            handle.addr() ^ (1 << 40),
        ];
        for bits in made_up.into_iter().filter(|bits| *bits != handle.addr()) {
            let handle: Pointer = std::ptr::without_provenance_mut(bits);
            assert!(
                ONE.get(handle).is_err() && ONE.remove(handle).is_err(),
                "{bits:#x}"
            );
        }
    }

    #[test]
    fn an_object_in_use_goes_when_its_last_use_ends() {
        struct Counted(Arc<AtomicUsize>);
        impl Closing for Counted {}
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        static HANDLES: Handles<Counted> = Handles::new("thing", "open", 3);
        let dropped = Arc::new(AtomicUsize::new(0));
        let handle: Pointer = HANDLES.insert(Counted(dropped.clone())).unwrap();
        let _: Pointer = HANDLES.insert(Counted(dropped.clone())).unwrap();
        let in_use = HANDLES.get(handle).unwrap();
        HANDLES.remove_all();
        assert!(HANDLES.get(handle).is_err());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        drop(in_use);
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn of_many_threads_that_close_a_handle_one_does() {
        static HANDLES: Handles<u32> = Handles::new("thing", "open", 3);
        let closed = AtomicUsize::new(0);
        let handles: Vec<usize> = (0..1000)
            .map(|n| HANDLES.insert::<u8>(n).unwrap().addr())
            .collect();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for bits in &handles {
                        let handle: Pointer = std::ptr::without_provenance_mut(*bits);
                        let _ = HANDLES.get(handle).map(|number| *number);
                        let won = HANDLES.remove(handle).is_ok();
                        closed.fetch_add(usize::from(won), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(closed.load(Ordering::Relaxed), 1000);
    }
}
