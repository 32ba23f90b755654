//! Faults of a served card: found by the driver through status bits, counters and words that read all ones.
#![cfg(feature = "cosim")]

use std::time::{Duration, Instant};

use host_runtime::collection::sample;
use host_runtime::faults::{FaultInjector, FaultPlan};
use host_runtime::tcp::{Descriptor, Profile};
use host_runtime::{
    Card, CardId, Error, Image, OpenOptions, PcieError, Recovery, Rung, ServeOptions, ServedCard,
    SimOptions, Validator,
};

fn descriptors() -> Vec<Descriptor> {
    let entries = sample::entries(Profile::Wide);
    entries.into_iter().map(|(_, one)| one).collect()
}

struct Rig {
    served: ServedCard,
    faults: FaultInjector,
    state: tempfile::TempDir,
}

impl Rig {
    fn new(name: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let faults = FaultInjector::default();
        let options = ServeOptions {
            image: Some(Image::default_image().unwrap()),
            state_folder: Some(state.path().to_owned()),
            simulation: SimOptions {
                faults: faults.clone(),
                ..SimOptions::default()
            },
            ..ServeOptions::default()
        };
        Self {
            served: ServedCard::start(name.parse().unwrap(), &options).unwrap(),
            faults,
            state,
        }
    }

    fn options(&self) -> OpenOptions {
        OpenOptions {
            state_folder: Some(self.state.path().to_owned()),
            // What each fault is found by shows before anything is done about it.
            recovery: Recovery::NONE,
            answer_timeout: Some(Duration::from_secs(2)),
            ..OpenOptions::default()
        }
    }

    fn open(&self) -> Card {
        Card::open_with(self.served.id(), &self.options()).unwrap()
    }

    fn arm(&self, text: &str) {
        self.faults.arm(FaultPlan::of(5, text.parse().unwrap()));
    }

    /// Validates while the card suffers this; it must have struck.
    fn suffer(&self, card: &Card, text: &str) -> Result<(), Error> {
        self.arm(text);
        let validated = validate(card, Duration::from_millis(500));
        assert!(self.faults.tally()[0].struck > 0, "{text} did not strike");
        self.faults.disarm();
        validated
    }
}

/// Validates, every answer compared with the golden model.
fn validate(card: &Card, timeout: Duration) -> Result<(), Error> {
    let validator = Validator::new(card)?.profile(Profile::Wide);
    let mut validator = validator.check(true).timeout(timeout);
    validator.validate(&descriptors()).map(|_| ())
}

fn works(card: &Card) {
    validate(card, Duration::from_secs(20)).unwrap();
}

fn source(error: Error) -> PcieError {
    match error {
        Error::Pcie { source, .. } => source,
        other => panic!("{other}"),
    }
}

#[test]
fn dma_errors_are_told_by_status_and_short_transfers_by_the_count_of_bytes() {
    let rig = Rig::new("dma");
    let card = rig.open();
    works(&card);
    for on in ["to-card", "from-card"] {
        for fault in [
            "dma-error:",
            "dma-error:response=decerr,",
            "dma-flip:replay=fails,",
        ] {
            let error = rig.suffer(&card, &format!("{fault}on={on}")).unwrap_err();
            let source = source(error);
            assert!(matches!(source, PcieError::Dma { .. }), "{fault}: {source}");
            works(&card);
        }
        let error = rig
            .suffer(&card, &format!("dma-short:on={on}"))
            .unwrap_err();
        let source = source(error);
        assert!(matches!(source, PcieError::Short { .. }), "{source}");
        works(&card);
        rig.suffer(&card, &format!("dma-flip:on={on}")).unwrap();
    }
    let before = card.reliability().unwrap();
    assert_eq!((before.replays, before.uncorrected), (4, 0));
    rig.suffer(&card, "memory-flip:on=from-card").unwrap();
    rig.suffer(&card, "memory-flip:bits=2,on=from-card")
        .unwrap_err();
    let after = card.reliability().unwrap();
    assert_eq!((after.corrected, after.uncorrected), (1, 1));
    works(&card);
}

#[test]
fn a_dma_engine_that_never_ends_is_given_up_and_reset() {
    let rig = Rig::new("engine");
    let card = rig.open();
    works(&card);
    for on in ["to-card", "from-card"] {
        let error = rig.suffer(&card, &format!("dma-hang:on={on}")).unwrap_err();
        let first = Card::trouble(&error);
        assert_eq!(first, Some(Rung::SoftReset), "{error}");
        // It takes nothing more, and an abort does not help it.
        let error = validate(&card, Duration::from_secs(20)).unwrap_err();
        let error = source(error);
        assert!(matches!(error, PcieError::TimedOut { .. }), "{error}");
        let recovered = card.climb(Rung::Abort, Rung::Reprogram, "a test").unwrap();
        assert_eq!(recovered.rung, Rung::SoftReset);
        works(&card);
        // Nor does loading the image need one that works.
        rig.suffer(&card, &format!("dma-hang:on={on}")).unwrap_err();
        card.climb(Rung::Reprogram, Rung::Reprogram, "a test")
            .unwrap();
        works(&card);
    }
}

#[test]
fn an_image_that_came_damaged_or_cut_off_is_not_loaded() {
    let rig = Rig::new("program");
    let card = rig.open();
    works(&card);
    for fault in ["dma-short", "dma-flip:replay=fails", "dma-error"] {
        rig.arm(fault);
        let error = card.program(&Image::default_image().unwrap()).unwrap_err();
        assert!(error.to_string().contains("pcie:program"), "{error}");
        rig.faults.disarm();
        works(&card);
    }
}

#[test]
fn a_refused_register_access_is_found_also_if_it_was_a_posted_write() {
    let rig = Rig::new("registers");
    let card = rig.open();
    works(&card);
    for fault in [
        "register-read,at=1",
        "register-read,at=12",
        "register-read,at=30",
        "register-write,at=1",
        "register-write,at=7",
    ] {
        let error = rig
            .suffer(&card, &format!("register-error:on={fault}"))
            .unwrap_err();
        println!("{fault}: {error}");
        card.reset().unwrap();
        works(&card);
    }
}

#[test]
fn hangs_and_interrupts_end_by_the_timeout_or_by_looking() {
    let rig = Rig::new("hangs");
    let card = rig.open();
    works(&card);
    for fault in [
        "interrupt-lost",
        "interrupt-late:clocks=3000",
        "slow:clocks=2000",
    ] {
        rig.suffer(&card, fault).unwrap();
    }
    for fault in [
        "hang:on=read",
        "hang:on=write",
        "axi-error:on=read",
        "memory-flip:bits=2",
        "done-withheld",
        "reset:on=write",
    ] {
        let error = rig.suffer(&card, fault).unwrap_err();
        println!("{fault}: {error}");
        if fault == "done-withheld" {
            assert!(matches!(error, Error::RunTimeout { .. }), "{error}");
        }
        card.reset().unwrap();
        works(&card);
    }
}

#[test]
fn a_link_that_goes_down_is_noticed_soon_and_a_card_that_is_pulled_out_at_once() {
    let rig = Rig::new("link");
    for fault in [
        "link-loss",
        "link-loss:on=to-card",
        "link-loss:on=register,at=9",
        "link-loss:on=read",
        "removal",
        "removal:on=from-card",
    ] {
        let card = rig.open();
        works(&card);
        let begin = Instant::now();
        let error = rig.suffer(&card, fault).unwrap_err();
        println!("{fault}: {error} after {:?}", begin.elapsed());
        assert!(error.to_string().contains("pcie:link"), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(5), "{fault}");
        assert!(card.reliability().is_none() || fault.starts_with("removal"));
        drop(card);
        if fault.starts_with("removal") {
            Card::open_with(rig.served.id(), &rig.options()).unwrap_err();
        }
        rig.faults.restore_link();
        works(&rig.open());
    }
}

#[test]
fn others_that_share_the_card_get_right_answers_or_errors() {
    let rig = Rig::new("others");
    let cards: Vec<Card> = (0..3).map(|_| rig.open()).collect();
    works(&cards[0]);
    rig.arm("axi-error:chance=0.2");
    std::thread::scope(|scope| {
        for card in &cards {
            scope.spawn(|| {
                for _ in 0..5 {
                    // A wrong answer is a mismatch, which is the one error that must not be.
                    if let Err(error @ Error::Mismatch { .. }) =
                        validate(card, Duration::from_secs(20))
                    {
                        panic!("{error}");
                    }
                }
            });
        }
    });
    assert!(rig.faults.tally()[0].struck > 0);
    rig.faults.disarm();
    let _: CardId = rig.served.id();
    works(&rig.open());
}
