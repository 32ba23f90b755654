//! Faults of simulated cards on the command line.

mod common;

use common::Bench;

#[test]
fn a_fault_is_told_and_ends_a_validation_unless_the_card_is_brought_back() {
    let bench = Bench::new();
    bench.run(&["sample", "--output", "sample.tcpdb"]).expect(0);
    let suffer = |recover: &str| {
        bench.run(&[
            "validate",
            "--card",
            "sim:0",
            "sample.tcpdb",
            "--check",
            "--recover",
            recover,
            "--fault",
            "axi-error:on=read,port=m_axi_gmem0",
        ])
    };
    let ended = suffer("none").expect(2);
    ended.tells(&["sim:0", "answered a read with an error", "struck 1 of"]);
    let ended = suffer("abort").expect(0);
    ended.tells(&["the card recovered", "rung=abort", "struck 1 of"]);
    let ended = suffer("device-lost").expect(2);
    ended.tells(&["there are none, abort, soft-reset, reprogram"]);
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
        (
            "sim:0",
            "axi-error:port=m_axi_gmem7",
            "no port \"m_axi_gmem7\" for on=burst; there are tcp_validator:tcp_validator_1.m_axi_gmem0",
        ),
        (
            "sim:0",
            "hang:on=register,port=m_axi_gmem0",
            "there are tcp_validator:tcp_validator_1.s_axi_control",
        ),
        ("sim:0", "dma-error:port=m_axi_gmem0", "leave port= out"),
        ("software:0", "hang", "use a simulated card"),
        ("pcie:lab", "hang", "fpga-ctl sim serve lab"),
    ] {
        let ended = bench.run(&["validate", "--card", card, "sample.tcpdb", "--fault", fault]);
        ended.expect(2).tells(&[told]);
    }
}
