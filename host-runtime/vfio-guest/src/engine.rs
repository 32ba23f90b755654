//! The least of a driver for the DMA subsystem (PG195): one channel each way, interrupts instead of polling.

use anyhow::{Result, ensure};
use bytemuck::bytes_of;
use vfio::{Function, InterruptKind};
use xdma::DmaDescriptor;
use xdma::registers::{channel, control, irq, sgdma, status, target};

use crate::memory::{Memory, Signal};

/// BAR of the DMA subsystem.
const BAR: u32 = card_shell::DMA_BAR;

/// Where the card sees the DMA descriptor.
const DESCRIPTOR: u64 = 0x2_0000_0000;
const PAGE: usize = 4096;

/// A vector that is not the first, so that those below it are left out.
const VECTOR: u32 = 3;

/// Which way bytes go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    ToCard,
    FromCard,
}

/// The channels, and the memory of their DMA descriptor.
pub(crate) struct Engine<'a> {
    function: &'a Function,
    signal: Signal,
    descriptor: Memory,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(function: &'a Function) -> Result<Self> {
        let engine = Self {
            function,
            signal: Signal::new()?,
            descriptor: Memory::new(PAGE)?,
        };
        function.set_interrupt(InterruptKind::MsiX, VECTOR, engine.signal.file())?;
        engine.descriptor.map(function, DESCRIPTOR)?;
        function.set_bus_master(true)?;
        engine.write(target::IRQ + irq::CHANNEL_VECTOR, VECTOR * 0x0101_0101)?;
        engine.write(target::IRQ + irq::CHANNEL_ENABLE, 0xFF)?;
        for way in [Way::ToCard, Way::FromCard] {
            let identifier = engine.read(way.registers())?;
            ensure!(
                identifier & 0xFFF0_0000 == xdma::registers::IDENTIFIER,
                "{way:?}: {identifier:#x}"
            );
            engine.write(way.lists() + sgdma::FIRST_LOW, DESCRIPTOR as u32)?;
            engine.write(way.lists() + sgdma::FIRST_HIGH, (DESCRIPTOR >> 32) as u32)?;
            engine.write(way.lists() + sgdma::FIRST_ADJACENT, 0)?;
        }
        Ok(engine)
    }

    /// Transfers bytes, and returns the status with which the channel stopped.
    pub(crate) fn transfer(&self, way: Way, from: u64, to: u64, bytes: usize) -> Result<u32> {
        let flags = DmaDescriptor::STOP | DmaDescriptor::COMPLETED;
        let descriptor = DmaDescriptor::new(from, to, bytes as u32, flags);
        self.descriptor.put(0, bytes_of(&descriptor));
        let interrupts = status::DESCRIPTOR_STOPPED | status::ERRORS;
        self.write(way.registers() + channel::INTERRUPT_ENABLE, interrupts)?;
        self.write(way.registers() + channel::CONTROL, control::LOG_ALL)?;
        self.write(
            way.registers() + channel::CONTROL,
            control::LOG_ALL | control::RUN,
        )?;
        self.signal.wait()?;
        // Reading clears it, and so the interrupt.
        let status = self.read(way.registers() + channel::STATUS_READ_CLEAR)?;
        self.write(way.registers() + channel::CONTROL, 0)?;
        Ok(status)
    }

    fn read(&self, offset: u32) -> Result<u32> {
        Ok(self.function.read(BAR, offset.into())?)
    }

    fn write(&self, offset: u32, value: u32) -> Result<()> {
        Ok(self.function.write(BAR, offset.into(), value)?)
    }
}

impl Drop for Engine<'_> {
    fn drop(&mut self) {
        // Before its memory goes.
        let _ = self.function.unmap_dma(DESCRIPTOR, PAGE as u64);
    }
}

impl Way {
    fn registers(self) -> u32 {
        match self {
            Self::ToCard => target::H2C,
            Self::FromCard => target::C2H,
        }
    }

    fn lists(self) -> u32 {
        match self {
            Self::ToCard => target::H2C_SGDMA,
            Self::FromCard => target::C2H_SGDMA,
        }
    }
}
