//! A few hundred faults of all kinds, at every stage of a run. `fpga-ctl sim campaign` does the same with as many as are wanted;
//! docs/faults.md has the table of ten thousand.
#![cfg(feature = "cosim")]

use host_runtime::faults::campaign::Campaign;

/// Enough that both cards suffer every case.
const FAULTS: u64 = 470;

#[test]
fn no_fault_leads_to_a_wrong_answer_a_hang_or_a_leak() {
    let seed = match std::env::var("FAULT_SEED") {
        Ok(seed) => seed.parse().expect("FAULT_SEED is a number"),
        Err(_) => 1,
    };
    println!(
        "seed {seed}; replay with: FAULT_SEED={seed} cargo test -p host-runtime --test campaign"
    );
    let state = tempfile::tempdir().unwrap();
    let campaign = Campaign {
        faults: FAULTS,
        seed,
        only: None,
        state_folder: state.path().to_owned(),
    };
    let report = campaign
        .run(|_| {})
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.struck, FAULTS);
    for row in &report.rows {
        println!("{row:?}");
    }
}
