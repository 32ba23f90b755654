//! Makes images for simulated cards: from a model, kernel descriptions and a card's memories to an
//! image that says the same in each of the sections that XRT reads.

use std::collections::HashSet;

use uuid::Uuid;

use crate::axlf::{Header, Mode, Version};
use crate::build_metadata::BuildMetadata;
use crate::clock_freq::{Clock, ClockFrequencies};
use crate::connectivity::{Connection, Connectivity};
use crate::container::Container;
use crate::embedded_metadata::{
    AddressRemap, EmbeddedMetadata, Instance, KernelClock, KernelEntry, StreamConnection,
};
use crate::error::{Error, Result};
use crate::ip_layout::{Ip, IpLayout};
use crate::kernel::{KernelDescription, PortMode};
use crate::mem_topology::{Bank, MemTopology};
use crate::section::SectionKind;
use crate::xclbin::{Bitstream, Xclbin};

/// Least bytes of control bus that a compute unit takes, as Vitis' shells give them out: 64 KiB.
pub const MODEL_APERTURE: u64 = 0x1_0000;

/// The version of XRT whose `xclbin.h` the sections follow.
const XRT_VERSION: Version = Version {
    major: 2,
    minor: 13,
    patch: 0,
};

/// Collects what an image is made of. The same input gives the same bytes, on any machine.
#[derive(Clone, Debug)]
pub struct ImageBuilder {
    platform_vbnv: String,
    timestamp: u64,
    banks: Vec<Bank>,
    kernels: Vec<(KernelDescription, Vec<ComputeUnit>)>,
    clocks: Vec<Clock>,
    streams: Vec<StreamConnection>,
    build_metadata: Option<BuildMetadata>,
    bitstream: Vec<u8>,
    is_model: bool,
}

/// One instance of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputeUnit {
    /// Name, unique in the image; Vitis counts `vadd_1`, `vadd_2`.
    pub name: String,
    /// First address of its registers on the card's control bus.
    pub base_address: u64,
    /// For each pointer argument, by id, the index of its bank. An argument may have several.
    pub connections: Vec<(u32, usize)>,
}

impl ImageBuilder {
    /// An image for cards of this platform, that holds `model`: an ELF shared object.
    pub fn new(platform_vbnv: impl Into<String>, model: Vec<u8>) -> Self {
        ImageBuilder {
            platform_vbnv: platform_vbnv.into(),
            timestamp: 0,
            banks: Vec::new(),
            kernels: Vec::new(),
            clocks: Vec::new(),
            streams: Vec::new(),
            build_metadata: None,
            bitstream: model,
            is_model: true,
        }
    }

    /// An image for devices that take no model, such as one that computes in software: `bits` is what they are
    /// configured with, and no simulated card takes it.
    pub fn without_model(platform_vbnv: impl Into<String>, bits: Vec<u8>) -> Self {
        ImageBuilder {
            is_model: false,
            ..Self::new(platform_vbnv, bits)
        }
    }

    /// Adds a memory; indices count from 0.
    #[must_use]
    pub fn bank(mut self, bank: Bank) -> Self {
        self.banks.push(bank);
        self
    }

    /// Adds a kernel with its compute units.
    #[must_use]
    pub fn kernel(mut self, description: KernelDescription, units: Vec<ComputeUnit>) -> Self {
        self.kernels.push((description, units));
        self
    }

    /// Adds a clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clocks.push(clock);
        self
    }

    /// Adds a stream from one compute unit to another.
    #[must_use]
    pub fn stream(mut self, stream: StreamConnection) -> Self {
        self.streams.push(stream);
        self
    }

    /// Says which tool makes the image.
    #[must_use]
    pub fn build_metadata(mut self, metadata: BuildMetadata) -> Self {
        self.build_metadata = Some(metadata);
        self
    }

    /// Seconds since 1970; 0 unless set, so that builds are reproducible. A build tool passes
    /// `SOURCE_DATE_EPOCH` here.
    #[must_use]
    pub fn timestamp(mut self, seconds: u64) -> Self {
        self.timestamp = seconds;
        self
    }

    /// Makes the image and reads it back through the checks that any image passes.
    ///
    /// # Errors
    /// [`Error::Build`] or [`Error::KernelDescription`], which name the part that does not fit.
    pub fn build(self) -> Result<Xclbin> {
        let model = matches!(Bitstream::of(&self.bitstream), Bitstream::Model(_));
        if model != self.is_model {
            return Err(Error::build(
                "bitstream",
                if model {
                    "is an ELF shared object, a model; make the image with `new`"
                } else {
                    "is not an ELF shared object; pass the library that cosim built"
                },
            ));
        }
        self.check_banks()?;
        self.check_kernels()?;
        self.check_streams()?;
        let (layout, connectivity) = self.place()?;

        let mut container = Container::new(Header {
            uuid: Uuid::nil(),
            interface_uuid: Uuid::nil(),
            platform_vbnv: self.platform_vbnv.clone(),
            timestamp: self.timestamp,
            feature_rom_timestamp: 0,
            unique_id: 0,
            version: XRT_VERSION,
            mode: Mode::HwEmu,
            action_mask: 0,
            debug_bin: String::new(),
        });
        let metadata = self.embedded_metadata();
        let memories = MemTopology { banks: self.banks };
        let clocks = ClockFrequencies {
            clocks: self.clocks,
        };
        container.push(SectionKind::Bitstream, "", self.bitstream)?;
        container.push(SectionKind::EmbeddedMetadata, "", metadata.to_bytes())?;
        container.push(SectionKind::MemTopology, "", memories.to_bytes()?)?;
        container.push(SectionKind::IpLayout, "", layout.to_bytes()?)?;
        container.push(SectionKind::Connectivity, "", connectivity.to_bytes()?)?;
        container.push(SectionKind::ClockFreqTopology, "", clocks.to_bytes()?)?;
        if let Some(metadata) = self.build_metadata {
            container.push(SectionKind::BuildMetadata, "", metadata.to_bytes())?;
        }
        let image = Xclbin::parse(container.to_bytes()?)?;
        image.verify_programmable()?;
        Ok(image)
    }

    fn check_banks(&self) -> Result<()> {
        let mut spans = Vec::new();
        for bank in self.banks.iter().filter(|bank| !bank.kind.is_stream()) {
            let item = format!("bank {}", bank.tag);
            let end = bank
                .size_kib
                .checked_mul(1024)
                .and_then(|size| bank.base_address.checked_add(size));
            match end {
                Some(end) if bank.size_kib > 0 => spans.push((bank.base_address, end, item)),
                _ => {
                    return Err(Error::build(
                        item,
                        "its size is 0 or its end lies beyond 2^64",
                    ));
                }
            }
        }
        check_disjoint(spans)?;
        check_unique("bank", self.banks.iter().map(|bank| bank.tag.as_str()))
    }

    fn check_kernels(&self) -> Result<()> {
        if self.kernels.iter().all(|(_, units)| units.is_empty()) {
            return Err(Error::build(
                "kernels",
                "there is no compute unit; add a kernel with at least one",
            ));
        }
        let units = || {
            self.kernels
                .iter()
                .flat_map(|(kernel, units)| units.iter().map(move |unit| (kernel, unit)))
        };
        check_unique(
            "kernel",
            self.kernels.iter().map(|(kernel, _)| kernel.name.as_str()),
        )?;
        check_unique("compute unit", units().map(|(_, unit)| unit.name.as_str()))?;
        let mut spans = Vec::new();
        for (kernel, unit) in units() {
            let item = format!("compute unit {}", unit.name);
            match unit.base_address.checked_add(aperture(kernel)) {
                Some(end) if unit.base_address.is_multiple_of(4096) => {
                    spans.push((unit.base_address, end, item));
                }
                _ => {
                    let base = unit.base_address;
                    return Err(Error::build(
                        item,
                        format!("its base {base:#x} must be a multiple of 4096 with room after it"),
                    ));
                }
            }
        }
        check_disjoint(spans)?;
        for (kernel, units) in &self.kernels {
            kernel.check()?;
            for unit in units {
                self.check_connections(kernel, unit)?;
            }
        }
        Ok(())
    }

    fn check_connections(&self, kernel: &KernelDescription, unit: &ComputeUnit) -> Result<()> {
        let item = |id| format!("compute unit {}, argument {id}", unit.name);
        for argument in kernel.pointers() {
            let Some(id) = argument.id else { continue };
            if !unit.connections.iter().any(|connection| connection.0 == id) {
                let problem = format!(
                    "{} is a pointer and needs a bank; connect it",
                    argument.name
                );
                return Err(Error::build(item(id), problem));
            }
        }
        for &(id, bank) in &unit.connections {
            if !kernel
                .argument(id)
                .is_some_and(|argument| argument.is_pointer())
            {
                return Err(Error::build(
                    item(id),
                    "is no pointer argument, so no bank can be connected to it",
                ));
            }
            match self.banks.get(bank) {
                Some(bank) if bank.used && !bank.kind.is_stream() => {}
                Some(bank) => {
                    return Err(Error::build(
                        item(id),
                        format!("bank {} is unused or a stream", bank.tag),
                    ));
                }
                None => {
                    let problem = format!(
                        "bank {bank} does not exist, the card has {}",
                        self.banks.len()
                    );
                    return Err(Error::build(item(id), problem));
                }
            }
        }
        Ok(())
    }

    fn check_streams(&self) -> Result<()> {
        let mut used = HashSet::new();
        for stream in &self.streams {
            for (unit, port, mode) in [
                (&stream.from_unit, &stream.from_port, PortMode::WriteOnly),
                (&stream.to_unit, &stream.to_port, PortMode::ReadOnly),
            ] {
                let item = format!("stream port {unit}.{port}");
                let kernel = self
                    .kernels
                    .iter()
                    .find(|(_, units)| units.iter().any(|candidate| candidate.name == *unit))
                    .map(|(kernel, _)| kernel);
                let Some(kernel) = kernel else {
                    return Err(Error::build(item, "there is no such compute unit"));
                };
                let Some(port) = kernel.port(port).filter(|port| port.mode == mode) else {
                    let problem = format!("kernel {} has no such {mode:?} port", kernel.name);
                    return Err(Error::build(item, problem));
                };
                if !used.insert((unit, port.name.to_ascii_lowercase())) {
                    return Err(Error::build(item, "is connected twice"));
                }
            }
        }
        Ok(())
    }

    /// Orders compute units by base address, as `IP_LAYOUT` asks, and numbers their interrupts in
    /// that order, so that XRT's two ways of numbering compute units agree.
    fn place(&self) -> Result<(IpLayout, Connectivity)> {
        let mut units: Vec<_> = self
            .kernels
            .iter()
            .flat_map(|(kernel, units)| units.iter().map(move |unit| (kernel, unit)))
            .collect();
        units.sort_by_key(|(_, unit)| unit.base_address);
        if units.len() as u64 > u64::from(Ip::MAX_INTERRUPT) + 1 {
            let problem = format!(
                "{}, but interrupts number at most {}",
                units.len(),
                Ip::MAX_INTERRUPT + 1
            );
            return Err(Error::build("compute units", problem));
        }
        let mut layout = IpLayout::default();
        let mut connectivity = Connectivity::default();
        for ((kernel, unit), index) in units.into_iter().zip(0u8..) {
            let interrupt = kernel.interrupt.then_some(u32::from(index));
            let base = unit.base_address;
            layout.ips.push(Ip::compute_unit(
                &kernel.name,
                &unit.name,
                base,
                kernel.control,
                interrupt,
            ));
            let mut connections = unit.connections.clone();
            connections.sort_unstable();
            connections.dedup();
            for (argument, bank) in connections {
                let row = || {
                    Some(Connection {
                        arg_index: i32::try_from(argument).ok()?,
                        ip_layout_index: index.into(),
                        mem_data_index: i32::try_from(bank).ok()?,
                    })
                };
                let too_large = || Error::build("connections", "an index exceeds 2^31");
                connectivity.connections.push(row().ok_or_else(too_large)?);
            }
        }
        Ok((layout, connectivity))
    }

    fn embedded_metadata(&self) -> EmbeddedMetadata {
        let instance = |kernel: &KernelDescription, unit: &ComputeUnit| Instance {
            name: unit.name.clone(),
            remaps: kernel
                .control_port()
                .map(|port| AddressRemap {
                    base: unit.base_address,
                    range: Some(aperture(kernel)),
                    port: port.name.clone(),
                })
                .into_iter()
                .collect(),
        };
        let entry = |(kernel, units): &(KernelDescription, Vec<ComputeUnit>)| KernelEntry {
            description: kernel.clone(),
            instances: units.iter().map(|unit| instance(kernel, unit)).collect(),
        };
        let clock = |clock: &Clock| KernelClock {
            port: clock.name.clone(),
            frequency: format!("{}MHz", clock.mhz),
        };
        EmbeddedMetadata {
            project: self
                .kernels
                .first()
                .map(|(kernel, _)| kernel.name.clone())
                .unwrap_or_default(),
            platform: self.platform_vbnv.clone(),
            fpga_device: String::new(),
            target: "hw_em".to_owned(),
            clocks: self.clocks.iter().map(clock).collect(),
            kernels: self.kernels.iter().map(entry).collect(),
            streams: self.streams.clone(),
        }
    }
}

/// Bytes of control bus that a compute unit of the kernel takes.
fn aperture(kernel: &KernelDescription) -> u64 {
    kernel
        .control_port()
        .and_then(|port| port.range)
        .unwrap_or(0)
        .max(MODEL_APERTURE)
}

/// Spans are first address, address after the last, and whose they are.
fn check_disjoint(mut spans: Vec<(u64, u64, String)>) -> Result<()> {
    spans.sort();
    for pair in spans.windows(2) {
        if pair[1].0 < pair[0].1 {
            let problem = format!(
                "overlaps {} at {:#x}; move one of them",
                pair[0].2, pair[1].0
            );
            return Err(Error::build(pair[1].2.clone(), problem));
        }
    }
    Ok(())
}

fn check_unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if name.is_empty() || !seen.insert(name) {
            let problem = "names must be unique and not empty";
            return Err(Error::build(
                format!("{what} \"{}\"", name.escape_debug()),
                problem,
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
