//! Our served card, as QEMU's `vfio-user-pci` shows it to this machine: first by its registers, then by the real driver.

use anyhow::{Result, ensure};
use card_shell::identity as id;
use vfio::{CONFIG_REGION, Function, PciAddress};
use xdma::registers::status;

use crate::Test;
use crate::bind;
use crate::engine::{Engine, Way};
use crate::memory::Memory;
use crate::programs;

const USER_BAR: u32 = card_shell::USER_BAR;

/// Where the card sees our memory.
const ADDRESS: u64 = 0x1_0000_0000;
/// Many pages, so that the IOMMU has as many to map.
const BYTES: usize = 256 << 10;

pub(crate) const TESTS: &[Test<TestCard>] = &[
    (
        "card: the command that the error says gives the function to vfio-pci",
        TestCard::binding,
    ),
    (
        "card: capability and identity block tell what it is",
        TestCard::identity,
    ),
    (
        "card: DMA goes both ways through the IOMMU, with MSI-X",
        TestCard::dma,
    ),
    (
        "card: DMA to unmapped memory is a fault that is counted, and does no harm",
        TestCard::fault,
    ),
    (
        "card: a reset of the function leaves a working card",
        TestCard::reset,
    ),
    (
        "card: fpga-ctl judges as the software device does",
        programs::validate,
    ),
    (
        "card: a program that is killed leaves a working card",
        programs::killed,
    ),
    (
        "card: fpga-ctl lists it, and takes it where no card is named",
        programs::listed,
    ),
    (
        "card: it is programmed, and a queue judges as the golden model does",
        programs::queue,
    ),
];

/// The card.
pub(crate) struct TestCard(PciAddress);

impl TestCard {
    pub(crate) fn find() -> Result<Self> {
        Ok(Self(bind::find(card_shell::VENDOR, card_shell::DEVICE)?))
    }

    /// The second one, which suffers faults.
    pub(crate) fn find_flaky() -> Result<Self> {
        let address = bind::find_nth(card_shell::VENDOR, card_shell::DEVICE, 1)?;
        Ok(Self(address))
    }

    pub(crate) fn address(&self) -> PciAddress {
        self.0
    }

    pub(crate) fn binding(&self) -> Result<()> {
        bind::bind_as_told(self.0)
    }

    fn identity(&self) -> Result<()> {
        let function = Function::open(self.0)?;
        let capability = function.read(CONFIG_REGION, card_shell::VSEC as u64 + 4)?;
        ensure!(
            capability & 0xFFFF == u32::from(card_shell::VSEC_ID),
            "capability {capability:#x}"
        );
        let read = |register: u32| function.read(USER_BAR, register.into());
        ensure!(
            read(id::REG_MAGIC)? == id::MAGIC,
            "magic {:#x}",
            read(id::REG_MAGIC)?
        );
        ensure!(read(id::REG_VERSION)? == id::VERSION);
        let state = id::status::PROGRAMMED | id::status::BROKEN;
        ensure!(read(id::REG_STATUS)? & state == id::status::PROGRAMMED);
        ensure!(read(id::REG_UNITS)? > 0 && read(id::REG_CLOCK_MHZ)? > 0);
        ensure!(read(id::REG_IMAGE_BYTES)? > 0);
        Ok(())
    }

    fn dma(&self) -> Result<()> {
        let function = Function::open(self.0)?;
        let engine = Engine::new(&function)?;
        transfer_both_ways(&function, &engine)
    }

    fn fault(&self) -> Result<()> {
        let function = Function::open(self.0)?;
        let engine = Engine::new(&function)?;
        let faults = || function.read(USER_BAR, id::REG_DMA_FAULTS.into());
        let memory = Memory::new(BYTES)?;
        let card = allocate(&function)?;
        memory.put(0, &[0x55; BYTES]);
        memory.map(&function, ADDRESS)?;
        let status = engine.transfer(Way::ToCard, ADDRESS, card, BYTES)?;
        ensure!(status & status::ERRORS == 0, "status {status:#x}");
        memory.put(0, &[0x66; BYTES]);
        function.unmap_dma(ADDRESS, BYTES as u64)?;

        let before = faults()?;
        let status = engine.transfer(Way::ToCard, ADDRESS, card, BYTES)?;
        ensure!(
            status & status::H2C_READ_UNSUPPORTED != 0,
            "status {status:#x}"
        );
        ensure!(
            faults()? == before + 1,
            "{} faults, before {before}",
            faults()?
        );
        // A write to the host is posted: the card does not learn of it, but it is counted, and nothing is written.
        engine.transfer(Way::FromCard, card, ADDRESS, BYTES)?;
        ensure!(
            faults()? == before + 2,
            "{} faults, before {before}",
            faults()?
        );
        ensure!(
            memory.get(0, BYTES) == [0x66; BYTES],
            "the card wrote to unmapped memory"
        );

        transfer_both_ways(&function, &engine)
    }

    fn reset(&self) -> Result<()> {
        let function = Function::open(self.0)?;
        let engine = Engine::new(&function)?;
        let card = allocate(&function)?;
        function.reset()?;
        ensure!(function.read(USER_BAR, id::REG_MAGIC.into())? == id::MAGIC);
        drop(engine);
        let engine = Engine::new(&function)?;
        ensure!(
            allocate(&function)? == card,
            "the reset did not give the memory back"
        );
        transfer_both_ways(&function, &engine)
    }
}

/// Memory of the card.
fn allocate(function: &Function) -> Result<u64> {
    let write = |register: u32, value| function.write(USER_BAR, register.into(), value);
    write(id::REG_MEMORY_BANK, 0)?;
    write(id::REG_MEMORY_BYTES, BYTES as u32)?;
    write(id::REG_MEMORY_BYTES + 4, 0)?;
    let word = |register: u32| function.read(USER_BAR, register.into());
    let address = u64::from(word(id::REG_MEMORY_ADDRESS)?)
        | u64::from(word(id::REG_MEMORY_ADDRESS + 4)?) << 32;
    ensure!(address != u64::MAX, "the card gives out no memory");
    Ok(address)
}

fn transfer_both_ways(function: &Function, engine: &Engine<'_>) -> Result<()> {
    let memory = Memory::new(2 * BYTES)?;
    memory.map(function, ADDRESS)?;
    let card = allocate(function)?;
    let pattern: Vec<u8> = (0..BYTES).map(|i| (i ^ i >> 8 ^ i >> 13) as u8).collect();
    memory.put(0, &pattern);
    let to = engine.transfer(Way::ToCard, ADDRESS, card, BYTES)?;
    let from = engine.transfer(Way::FromCard, card, ADDRESS + BYTES as u64, BYTES)?;
    let back = memory.get(BYTES, BYTES);
    function.unmap_dma(ADDRESS, 2 * BYTES as u64)?;
    ensure!(
        (to | from) & status::ERRORS == 0,
        "status {to:#x} and {from:#x}"
    );
    ensure!(back == pattern, "other bytes came back");
    Ok(())
}
