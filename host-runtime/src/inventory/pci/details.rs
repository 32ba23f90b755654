//! What sysfs tells of a PCI function.

use std::path::Path;

use serde::Serialize;

use super::models::Model;

/// Flags of a `resource` line (`<linux/ioport.h>`).
const IS_IO: u64 = 0x100;
const IS_PREFETCHABLE: u64 = 0x2000;
const IS_64_BIT: u64 = 0x10_0000;

/// Lines of `resource` that are BARs; the rest are the ROM's and bridges'.
const BARS: usize = 6;

/// A base address register of a function, as it was set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// 0 to 5.
    pub index: usize,
    /// Size.
    pub bytes: u64,
    /// Port space, not memory.
    pub io: bool,
    /// Reading has no effects.
    pub prefetchable: bool,
    /// It has 64 bits, and takes the next register too.
    pub wide: bool,
}

/// A PCIe link, now and at its best.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PcieLink {
    /// For instance `8.0 GT/s`.
    pub speed: String,
    /// Lanes.
    pub width: u32,
    /// What the function can do.
    pub max_speed: String,
    /// See `max_speed`.
    pub max_width: u32,
}

/// A function on the PCI bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PciDetails {
    /// `domain:bus:device.function`.
    pub address: String,
    /// Vendor and device, in hexadecimal: `10ee:5005`.
    pub id: String,
    /// The same of the subsystem: the board.
    pub subsystem: Option<String>,
    /// What it is called.
    pub model: String,
    /// The driver that has it.
    pub driver: Option<String>,
    /// Its IOMMU group.
    pub iommu_group: Option<u32>,
    /// The memory that is nearest to it, where there are several.
    pub numa_node: Option<u32>,
    /// What is behind its base address registers.
    pub bars: Vec<Bar>,
    /// Its link.
    pub link: Option<PcieLink>,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl PcieLink {
    /// What the link lacks, if it does.
    fn note(&self) -> Option<String> {
        let Self {
            speed,
            width,
            max_speed,
            max_width,
        } = self;
        (speed != max_speed || width != max_width).then(|| {
            format!(
                "the link runs at {speed} x{width}, and the card can do {max_speed} x{max_width}: it is slower than it could \
                 be; idle cards may save power so, else look at the slot (`lspci -vv`), or seat the card anew"
            )
        })
    }
}

/// Reads a function's folder: what it is and what sysfs tells of it; `None` if it is no FPGA card's.
pub(super) fn read(folder: &Path) -> Option<(Model, PciDetails)> {
    let text = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).ok()?;
        Some(text.trim().to_owned())
    };
    let hexadecimal = |name: &str| number(&text(name)?);
    let short = |name: &str| u16::try_from(hexadecimal(name)?).ok();
    let (vendor, device) = (short("vendor")?, short("device")?);
    let class = u32::try_from(hexadecimal("class")?).ok()?;
    let model = Model::of(vendor, device, class)?;
    let subsystem = short("subsystem_vendor").zip(short("subsystem_device"));
    let link = || {
        // "8.0 GT/s PCIe"; a function that has none says "Unknown".
        let speed = |name| Some(text(name)?.strip_suffix(" PCIe")?.to_owned());
        let width = |name| text(name)?.parse().ok().filter(|&width| width > 0);
        Some(PcieLink {
            speed: speed("current_link_speed")?,
            width: width("current_link_width")?,
            max_speed: speed("max_link_speed")?,
            max_width: width("max_link_width")?,
        })
    };
    let link = link();
    let details = PciDetails {
        address: folder.file_name()?.to_str()?.to_owned(),
        id: format!("{vendor:04x}:{device:04x}"),
        subsystem: subsystem.map(|(vendor, device)| format!("{vendor:04x}:{device:04x}")),
        model: model.name.clone(),
        driver: link_name(&folder.join("driver")),
        iommu_group: link_name(&folder.join("iommu_group")).and_then(|name| name.parse().ok()),
        // -1 where there is one memory only.
        numa_node: text("numa_node").and_then(|node| node.parse().ok()),
        bars: text("resource").map_or_else(Vec::new, |text| bars(&text)),
        notes: link.iter().filter_map(PcieLink::note).collect(),
        link,
    };
    Some((model, details))
}

/// The lines of `resource`: first and last address, and flags.
fn bars(text: &str) -> Vec<Bar> {
    let lines = text.lines().take(BARS).enumerate();
    lines
        .filter_map(|(index, line)| {
            let mut numbers = line.split_whitespace().map(number);
            let (first, last, flags) = (numbers.next()??, numbers.next()??, numbers.next()??);
            (flags != 0).then_some(())?;
            Some(Bar {
                index,
                bytes: last.checked_sub(first)?.checked_add(1)?,
                io: flags & IS_IO != 0,
                prefetchable: flags & IS_PREFETCHABLE != 0,
                wide: flags & IS_64_BIT != 0,
            })
        })
        .collect()
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// The last part of what a link leads to.
fn link_name(link: &Path) -> Option<String> {
    let target = std::fs::read_link(link).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}
