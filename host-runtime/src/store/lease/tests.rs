use std::cell::Cell;

use super::*;

const SIM: CardId = CardId::Simulated(0);

struct Bench {
    folder: tempfile::TempDir,
    cleared: Cell<u32>,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            cleared: Cell::new(0),
        }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn clear(&self) -> Result<()> {
        self.cleared.set(self.cleared.get() + 1);
        Ok(())
    }

    fn take(&self, access: Access) -> Attempt {
        let info = LeaseInfo::of_this_process(access, "a test", Reserved::default());
        let desk = Desk::wait(SIM, self.root()).unwrap();
        HeldLease::take(SIM, Some(self.root()), info, desk, &|| self.clear()).unwrap()
    }

    #[track_caller]
    fn taken(&self, access: Access) -> HeldLease {
        match self.take(access) {
            Attempt::Taken(held) => *held,
            refused => panic!("{refused:?}"),
        }
    }

    #[track_caller]
    fn busy(&self, access: Access) -> String {
        match self.take(access) {
            Attempt::Busy(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    fn release(&self, lease: HeldLease) {
        lease.release(&|| self.clear(), Duration::ZERO).unwrap();
    }

    fn leases(&self) -> Vec<LeaseInfo> {
        leases_of(SIM, Some(self.root()))
    }
}

#[test]
fn an_exclusive_lease_excludes_all_others_and_shared_ones_only_it() {
    let bench = Bench::new();
    let exclusive = bench.taken(Access::Exclusive);
    for access in [Access::Shared, Access::Exclusive] {
        let reason = bench.busy(access);
        assert!(reason.contains("exclusive for a test"), "{reason}");
    }
    assert_eq!(bench.leases(), [exclusive.info().clone()]);
    bench.release(exclusive);
    let shared = [bench.taken(Access::Shared), bench.taken(Access::Shared)];
    assert!(bench.busy(Access::Exclusive).contains("shared for a test"));
    assert_eq!(bench.leases().len(), 2);
    shared.into_iter().for_each(|lease| bench.release(lease));
    bench.release(bench.taken(Access::Exclusive));
    assert!(bench.leases().is_empty());
}

#[test]
fn the_last_lease_to_end_clears_the_card() {
    let bench = Bench::new();
    let (one, other) = (bench.taken(Access::Shared), bench.taken(Access::Shared));
    bench.release(one);
    assert_eq!(bench.cleared.get(), 0);
    bench.release(other);
    assert_eq!(bench.cleared.get(), 1);
    bench.release(bench.taken(Access::Exclusive));
    assert_eq!(bench.cleared.get(), 2);
}

#[test]
fn what_a_killed_process_left_is_cleared_once_by_who_comes_next() {
    for access in [Access::Shared, Access::Exclusive] {
        let bench = Bench::new();
        // As a killed process leaves it: locks are gone, and nothing was cleared.
        drop(bench.taken(access));
        assert!(bench.leases().is_empty());
        let clear = || bench.clear();
        let enter = || Passage::find(SIM, Some(bench.root()), &clear).unwrap();
        let openings = (enter(), enter());
        assert_eq!(bench.cleared.get(), 1, "{access}");
        drop(openings);

        drop(bench.taken(access));
        let next = bench.taken(Access::Exclusive);
        assert_eq!(bench.cleared.get(), 2, "{access}");
        drop(next);
        let next = bench.taken(Access::Shared);
        assert_eq!(bench.cleared.get(), 3, "{access}");
        // After the clearing it is shared.
        bench.release(bench.taken(Access::Shared));
        bench.release(next);
        assert_eq!(bench.cleared.get(), 4, "{access}");
    }
}

#[test]
fn a_card_that_cannot_be_cleared_is_given_to_nobody() {
    let bench = Bench::new();
    drop(bench.taken(Access::Exclusive));
    let clear = || {
        Err(Error::CardBusy {
            card: SIM,
            holders: "an orphan".to_owned(),
        })
    };
    let error = Passage::find(SIM, Some(bench.root()), &clear).unwrap_err();
    assert!(error.to_string().contains("an orphan"), "{error}");
    let info = LeaseInfo::of_this_process(Access::Exclusive, "", Reserved::default());
    let desk = Desk::wait(SIM, bench.root()).unwrap();
    let error = HeldLease::take(SIM, Some(bench.root()), info, desk, &clear).unwrap_err();
    assert!(matches!(error, Error::NotCleared { .. }), "{error}");
    assert!(bench.leases().is_empty());
    // Once it can be, it is.
    bench.release(bench.taken(Access::Exclusive));
    assert_eq!(bench.cleared.get(), 2);
}

#[test]
fn openings_without_a_lease_keep_exclusive_ones_away_and_live_beside_shared_ones() {
    let bench = Bench::new();
    let clear = || bench.clear();
    let opening = Passage::find(SIM, Some(bench.root()), &clear).unwrap();
    let options = crate::OpenOptions {
        state_folder: Some(bench.root().to_owned()),
        purpose: "a daemon".to_owned(),
        ..crate::OpenOptions::default()
    };
    let opening = crate::store::CardStore::open(SIM, &options, opening).unwrap();
    let reason = bench.busy(Access::Exclusive);
    assert!(reason.contains("a daemon"), "{reason}");
    bench.release(bench.taken(Access::Shared));
    // It keeps what it works with: nothing was cleared under it, nor is it for those who come beside it.
    bench.release(bench.taken(Access::Shared));
    drop(Passage::find(SIM, Some(bench.root()), &clear).unwrap());
    assert_eq!(bench.cleared.get(), 0);
    drop(opening);
    drop(Passage::find(SIM, Some(bench.root()), &clear).unwrap());
    assert_eq!(bench.cleared.get(), 1);
}

#[test]
fn who_waits_is_served_in_the_order_of_coming_for_each_card() {
    let bench = Bench::new();
    let desk = Desk::wait(SIM, bench.root()).unwrap();
    let other = CardId::Software(0);
    let first = desk.queue_up(&[SIM]).unwrap();
    let second = desk.queue_up(&[SIM, other]).unwrap();
    let third = desk.queue_up(&[other]).unwrap();
    fn count(desk: &Desk, card: CardId, place: Option<&Place>) -> usize {
        desk.ahead(card, place).len()
    }
    assert_eq!(count(&desk, SIM, Some(&first)), 0);
    assert_eq!(count(&desk, SIM, Some(&second)), 1);
    assert_eq!(count(&desk, other, Some(&second)), 0);
    assert_eq!(count(&desk, other, Some(&third)), 1);
    assert_eq!((count(&desk, SIM, None), count(&desk, other, None)), (2, 2));
    drop(second);
    assert_eq!(count(&desk, other, Some(&third)), 0);
    drop((first, third));
    assert_eq!((count(&desk, SIM, None), count(&desk, other, None)), (0, 0));
}
