//! DMA that does not end: a DMA descriptor that leads to itself.

use card_shell::identity as id;
use vfio_user::{BAR0_REGION, BAR1_REGION};
use xdma::DmaDescriptor;
use xdma::registers::{channel, target};

use crate::attacked::until;
use crate::driver::{Driver, LIST};

/// Bytes that one DMA descriptor moves.
pub(crate) const BYTES: u32 = 1 << 20;

/// Memory of the card, in its first bank.
pub(crate) fn card_memory(driver: &Driver) -> u64 {
    memory_in(driver, 0, BYTES.into(), 0)
}

/// Memory in a bank; in one that is the host's it leads to `host`.
pub(crate) fn memory_in(driver: &Driver, bank: u32, bytes: u64, host: u64) -> u64 {
    let write = |register: u32, value: u32| driver.write(BAR0_REGION, register.into(), value);
    write(id::REG_MEMORY_HOST, host as u32);
    write(id::REG_MEMORY_HOST + 4, (host >> 32) as u32);
    write(id::REG_MEMORY_BANK, bank);
    write(id::REG_MEMORY_BYTES, bytes as u32);
    write(id::REG_MEMORY_BYTES + 4, (bytes >> 32) as u32);
    let low = driver.read(BAR0_REGION, id::REG_MEMORY_ADDRESS.into());
    let high = driver.read(BAR0_REGION, u64::from(id::REG_MEMORY_ADDRESS) + 4);
    let address = u64::from(high) << 32 | u64::from(low);
    assert_ne!(address, u64::MAX, "there is no room");
    address
}

/// Starts it: between memory of the card and the host's at `host`, with the DMA descriptor at [`LIST`].
pub(crate) fn start(driver: &Driver, channels: u32, host: u64, card: u64) {
    let (from, to) = match channels {
        target::H2C => (host, card),
        _ => (card, host),
    };
    let descriptor = DmaDescriptor::new(from, to, BYTES, 0).followed_by(LIST, 0);
    driver.follow(channels, descriptor);
    let moved = match channels {
        target::H2C => id::REG_BYTES_TO_CARD,
        _ => id::REG_BYTES_FROM_CARD,
    };
    let before = driver.read(BAR0_REGION, moved.into());
    until("it moves", || {
        driver.read(BAR0_REGION, moved.into()) != before
    });
}

/// Ends it, and waits for that.
pub(crate) fn stop(driver: &Driver, channels: u32) {
    driver.dma(channels + channel::CONTROL, 0);
    driver.ended(channels);
    driver.read(BAR1_REGION, (channels + channel::STATUS_READ_CLEAR).into());
}

/// Accesses of DMA that the host has refused.
pub(crate) fn faults(driver: &Driver) -> u32 {
    driver.read(BAR0_REGION, id::REG_DMA_FAULTS.into())
}
