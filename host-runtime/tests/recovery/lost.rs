//! Cards that are lost, for good or for one opening.

use host_runtime::cosim::EngineConfig;
use host_runtime::faults::{FaultInjector, FaultPlan};
use host_runtime::tcp::Descriptor;
use host_runtime::{
    Card, CardId, Error, Image, Inventory, OpenOptions, Recovery, Rung, ServeOptions, ServedCard,
    SimOptions, Validator, recoveries,
};

use crate::common::Bench;
use crate::with_kernels::{FOR_EVER, Hospital, PATIENCE, start, works};

/// Whatever it says.
const DESCRIPTOR: Descriptor = Descriptor([0; Descriptor::SIZE]);

fn is_lost(error: &Error) -> bool {
    matches!(error, Error::DeviceLost { .. })
}

/// What no rung mends: that becomes of every burst of the memory ports.
fn for_ever(fault: &str) -> FaultPlan {
    let fault = format!("{fault}:times={}", u64::MAX);
    FaultPlan::of(1, fault.parse().unwrap())
}

/// A card that others can attach to, and the switch of its faults.
fn serve(bench: &Bench, name: &str) -> (ServedCard, FaultInjector) {
    let options = ServeOptions {
        image: Some(Image::default_image().unwrap()),
        state_folder: bench.options().state_folder,
        ..ServeOptions::default()
    };
    let faults = options.simulation.faults.clone();
    let served = ServedCard::start(name.parse().unwrap(), &options).unwrap();
    (served, faults)
}

#[test]
fn a_served_card_that_nothing_mends_is_lost_for_all_until_it_is_reset() {
    let bench = Bench::new();
    let (served, faults) = serve(&bench, "incurable");
    let id = served.id();
    let (card, other) = (bench.open(id), bench.open(id));
    faults.arm(for_ever("axi-error"));
    let error = Validator::new(&card)
        .unwrap()
        .validate(&[DESCRIPTOR])
        .unwrap_err();
    assert!(is_lost(&error), "{error}");

    for error in [
        card.read_memory(0, &mut [0; 4]).unwrap_err(),
        other.read_memory(0, &mut [0; 4]).unwrap_err(),
        Card::open_with(id, &bench.options()).unwrap_err(),
    ] {
        let text = error.to_string();
        let told = text.contains("fpga-ctl reset --card pcie:incurable");
        assert!(is_lost(&error) && told, "{error}");
    }
    let inventory = Inventory::scan_with(Some(bench.folder.path()));
    let listed = (inventory.unusable.iter()).find(|card| card.name == "pcie:incurable");
    assert!(listed.unwrap().advice.contains("fpga-ctl reset"));
    assert_eq!(recoveries(id, Some(bench.folder.path())).unwrap().losses, 1);

    faults.disarm();
    let (card, recovered) = Card::mend(id, &bench.options(), Rung::SoftReset).unwrap();
    assert_eq!(recovered.rung, Rung::SoftReset);
    card.self_test().unwrap();
}

#[test]
fn a_simulated_card_that_nothing_mends_is_lost_for_its_process_alone() {
    let bench = Bench::new();
    let id = CardId::Simulated(0);
    let options = OpenOptions {
        simulation: SimOptions {
            engine: EngineConfig {
                watchdog: 10_000,
                ..EngineConfig::default()
            },
            ..SimOptions::default()
        },
        ..bench.options()
    };
    let faults = options.simulation.faults.clone();
    let card = Card::open_with(id, &options).unwrap();
    card.program(&Image::default_image().unwrap()).unwrap();
    faults.arm(for_ever("hang"));
    let error = Validator::new(&card)
        .unwrap()
        .validate(&[DESCRIPTOR])
        .unwrap_err();
    assert!(is_lost(&error), "{error}");
    assert!(is_lost(&card.read_memory(0, &mut [0; 4]).unwrap_err()));
    drop(card);
    let other = bench.open(id);
    assert_eq!(other.recoveries().recovered_by_soft_reset, 1);
    other.self_test().unwrap();
}

#[test]
fn a_served_card_whose_server_ended_is_lost_for_its_openings_and_can_be_served_again() {
    let mut hospital = Hospital::served("ended");
    let card = hospital.open(Recovery::default());
    let mut run = start(&card, "hang:hang_1", FOR_EVER, 0);
    hospital.end_server();
    let error = run.wait_or_recover(PATIENCE, Rung::Reprogram).unwrap_err();
    assert!(
        is_lost(&error) && error.to_string().contains("fpga-ctl sim serve ended"),
        "{error}"
    );
    let climbed = card.climb(Rung::Abort, Rung::Reprogram, "a test");
    for error in [
        card.read_memory(0, &mut [0; 4]).unwrap_err(),
        card.reset().unwrap_err(),
        card.self_test().unwrap_err(),
        climbed.unwrap_err(),
    ] {
        assert!(is_lost(&error), "{error}");
    }
    hospital.serve_again();
    works(&hospital.open(Recovery::default()));
}

#[test]
fn a_card_that_was_pulled_out_is_lost_at_once_and_works_when_it_is_back_and_opened_anew() {
    let bench = Bench::new();
    let (served, faults) = serve(&bench, "pulled");
    let card = bench.open(served.id());
    let mut validator = Validator::new(&card).unwrap();
    faults.arm(FaultPlan::of(1, "removal".parse().unwrap()));
    let error = validator.validate(&[DESCRIPTOR]).unwrap_err();
    assert!(is_lost(&error), "{error}");
    faults.disarm();
    faults.restore_link();
    // What is there now is not what was opened.
    assert!(is_lost(&card.read_memory(0, &mut [0; 4]).unwrap_err()));
    drop((validator, card));
    bench.open(served.id()).self_test().unwrap();
}
