//! Built images: what every section says, that equal input gives equal bytes, and what is refused.

use super::*;
use crate::clock_freq::ClockType;
use crate::digest::DigestStatus;
use crate::mem_topology::MemType;

const KERNEL: &str = r#"<root versionMajor="1" versionMinor="6"><kernel name="copy" language="ip_c" interrupt="true" hwControlProtocol="ap_ctrl_hs">
  <ports>
    <port name="s_axi_control" mode="slave" range="0x1000" dataWidth="32" portType="addressable" base="0x0"/>
    <port name="m_axi_gmem" mode="master" range="0xFFFFFFFFFFFFFFFF" dataWidth="512" portType="addressable" base="0x0"/>
  </ports>
  <args>
    <arg name="from" addressQualifier="1" id="0" port="m_axi_gmem" size="0x8" offset="0x10" hostSize="0x8" type="int*"/>
    <arg name="to" addressQualifier="1" id="1" port="m_axi_gmem" size="0x8" offset="0x1C" hostSize="0x8" type="int*"/>
    <arg name="count" addressQualifier="0" id="2" port="s_axi_control" size="0x4" offset="0x28" hostSize="0x4" type="uint"/>
  </args>
</kernel></root>"#;

fn bank(tag: &str, base_address: u64) -> Bank {
    Bank {
        tag: tag.to_owned(),
        kind: MemType::Ddr4,
        used: true,
        size_kib: 1 << 20,
        base_address,
    }
}

fn unit(name: &str, base_address: u64, connections: &[(u32, usize)]) -> ComputeUnit {
    ComputeUnit {
        name: name.to_owned(),
        base_address,
        connections: connections.to_vec(),
    }
}

fn units() -> Vec<ComputeUnit> {
    vec![
        unit("copy_2", 0x181_0000, &[(1, 0), (0, 1)]),
        unit("copy_1", 0x180_0000, &[(0, 0), (1, 1)]),
    ]
}

fn builder(units: Vec<ComputeUnit>) -> ImageBuilder {
    ImageBuilder::new("sim_2ddr_1", b"\x7FELF and so on".to_vec())
        .bank(bank("DDR[0]", 0))
        .bank(bank("DDR[1]", 0x4000_0000))
        .kernel(KernelDescription::from_xml(KERNEL).unwrap(), units)
        .clock(Clock {
            name: "DATA_CLK".to_owned(),
            mhz: 300,
            kind: ClockType::Data,
        })
        .build_metadata(BuildMetadata::new("test", "1.2", serde_json::Map::new()))
}

#[test]
fn every_section_says_what_was_asked_for() {
    let image = builder(units()).timestamp(7).build().unwrap();
    assert_eq!(
        (image.platform_vbnv(), image.header().timestamp),
        ("sim_2ddr_1", 7)
    );
    assert_eq!(image.digest(), DigestStatus::Valid);
    assert_eq!(
        image.verify_programmable().unwrap(),
        Bitstream::Model(b"\x7FELF and so on")
    );
    assert!(image.sections().all(|section| section.offset % 8 == 0));

    let layout = image.ip_layout().unwrap().unwrap();
    let names: Vec<_> = layout.ips.iter().map(|ip| ip.name.as_str()).collect();
    assert_eq!(names, ["copy:copy_1", "copy:copy_2"], "sorted by address");
    assert_eq!(layout.ips[1].interrupt(), Some(1));

    let rows = image.connectivity().unwrap().unwrap();
    let rows: Vec<_> = rows
        .connections
        .iter()
        .map(|row| (row.ip_layout_index, row.arg_index, row.mem_data_index))
        .collect();
    assert_eq!(rows, [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]);

    let metadata = image.embedded_metadata().unwrap().unwrap();
    assert_eq!(
        (
            metadata.target.as_str(),
            metadata.clocks[0].frequency.as_str()
        ),
        ("hw_em", "300MHz")
    );
    let kernel = metadata.kernel("copy").unwrap();
    assert_eq!(
        kernel.description,
        KernelDescription::from_xml(KERNEL).unwrap()
    );
    assert_eq!(kernel.instances[0].remaps[0].range, Some(0x1_0000));
    assert_eq!(
        image.mem_topology().unwrap().unwrap().banks[1],
        bank("DDR[1]", 0x4000_0000)
    );
    assert_eq!(
        image.clock_frequencies().unwrap().unwrap().clocks[0].mhz,
        300
    );
    assert_eq!(
        image.build_metadata().unwrap().unwrap().tool(),
        Some("test")
    );
}

#[test]
fn equal_input_gives_equal_bytes_and_other_input_another_uuid() {
    let image = builder(units()).build().unwrap();
    assert_eq!(
        image.as_bytes(),
        builder(units()).build().unwrap().as_bytes()
    );
    let other = builder(vec![unit("copy_1", 0x180_0000, &[(0, 0), (1, 1)])])
        .build()
        .unwrap();
    assert_ne!(image.uuid(), other.uuid());
    assert_ne!(image.header().unique_id, other.header().unique_id);
    assert_eq!(image.uuid().get_version_num(), 8);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let both: &[(u32, usize)] = &[(0, 0), (1, 1)];
    let one = |connections| builder(vec![unit("copy_1", 0x180_0000, connections)]);
    let two = |name, base| {
        builder(vec![
            unit("copy_1", 0x180_0000, both),
            unit(name, base, both),
        ])
    };
    let named = |name: &str| builder(vec![unit(name, 0, both)]);
    for (builder, expected) in [
        (builder(vec![]), "no compute unit"),
        (
            one(&[(0, 0)]),
            "argument 1: to is a pointer and needs a bank",
        ),
        (one(&[(0, 0), (1, 2)]), "bank 2 does not exist"),
        (one(&[(0, 0), (1, 1), (2, 0)]), "argument 2: is no pointer"),
        (one(&[(0, 0), (1, 1), (9, 0)]), "argument 9: is no pointer"),
        (
            two("copy_1", 0x181_0000),
            "compute unit \"copy_1\": names must be unique",
        ),
        (two("copy_2", 0x180_F000), "overlaps compute unit copy_1"),
        (two("copy_2", 0x182_0100), "must be a multiple of 4096"),
        (
            two("copy_2", u64::MAX - 0xFFF),
            "must be a multiple of 4096",
        ),
        (named(&"x".repeat(59)), "at most 63 bytes"),
        (
            one(both).bank(bank("DDR[2]", 0x4000_0400)),
            "overlaps bank DDR[1]",
        ),
        (
            one(both).bank(bank("DDR[0]", 0x8000_0000)),
            "bank \"DDR[0]\": names must be unique",
        ),
        (
            one(both).bank(bank("a long bank name", 0x8000_0000)),
            "at most 15 bytes",
        ),
        (one(both).bank(bank("DDR[2]", u64::MAX - 9)), "beyond 2^64"),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let mut unused = one(both);
    unused.banks[1].used = false;
    assert!(
        unused
            .build()
            .unwrap_err()
            .to_string()
            .contains("DDR[1] is unused")
    );
    let mut fpga = one(both);
    fpga.bitstream = b"bits".to_vec();
    assert!(fpga.build().unwrap_err().to_string().contains("not an ELF"));
    let mut gap = one(both);
    gap.kernels[0].0.arguments[2].id = Some(7);
    assert!(
        gap.build()
            .unwrap_err()
            .to_string()
            .contains("argument ids")
    );
    let mut long = one(both);
    long.platform_vbnv = "v".repeat(64);
    assert!(
        long.build()
            .unwrap_err()
            .to_string()
            .contains("at most 63 bytes")
    );
}

#[test]
fn a_summary_shows_every_part_of_an_image() {
    let text = builder(units()).build().unwrap().summary().to_string();
    for expected in [
        "digest       valid",
        "bitstream    model",
        "made by      test 1.2",
        "copy (ap_ctrl_hs)",
        "int* from at 0x10, port m_axi_gmem",
        "IP_KERNEL copy:copy_2 at 0x1810000",
        "1 DDR[1] MEM_DDR4 1048576 KiB at 0x40000000",
        "ip 1 argument 0 to bank 1",
        "DATA_CLK 300 MHz DATA",
        "CLOCK_FREQ_TOPOLOGY",
    ] {
        assert!(text.contains(expected), "{expected} in:\n{text}");
    }
    assert!(!text.contains("problem"));
}
