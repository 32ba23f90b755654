//! Queue pairs: their doorbells, and who holds them.

use std::os::fd::AsFd;

use card_shell::bypass::{self, DoorbellWord};
use card_shell::identity as id;
use card_shell::{Card, Doorbell};
use rustix::event::{EventfdFlags, eventfd};
use vfio_user::{BAR0_REGION, BAR2_REGION, MSIX_IRQ};

use crate::driver::HOST;
use crate::plain_card::Bench;

#[test]
fn doorbells_are_taken_over_in_order_and_written_back() {
    let bench = Bench::new();
    let driver = bench.driver();
    let pair = 2;
    let holder = u64::from(id::REG_PAIR + 4 * pair);
    assert_eq!(driver.read(BAR0_REGION, holder), 0);
    let high = u64::from(id::REG_WRITE_BACK) + 4;
    driver.write(BAR0_REGION, id::REG_WRITE_BACK.into(), HOST as u32);
    driver.write(BAR0_REGION, high, (HOST >> 32) as u32);
    let signal = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
    let vector = bypass::FIRST_PAIR_VECTOR + pair;
    driver
        .client
        .set_interrupts(MSIX_IRQ, vector, &[signal.as_fd()])
        .unwrap();
    let place = u64::from(pair) * bypass::DOORBELL_STRIDE;
    let window = bypass::PUSHES + u64::from(pair) * bypass::PUSH_STRIDE;
    driver.client.write(BAR2_REGION, window, &[7; 64]).unwrap();
    let word = DoorbellWord(DoorbellWord::ANSWER)
        .with(5, 3, 1)
        .asking_for_interrupt();
    driver.write(BAR2_REGION, place, word.0 as u32);
    driver.write(BAR2_REGION, place + 4, (word.0 >> 32) as u32);
    assert_eq!(
        *bench.card.rung.lock(),
        [
            (pair, Doorbell::Head(3)),
            (pair, Doorbell::Tail(5)),
            (pair, Doorbell::Push([7; 64])),
            (pair, Doorbell::Interrupt(3)),
        ]
    );
    assert_eq!(driver.see(place, 8), word.0.to_le_bytes());
    assert_eq!(rustix::io::read(&signal, &mut [0; 8]), Ok(8));
    // The same word again is nothing new.
    driver.write(BAR0_REGION, id::REG_RING.into(), 1);
    assert_eq!(bench.card.rung.lock().len(), 4);
}

#[test]
fn a_pair_has_one_holder_and_one_that_does_not_rest_is_lost_until_a_reset() {
    let bench = Bench::new();
    let (one, other) = (bench.driver(), bench.driver());
    let number = one.read(BAR0_REGION, id::REG_CLIENT.into());
    let register = |pair: u32| u64::from(id::REG_PAIR + 4 * pair);
    for pair in [1, 3] {
        assert_eq!(one.read(BAR0_REGION, register(pair)), 0);
        assert_eq!(other.read(BAR0_REGION, register(pair)), number);
        other.write(BAR0_REGION, register(pair), number);
        // Nor as itself: nobody else's pair comes to an end.
        let own = other.read(BAR0_REGION, id::REG_CLIENT.into());
        other.write(BAR0_REGION, register(pair), own);
        let told = bench.card.told.lock().clone();
        assert!(
            !told.contains(&format!("pair {pair} given back")),
            "{told:?}"
        );
        assert_eq!(other.read(BAR0_REGION, register(pair)), number);
        one.write(BAR0_REGION, register(pair), number);
    }
    assert_eq!(other.read(BAR0_REGION, register(1)), 0);
    assert_eq!(other.read(BAR0_REGION, register(3)), number, "it is lost");
    assert_eq!(other.read(BAR0_REGION, register(4)), u32::MAX, "none");
    bench.card.reset().unwrap();
    assert_eq!(other.read(BAR0_REGION, register(3)), 0);
}
