//! Memory that kernels reach and that is not the card's own: the host's, behind whatever guards it.

use std::sync::Arc;

use super::interconnect::{DECERR, ErrorResponse};
use super::transfer::OKAY;

/// The memory behind a bank that [`Engine::set_remote`](super::Engine::set_remote) connects. It is asked beat by beat, so
/// what may be accessed can change at any time. It must answer at once: the clock stands still meanwhile.
pub trait RemoteMemory: Send + Sync {
    /// Fills `bytes` from `address`. Aligned words of eight bytes are read whole.
    ///
    /// # Errors
    /// The response that the kernel gets.
    fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), ErrorResponse>;

    /// Writes `bytes` to `address`. Aligned words of eight bytes are written whole.
    ///
    /// # Errors
    /// The response that the kernel gets. Over a [`PcieLink`](super::PcieLink) it gets none: writes are posted.
    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), ErrorResponse>;
}

/// The remote memories of an engine, by bank.
#[derive(Default)]
pub(super) struct Remotes(Vec<Option<Arc<dyn RemoteMemory>>>);

impl Remotes {
    pub(super) fn set(&mut self, bank: usize, memory: Arc<dyn RemoteMemory>) {
        if self.0.len() <= bank {
            self.0.resize(bank + 1, None);
        }
        self.0[bank] = Some(memory);
    }

    fn get(&self, bank: usize) -> Option<&dyn RemoteMemory> {
        self.0.get(bank)?.as_deref()
    }

    pub(super) fn has(&self, bank: usize) -> bool {
        self.get(bank).is_some()
    }

    /// Reads; the response.
    pub(super) fn read(&self, bank: usize, address: u64, bytes: &mut [u8]) -> u8 {
        let read = |memory: &dyn RemoteMemory| code(memory.read(address, bytes));
        self.get(bank).map_or(DECERR, read)
    }

    /// Writes the bytes whose strobes are set, those that lie together at once; the worst response.
    pub(super) fn write(&self, bank: usize, address: u64, bytes: &[u8], strobes: u128) -> u8 {
        let Some(memory) = self.get(bank) else {
            return DECERR;
        };
        let mut response = OKAY;
        let mut at = 0;
        while at < bytes.len() {
            let left = strobes >> at;
            let skipped = left.trailing_zeros() as usize;
            let run = (left >> skipped.min(127)).trailing_ones() as usize;
            let start = at + skipped;
            if start >= bytes.len() || run == 0 {
                break;
            }
            let end = (start + run).min(bytes.len());
            let written = memory.write(address + start as u64, &bytes[start..end]);
            response = response.max(code(written));
            at = end;
        }
        response
    }
}

fn code(answer: Result<(), ErrorResponse>) -> u8 {
    answer.map_or_else(ErrorResponse::code, |()| OKAY)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Notes what is written, and refuses what lies at 100.
    #[derive(Default)]
    struct Notes(Mutex<Vec<(u64, Vec<u8>)>>);

    impl RemoteMemory for Notes {
        fn read(&self, _: u64, _: &mut [u8]) -> Result<(), ErrorResponse> {
            Err(ErrorResponse::Slverr)
        }

        fn write(&self, address: u64, bytes: &[u8]) -> Result<(), ErrorResponse> {
            self.0.lock().unwrap().push((address, bytes.to_vec()));
            match address {
                100 => Err(ErrorResponse::Slverr),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn runs_of_strobes_are_written_at_once_and_the_worst_answer_is_told() {
        let notes = Arc::new(Notes::default());
        let mut remotes = Remotes::default();
        remotes.set(1, Arc::clone(&notes) as _);
        assert!(!remotes.has(0) && remotes.has(1) && !remotes.has(2));
        let bytes: Vec<u8> = (0..128).collect();
        assert_eq!(remotes.write(1, 0, &bytes, u128::MAX), OKAY);
        assert_eq!(remotes.write(1, 92, &bytes[..16], 0xFF00), 2);
        assert_eq!(remotes.write(1, 200, &bytes[..8], 0b1100_0001), OKAY);
        assert_eq!(remotes.write(1, 300, &bytes[..8], 0), OKAY);
        assert_eq!(remotes.write(1, 400, &bytes, 1 << 127), OKAY);
        let seen: Vec<_> = std::mem::take(&mut *notes.0.lock().unwrap())
            .into_iter()
            .map(|(address, bytes)| (address, bytes.len(), bytes[0]))
            .collect();
        assert_eq!(
            seen,
            [
                (0, 128, 0),
                (100, 8, 8),
                (200, 1, 0),
                (206, 2, 6),
                (527, 1, 127)
            ]
        );
        assert_eq!(remotes.read(1, 0, &mut [0; 8]), 2);
        assert_eq!(remotes.read(0, 0, &mut [0; 8]), DECERR);
    }
}
