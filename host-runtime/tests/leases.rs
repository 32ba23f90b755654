//! Leases as a program takes them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use host_runtime::{
    Access, CancelToken, Card, CardId, CardState, Error, Inventory, Lease, OpenOptions,
    Requirements,
};
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

const SOFTWARE: CardId = CardId::Software(0);

fn allocate(state: &Path, requirements: Requirements) -> Result<Lease, Error> {
    Inventory::scan_in(Some(state), Path::new("/nonexistent")).allocate(&requirements)
}

fn alone(card: CardId) -> Requirements {
    Requirements {
        card: Some(card),
        ..Requirements::default()
    }
}

fn options(state: &Path) -> OpenOptions {
    OpenOptions {
        state_folder: Some(state.to_owned()),
        ..OpenOptions::default()
    }
}

#[test]
fn a_program_opens_what_it_has_leased_and_leaves_it_empty() {
    let state = tempfile::tempdir().unwrap();
    let lease = allocate(state.path(), alone(SOFTWARE)).unwrap();
    assert_eq!(lease.info().access, Access::Exclusive);
    // By the lease, and as any other card.
    let cards = [
        lease.open(&OpenOptions::default()).unwrap(),
        Card::open_with(SOFTWARE, &options(state.path())).unwrap(),
    ];
    let refused = allocate(state.path(), alone(SOFTWARE)).unwrap_err();
    assert!(matches!(refused, Error::NoFreeCard { .. }), "{refused}");
    for card in cards {
        card.close().unwrap();
    }
    lease.release(Duration::ZERO).unwrap();
    let inventory = Inventory::scan_in(Some(state.path()), Path::new("/nonexistent"));
    let entry = inventory
        .cards
        .iter()
        .find(|entry| entry.card == SOFTWARE)
        .unwrap();
    assert_eq!((entry.state, entry.image), (CardState::Empty, None));
    allocate(state.path(), alone(SOFTWARE)).unwrap();
}

#[test]
fn a_lease_that_ends_under_an_open_card_is_cleared_when_that_closes() {
    let state = tempfile::tempdir().unwrap();
    let lease = allocate(state.path(), alone(SOFTWARE)).unwrap();
    let card = lease.open(&OpenOptions::default()).unwrap();
    let error = lease.release(Duration::ZERO).unwrap_err();
    assert!(matches!(error, Error::NotCleared { .. }), "{error}");
    let error = Card::open_with(SOFTWARE, &options(state.path()))
        .unwrap_err()
        .to_string();
    let me = format!("process {}", std::process::id());
    assert!(
        error.contains("lease on it ended") && error.contains(&me),
        "{error}"
    );
    let error = allocate(state.path(), alone(SOFTWARE))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("still has it open") && error.contains(&me),
        "{error}"
    );
    card.close().unwrap();
    let opened_before = Inventory::scan_in(Some(state.path()), Path::new("/nonexistent"));
    drop(Card::open_with(SOFTWARE, &options(state.path())).unwrap());
    let opened_since = Inventory::scan_in(Some(state.path()), Path::new("/nonexistent"));
    let generation = |inventory: &Inventory| {
        let mut cards = inventory.cards.iter();
        cards
            .find(|entry| entry.card == SOFTWARE)
            .unwrap()
            .generation
    };
    assert!(generation(&opened_since) > generation(&opened_before));
}

#[test]
fn a_wait_is_cancelled_by_its_token() {
    let state = tempfile::tempdir().unwrap();
    let _lease = allocate(state.path(), alone(SOFTWARE)).unwrap();
    let waiting = Requirements {
        wait: Duration::from_secs(100),
        cancel: CancelToken::new(),
        ..alone(SOFTWARE)
    };
    let cancel = waiting.cancel.clone();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| allocate(state.path(), waiting));
        let queue = state.path().join("leases/queue");
        while std::fs::read_dir(&queue).map_or(0, Iterator::count) == 0 {
            std::thread::yield_now();
        }
        cancel.cancel();
        let error = waiter.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    });
}

/// Who has each card: leases alone, and shared ones.
type Held = Mutex<HashMap<CardId, (u32, u32)>>;

#[test]
fn whatever_the_order_an_exclusive_lease_is_the_only_one() {
    let seed = std::env::var("LEASE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| rand::rng().random());
    println!("replay: LEASE_SEED={seed} cargo test -p host-runtime --test leases whatever");
    let state = tempfile::tempdir().unwrap();
    let held = Held::default();
    let work = |thread: u64| {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(thread));
        for _ in 0..12 {
            let shared = random.random_bool(0.5);
            let cards = [SOFTWARE, CardId::Software(1)];
            let requirements = Requirements {
                shared,
                wait: Duration::from_secs(100),
                ..alone(cards[random.random_range(0..2)])
            };
            let lease = allocate(state.path(), requirements).unwrap();
            let check = |change: i32| {
                let mut held = held.lock().unwrap();
                let (exclusive, sharing) = held.entry(lease.card()).or_default();
                let count = if shared { sharing } else { &mut *exclusive };
                *count = count.checked_add_signed(change).unwrap();
                let (exclusive, sharing) = held[&lease.card()];
                assert!(
                    exclusive == 0 || exclusive + sharing == 1,
                    "{exclusive} {sharing}"
                );
            };
            check(1);
            if random.random_bool(0.3) {
                let card = lease.open(&OpenOptions::default());
                card.unwrap().close().unwrap();
            }
            check(-1);
            if random.random_bool(0.5) {
                lease.release(Duration::from_secs(10)).unwrap();
            }
        }
    };
    let work = &work;
    std::thread::scope(|scope| {
        for thread in 0..6 {
            scope.spawn(move || work(thread));
        }
    });
}
