//! The ladder on a card that only one rung mends, or none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::*;
use crate::backend::pair::Pair;
use crate::backend::{Backend, EndedRun, Patience, RunId, RunRequest, SimulatedTime, Waited};
use crate::card::CardCore;
use crate::image::Image;
use crate::memory::MappedMemory;
use crate::queue::QueueOptions;

const CARD: CardId = CardId::Simulated(7);

/// A card without kernels that is in trouble until a rung is taken.
#[derive(Debug, Default)]
struct Patient {
    /// Rungs taken so far.
    taken: Mutex<Vec<Rung>>,
    /// The one that mends it; `None`: none.
    mended_by: Option<Rung>,
    /// The way to it is gone.
    unreachable: bool,
    /// Another process works on it.
    held: bool,
    asked: AtomicUsize,
}

impl Patient {
    fn take(&self, rung: Rung) -> Result<()> {
        if self.held {
            return Err(Error::UnitBusy {
                card: CARD,
                unit: "0".to_owned(),
                users: "another".to_owned(),
            });
        }
        self.taken.lock().push(rung);
        Ok(())
    }
}

/// What the test keeps of the card that the guard has.
#[derive(Debug, Clone)]
struct Shared(Arc<Patient>);

impl Backend for Shared {
    fn image(&self) -> Option<Arc<Image>> {
        None
    }
    /// What the self-test asks first.
    fn try_image(&self) -> Result<Option<Arc<Image>>> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        if self.0.unreachable {
            return Err(lost(CARD, "gone".to_owned()));
        }
        let taken = self.0.taken.lock();
        let mended = self.0.mended_by.is_some_and(|rung| taken.contains(&rung));
        if mended || taken.is_empty() {
            return Ok(None);
        }
        let what = format!("still ill after {taken:?}");
        Err(Error::SelfTest { card: CARD, what })
    }
    fn generation(&self) -> u64 {
        0
    }
    fn program(&self, _image: Arc<Image>) -> Result<()> {
        unreachable!("nobody programs it")
    }
    fn program_empty(&self, _image: Arc<Image>) -> Result<()> {
        unreachable!("nobody programs it")
    }
    fn reset(&self) -> Result<()> {
        self.0.take(Rung::SoftReset)
    }
    fn reset_unit(&self, _unit: usize) -> Result<()> {
        self.0.take(Rung::Abort)
    }
    fn renew(&self) -> Result<()> {
        self.0.take(Rung::Reprogram)
    }
    fn write_memory(&self, _address: u64, _bytes: &[u8]) -> Result<()> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    fn read_memory(&self, _address: u64, _bytes: &mut [u8]) -> Result<()> {
        Ok(())
    }
    fn copy_memory(&self, _from: u64, _to: u64, _len: usize) -> Result<()> {
        Ok(())
    }
    fn map_memory(&self, _address: u64, _len: usize) -> Result<Option<MappedMemory>> {
        Ok(None)
    }
    fn read_register(&self, _unit: usize, _offset: u32) -> Result<u32> {
        Ok(0)
    }
    fn write_register(&self, _unit: usize, _offset: u32, _value: u32) -> Result<()> {
        Ok(())
    }
    fn submit(&self, _request: RunRequest) -> Result<RunId> {
        Ok(RunId(0))
    }
    fn wait(&self, _run: RunId, _patience: &Patience) -> Result<Waited> {
        Ok(Waited::Pending(String::new()))
    }
    fn wait_any(
        &self,
        _runs: &dyn Fn() -> Vec<RunId>,
        _patience: &Patience,
    ) -> Result<Vec<EndedRun>> {
        Ok(Vec::new())
    }
    fn abort(&self, _run: RunId) -> Result<()> {
        Ok(())
    }
    fn simulated_time(&self) -> Option<SimulatedTime> {
        None
    }
    fn open_pair(&self, _core: &Arc<CardCore>, _options: &QueueOptions) -> Result<Box<dyn Pair>> {
        unreachable!("it has no queues")
    }
    fn close(&self, _keep: bool) -> Result<()> {
        Ok(())
    }
}

struct Bench {
    folder: tempfile::TempDir,
    patient: Arc<Patient>,
}

impl Bench {
    fn new(patient: Patient) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let patient = Arc::new(patient);
        Self { folder, patient }
    }

    fn mended_by(rung: Option<Rung>) -> Self {
        Self::new(Patient {
            mended_by: rung,
            ..Patient::default()
        })
    }

    /// An opening of the card, as of another process.
    fn open(&self) -> Card {
        let health = store::open_health(self.folder.path()).unwrap();
        let backend = Box::new(Shared(Arc::clone(&self.patient)));
        let guard = Guard::new(CARD, backend, Arc::new(health));
        Card::from_core(Arc::new(CardCore::new(CARD, guard, Recovery::default())))
    }

    fn taken(&self) -> Vec<Rung> {
        self.patient.taken.lock().clone()
    }
}

const ACTIONS: [Rung; 3] = [Rung::Abort, Rung::SoftReset, Rung::Reprogram];

fn climb(card: &Card, first: Rung, up_to: Rung) -> Result<Recovered> {
    Climber::of_unit(card.core(), 0).climb(first, up_to, "it hung")
}

#[test]
fn the_first_rung_that_helps_ends_the_climb_and_all_is_counted() {
    for (index, rung) in ACTIONS.into_iter().enumerate() {
        let bench = Bench::mended_by(Some(rung));
        let card = bench.open();
        let recovered = climb(&card, Rung::Abort, Rung::Reprogram).unwrap();
        assert_eq!(recovered.rung, rung);
        assert_eq!(bench.taken(), ACTIONS[..=index]);
        let by = |of: Rung| u64::from(of == rung);
        let expected = Recoveries {
            troubles: 1,
            aborts: 1,
            soft_resets: u64::from(rung >= Rung::SoftReset),
            reprograms: by(Rung::Reprogram),
            losses: 0,
            self_tests_passed: 1,
            self_tests_failed: index as u64,
            recovered_by_abort: by(Rung::Abort),
            recovered_by_soft_reset: by(Rung::SoftReset),
            recovered_by_reprogram: by(Rung::Reprogram),
        };
        // Seen by every opening.
        assert_eq!(bench.open().recoveries(), expected);
        card.write_memory(0, &[1]).unwrap();
    }
}

#[test]
fn a_card_that_nothing_mends_is_lost_at_once_for_everybody() {
    let bench = Bench::mended_by(None);
    let (card, other) = (bench.open(), bench.open());
    let error = climb(&card, Rung::Abort, Rung::Reprogram).unwrap_err();
    assert!(matches!(error, Error::DeviceLost { .. }), "{error}");
    assert_eq!(bench.taken(), ACTIONS);
    let asked = bench.patient.asked.load(Ordering::Relaxed);
    for card in [&card, &other, &bench.open()] {
        let error = card.write_memory(0, &[1]).unwrap_err();
        assert!(
            error.to_string().contains("fpga-ctl reset --card sim:7")
                && error.to_string().contains("still ill"),
            "{error}"
        );
        let error = settle(card.core(), Recovery::default()).unwrap_err();
        assert!(matches!(error, Error::DeviceLost { .. }), "{error}");
    }
    assert_eq!(bench.patient.asked.load(Ordering::Relaxed), asked);
    assert_eq!(card.recoveries().losses, 1);
}

#[test]
fn nothing_above_the_allowed_rung_is_tried_and_the_error_names_what_is_left() {
    let bench = Bench::mended_by(Some(Rung::Reprogram));
    let card = bench.open();
    let error = climb(&card, Rung::Abort, Rung::SoftReset).unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotRecovered {
                left: Rung::Reprogram,
                ..
            }
        ) && error.to_string().contains("--rung reprogram"),
        "{error}"
    );
    assert_eq!(bench.taken(), ACTIONS[..2]);
    // Nobody gets the card before that rung was taken: who may take it does so when opening.
    let error = card.write_memory(0, &[1]).unwrap_err();
    assert!(matches!(error, Error::NotRecovered { .. }), "{error}");
    let next = bench.open();
    let error = settle(next.core(), Recovery::NONE).unwrap_err();
    assert!(matches!(error, Error::NotRecovered { .. }), "{error}");
    settle(next.core(), Recovery::default()).unwrap();
    assert_eq!(bench.taken(), ACTIONS);
    card.write_memory(0, &[1]).unwrap();
}

#[test]
fn a_lost_card_is_mended_by_climbing_again() {
    let bench = Bench::mended_by(Some(Rung::SoftReset));
    let card = bench.open();
    card.core().health().set_lost("something");
    climb(&card, Rung::SoftReset, Rung::Reprogram).unwrap();
    bench.open().write_memory(0, &[1]).unwrap();
}

#[test]
fn a_card_that_another_process_works_on_is_left_alone() {
    let bench = Bench::new(Patient {
        held: true,
        ..Patient::default()
    });
    let card = bench.open();
    let error = climb(&card, Rung::Abort, Rung::Reprogram).unwrap_err();
    assert!(matches!(error, Error::UnitBusy { .. }), "{error}");
    assert!(bench.taken().is_empty());
    card.write_memory(0, &[1]).unwrap();
}

#[test]
fn a_card_that_cannot_be_reached_is_lost_for_this_opening_alone() {
    let bench = Bench::new(Patient {
        unreachable: true,
        ..Patient::default()
    });
    let (card, other) = (bench.open(), bench.open());
    let error = climb(&card, Rung::Abort, Rung::Reprogram).unwrap_err();
    assert!(matches!(error, Error::DeviceLost { .. }), "{error}");
    let asked = bench.patient.asked.load(Ordering::Relaxed);
    assert!(card.write_memory(0, &[1]).is_err());
    assert!(climb(&card, Rung::Abort, Rung::Reprogram).is_err());
    assert_eq!(bench.patient.asked.load(Ordering::Relaxed), asked);
    other.write_memory(0, &[1]).unwrap();
}

#[test]
fn who_waited_for_anothers_climb_does_not_climb_again() {
    let bench = Bench::mended_by(Some(Rung::SoftReset));
    let (one, other) = (bench.open(), bench.open());
    let barrier = std::sync::Barrier::new(2);
    let rungs: Vec<Rung> = std::thread::scope(|scope| {
        // Both are in trouble; whoever comes second finds the card mended, if it asked before that.
        let climb = one.core().health().climb(Duration::ZERO).unwrap();
        let waits = scope.spawn(|| {
            barrier.wait();
            climb_of(&other)
        });
        barrier.wait();
        while other.core().health().is_idle() {
            std::thread::yield_now();
        }
        bench.patient.take(Rung::SoftReset).unwrap();
        one.core().health().add(Count::BySoftReset);
        drop(climb);
        vec![waits.join().unwrap()]
    });
    assert_eq!(rungs, [Rung::SoftReset]);
    assert_eq!(bench.taken(), [Rung::SoftReset]);
}

fn climb_of(card: &Card) -> Rung {
    climb(card, Rung::SoftReset, Rung::Reprogram).unwrap().rung
}
