//! Reads an input as an `.xclbin`, looks at all that can be read of it, and writes it again: no panic, and what was
//! written reads back as the same.

use uuid::Uuid;
use xclbin::{
    Bank, Clock, ClockType, ComputeUnit, Container, Header, ImageBuilder, KernelDescription,
    MemType, Mode, Section, SectionKind, Version, Xclbin,
};

/// One input.
pub(crate) fn run(input: &[u8]) {
    // With a digest that does not fit, which a fuzzer does not find, there would be nothing to look at.
    let Ok(image) = Xclbin::parse_unverified(input.to_vec()) else {
        assert!(
            Xclbin::parse(input.to_vec()).is_err(),
            "checked more, accepted more"
        );
        return;
    };
    let _ = (
        image.digest(),
        image.signature(),
        image.verify_programmable(),
    );
    let _ = (image.mem_topology(), image.group_topology());
    let _ = (image.connectivity(), image.group_connectivity());
    let _ = (image.ip_layout(), image.clock_frequencies());
    let _ = (image.build_metadata(), image.bitstream());
    if let Ok(Some(metadata)) = image.embedded_metadata() {
        for kernel in &metadata.kernels {
            let _ = kernel.description.check();
        }
    }
    let _ = image.summary();

    let Ok(written) = image.to_container().to_bytes() else {
        return;
    };
    let again = Xclbin::parse(written).expect("what is written has a digest and can be read");
    let contents = |image: &Xclbin| -> Vec<(SectionKind, String, Vec<u8>)> {
        let content = |section: Section<'_>| {
            (
                section.kind,
                section.name.to_string(),
                section.data.to_vec(),
            )
        };
        image.sections().map(content).collect()
    };
    assert_eq!(contents(&image), contents(&again));
    // An image without an identity gets one when it is written.
    assert!(image.uuid() == again.uuid() || image.uuid().is_nil());
}

/// Inputs to begin with, by name.
#[allow(dead_code, reason = "the fuzzer takes them from files")]
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let header = || Header {
        uuid: Uuid::from_u128(1),
        interface_uuid: Uuid::from_u128(2),
        platform_vbnv: "vendor_board_1".to_owned(),
        timestamp: 0,
        feature_rom_timestamp: 0,
        unique_id: 0,
        version: Version {
            major: 2,
            minor: 13,
            patch: 0,
        },
        mode: Mode::Pr,
        action_mask: 0,
        debug_bin: String::new(),
    };
    let empty = Container::new(header());
    let mut unknown = Container::new(header());
    for (kind, name, data) in [
        (4711, "mine", vec![1; 5]),
        (16, "empty", Vec::new()),
        (6, "short", vec![0xFF; 12]),
        (2, "xml", b"<project><platform/></project>".to_vec()),
    ] {
        unknown
            .push(SectionKind::from(kind), name, data)
            .expect("a short name");
    }
    let bytes = |container: Container| container.to_bytes().expect("it is small");
    vec![
        ("empty", bytes(empty)),
        ("sections", bytes(unknown)),
        ("image", image().as_bytes().to_vec()),
    ]
}

/// A whole image: a kernel, banks, a clock, a bitstream.
fn image() -> Xclbin {
    const KERNEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<root versionMajor="1" versionMinor="6">
  <kernel name="k" language="ip" vlnv="v:kernel:k:1.0" hwControlProtocol="ap_ctrl_hs">
    <ports>
      <port name="s_axi_control" mode="slave" range="0x1000" dataWidth="32" portType="addressable" base="0x0"/>
      <port name="m_axi_gmem" mode="master" range="0xFFFFFFFFFFFFFFFF" dataWidth="512" portType="addressable" base="0x0"/>
    </ports>
    <args>
      <arg name="p" addressQualifier="1" id="0" port="m_axi_gmem" size="0x8" offset="0x10" hostOffset="0x0" hostSize="0x8" type="void*"/>
    </args>
  </kernel>
</root>"#;
    let kernel = KernelDescription::from_xml(KERNEL).expect("a kernel's description");
    let unit = ComputeUnit {
        name: "k_1".to_owned(),
        base_address: 0x180_0000,
        connections: vec![(0, 0)],
    };
    ImageBuilder::new("vendor_board_1", b"\x7FELF".to_vec())
        .timestamp(0)
        .bank(Bank {
            tag: "DDR[0]".to_owned(),
            kind: MemType::Ddr4,
            used: true,
            size_kib: 1024,
            base_address: 0,
        })
        .kernel(kernel, vec![unit])
        .clock(Clock {
            name: "DATA_CLK".to_owned(),
            kind: ClockType::Data,
            mhz: 300,
        })
        .build()
        .expect("an image")
}
