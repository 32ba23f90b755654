//! A served card: a simulated one that another process serves by vfio-user.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use memmap2::{MmapOptions, MmapRaw};
use vfio_user::{Client, DmaAccess, MSIX_IRQ, Timeouts};

use super::{DmaAddresses, DmaMemory, Mapped, Transport};
use crate::backend::pcie::error::PcieError;

/// What a served card is told: above what 32 bits reach, so that cut addresses fault, and below what common IOMMUs have.
const ADDRESSES: std::ops::RangeInclusive<u64> = 1 << 32..=(1 << 39) - 1;

/// A connection to a served card.
#[derive(Debug)]
pub(crate) struct VfioUser {
    client: Client,
    patience: Duration,
}

impl VfioUser {
    pub(crate) fn connect(socket: &Path, patience: Duration) -> Result<Self, PcieError> {
        let timeouts = Timeouts {
            reply: patience,
            ..Timeouts::default()
        };
        let client = Client::connect(socket, timeouts)?;
        Ok(Self { client, patience })
    }

    fn map_region(
        &self,
        region: u32,
        bytes: usize,
        how: impl FnOnce(&MmapOptions, &OwnedFd) -> std::io::Result<MmapRaw>,
    ) -> Result<Option<Mapped>, PcieError> {
        let info = self.client.region_info(region)?;
        let within = |&(start, size): &(u64, u64)| start == 0 && size >= bytes as u64;
        let Some((file, offset)) = info.file.filter(|_| info.areas.iter().any(within)) else {
            return Ok(None);
        };
        let map = how(MmapOptions::new().offset(offset).len(bytes), &file);
        let map = map.map_err(PcieError::HostMemory)?;
        // SAFETY: the map has so many bytes, and lives as long as what is made of it.
        Ok(Some(unsafe { Mapped::new(map.as_mut_ptr(), bytes, map) }))
    }
}

impl Transport for VfioUser {
    fn read(&self, region: u32, offset: u64) -> Result<u32, PcieError> {
        let mut bytes = [0; 4];
        self.client.read(region, offset, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn write(&self, region: u32, offset: u64, value: u32) -> Result<(), PcieError> {
        Ok(self.client.write(region, offset, &value.to_le_bytes())?)
    }

    fn map(&self, region: u32, bytes: usize) -> Result<Option<Mapped>, PcieError> {
        self.map_region(region, bytes, |options, file| {
            options.map_raw_read_only(file)
        })
    }

    fn map_writable(&self, region: u32, bytes: usize) -> Result<Option<Mapped>, PcieError> {
        self.map_region(region, bytes, |options, file| options.map_raw(file))
    }

    fn is_lost(&self) -> bool {
        self.client.is_closed()
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn dma_addresses(&self) -> DmaAddresses {
        DmaAddresses {
            ranges: vec![ADDRESSES],
            alignment: 4096,
        }
    }

    fn map_dma(&self, address: u64, memory: &DmaMemory) -> Result<(), PcieError> {
        let bytes = memory.len() as u64;
        Ok(self
            .client
            .map_dma(address, bytes, DmaAccess::BOTH, memory.file(), 0)?)
    }

    fn unmap_dma(&self, address: u64, bytes: u64) -> Result<(), PcieError> {
        Ok(self.client.unmap_dma(address, bytes)?)
    }

    fn set_interrupt(&self, vector: u32, eventfd: BorrowedFd<'_>) -> Result<(), PcieError> {
        Ok(self.client.set_interrupts(MSIX_IRQ, vector, &[eventfd])?)
    }
}
