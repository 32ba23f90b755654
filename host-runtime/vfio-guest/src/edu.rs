//! QEMU's `edu` device (QEMU's documentation, "EDU device"): enough of a card to test the vfio transport alone.

use anyhow::{Result, ensure};
use vfio::{CONFIG_REGION, Error, Function, InterruptKind, PciAddress};

use crate::Test;
use crate::bind;
use crate::memory::{Memory, Signal, until};
use crate::programs;

const BAR: u32 = 0;
const BAR_BYTES: u64 = 1 << 20;

const REG_IDENTITY: u64 = 0x00;
const REG_LIVENESS: u64 = 0x04;
const REG_FACTORIAL: u64 = 0x08;
const REG_STATUS: u64 = 0x20;
const REG_IRQ_STATUS: u64 = 0x24;
const REG_IRQ_RAISE: u64 = 0x60;
const REG_IRQ_ACKNOWLEDGE: u64 = 0x64;
const REG_DMA_SOURCE: u64 = 0x80;
const REG_DMA_DESTINATION: u64 = 0x88;
const REG_DMA_COUNT: u64 = 0x90;
const REG_DMA_COMMAND: u64 = 0x98;

const STATUS_COMPUTING: u32 = 1 << 0;
const STATUS_INTERRUPT: u32 = 1 << 7;

const DMA_RUN: u32 = 1 << 0;
const DMA_TO_HOST: u32 = 1 << 1;
const DMA_INTERRUPT: u32 = 1 << 2;

/// What [`DMA_INTERRUPT`] sets in the interrupt status.
const DMA_INTERRUPT_STATUS: u32 = 0x100;

/// Where the device has its buffer of 4096 bytes; a transfer must be shorter, as older versions count its end in.
const BUFFER: u32 = 0x40000;
const LENGTH: usize = 2048;

/// Where the device sees our memory: it has 28 address bits.
const ADDRESS: u64 = 0x10_0000;
const PAGE: usize = 4096;

/// Interrupt addresses of x86 (Intel SDM 3, "Message Address Register Format"), which no memory can be mapped at.
const INTERRUPTS: u64 = 0xFEE0_0000;

pub(crate) const TESTS: &[Test<Edu>] = &[
    (
        "edu: the command that the error says gives the function to vfio-pci",
        Edu::binding,
    ),
    (
        "edu: the configuration space tells who it is",
        Edu::config_space,
    ),
    (
        "edu: registers are read and written, and none outside",
        Edu::registers,
    ),
    ("edu: only one has the function at a time", Edu::alone),
    ("edu: an interrupt signals its eventfd", Edu::interrupt),
    ("edu: DMA goes both ways through the IOMMU", Edu::dma),
    (
        "edu: without bus mastering there is no DMA",
        Edu::bus_master,
    ),
    (
        "edu: DMA to memory that was unmapped reaches nothing",
        Edu::unmapped,
    ),
    (
        "edu: addresses are those that the kernel has",
        Edu::addresses,
    ),
    (
        "edu: memory is locked up to the user's limit",
        programs::memory_limit,
    ),
    (
        "edu: fpga-ctl says that it is no card of ours",
        programs::not_ours,
    ),
    (
        "edu: fpga-ctl says who may open the group",
        programs::permission,
    ),
];

/// The device.
pub(crate) struct Edu(PciAddress);

/// A function with memory at [`ADDRESS`]. Fields are dropped in this order: the memory last.
struct Bench {
    function: Function,
    signal: Signal,
    memory: Memory,
}

impl Edu {
    pub(crate) fn find() -> Result<Self> {
        Ok(Self(bind::find(0x1234, 0x11E8)?))
    }

    pub(crate) fn address(&self) -> PciAddress {
        self.0
    }

    fn binding(&self) -> Result<()> {
        bind::bind_as_told(self.0)
    }

    fn config_space(&self) -> Result<()> {
        let function = Function::open(self.0)?;
        let identity = function.read(CONFIG_REGION, 0)?;
        ensure!(identity == 0x11E8_1234, "it says {identity:#x}");
        // A write to the interrupt line, which is the host's own.
        let line = function.read(CONFIG_REGION, 0x3C)?;
        function.write(CONFIG_REGION, 0x3C, line & !0xFF | 0x2A)?;
        ensure!(
            function.read(CONFIG_REGION, 0x3C)? & 0xFF == 0x2A,
            "the interrupt line is lost"
        );
        ensure!(matches!(
            function.read(CONFIG_REGION, 1 << 20),
            Err(Error::Outside { .. })
        ));
        Ok(())
    }

    fn registers(&self) -> Result<()> {
        let function = Function::open(self.0)?;
        let identity = function.read(BAR, REG_IDENTITY)?;
        ensure!(identity & 0xFF == 0xED, "it says {identity:#x}");
        function.write(BAR, REG_LIVENESS, 0x1234_5678)?;
        ensure!(function.read(BAR, REG_LIVENESS)? == !0x1234_5678);
        let mapped = function.map(BAR, PAGE)?;
        ensure!(
            mapped.is_some_and(|mapped| mapped.bytes() == PAGE),
            "it cannot be mapped"
        );
        ensure!(function.map(BAR, 2 * BAR_BYTES as usize)?.is_none());
        for (region, offset) in [
            (BAR, BAR_BYTES),
            (BAR, BAR_BYTES - 2),
            (BAR, 2),
            (BAR, u64::MAX - 3),
            (1, 0),
            (6, 0),
            (99, 0),
        ] {
            let read = function.read(region, offset);
            ensure!(
                matches!(read, Err(Error::Outside { .. })),
                "{region} {offset:#x}: {read:?}"
            );
        }
        Ok(())
    }

    fn alone(&self) -> Result<()> {
        let function = Function::open(self.0)?;
        let second = Function::open(self.0);
        ensure!(matches!(second, Err(Error::InUse { .. })), "{second:?}");
        drop(function);
        Function::open(self.0)?;
        Ok(())
    }

    fn interrupt(&self) -> Result<()> {
        let function = Function::open(self.0)?;
        let signal = Signal::new()?;
        let kind = InterruptKind::Msi;
        let none = function.set_interrupt(InterruptKind::MsiX, 0, signal.file());
        ensure!(
            matches!(none, Err(Error::NoVector { .. })),
            "it has no MSI-X: {none:?}"
        );
        let none = function.set_interrupt(kind, 1, signal.file());
        ensure!(
            matches!(none, Err(Error::NoVector { .. })),
            "it has one vector: {none:?}"
        );

        function.set_interrupt(kind, 0, signal.file())?;
        function.set_bus_master(true)?;
        function.write(BAR, REG_IRQ_RAISE, 0x40)?;
        signal.wait()?;
        ensure!(function.read(BAR, REG_IRQ_STATUS)? == 0x40);
        function.write(BAR, REG_IRQ_ACKNOWLEDGE, 0x40)?;
        ensure!(function.read(BAR, REG_IRQ_STATUS)? == 0);

        function.write(BAR, REG_STATUS, STATUS_INTERRUPT)?;
        function.write(BAR, REG_FACTORIAL, 10)?;
        signal.wait()?;
        ensure!(function.read(BAR, REG_STATUS)? & STATUS_COMPUTING == 0);
        ensure!(function.read(BAR, REG_FACTORIAL)? == 3_628_800);
        function.write(BAR, REG_IRQ_ACKNOWLEDGE, 1)?;

        // Another eventfd in its place.
        let other = Signal::new()?;
        function.set_interrupt(kind, 0, other.file())?;
        function.write(BAR, REG_IRQ_RAISE, 0x80)?;
        other.wait()?;
        ensure!(!signal.is_signalled(), "the one before was signalled");
        Ok(())
    }

    fn bench(&self) -> Result<Bench> {
        let bench = Bench {
            function: Function::open(self.0)?,
            signal: Signal::new()?,
            memory: Memory::new(PAGE)?,
        };
        bench
            .function
            .set_interrupt(InterruptKind::Msi, 0, bench.signal.file())?;
        bench.memory.map(&bench.function, ADDRESS)?;
        bench.function.set_bus_master(true)?;
        Ok(bench)
    }

    fn dma(&self) -> Result<()> {
        let bench = self.bench()?;
        let pattern: Vec<u8> = (0..LENGTH).map(|i| (i * 7 + (i >> 8)) as u8).collect();
        bench.memory.put(0, &pattern);
        bench.transfer(ADDRESS as u32, BUFFER, 0)?;
        bench.signal.wait()?;
        bench.acknowledge()?;
        bench.transfer(BUFFER, ADDRESS as u32 + LENGTH as u32, DMA_TO_HOST)?;
        bench.signal.wait()?;
        ensure!(
            bench.memory.get(LENGTH, LENGTH) == pattern,
            "other bytes came back"
        );
        Ok(())
    }

    fn bus_master(&self) -> Result<()> {
        let bench = self.bench()?;
        bench.fill_device(0x11)?;
        bench.memory.put(0, &[0x22; LENGTH]);
        bench.function.set_bus_master(false)?;
        bench.transfer(BUFFER, ADDRESS as u32, DMA_TO_HOST)?;
        bench.idle()?;
        ensure!(
            bench.memory.get(0, LENGTH) == [0x22; LENGTH],
            "the function wrote"
        );
        bench.function.set_bus_master(true)?;
        bench.transfer(BUFFER, ADDRESS as u32, DMA_TO_HOST)?;
        bench.idle()?;
        ensure!(
            bench.memory.get(0, LENGTH) == [0x11; LENGTH],
            "the function did not write"
        );
        Ok(())
    }

    fn unmapped(&self) -> Result<()> {
        let bench = self.bench()?;
        bench.fill_device(0x33)?;
        bench.memory.put(0, &[0x44; PAGE]);
        bench.function.unmap_dma(ADDRESS, PAGE as u64)?;
        bench.transfer(BUFFER, ADDRESS as u32, DMA_TO_HOST)?;
        bench.idle()?;
        ensure!(
            bench.memory.get(0, PAGE) == [0x44; PAGE],
            "the function wrote to unmapped memory"
        );
        bench.memory.map(&bench.function, ADDRESS)?;
        bench.transfer(BUFFER, ADDRESS as u32, DMA_TO_HOST)?;
        bench.idle()?;
        ensure!(
            bench.memory.get(0, LENGTH) == [0x33; LENGTH],
            "the function does not work on"
        );
        Ok(())
    }

    fn addresses(&self) -> Result<()> {
        let function = Function::open(self.0)?;
        ensure!(function.dma_alignment() == PAGE as u64);
        let ranges = function.dma_ranges();
        ensure!(
            !ranges.is_empty() && ranges.iter().all(|range| !range.contains(&INTERRUPTS)),
            "{ranges:x?}"
        );
        let memory = Memory::new(PAGE)?;
        ensure!(
            memory.map(&function, INTERRUPTS).is_err(),
            "memory at the interrupts' addresses"
        );
        for range in &ranges {
            // The last page is the kernel's last byte, and not one before.
            let last = range.end() - (PAGE as u64 - 1);
            memory.map(&function, last)?;
            ensure!(
                memory.map(&function, last).is_err(),
                "an address is mapped twice"
            );
            function.unmap_dma(last, PAGE as u64)?;
        }
        Ok(())
    }
}

impl Bench {
    fn transfer(&self, from: u32, to: u32, direction: u32) -> Result<()> {
        for (register, value) in [
            (REG_DMA_SOURCE, from),
            (REG_DMA_DESTINATION, to),
            (REG_DMA_COUNT, LENGTH as u32),
            (REG_DMA_COMMAND, DMA_RUN | DMA_INTERRUPT | direction),
        ] {
            self.function.write(BAR, register, value)?;
        }
        Ok(())
    }

    fn acknowledge(&self) -> Result<()> {
        Ok(self
            .function
            .write(BAR, REG_IRQ_ACKNOWLEDGE, DMA_INTERRUPT_STATUS)?)
    }

    /// Waits for the end of a transfer, by looking.
    fn idle(&self) -> Result<()> {
        until("the end of a transfer", || {
            Ok(self.function.read(BAR, REG_DMA_COMMAND)? & DMA_RUN == 0)
        })?;
        self.acknowledge()
    }

    /// Fills the device's buffer.
    fn fill_device(&self, byte: u8) -> Result<()> {
        self.memory.put(0, &[byte; LENGTH]);
        self.transfer(ADDRESS as u32, BUFFER, 0)?;
        self.idle()
    }
}
