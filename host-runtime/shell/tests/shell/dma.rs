//! Data between host and card: transfers, their errors, and images, which come and go that way.

use card_shell::identity as id;
use vfio_user::{BAR0_REGION, BAR1_REGION, CONFIG_REGION};
use xdma::registers::{CHANNEL, status, target};

use crate::driver::{DONE, Driver, HOST};
use crate::plain_card::{BANK, Bench};

#[test]
fn dma_goes_both_ways_and_interrupts() {
    let bench = Bench::new();
    let driver = bench.driver();
    let pattern: Vec<u8> = (0..0x5_0000u32).map(|i| ((i * 13) >> 2) as u8).collect();
    driver.fill(0, &pattern);
    assert_eq!(
        driver.transfer(target::H2C, HOST, 0x100, pattern.len() as u32),
        DONE
    );
    assert!(bench.card.memory.lock()[0x100..0x100 + pattern.len()] == pattern);
    assert_eq!(
        driver.transfer(target::C2H, 0x100, HOST + 0x10_0000, pattern.len() as u32),
        DONE
    );
    assert!(driver.see(0x10_0000, pattern.len()) == pattern);
}

#[test]
fn dma_errors_have_a_status_and_host_faults_are_counted() {
    let bench = Bench::new();
    let driver = bench.driver();
    let outside = BANK as u64;
    assert_eq!(
        driver.transfer(target::H2C, HOST, outside, 64),
        status::H2C_WRITE_DECODE
    );
    assert_eq!(
        driver.transfer(target::C2H, outside, HOST, 64),
        status::C2H_READ_DECODE
    );
    assert_eq!(driver.read(BAR0_REGION, id::REG_DMA_FAULTS.into()), 0);
    assert_eq!(
        driver.transfer(target::H2C, HOST - 64, 0, 64),
        status::H2C_READ_UNSUPPORTED
    );
    assert_eq!(driver.read(BAR0_REGION, id::REG_DMA_FAULTS.into()), 1);
    // Posted: done, as the engine sees it; the count tells.
    assert_eq!(driver.transfer(target::C2H, 0, HOST - 64, 64), DONE);
    assert_eq!(driver.read(BAR0_REGION, id::REG_DMA_FAULTS.into()), 2);
}

#[test]
fn a_function_that_is_no_bus_master_reaches_nothing() {
    let bench = Bench::new();
    let driver = bench.driver();
    driver
        .client
        .write(CONFIG_REGION, 4, &2u16.to_le_bytes())
        .unwrap();
    driver.fill(0, &[7; 64]);
    driver.start(target::H2C, HOST, 0, 64);
    assert_eq!(driver.ended(target::H2C), status::DESCRIPTOR_UNSUPPORTED);
}

#[test]
fn an_image_is_programmed_and_read_back_by_dma() {
    let bench = Bench::new();
    let driver = bench.driver();
    let right = u64::from(id::REG_HOLDER + 4 * id::PROGRAMMING);
    assert_eq!(driver.read(BAR0_REGION, right), 0);
    let program = |image: &[u8]| {
        driver.fill(0, image);
        assert_eq!(
            driver.transfer(target::H2C, HOST, id::IMAGE_ADDRESS, image.len() as u32),
            DONE
        );
        driver.write(BAR0_REGION, id::REG_PROGRAM.into(), image.len() as u32);
        driver.command_end()
    };
    assert_eq!(program(b"good image"), id::command::DONE);
    assert_eq!(driver.read(BAR0_REGION, id::REG_STATUS.into()), 1);
    assert_eq!(driver.read(BAR0_REGION, id::REG_GENERATION.into()), 1);
    assert_eq!(
        driver.read(BAR0_REGION, u64::from(id::REG_IMAGE) + 4),
        u32::from_le_bytes(*b"4567")
    );
    assert_eq!(program(b"bad"), id::command::FAILED);
    let bytes = driver.read(BAR0_REGION, id::REG_TEXT_BYTES.into());
    assert_eq!(
        driver.transfer(target::C2H, id::TEXT_ADDRESS, HOST + 0x2000, bytes),
        DONE
    );
    assert_eq!(driver.see(0x2000, bytes as usize), b"it is no good");
    assert_eq!(driver.read(BAR0_REGION, id::REG_GENERATION.into()), 1);
    let bytes = driver.read(BAR0_REGION, id::REG_IMAGE_BYTES.into());
    assert_eq!(
        driver.transfer(target::C2H, id::IMAGE_ADDRESS, HOST + 0x1000, bytes),
        DONE
    );
    assert_eq!(driver.see(0x1000, bytes as usize), b"good image");
    // More than has come.
    driver.write(BAR0_REGION, id::REG_PROGRAM.into(), 5);
    assert_eq!(driver.command_end(), id::command::FAILED);
}

/// Or each client could have the server keep as much as an image may have.
#[test]
fn an_image_is_taken_from_who_holds_the_right_to_program_alone() {
    let bench = Bench::new();
    let (one, other) = (bench.driver(), bench.driver());
    let right = u64::from(id::REG_HOLDER + 4 * id::PROGRAMMING);
    let bring = |driver: &Driver| driver.transfer(target::H2C, HOST, id::IMAGE_ADDRESS, 64);
    assert_eq!(bring(&one), status::H2C_WRITE_DECODE);
    assert_eq!(one.read(BAR0_REGION, right), 0);
    assert_eq!(bring(&other), status::H2C_WRITE_DECODE);
    assert_eq!(bring(&one), DONE);
    // What has come goes with the right.
    let number = one.read(BAR0_REGION, id::REG_CLIENT.into());
    one.write(BAR0_REGION, right, number);
    assert_eq!(one.read(BAR0_REGION, right), 0);
    one.write(BAR0_REGION, id::REG_PROGRAM.into(), 64);
    assert_eq!(one.command_end(), id::command::FAILED);
}

#[test]
fn a_shell_has_as_many_channels_as_it_is_told_and_each_moves_data() {
    let bench = Bench::behind("xdma:h2c=2,c2h=4".parse().unwrap());
    let driver = bench.driver();
    for (direction, count) in [(target::H2C, 2), (target::C2H, 4)] {
        for index in 0..4 {
            let channel = direction + index * CHANNEL;
            let there = driver.read(BAR1_REGION, channel.into()) != 0;
            assert_eq!(there, index < count, "{channel:#x}");
            if there && direction == target::H2C {
                driver.fill(0, &[index as u8 + 1; 64]);
                driver.start(channel, HOST, 0, 64);
                driver.ended(channel);
                assert_eq!(bench.card.memory.lock()[..64], [index as u8 + 1; 64]);
            } else if there {
                driver.start(channel, 0, HOST + 0x1000, 64);
                driver.ended(channel);
                assert_eq!(driver.see(0x1000, 64), [2; 64]);
                driver.fill(0x1000, &[0; 64]);
            }
        }
    }
}
