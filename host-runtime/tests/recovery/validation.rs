//! A validation goes on over faults: its answers are the golden model's, and nothing is handed out twice.

use std::time::Duration;

use host_runtime::cosim::EngineConfig;
use host_runtime::faults::{FaultInjector, FaultPlan};
use host_runtime::tcp::{Descriptor, Policy, PolicySlot, Profile};
use host_runtime::{
    Card, CardId, Error, Image, OpenOptions, PolicyChoice, Recovered, Recovery, Rung, ServeOptions,
    ServedCard, SimOptions, Validator,
};

use crate::common::Bench;

/// More than two pieces.
const DESCRIPTORS: usize = 2 * (1 << 17) + 1000;

/// A validator that faults can strike, simulated here or served.
struct Struck {
    _bench: Bench,
    faults: FaultInjector,
    options: OpenOptions,
    _served: Option<ServedCard>,
    id: CardId,
}

impl Struck {
    fn simulated(watchdog: u64) -> Self {
        let bench = Bench::new();
        let options = OpenOptions {
            simulation: simulation(watchdog),
            ..bench.options()
        };
        let faults = options.simulation.faults.clone();
        let id = CardId::Simulated(0);
        let card = Card::open_with(id, &options).unwrap();
        card.program(&Image::default_image().unwrap()).unwrap();
        card.close().unwrap();
        Self {
            _bench: bench,
            faults,
            options,
            _served: None,
            id,
        }
    }

    fn served(name: &str) -> Self {
        let bench = Bench::new();
        let options = ServeOptions {
            image: Some(Image::default_image().unwrap()),
            state_folder: bench.options().state_folder,
            simulation: simulation(u64::MAX),
            ..ServeOptions::default()
        };
        let faults = options.simulation.faults.clone();
        let served = ServedCard::start(name.parse().unwrap(), &options).unwrap();
        Self {
            options: bench.options(),
            _bench: bench,
            faults,
            id: served.id(),
            _served: Some(served),
        }
    }

    fn open(&self) -> Card {
        Card::open_with(self.id, &self.options).unwrap()
    }

    /// One fault from now on.
    fn strike(&self, fault: &str) {
        self.faults.arm(FaultPlan::of(1, fault.parse().unwrap()));
    }
}

fn simulation(watchdog: u64) -> SimOptions {
    SimOptions {
        engine: EngineConfig {
            watchdog,
            ..EngineConfig::default()
        },
        ..SimOptions::default()
    }
}

fn descriptors(count: usize) -> Vec<Descriptor> {
    let sample = host_runtime::collection::sample::entries(Profile::Wide);
    let sample = sample.into_iter().map(|(_, descriptor)| descriptor);
    let sample: Vec<_> = sample.collect();
    sample.into_iter().cycle().take(count).collect()
}

/// Validates, checks every answer, and says how the card was brought back.
fn validate(card: &Card, count: usize, timeout: Duration) -> Vec<Recovered> {
    let mut validator = Validator::new(card)
        .unwrap()
        .profile(Profile::Wide)
        .check(true)
        .timeout(timeout);
    let report = validator.validate(&descriptors(count)).unwrap();
    assert_eq!(report.answers.len(), count);
    assert_eq!(report.summary.tally.verdicts.descriptors, count as u64);
    report.summary.recoveries
}

fn rungs(recoveries: &[Recovered]) -> Vec<Rung> {
    recoveries.iter().map(|recovered| recovered.rung).collect()
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_burst_that_is_never_answered_stops_the_simulation_and_a_reset_brings_it_back() {
    let struck = Struck::simulated(20_000);
    let card = struck.open();
    // In the second of three pieces, while the third waits.
    for fault in ["hang:on=read,at=1000", "hang:on=write,at=40"] {
        struck.strike(fault);
        let recoveries = validate(&card, DESCRIPTORS, PATIENCE);
        assert_eq!(rungs(&recoveries), [Rung::SoftReset]);
    }
}

#[test]
fn a_run_that_hangs_is_aborted_and_done_again() {
    for struck in [Struck::simulated(u64::MAX), Struck::served("hung")] {
        let card = struck.open();
        struck.strike("hang:on=read,at=3");
        let recoveries = validate(&card, 1000, Duration::from_millis(500));
        assert_eq!(rungs(&recoveries), [Rung::Abort], "{}", struck.id);
        assert!(validate(&card, 1000, PATIENCE).is_empty());
    }
}

#[test]
fn an_error_response_of_the_memory_is_no_verdict() {
    for struck in [Struck::simulated(20_000), Struck::served("refused")] {
        let card = struck.open();
        for fault in [
            "axi-error:on=read,at=2",
            "axi-error:on=write,at=2,response=decerr",
        ] {
            struck.strike(fault);
            let recoveries = validate(&card, 5000, PATIENCE);
            assert_eq!(rungs(&recoveries), [Rung::Abort], "{}", struck.id);
        }
    }
}

/// A lower rung leaves the damaged word as it is, and it may be one that only a part of is written.
#[test]
fn memory_with_an_error_of_two_bits_is_made_new_by_loading_the_image_again() {
    for struck in [Struck::simulated(20_000), Struck::served("damaged")] {
        let card = struck.open();
        struck.strike("memory-flip:bits=2,on=read,at=2");
        let recoveries = validate(&card, 5000, PATIENCE);
        assert_eq!(rungs(&recoveries), [Rung::Reprogram], "{}", struck.id);
        assert_eq!(card.reliability().unwrap().uncorrected, 0);
    }
}

#[test]
fn without_leave_to_recover_the_error_is_told_and_nothing_is_done() {
    let struck = Struck::simulated(20_000);
    let card = struck.open();
    struck.strike("hang:on=read");
    let mut validator = Validator::new(&card).unwrap().recovery(Recovery::NONE);
    let error = validator.validate(&descriptors(10)).unwrap_err();
    assert!(matches!(error, Error::Simulation { .. }), "{error}");
    assert_eq!(card.recoveries(), Default::default());
}

#[test]
fn the_slot_that_decides_holds_its_policy_also_when_the_registers_could_not_be_read() {
    let struck = Struck::simulated(20_000);
    let card = struck.open();
    let slot = PolicySlot::new(3).unwrap();
    let mut policy = Policy::for_profile(Profile::Wide);
    policy.limits.max_memory_mb = 1;
    let kernel = card.kernel("tcp_validator").unwrap();
    kernel.set_policy(slot, &policy).unwrap();
    struck.strike("hang:on=read,at=2");
    let mut validator = Validator::new(&card)
        .unwrap()
        .profile(Profile::Wide)
        .policy(PolicyChoice::Slot(slot))
        .check(true);
    let report = validator.validate(&descriptors(5000)).unwrap();
    assert!(!report.summary.recoveries[0].policies_kept);
    assert_eq!(validator.current_policy().unwrap(), policy);
}
