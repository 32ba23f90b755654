//! `EMBEDDED_METADATA`: the XML that XRT takes kernels, arguments and instances from
//! (`project/platform/device/core/kernel`).

use serde::Serialize;

use crate::error::{Error, Result};
use crate::kernel::KernelDescription;
use crate::section::SectionKind;
use crate::xml::Element;

/// What the XML of an image says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EmbeddedMetadata {
    /// Name of the design.
    pub project: String,
    /// Name of the platform.
    pub platform: String,
    /// FPGA part; empty if unknown.
    pub fpga_device: String,
    /// `bitstream` for a card, `hw_em` for a simulation, `csim` for a software emulation.
    pub target: String,
    /// Clocks of the kernels.
    pub clocks: Vec<KernelClock>,
    /// Kernels.
    pub kernels: Vec<KernelEntry>,
    /// Streams from kernel to kernel.
    pub streams: Vec<StreamConnection>,
}

/// An AXI4-Stream from one compute unit to another: a `connection` between kernels, with the attribute `depth` that
/// simulated cards read. Connections of other kinds (to memory, to the shell) are in other sections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamConnection {
    /// Compute unit that sends.
    pub from_unit: String,
    /// Its port.
    pub from_port: String,
    /// Compute unit that receives.
    pub to_unit: String,
    /// Its port.
    pub to_port: String,
    /// Beats that the connection holds; 0 if the image does not say.
    pub depth: u32,
}

/// A clock of the kernels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KernelClock {
    /// Name, for instance `DATA_CLK`.
    pub port: String,
    /// Frequency with its unit, for instance `300MHz`.
    pub frequency: String,
}

/// A kernel and its instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KernelEntry {
    /// The kernel.
    #[serde(flatten)]
    pub description: KernelDescription,
    /// Its instances, the compute units.
    pub instances: Vec<Instance>,
}

/// A compute unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// Name.
    pub name: String,
    /// Where its slave ports appear on the control bus.
    pub remaps: Vec<AddressRemap>,
}

/// Place of a slave port on the control bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddressRemap {
    /// First address.
    pub base: u64,
    /// Bytes; `None` if the image does not say.
    pub range: Option<u64>,
    /// The port.
    pub port: String,
}

impl EmbeddedMetadata {
    /// The kernel of that name.
    pub fn kernel(&self, name: &str) -> Option<&KernelEntry> {
        self.kernels
            .iter()
            .find(|kernel| kernel.description.name == name)
    }

    pub(crate) fn parse(data: &[u8]) -> Result<Self> {
        // Some writers pad the text to the alignment of sections.
        let end = data
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(0, |last| last + 1);
        let text = std::str::from_utf8(&data[..end]).map_err(|error| {
            let kind = SectionKind::EmbeddedMetadata;
            Error::malformed(kind, "XML", error.valid_up_to(), "is not UTF-8")
        })?;
        let project = Element::parse(text, "project")?;
        let platform = project.expect("platform")?;
        let device = platform.expect("device")?;
        let core = device.expect("core")?;
        let text = |element: &Element, name| element.attribute(name).unwrap_or_default().to_owned();
        Ok(EmbeddedMetadata {
            project: text(&project, "name"),
            platform: text(platform, "name"),
            fpga_device: text(device, "fpgaDevice"),
            target: text(core, "target"),
            clocks: core
                .children("kernelClocks")
                .flat_map(|list| list.children("clock"))
                .map(|clock| KernelClock {
                    port: text(clock, "port"),
                    frequency: text(clock, "frequency"),
                })
                .collect(),
            kernels: core
                .children("kernel")
                .map(KernelEntry::from_element)
                .collect::<Result<_>>()?,
            streams: core
                .children("connection")
                .filter(|connection| {
                    let kernel = |end| connection.attribute(end) == Some("kernel");
                    kernel("srcType") && kernel("dstType")
                })
                .map(StreamConnection::from_element)
                .collect::<Result<_>>()?,
        })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let clocks = self.clocks.iter().map(|clock| {
            Element::new("clock")
                .with("port", &clock.port)
                .with("frequency", &clock.frequency)
        });
        let core = Element::new("core")
            .with("name", "OCL_REGION_0")
            .with("target", &self.target)
            .with("type", "clc_region")
            .child(Element::new("kernelClocks").extend(clocks))
            .extend(self.kernels.iter().map(KernelEntry::to_element))
            .extend(self.streams.iter().map(StreamConnection::to_element));
        let device = Element::new("device")
            .with("name", "fpga0")
            .with("fpgaDevice", &self.fpga_device)
            .child(core);
        let platform = Element::new("platform")
            .with("vendor", "")
            .with("boardid", "")
            .with("name", &self.platform)
            .with("featureRomTime", 0)
            .child(Element::new("version").with("major", 1).with("minor", 0))
            .child(device);
        let project = Element::new("project")
            .with("name", &self.project)
            .child(platform);
        project.to_document().into_bytes()
    }
}

impl KernelEntry {
    fn from_element(kernel: &Element) -> Result<Self> {
        Ok(KernelEntry {
            description: KernelDescription::from_element(kernel)?,
            instances: kernel
                .children("instance")
                .map(Instance::from_element)
                .collect::<Result<_>>()?,
        })
    }

    fn to_element(&self) -> Element {
        self.description
            .to_element()
            .extend(self.instances.iter().map(Instance::to_element))
    }
}

impl StreamConnection {
    fn from_element(connection: &Element) -> Result<Self> {
        let text = |name| connection.required(name).map(str::to_owned);
        let depth = connection.number("depth")?.unwrap_or(0);
        Ok(StreamConnection {
            from_unit: text("srcInst")?,
            from_port: text("srcPort")?,
            to_unit: text("dstInst")?,
            to_port: text("dstPort")?,
            depth: u32::try_from(depth).unwrap_or(u32::MAX),
        })
    }

    fn to_element(&self) -> Element {
        Element::new("connection")
            .with("srcType", "kernel")
            .with("srcInst", &self.from_unit)
            .with("srcPort", &self.from_port)
            .with("dstType", "kernel")
            .with("dstInst", &self.to_unit)
            .with("dstPort", &self.to_port)
            .with("depth", self.depth)
    }
}

impl Instance {
    fn from_element(instance: &Element) -> Result<Self> {
        let remaps = instance.children("addrRemap").map(|remap| {
            Ok(AddressRemap {
                base: remap.required_number("base")?,
                range: remap.number("range")?,
                port: remap.attribute("port").unwrap_or_default().to_owned(),
            })
        });
        Ok(Instance {
            name: instance.required("name")?.to_owned(),
            remaps: remaps.collect::<Result<_>>()?,
        })
    }

    fn to_element(&self) -> Element {
        Element::new("instance")
            .with("name", &self.name)
            .extend(self.remaps.iter().map(|remap| {
                Element::new("addrRemap")
                    .with("base", format_args!("{:#x}", remap.base))
                    .with(
                        "range",
                        remap
                            .range
                            .map_or(String::new(), |range| format!("{range:#x}")),
                    )
                    .with("port", &remap.port)
            }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two kernels with what real images hold besides: module trees, work groups, arguments without
    /// an id or in several parts, and elements of no interest.
    const REAL: &str = r#"<?xml version="1.0"?>
<project name="design">
  <platform vendor="v" boardid="b" name="shell" featureRomTime="0">
    <version major="1" minor="2"/><description/>
    <device name="fpga0" fpgaDevice="part" addrWidth="0">
      <core name="OCL_REGION_0" target="bitstream" type="clc_region" clockFreq="0MHz">
        <kernelClocks><clock port="DATA_CLK" frequency="300.000000MHz"/></kernelClocks>
        <kernel name="k1" language="c" hwControlProtocol="ap_ctrl_chain" interrupt="true">
          <module name="k1"><module name="inner" instName="u"/></module>
          <port name="M_AXI_GMEM" mode="master" range="0xFFFFFFFF" dataWidth="32" portType="addressable" base="0x0"/>
          <port name="S_AXI_CONTROL" mode="slave" range="0x1000" dataWidth="32" portType="addressable" base="0x0"/>
          <arg name="p" addressQualifier="1" id="0" port="M_AXI_GMEM" size="0x8" offset="0x10" hostOffset="0x0" hostSize="0x8" type="void*"/>
          <arg name="part" addressQualifier="0" id="1" port="S_AXI_CONTROL" size="0x4" offset="0x1C" hostOffset="0x0" hostSize="0x4" type="uint"/>
          <arg name="part" addressQualifier="0" id="1" port="S_AXI_CONTROL" size="0x4" offset="0x24" hostOffset="0x4" hostSize="0x4" type="uint"/>
          <arg name="printf" addressQualifier="1" id="" port="M_AXI_GMEM" size="0x8" offset="0x30" hostOffset="0x0" hostSize="0x8" type=""/>
          <compileWorkGroupSize x="1" y="1" z="1"/>
          <instance name="k1_1"><addrRemap base="0x1800000" range="0x10000" port="S_AXI_CONTROL"/></instance>
          <instance name="k1_2"><addrRemap base="0x1810000" port="S_AXI_CONTROL"/></instance>
        </kernel>
        <kernel name="k2"><instance name="k2_1"/></kernel>
        <connection srcType="core" srcInst="OCL_REGION_0" srcPort="M00_AXI" dstType="kernel" dstInst="k1_1" dstPort="M_AXI_GMEM"/>
        <connection srcType="kernel" srcInst="k1_1" srcPort="out" dstType="kernel" dstInst="k2_1" dstPort="in"/>
      </core>
    </device>
  </platform>
</project>"#;

    #[test]
    fn the_metadata_of_a_card_image_is_described_whatever_else_it_holds() {
        let metadata = EmbeddedMetadata::parse(REAL.as_bytes()).unwrap();
        assert_eq!(
            (metadata.project.as_str(), metadata.target.as_str()),
            ("design", "bitstream")
        );
        assert_eq!(metadata.clocks[0].frequency, "300.000000MHz");
        let k1 = metadata.kernel("k1").unwrap();
        assert_eq!(k1.description.arguments.len(), 4);
        assert_eq!(k1.description.arguments[3].id, None);
        assert_eq!(k1.instances[1].remaps[0].base, 0x181_0000);
        assert_eq!(k1.instances[1].remaps[0].range, None);
        assert!(metadata.kernel("k2").unwrap().description.ports.is_empty());
        assert_eq!(metadata.streams.len(), 1);
        assert_eq!(metadata.streams[0].to_unit, "k2_1");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut metadata = EmbeddedMetadata::parse(REAL.as_bytes()).unwrap();
        let mut bytes = metadata.to_bytes();
        bytes.extend([0; 3]);
        assert_eq!(EmbeddedMetadata::parse(&bytes).unwrap(), metadata);
        metadata.kernels.clear();
        assert_eq!(
            EmbeddedMetadata::parse(&metadata.to_bytes()).unwrap(),
            metadata
        );
    }

    #[test]
    fn a_missing_level_is_named() {
        let error = EmbeddedMetadata::parse(b"<project><platform/></project>").unwrap_err();
        assert!(
            error.to_string().contains("<platform>: has no <device>"),
            "{error}"
        );
        let error = EmbeddedMetadata::parse(b"<project>\xFF").unwrap_err();
        assert!(error.to_string().contains("at byte 0x9"), "{error}");
    }
}
