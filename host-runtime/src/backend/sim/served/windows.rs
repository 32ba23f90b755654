//! The bridge from a served card's kernels to its clients' memory: windows in the banks that are the host's, each leading
//! to memory of the client that it was given to.
//!
//! As on a PCIe link, what the client has not mapped is an error response when it is read, and is lost when it is written:
//! writes are posted. The shell counts both. Where no window is, there is nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use card_shell::HostMemory;
use cosim::engine::{ErrorResponse, RemoteMemory};
use parking_lot::RwLock;

/// All windows of a card, by their addresses on its side.
#[derive(Default)]
pub(super) struct Windows(RwLock<BTreeMap<u64, Window>>);

struct Window {
    bytes: u64,
    memory: Arc<dyn HostMemory>,
    /// Where it leads in that memory.
    host: u64,
}

impl Windows {
    pub(super) fn open(&self, address: u64, bytes: u64, memory: Arc<dyn HostMemory>, host: u64) {
        let window = Window {
            bytes,
            memory,
            host,
        };
        self.0.write().insert(address, window);
    }

    /// Closes the window that begins at this address; no kernel reaches through it when this returns.
    pub(super) fn close(&self, address: u64) {
        self.0.write().remove(&address);
    }

    pub(super) fn close_all(&self) {
        self.0.write().clear();
    }

    fn through<T>(
        &self,
        address: u64,
        len: usize,
        access: impl FnOnce(&dyn HostMemory, u64) -> T,
    ) -> Result<T, ErrorResponse> {
        let windows = self.0.read();
        let found = windows.range(..=address).next_back();
        let (start, window) = found.ok_or(ErrorResponse::Decerr)?;
        let offset = address - start;
        if offset.saturating_add(len as u64) > window.bytes {
            return Err(ErrorResponse::Decerr);
        }
        let host = window.host.wrapping_add(offset);
        Ok(access(&*window.memory, host))
    }
}

impl RemoteMemory for Windows {
    fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), ErrorResponse> {
        self.through(address, bytes.len(), |memory, host| {
            memory.read(host, bytes)
        })?
        .map_err(|_| ErrorResponse::Slverr)
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), ErrorResponse> {
        // Posted: a fault reaches nobody but the count.
        let _ = self.through(address, bytes.len(), |memory, host| {
            memory.write(host, bytes)
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use card_shell::HostFault;
    use parking_lot::Mutex;

    use super::*;

    struct Host(Mutex<Vec<u8>>);

    impl HostMemory for Host {
        fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), HostFault> {
            let memory = self.0.lock();
            let start = address as usize;
            let there = memory.get(start..start + bytes.len()).ok_or(HostFault)?;
            bytes.copy_from_slice(there);
            Ok(())
        }

        fn write(&self, address: u64, bytes: &[u8]) -> Result<(), HostFault> {
            let mut memory = self.0.lock();
            let start = address as usize;
            let there = memory.get_mut(start..start + bytes.len());
            there.ok_or(HostFault)?.copy_from_slice(bytes);
            Ok(())
        }
    }

    #[test]
    fn windows_lead_to_their_clients_and_to_nothing_else() {
        let (one, other) = (
            Arc::new(Host(Mutex::new(vec![0; 0x3000]))),
            Arc::new(Host(Mutex::new(vec![0; 0x800]))),
        );
        let windows = Windows::default();
        windows.open(0x10_0000, 0x1000, Arc::clone(&one) as _, 0x2000);
        windows.open(0x10_1000, 0x1000, Arc::clone(&other) as _, 0);
        windows.write(0x10_0FF8, &[1; 8]).unwrap();
        windows.write(0x10_1000, &[2; 8]).unwrap();
        assert_eq!(one.0.lock()[0x2FF8..], [1; 8]);
        assert_eq!(other.0.lock()[..8], [2; 8]);
        let mut bytes = [0; 8];
        windows.read(0x10_0FF8, &mut bytes).unwrap();
        assert_eq!(bytes, [1; 8]);
        for (address, answer) in [
            (0x0F_FFFC, ErrorResponse::Decerr),
            (0x10_0FFC, ErrorResponse::Decerr),
            (0x10_1800, ErrorResponse::Slverr),
            (0x10_2000, ErrorResponse::Decerr),
            (u64::MAX - 3, ErrorResponse::Decerr),
        ] {
            assert_eq!(
                windows.read(address, &mut bytes),
                Err(answer),
                "{address:#x}"
            );
        }
        assert_eq!(windows.write(0x10_1800, &[3; 8]), Ok(()), "posted");
        windows.close(0x10_0000);
        assert!(windows.write(0x10_0FF8, &[1; 8]).is_err());
        windows.close_all();
        assert!(windows.read(0x10_1000, &mut bytes).is_err());
    }
}
