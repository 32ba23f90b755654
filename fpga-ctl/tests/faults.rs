//! Faults of simulated cards on the command line.

mod common;

use common::Bench;

#[test]
fn a_fault_ends_a_validation_with_an_error_and_is_told() {
    let bench = Bench::new();
    bench.run(&["sample", "--output", "sample.tcpdb"]).expect(0);
    let ended = bench
        .run(&[
            "validate",
            "--card",
            "sim:0",
            "sample.tcpdb",
            "--fault",
            "axi-error:on=read,port=m_axi_gmem0",
        ])
        .expect(2);
    ended.tells(&["sim:0", "struck 1 of"]);
    // One that is corrected by the card changes nothing.
    let ended = bench
        .run(&[
            "validate",
            "--card",
            "sim:0",
            "sample.tcpdb",
            "--check",
            "--fault",
            "memory-flip",
            "--fault",
            "interrupt-lost",
        ])
        .expect(0);
    ended.tells(&[
        "fault memory-flip:on=read,bits=1,at=1 struck 1",
        "fault interrupt-lost:on=interrupt,at=1 struck 1 of 1 events",
    ]);
}

#[test]
fn faults_that_make_no_sense_are_refused_before_a_card_is_touched() {
    let bench = Bench::new();
    bench.run(&["sample", "--output", "sample.tcpdb"]).expect(0);
    for (card, fault, told) in [
        ("sim:0", "axi-eror", "there are axi-error, axi-flip, hang"),
        ("sim:0", "hang:at=0", "a number from 1"),
        ("software:0", "hang", "use a simulated card"),
        ("pcie:lab", "hang", "fpga-ctl sim serve lab"),
    ] {
        let ended = bench.run(&["validate", "--card", card, "sample.tcpdb", "--fault", fault]);
        ended.expect(2).tells(&[told]);
    }
}
