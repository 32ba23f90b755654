//! Messages that break the protocol, and accesses that no driver makes.

use card_shell::bypass;
use card_shell::identity as id;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use vfio_user::{BAR0_REGION, BAR1_REGION, BAR2_REGION, CONFIG_REGION, PCI_REGIONS};
use xdma::registers::{BAR_BYTES, channel, sgdma};

use crate::attacked::Attacked;
use crate::driver::{Driver, HOST, LIST};
use crate::endless;
use crate::raw::{ERROR, Raw, access, dma_unmap, message, set_irqs, sized};

#[test]
fn broken_messages_end_their_connection_or_are_refused() {
    let card = Attacked::validator();
    card.during(|| {
        for bytes in [
            sized(0, 4, 0, 0, &[]),
            sized(0, 4, 0, 15, &[]),
            sized(0, 4, 0, u32::MAX, &[]),
            message(0, 4, 2, &[]),
        ] {
            let mut raw = Raw::greeted(&card.socket());
            raw.send(&bytes);
            assert_eq!(raw.reply(), None, "{bytes:?}");
        }
        let mut raw = Raw::greeted(&card.socket());
        for (command, payload) in [
            (2, vec![0; 31]),
            (3, dma_unmap(u64::MAX, 2)),
            (3, dma_unmap(0, 0)),
            (
                5,
                [32, 0, PCI_REGIONS, 0, 0, 0, 0, 0]
                    .map(u32::to_ne_bytes)
                    .concat(),
            ),
            (8, set_irqs(u32::MAX, 2)),
            (8, set_irqs(31, 2)),
            (9, access(u64::MAX, 0, 4)),
            (9, access(card_shell::USER_BAR_BYTES - 3, 0, 4)),
            (9, access(BAR_BYTES, 1, 1)),
            (9, access(bypass::BYTES - 1, 2, 2)),
            (9, access(0, 3, 4)),
            (9, access(0xFFF, 7, 2)),
            (9, access(0, PCI_REGIONS, 4)),
            (9, access(0, u32::MAX, 4)),
            (9, access(0, 0, u32::MAX)),
            (9, access(0x10_0000, 0, (1 << 20) + 4)),
            (10, [access(2, 0, 4), vec![0; 4]].concat()),
            (10, [access(0, 1, 3), vec![0; 3]].concat()),
            (10, [access(0, 2, 8), vec![0; 4]].concat()),
            (15, [7u64.to_ne_bytes().to_vec(), vec![0; 24]].concat()),
        ] {
            let answer = raw.ask(command, &payload, &[]).expect("it was dropped");
            assert_eq!(answer.0 & ERROR, ERROR, "{command}: {payload:?}");
        }
        // Halves of messages, whose rest never comes, from clients that stay and from clients that go.
        let whole = message(0, 10, 0, &[access(0, 0, 4), vec![0; 4]].concat());
        let halves: Vec<_> = (1..whole.len())
            .map(|len| {
                let mut raw = Raw::greeted(&card.socket());
                raw.send(&whole[..len]);
                raw
            })
            .collect();
        drop(halves.into_iter().step_by(2));
    });
}

/// The seed of a random test: given, or its own.
fn seed(own: u64) -> u64 {
    let given = std::env::var("FPGA_TEST_SEED").ok();
    let seed = given.map_or(own, |text| {
        text.parse().expect("FPGA_TEST_SEED is a number")
    });
    println!("seed {seed}; FPGA_TEST_SEED={seed} cargo test -p host-runtime --test hostile random");
    seed
}

/// All but what hurts the others by the card's design: resets and programming, kernels' registers, and DMA to memory of the
/// card that is not one's own.
#[test]
fn random_accesses_hurt_nobody() {
    let card = Attacked::queue();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed(5));
    card.during(|| {
        for _ in 0..20 {
            let driver = Driver::attach(&card.socket());
            // DMA descriptors that may be followed, to and from nowhere on the card.
            for place in 0..64 {
                let nowhere = random.random_range(1u64 << 44..1 << 47);
                let host = HOST + random.random_range(0..0x80_0000);
                let (from, to) = match random.random() {
                    true => (nowhere, host),
                    false => (host, nowhere),
                };
                let next = LIST + 32 * random.random_range(0..80u64);
                let descriptor =
                    xdma::DmaDescriptor::new(from, to, random.random(), random.random());
                let descriptor = descriptor.followed_by(next, random.random_range(0..64));
                driver.fill(LIST - HOST + 32 * place, bytemuck::bytes_of(&descriptor));
            }
            endless::memory_in(&driver, 0, 0x1000, 0);
            for _ in 0..300 {
                let (region, offset) = access_of(&mut random);
                let word: u32 = match random.random_range(0..4) {
                    0 => random.random(),
                    1 => random.random_range(0..4),
                    2 => LIST as u32,
                    _ => u32::MAX,
                };
                match random.random() {
                    true => drop(driver.client.read(region, offset, &mut [0; 4])),
                    false => drop(driver.client.write(region, offset, &word.to_le_bytes())),
                }
            }
        }
    });
}

/// A register that is hit often enough to matter.
fn access_of(random: &mut Xoshiro256PlusPlus) -> (u32, u64) {
    match random.random_range(0..8) {
        0 => (CONFIG_REGION, random.random_range(0..0x400) * 4),
        1 => (
            BAR2_REGION,
            random.random_range(0..bypass::MAPPABLE / 4) * 4,
        ),
        2 | 3 => {
            let offset = random.random_range(id::PAGE..id::BYTES);
            let harmful = [
                id::REG_RESET,
                id::REG_PROGRAM,
                id::REG_RESET_UNIT,
                // All of a bank.
                id::REG_MEMORY_BYTES + 4,
            ];
            match offset & !3 {
                offset if harmful.contains(&offset) => (BAR0_REGION, id::REG_RING.into()),
                // The right to program, the units that the others work with, and half of the pairs.
                offset if (id::REG_HOLDER..id::REG_PAIR + 32).contains(&offset) => (BAR0_REGION, 0),
                offset => (BAR0_REGION, offset.into()),
            }
        }
        4 => (BAR1_REGION, random.random_range(0..BAR_BYTES / 4) * 4),
        _ => {
            let block = random.random_range(0..9u64) << 12;
            let register = *[
                channel::CONTROL,
                channel::STATUS,
                channel::STATUS_READ_CLEAR,
                channel::INTERRUPT_ENABLE,
                channel::WRITE_BACK_LOW,
                sgdma::FIRST_LOW,
                sgdma::FIRST_ADJACENT,
            ]
            .get(random.random_range(0..7usize))
            .unwrap_or(&0);
            (BAR1_REGION, block + u64::from(register))
        }
    }
}
