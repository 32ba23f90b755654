//! The memory of a card: banks that appear as large as on a card and take only what is touched.
//!
//! The host side copies in and out while the engine's thread clocks kernels that read and write the same
//! bytes: like DMA memory, its content at one instant is only defined where the program has ordered the two.

use std::ptr::NonNull;

use crate::ecc::{Ecc, EccCounters, Uncorrectable};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

/// Smallest unit of a bank's base and size: the boundary that no AXI burst crosses.
pub const BANK_ALIGN: u64 = 4096;

/// A range of a card's address space with memory behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bank {
    /// Its name, as `DDR[0]`.
    pub name: String,
    /// First address; a multiple of [`BANK_ALIGN`].
    pub base: u64,
    /// Bytes; a multiple of [`BANK_ALIGN`].
    pub size: u64,
}

/// Why memory could not be made or reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// Base or size is not a multiple of 4096, zero, or past the address space.
    #[error("bank `{0}` must start and end at multiples of 4096 and hold at least one")]
    Shape(String),
    /// Two banks overlap.
    #[error("banks `{0}` and `{1}` overlap")]
    Overlap(String, String),
    /// The system gave no address space.
    #[error("cannot reserve {size} bytes for bank `{bank}`: {source}; check `ulimit -v`")]
    Reserve {
        /// The bank.
        bank: String,
        /// Its size in bytes.
        size: u64,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Addresses outside every bank, or over the end of one.
    #[error("no bank holds the {size} bytes at {address:#x}")]
    Outside {
        /// First address.
        address: u64,
        /// Bytes.
        size: usize,
    },
    /// Two bits of a word have flipped.
    #[error(
        "the memory word at {address:#x} has an error of two bits, which cannot be corrected; write it anew"
    )]
    Uncorrectable {
        /// The word.
        address: u64,
    },
}

impl From<Uncorrectable> for MemoryError {
    fn from(Uncorrectable(address): Uncorrectable) -> Self {
        Self::Uncorrectable { address }
    }
}

/// The banks of a card, zero at first.
#[derive(Debug)]
pub struct DeviceMemory {
    banks: Vec<Bank>,
    maps: Vec<Map>,
    ecc: Ecc,
}

#[derive(Debug)]
struct Map {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: a map is only reached through raw copies; see the module's comment on what they promise.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: exactly what mmap gave; engines that use it hold the `DeviceMemory` alive.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.size) };
    }
}

impl DeviceMemory {
    /// Makes the banks, which take no memory until they are written.
    ///
    /// # Errors
    ///
    /// If a bank's shape is wrong, two overlap, or the address space is used up.
    pub fn new(banks: &[Bank]) -> Result<Self, MemoryError> {
        let mut sorted: Vec<&Bank> = banks.iter().collect();
        sorted.sort_by_key(|bank| bank.base);
        for bank in banks {
            let aligned = bank.base % BANK_ALIGN == 0 && bank.size % BANK_ALIGN == 0;
            if !aligned || bank.size == 0 || bank.base.checked_add(bank.size).is_none() {
                return Err(MemoryError::Shape(bank.name.clone()));
            }
        }
        for pair in sorted.windows(2) {
            if pair[0].base + pair[0].size > pair[1].base {
                return Err(MemoryError::Overlap(
                    pair[0].name.clone(),
                    pair[1].name.clone(),
                ));
            }
        }
        let mut maps = Vec::new();
        for bank in banks {
            let reserve = |source: std::io::Error| MemoryError::Reserve {
                bank: bank.name.clone(),
                size: bank.size,
                source,
            };
            let size = usize::try_from(bank.size)
                .map_err(|error| reserve(std::io::Error::other(error)))?;
            // SAFETY: a fresh anonymous mapping at an address of the system's choice.
            let start = unsafe {
                mmap_anonymous(
                    std::ptr::null_mut(),
                    size,
                    ProtFlags::READ | ProtFlags::WRITE,
                    MapFlags::PRIVATE | MapFlags::NORESERVE,
                )
            }
            .map_err(|errno| reserve(errno.into()))?;
            let start = NonNull::new(start.cast()).expect("mmap answers no null");
            maps.push(Map { start, size });
        }
        Ok(Self {
            banks: banks.to_vec(),
            maps,
            ecc: Ecc::default(),
        })
    }

    /// The banks, in the order given.
    pub fn banks(&self) -> &[Bank] {
        &self.banks
    }

    /// Position of the bank that holds all `size` bytes at `address`.
    pub fn bank_of(&self, address: u64, size: u64) -> Option<usize> {
        self.banks.iter().position(|bank| {
            address
                .checked_sub(bank.base)
                .and_then(|offset| offset.checked_add(size))
                .is_some_and(|end| end <= bank.size)
        })
    }

    /// Copies `bytes` to `address`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::Outside`] if they do not lie in one bank, [`MemoryError::Uncorrectable`] as
    /// [`check_write`](Self::check_write).
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        let to = self.pointer(address, bytes.len())?;
        self.ecc.write(address, bytes.len() as u64)?;
        // SAFETY: `pointer` checked the range; mapped memory never overlaps a Rust slice.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        Ok(())
    }

    /// Fills `bytes` from `address`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::Outside`] if they do not lie in one bank, [`MemoryError::Uncorrectable`] as
    /// [`check_read`](Self::check_read).
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), MemoryError> {
        let from = self.pointer(address, bytes.len())?;
        self.ecc.read(address, bytes.len() as u64)?;
        // SAFETY: `pointer` checked the range; mapped memory never overlaps a Rust slice.
        unsafe { std::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    /// Copies `size` bytes from one address to another; the two may overlap.
    ///
    /// # Errors
    ///
    /// [`MemoryError::Outside`] if either range does not lie in one bank, [`MemoryError::Uncorrectable`] as
    /// [`read`](Self::read) and [`write`](Self::write).
    pub fn copy(&self, from: u64, to: u64, size: usize) -> Result<(), MemoryError> {
        let source = self.pointer(from, size)?;
        let target = self.pointer(to, size)?;
        self.ecc.read(from, size as u64)?;
        self.ecc.write(to, size as u64)?;
        // SAFETY: `pointer` checked both ranges; `copy` allows for an overlap.
        unsafe { std::ptr::copy(source, target, size) };
        Ok(())
    }

    /// Where the host sees the `size` bytes at `address`, valid while this memory lives. What the pointer shows at one
    /// instant while kernels run is only defined where the program has ordered the two.
    ///
    /// # Errors
    ///
    /// [`MemoryError::Outside`] if they do not lie in one bank.
    pub fn host_pointer(&self, address: u64, size: usize) -> Result<NonNull<u8>, MemoryError> {
        let pointer = self.pointer(address, size)?;
        Ok(NonNull::new(pointer).expect("a mapping is never at null"))
    }

    /// Flips a bit, 0 to 63, of the 64-bit word at `address`, as a particle does: what was written there stays, and the
    /// memory's error correction finds the flip when the word is accessed next. A third flip of a word is not made, since
    /// its code does not promise to find that.
    ///
    /// # Errors
    ///
    /// [`MemoryError::Outside`].
    pub fn flip(&self, address: u64, bit: u32) -> Result<(), MemoryError> {
        self.pointer(address, 1)?;
        self.ecc.flip(address, bit);
        Ok(())
    }

    /// What the error correction has found.
    pub fn ecc_counters(&self) -> EccCounters {
        self.ecc.counters()
    }

    /// For those who read by [`host_pointer`](Self::host_pointer): corrects what can be corrected of these bytes.
    ///
    /// # Errors
    ///
    /// [`MemoryError::Uncorrectable`] if a word of them has two flipped bits.
    pub fn check_read(&self, address: u64, size: usize) -> Result<(), MemoryError> {
        Ok(self.ecc.read(address, size as u64)?)
    }

    /// For those who write by [`host_pointer`](Self::host_pointer): words that are written as a whole are as new.
    ///
    /// # Errors
    ///
    /// [`MemoryError::Uncorrectable`] if a word that is written in part has two flipped bits.
    pub fn check_write(&self, address: u64, size: usize) -> Result<(), MemoryError> {
        Ok(self.ecc.write(address, size as u64)?)
    }

    pub(crate) fn ecc(&self) -> &Ecc {
        &self.ecc
    }

    /// Makes every bank zero again and gives its memory back to the system.
    pub fn clear(&self) {
        self.ecc.clear();
        for map in &self.maps {
            // SAFETY: the whole of a mapping of our own; private anonymous pages read as zero afterwards.
            if unsafe { madvise(map.start.as_ptr().cast(), map.size, Advice::LinuxDontNeed) }
                .is_err()
            {
                // SAFETY: the range is ours to write.
                unsafe { std::ptr::write_bytes(map.start.as_ptr(), 0, map.size) };
            }
        }
    }

    /// Where `address` would be if the bank started at address 0: add an address of the bank to it.
    pub(crate) fn origin(&self, bank: usize) -> *mut u8 {
        self.maps[bank]
            .start
            .as_ptr()
            .wrapping_sub(self.banks[bank].base as usize)
    }

    fn pointer(&self, address: u64, size: usize) -> Result<*mut u8, MemoryError> {
        let bank = self
            .bank_of(address, size as u64)
            .ok_or(MemoryError::Outside { address, size })?;
        Ok(self.origin(bank).wrapping_add(address as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bank(name: &str, base: u64, size: u64) -> Bank {
        Bank {
            name: name.to_owned(),
            base,
            size,
        }
    }

    #[test]
    fn banks_are_sparse_zero_and_separate() {
        let memory = DeviceMemory::new(&[bank("a", 0, 16 << 30), bank("b", 16 << 30, 16 << 30)])
            .expect("two banks");
        memory.write((16 << 30) - 4, b"last").expect("inside");
        memory.write(16 << 30, b"next").expect("inside");
        let mut bytes = [0; 8];
        assert!(matches!(
            memory.read((16 << 30) - 4, &mut bytes),
            Err(MemoryError::Outside { .. })
        ));
        memory.read((16 << 30) - 8, &mut bytes).expect("inside");
        assert_eq!(&bytes, b"\0\0\0\0last");
        memory.clear();
        memory.read(16 << 30, &mut bytes).expect("inside");
        assert_eq!(bytes, [0; 8]);
    }

    #[test]
    fn copies_may_overlap_and_the_host_sees_the_same_bytes() {
        let memory = DeviceMemory::new(&[bank("a", 4096, 8192)]).expect("a bank");
        memory.write(4096, b"abcdef").expect("inside");
        memory.copy(4096, 4098, 6).expect("inside");
        let pointer = memory.host_pointer(4096, 8).expect("inside");
        // SAFETY: eight bytes of the memory, which lives to the end of the test.
        let seen = unsafe { std::slice::from_raw_parts(pointer.as_ptr(), 8) };
        assert_eq!(seen, b"ababcdef");
        assert!(memory.copy(4096, 12288 - 3, 4).is_err());
        assert!(memory.host_pointer(12288 - 3, 4).is_err());
    }

    #[test]
    fn wrong_banks_are_refused() {
        for (banks, text) in [
            (vec![bank("odd", 1, 4096)], "odd"),
            (vec![bank("empty", 0, 0)], "empty"),
            (vec![bank("wraps", u64::MAX - 4095, 8192)], "wraps"),
            (
                vec![bank("x", 4096, 8192), bank("y", 8192, 4096)],
                "overlap",
            ),
        ] {
            let error = DeviceMemory::new(&banks).expect_err("refused").to_string();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn addresses_outside_a_bank_are_refused() {
        let memory = DeviceMemory::new(&[bank("a", 4096, 4096)]).expect("a bank");
        for address in [0, 4095, 8192 - 3, u64::MAX - 1] {
            assert!(memory.write(address, b"four").is_err(), "{address:#x}");
        }
    }
}
