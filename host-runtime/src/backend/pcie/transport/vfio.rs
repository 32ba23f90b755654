//! A real card, or one that a virtual machine sees as real: a function that the kernel's VFIO gives to this process.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use ::vfio::{Function, InterruptKind, PciAddress};

use super::{DmaAddresses, DmaMemory, Mapped, Transport};
use crate::backend::pcie::error::PcieError;

/// A function that vfio-pci has.
#[derive(Debug)]
pub(crate) struct Vfio {
    function: Function,
    patience: Duration,
}

impl Vfio {
    pub(crate) fn open(address: PciAddress, patience: Duration) -> Result<Self, PcieError> {
        let function = Function::open(address)?;
        Ok(Self { function, patience })
    }
}

impl Transport for Vfio {
    fn read(&self, region: u32, offset: u64) -> Result<u32, PcieError> {
        Ok(self.function.read(region, offset)?)
    }

    fn write(&self, region: u32, offset: u64, value: u32) -> Result<(), PcieError> {
        Ok(self.function.write(region, offset, value)?)
    }

    fn map(&self, region: u32, bytes: usize) -> Result<Option<Mapped>, PcieError> {
        let Some(map) = self.function.map(region, bytes)? else {
            return Ok(None);
        };
        // SAFETY: the map has so many bytes, and lives as long as what is made of it.
        Ok(Some(unsafe { Mapped::new(map.start(), map.bytes(), map) }))
    }

    fn map_writable(&self, region: u32, bytes: usize) -> Result<Option<Mapped>, PcieError> {
        // What is mapped can be written, too.
        self.map(region, bytes)
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn dma_addresses(&self) -> DmaAddresses {
        DmaAddresses {
            ranges: self.function.dma_ranges(),
            alignment: self.function.dma_alignment(),
        }
    }

    fn map_dma(&self, address: u64, memory: &DmaMemory) -> Result<(), PcieError> {
        // SAFETY: `DmaBuffer` owns the memory, which is this process' own, and unmaps it before it goes; where that fails,
        // the kernel holds the pages.
        Ok(unsafe { self.function.map_dma(address, memory.start(), memory.len()) }?)
    }

    fn unmap_dma(&self, address: u64, bytes: u64) -> Result<(), PcieError> {
        Ok(self.function.unmap_dma(address, bytes)?)
    }

    fn set_interrupt(&self, vector: u32, eventfd: BorrowedFd<'_>) -> Result<(), PcieError> {
        Ok(self
            .function
            .set_interrupt(InterruptKind::MsiX, vector, eventfd)?)
    }
}
