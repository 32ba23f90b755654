//! Asks for a cache line before it is needed: looking up a million agents is waiting for memory.

/// Begins to load the line that holds an entry of a table, where the CPU can; changes nothing else. The index is not checked, for
/// the CPU loads nothing that is not there: a branch would wait for what the index was read from.
#[inline(always)]
pub(super) fn prefetch<T>(table: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch has no effect on the program, and every x86-64 CPU has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(table.as_ptr().wrapping_add(index).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (table, index);
}
