//! Register accesses that a card answered with an error. Writes are posted, and a read that was refused gives all ones, so the
//! card counts them where its driver sees the count without asking, and no result is trusted before that was looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use card_shell::identity as id;

use super::error::PcieError;
use super::transport::Mapped;

#[derive(Debug)]
pub(super) struct Refusals {
    page: Arc<Mapped>,
    /// Those that somebody was told of.
    told: AtomicU32,
}

impl Refusals {
    pub(super) fn new(page: Arc<Mapped>) -> Self {
        let told = AtomicU32::new(page.word(id::REG_REFUSED));
        Self { page, told }
    }

    /// The kernels were reset: what they refused before concerns nobody any more.
    pub(super) fn forget(&self) {
        let refused = self.page.word(id::REG_REFUSED);
        self.told.store(refused, Ordering::Relaxed);
    }

    /// After the access of a register at `address`.
    pub(super) fn check(&self, address: u64) -> Result<(), PcieError> {
        let refused = self.page.word(id::REG_REFUSED);
        if refused == self.told.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.page.word(id::REG_MAGIC) != id::MAGIC {
            return Err(PcieError::Removed);
        }
        self.told.store(refused, Ordering::Relaxed);
        Err(PcieError::RegisterRefused { address })
    }
}
