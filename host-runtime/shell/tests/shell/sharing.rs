//! Several clients of one card: who holds what, who is told what, and what a reset gives back.

use std::os::fd::AsFd;

use card_shell::identity as id;
use rustix::event::{EventfdFlags, eventfd};
use vfio_user::{BAR0_REGION, CONFIG_REGION, MSIX_IRQ};
use xdma::registers::{irq, target};

use crate::driver::Driver;
use crate::plain_card::{Bench, KERNEL};

#[test]
fn a_unit_has_one_holder_until_it_is_given_back_or_its_holder_leaves() {
    let bench = Bench::new();
    let (one, other) = (bench.driver(), bench.driver());
    let number = one.read(BAR0_REGION, id::REG_CLIENT.into());
    let take = |driver: &Driver| driver.read(BAR0_REGION, u64::from(id::REG_HOLDER) + 4);
    assert_eq!(take(&one), 0);
    assert_eq!(take(&other), number);
    // Only its holder can give it back, and only as itself.
    let own = other.read(BAR0_REGION, id::REG_CLIENT.into());
    other.write(BAR0_REGION, u64::from(id::REG_HOLDER) + 4, own);
    assert_eq!(take(&other), number);
    other.write(BAR0_REGION, u64::from(id::REG_HOLDER) + 4, number);
    assert_eq!(take(&other), number);
    one.write(BAR0_REGION, u64::from(id::REG_HOLDER) + 4, number);
    assert_eq!(take(&other), 0);
    drop(other);
    while bench.shell.clients() > 1 {
        std::thread::yield_now();
    }
    assert_eq!(take(&one), 0);
    assert_eq!(
        *bench.card.told.lock(),
        [
            "1 taken".to_owned(),
            "1 given back".to_owned(),
            "1 taken".to_owned(),
            "1 given back by leaving".to_owned(),
            format!("all of {own} released"),
            "1 taken".to_owned(),
        ]
    );
}

#[test]
fn the_holder_of_a_unit_gets_its_interrupt() {
    let bench = Bench::new();
    let (one, other) = (bench.driver(), bench.driver());
    let signals: Vec<_> = [&one, &other]
        .iter()
        .map(|driver| {
            let signal = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
            driver
                .client
                .set_interrupts(MSIX_IRQ, 5, &[signal.as_fd()])
                .unwrap();
            driver.dma(target::IRQ + irq::USER_VECTOR, 0x0500);
            driver.dma(target::IRQ + irq::USER_ENABLE, 2);
            signal
        })
        .collect();
    assert_eq!(other.read(BAR0_REGION, u64::from(id::REG_HOLDER) + 4), 0);
    bench.card.events().interrupt(1, true);
    let mut count = [0; 8];
    assert_eq!(rustix::io::read(&signals[1], &mut count), Ok(8));
    assert_eq!(
        rustix::io::read(&signals[0], &mut count),
        Err(rustix::io::Errno::AGAIN)
    );
}

#[test]
fn memory_is_given_out_by_the_card() {
    let bench = Bench::new();
    let driver = bench.driver();
    let ask = |bank: u32| {
        driver.write(BAR0_REGION, id::REG_MEMORY_BANK.into(), bank);
        driver.write(BAR0_REGION, id::REG_MEMORY_BYTES.into(), 0x1000);
        driver.write(BAR0_REGION, u64::from(id::REG_MEMORY_BYTES) + 4, 3);
        let low = driver.read(BAR0_REGION, id::REG_MEMORY_ADDRESS.into());
        let high = driver.read(BAR0_REGION, u64::from(id::REG_MEMORY_ADDRESS) + 4);
        u64::from(high) << 32 | u64::from(low)
    };
    assert_eq!(ask(0), 0x1_2345_6000);
    assert_eq!(ask(1), u64::MAX);
    driver.write(BAR0_REGION, id::REG_MEMORY_RELEASE.into(), 0x2345_6000);
    driver.write(BAR0_REGION, u64::from(id::REG_MEMORY_RELEASE) + 4, 1);
    let client = driver.read(BAR0_REGION, id::REG_CLIENT.into());
    assert_eq!(
        *bench.card.told.lock(),
        [
            format!("0x300001000 in bank 0 for {client}, to 0x0"),
            format!("0x300001000 in bank 1 for {client}, to 0x0"),
            format!("0x123456000 of {client} released"),
        ]
    );
}

#[test]
fn a_reset_of_the_function_leaves_the_card_to_the_others() {
    let bench = Bench::new();
    let (one, other) = (bench.driver(), bench.driver());
    other.write(BAR0_REGION, KERNEL, 5);
    one.client.reset().unwrap();
    assert_eq!(one.read(CONFIG_REGION, 4) & 0xFFFF, 0);
    assert_eq!(other.read(BAR0_REGION, KERNEL), 5);
    assert_eq!(other.read(CONFIG_REGION, 4) & 0xFFFF, 6);
}

#[test]
fn a_function_level_reset_gives_back_what_the_client_holds() {
    let bench = Bench::new();
    let driver = bench.driver();
    assert_eq!(driver.read(BAR0_REGION, id::REG_HOLDER.into()), 0);
    driver.write(BAR0_REGION, (id::REG_MEMORY_BYTES + 4).into(), 0);
    // Bit 15 of the device control register, as Linux finds it by the capability list.
    let express = capability(&driver, 0x10);
    driver.write(CONFIG_REGION, express + 8, 0x0000_8000);
    let told = bench.card.told.lock().clone();
    assert!(
        told.contains(&"0 given back by leaving".to_owned()),
        "{told:?}"
    );
    assert!(
        told.iter().any(|told| told.starts_with("all of")),
        "{told:?}"
    );
    assert_eq!(
        driver.read(CONFIG_REGION, 4) & 6,
        0,
        "the command register is as after reset"
    );
    assert_eq!(driver.read(CONFIG_REGION, express + 8) >> 15 & 1, 0);
}

/// Where a capability is.
fn capability(driver: &Driver, id: u32) -> u64 {
    let mut at = u64::from(driver.read(CONFIG_REGION, 0x34) & 0xFF);
    while driver.read(CONFIG_REGION, at) & 0xFF != id {
        at = u64::from(driver.read(CONFIG_REGION, at) >> 8 & 0xFF);
        assert_ne!(at, 0, "there is no capability {id:#x}");
    }
    at
}
