//! Kernel descriptions: what is read, and what is refused by name.

use super::*;

/// A kernel with every kind of argument, as a `kernel.xml` of Vitis has it.
pub(crate) const VADD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<root versionMajor="1" versionMinor="6">
  <kernel name="vadd" language="ip_c" vlnv="example.org:kernel:vadd:1.0" interrupt="true" hwControlProtocol="ap_ctrl_chain">
    <ports>
      <port name="s_axi_control" mode="slave" range="0x1000" dataWidth="32" portType="addressable" base="0x0"/>
      <port name="m_axi_gmem" mode="master" range="0xFFFFFFFFFFFFFFFF" dataWidth="512" portType="addressable" base="0x0"/>
      <port name="sums" mode="write_only" range="" dataWidth="64" portType="stream" base=""/>
    </ports>
    <args>
      <arg name="a" addressQualifier="1" id="0" port="M_AXI_GMEM" size="0x8" offset="0x010" type="int*" hostOffset="0x0" hostSize="0x8"/>
      <arg name="n" addressQualifier="0" id="1" port="s_axi_control" size="4" offset="0x01C" type="uint" hostOffset="0x0" hostSize="0x4"/>
      <arg name="sums" addressQualifier="4" id="2" port="sums" size="0x8" offset="0x0" type="stream&lt;int&gt;&amp;" hostOffset="0x0" hostSize="0x8"/>
    </args>
  </kernel>
</root>"#;

#[test]
fn a_kernel_xml_of_vitis_is_read_in_full() {
    let kernel = KernelDescription::from_xml(VADD).unwrap();
    assert_eq!(
        (kernel.name.as_str(), kernel.control),
        ("vadd", ControlProtocol::ApCtrlChain)
    );
    assert!(kernel.interrupt);
    assert_eq!(kernel.control_port().unwrap().range, Some(0x1000));
    assert_eq!(kernel.port("m_axi_gmem").unwrap().data_width, 512);
    assert_eq!(kernel.port("sums").unwrap().range, None);
    assert_eq!(kernel.pointers().count(), 1);
    let n = kernel.argument(1).unwrap();
    assert_eq!((n.offset, n.size, n.type_name.as_str()), (0x1C, 4, "uint"));
    assert_eq!(kernel.argument(2).unwrap().type_name, "stream<int>&");
}

#[test]
fn a_kernel_element_survives_being_written() {
    let kernel = KernelDescription::from_xml(VADD).unwrap();
    let text = kernel.to_element().to_document();
    let read = KernelDescription::from_element(&Element::parse(&text, "kernel").unwrap()).unwrap();
    assert_eq!(read, kernel);
}

#[test]
fn a_description_that_cannot_be_is_refused_by_name() {
    for (from, to, expected) in [
        ("id=\"1\"", "id=\"0\"", "argument ids"),
        ("id=\"1\"", "id=\"5\"", "argument ids"),
        ("id=\"1\"", "id=\"x\"", "<arg name=\"n\">: id=\"x\""),
        (
            "port=\"s_axi_control\"",
            "port=\"m_axi_gmem\"",
            "argument n: must go through the slave port",
        ),
        (
            "port=\"M_AXI_GMEM\"",
            "port=\"sums\"",
            "argument a: must go through a master port",
        ),
        (
            "port=\"M_AXI_GMEM\"",
            "port=\"nowhere\"",
            "its port nowhere",
        ),
        ("offset=\"0x01C\"", "offset=\"0x014\"", "overlaps that of a"),
        (
            "offset=\"0x01C\"",
            "offset=\"0x1000\"",
            "end within the 0x1000 bytes",
        ),
        ("offset=\"0x01C\"", "offset=\"0x1D\"", "multiple of 4"),
        ("offset=\"0x01C\"", "", "no number in attribute offset"),
        (
            "size=\"0x8\" offset=\"0x010\"",
            "size=\"0x4\" offset=\"0x010\"",
            "a pointer has 8 bytes",
        ),
        ("ap_ctrl_chain", "ap_ctrl_magic", "expected ap_ctrl_hs"),
        ("mode=\"master\"", "mode=\"both\"", "expected master"),
        (
            "addressQualifier=\"4\"",
            "addressQualifier=\"9\"",
            "from 0 to 4",
        ),
        (
            "kernel name=\"vadd\"",
            "kernel name=\"v add\"",
            "Verilog identifier",
        ),
        (
            "range=\"0x1000\"",
            "range=\"\"",
            "no slave port with a range",
        ),
    ] {
        assert!(VADD.contains(from), "{from}");
        let error = KernelDescription::from_xml(&VADD.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn control_protocols_have_the_numbers_of_ip_layout() {
    let numbers: Vec<_> = (0..7).map(ControlProtocol::from_number).collect();
    assert_eq!(numbers[2], Some(ControlProtocol::ApCtrlNone));
    assert_eq!(numbers[6], None);
    assert_eq!(
        ControlProtocol::from_text("user_managed"),
        Some(ControlProtocol::ApCtrlNone)
    );
    assert_eq!(ControlProtocol::ApCtrlHs.to_string(), "ap_ctrl_hs");
}
