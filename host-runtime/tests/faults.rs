//! Faults of a simulated card: each ends in a right answer or in an error that says what failed, and the card works on.
#![cfg(feature = "cosim")]

mod common;

use std::time::Duration;

use common::Bench;
use host_runtime::collection::sample;
use host_runtime::faults::{FaultInjector, FaultPlan, LinkState};
use host_runtime::tcp::{Descriptor, Profile};
use host_runtime::{
    BusError, Card, CardId, Error, OpenOptions, Recovery, Rung, SimOptions, Validator, cosim,
};

fn descriptors() -> Vec<Descriptor> {
    let entries = sample::entries(Profile::Wide);
    let mut descriptors: Vec<_> = entries.into_iter().map(|(_, one)| one).collect();
    while descriptors.len() < 1000 {
        descriptors.extend_from_within(..);
    }
    descriptors
}

/// A simulated card with a short watchdog, and the switch of its faults.
struct Rig {
    card: Card,
    options: OpenOptions,
    faults: FaultInjector,
    _bench: Bench,
}

impl Rig {
    fn new() -> Self {
        let bench = Bench::new();
        let faults = FaultInjector::default();
        let options = OpenOptions {
            simulation: SimOptions {
                engine: cosim::EngineConfig {
                    watchdog: 20_000,
                    ..cosim::EngineConfig::default()
                },
                faults: faults.clone(),
                ..SimOptions::default()
            },
            // What each fault is found by shows before anything is done about it.
            recovery: Recovery::NONE,
            ..bench.options()
        };
        let card = Card::open_with(CardId::Simulated(0), &options).unwrap();
        let rig = Self {
            card,
            options,
            faults,
            _bench: bench,
        };
        rig.validate().unwrap();
        rig
    }

    /// Validates, every answer compared with the golden model.
    fn validate(&self) -> Result<(), Error> {
        let validator = Validator::new(&self.card)?.profile(Profile::Wide);
        let mut validator = validator.check(true).timeout(Duration::from_secs(20));
        validator.validate(&descriptors()).map(|_| ())
    }

    /// Validates on the card that suffers this; the fault must have struck.
    fn suffer(&self, text: &str) -> Result<(), Error> {
        self.faults.arm(FaultPlan::of(7, text.parse().unwrap()));
        let validated = self.validate();
        assert!(self.faults.tally()[0].struck > 0, "{text} did not strike");
        self.faults.disarm();
        validated
    }

    fn works_after_a_reset(&self) {
        self.card.reset().unwrap();
        self.validate().unwrap();
    }
}

#[test]
fn error_responses_and_parity_errors_end_the_run_with_the_address() {
    let rig = Rig::new();
    for fault in [
        "axi-error:on=read,at=3",
        "axi-error:on=write,response=decerr",
        "axi-flip:on=read,port=m_axi_gmem0",
        "axi-flip:on=write",
        "memory-flip:bits=2",
    ] {
        let error = rig.suffer(fault).unwrap_err();
        let failed = matches!(
            &error,
            Error::RunFailed {
                address: Some(_),
                ..
            }
        );
        assert!(failed, "{fault}: {error}");
        // The next run overwrites what was damaged.
        rig.validate().unwrap();
    }
    assert_eq!(rig.card.reliability().unwrap().uncorrected, 1);
}

#[test]
fn a_flipped_bit_changes_no_answer_and_is_counted() {
    let rig = Rig::new();
    rig.suffer("memory-flip:at=4").unwrap();
    rig.suffer("memory-flip:on=from-card").unwrap();
    assert_eq!(rig.card.reliability().unwrap().corrected, 2);
    assert_eq!(rig.card.reliability().unwrap().uncorrected, 0);
}

#[test]
fn a_kernel_that_never_finishes_is_found_by_the_watchdog() {
    let rig = Rig::new();
    for fault in [
        "hang:on=read,at=2",
        "hang:on=write",
        "hang:on=register,at=30",
    ] {
        let error = rig.suffer(fault).unwrap_err();
        let stopped = matches!(&error, Error::Simulation { .. });
        assert!(stopped, "{fault}: {error}");
        rig.works_after_a_reset();
    }
}

#[test]
fn a_kernel_that_never_says_that_it_has_finished_is_found_by_the_watchdog() {
    let rig = Rig::new();
    let error = rig.suffer("done-withheld").unwrap_err();
    let silent = matches!(
        &error,
        Error::Simulation {
            source: cosim::EngineError::Watchdog { .. },
            ..
        }
    );
    assert!(silent, "{error}");
    rig.works_after_a_reset();
}

#[test]
fn lost_and_late_interrupts_and_slow_memory_only_take_time() {
    let rig = Rig::new();
    for fault in [
        "interrupt-lost",
        "interrupt-late:clocks=3000",
        "slow:clocks=3000,at=5",
        "slow:on=register,clocks=500,times=3",
    ] {
        rig.suffer(fault).unwrap();
    }
}

#[test]
fn a_refused_register_access_is_an_error() {
    let rig = Rig::new();
    for at in [1, 9, 20, 40] {
        let error = rig.suffer(&format!("register-error:at={at}")).unwrap_err();
        let refused = matches!(
            &error,
            Error::Bus {
                source: BusError::Register { .. },
                ..
            }
        );
        assert!(refused, "{at}: {error}");
        rig.works_after_a_reset();
    }
}

#[test]
fn dma_errors_and_short_transfers_are_found_in_either_direction() {
    let rig = Rig::new();
    for on in ["to-card", "from-card"] {
        for fault in [
            "dma-error:",
            "dma-short:",
            "dma-hang:",
            "dma-flip:replay=fails,",
        ] {
            let error = rig.suffer(&format!("{fault}on={on}")).unwrap_err();
            assert!(matches!(error, Error::Bus { .. }), "{fault}: {error}");
            rig.validate().unwrap();
        }
        rig.suffer(&format!("dma-flip:on={on}")).unwrap();
    }
    let error = rig.suffer("memory-flip:bits=2,on=from-card").unwrap_err();
    assert!(error.to_string().contains("two bits"), "{error}");
    rig.validate().unwrap();
    assert_eq!(rig.card.reliability().unwrap().replays, 4);
}

#[test]
fn a_reset_in_mid_run_is_no_answer() {
    let rig = Rig::new();
    for event in [
        "read,at=5",
        "write,at=1",
        "register-write,at=12",
        "interrupt",
    ] {
        let error = rig.suffer(&format!("reset:on={event}")).unwrap_err();
        println!("{event}: {error}");
        rig.works_after_a_reset();
    }
}

#[test]
fn a_card_whose_link_is_down_is_lost_until_it_is_opened_anew() {
    let mut rig = Rig::new();
    for fault in ["link-loss", "removal:on=to-card", "link-loss:on=read,at=3"] {
        let error = rig.suffer(fault).unwrap_err();
        let lost = |error: &Error| matches!(error, Error::DeviceLost { card, .. } if *card == rig.card.id());
        assert!(lost(&error), "{error}");
        assert_ne!(rig.faults.link(), LinkState::Up);
        rig.faults.restore_link();
        // What is there now is not what was opened.
        for error in [
            rig.validate().unwrap_err(),
            rig.card.reset().unwrap_err(),
            rig.card
                .climb(Rung::Abort, Rung::Reprogram, "a test")
                .unwrap_err(),
        ] {
            assert!(lost(&error), "{error}");
        }
        rig.card = Card::open_with(CardId::Simulated(0), &rig.options).unwrap();
        rig.validate().unwrap();
    }
}

#[test]
fn the_same_plan_strikes_the_same_events() {
    let run = || {
        let rig = Rig::new();
        let fault = "slow:clocks=100,chance=0.3".parse().unwrap();
        rig.faults.arm(FaultPlan::of(11, fault));
        let before = rig.card.simulated_time().unwrap().clocks;
        rig.validate().unwrap();
        let clocks = rig.card.simulated_time().unwrap().clocks - before;
        (clocks, rig.faults.tally())
    };
    let (first, second) = (run(), run());
    assert!(first.1[0].struck > 1, "{first:?}");
    assert_eq!(first, second);
}
