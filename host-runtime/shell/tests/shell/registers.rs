//! What a driver reads and writes: who the card is, its kernels' registers, the page that it maps.

use card_shell::identity as id;
use card_shell::{Card, VENDOR, VSEC};
use vfio_user::{BAR0_REGION, BAR1_REGION, CONFIG_REGION};

use crate::plain_card::{Bench, KERNEL};

#[test]
fn a_driver_recognises_the_card() {
    let bench = Bench::new();
    let driver = bench.driver();
    assert_eq!(driver.read(CONFIG_REGION, 0) & 0xFFFF, u32::from(VENDOR));
    assert_eq!(driver.read(CONFIG_REGION, VSEC as u64) & 0xFFFF, 0x000B);
    assert_eq!(driver.read(BAR0_REGION, id::REG_MAGIC.into()), id::MAGIC);
    assert_eq!(driver.read(BAR0_REGION, id::REG_STATUS.into()), 0);
    assert_eq!(driver.read(BAR0_REGION, id::REG_UNITS.into()), 1);
    assert_eq!(driver.read(BAR1_REGION, 0), 0x1FC0_0006);
}

#[test]
fn registers_of_kernels_are_reached_and_nothing_reads_as_ones() {
    let bench = Bench::new();
    let driver = bench.driver();
    driver.write(BAR0_REGION, KERNEL, 0xABCD);
    assert_eq!(driver.read(BAR0_REGION, KERNEL), 0xABCD);
    assert_eq!(driver.read(BAR0_REGION, KERNEL + 0x1000), u32::MAX);
    let mut byte = [0];
    driver
        .client
        .read(BAR0_REGION, KERNEL + 1, &mut byte)
        .unwrap();
    assert_eq!(byte, [0xAB]);
    driver
        .client
        .write(BAR0_REGION, KERNEL + 1, &[1])
        .unwrap_err();
}

#[test]
fn the_page_that_tells_can_be_mapped_and_follows_the_card() {
    let bench = Bench::new();
    let driver = bench.driver();
    let info = driver.client.region_info(BAR0_REGION).unwrap();
    assert_eq!(info.areas, [(0, id::PAGE.into())]);
    let (file, offset) = info.file.unwrap();
    let mapped = |register: u32| {
        let mut word = [0; 4];
        rustix::io::pread(&file, &mut word, offset + u64::from(register)).unwrap();
        u32::from_le_bytes(word)
    };
    assert_eq!(mapped(id::REG_MAGIC), id::MAGIC);
    assert_eq!(
        mapped(id::REG_CLIENT),
        driver.read(BAR0_REGION, id::REG_CLIENT.into())
    );
    let before = mapped(id::REG_GENERATION);
    driver.write(BAR0_REGION, id::REG_RESET.into(), 1);
    assert_eq!(driver.command_end(), id::command::DONE);
    assert_eq!(mapped(id::REG_GENERATION), before + 1);
    rustix::io::pwrite(&file, &[0; 4], 0).unwrap_err();
    driver.write(BAR0_REGION, id::REG_RESET_UNIT.into(), 0);
    assert_eq!(driver.command_end(), id::command::DONE);
    driver.write(BAR0_REGION, id::REG_RESET_UNIT.into(), 5);
    assert_eq!(driver.command_end(), id::command::FAILED);
}

#[test]
fn of_two_states_of_the_card_the_later_one_is_shown() {
    let bench = Bench::new();
    let driver = bench.driver();
    let mut status = bench.card.status();
    status.sequence = 9;
    status.clock_mhz = 250;
    bench.card.events().status_changed(&status);
    status.sequence = 8;
    status.clock_mhz = 100;
    bench.card.events().status_changed(&status);
    assert_eq!(driver.read(BAR0_REGION, id::REG_CLOCK_MHZ.into()), 250);
}
