//! An image as the runtime needs it: kernels, arguments, compute units and banks, with the container's sections
//! already checked against each other.

use std::collections::HashMap;
use std::sync::Arc;

use bitstreams::{
    Argument, Bitstream, ClockType, ControlProtocol, IpType, KernelDescription, StreamConnection,
    Xclbin,
};
use uuid::Uuid;

use crate::Result;

/// A memory bank of a card.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BankInfo {
    /// Name, for instance `DDR[0]`.
    pub name: String,
    /// Kind of memory, for instance `DDR4`.
    pub kind: String,
    /// First address.
    pub base: u64,
    /// Size in bytes.
    pub size: u64,
}

impl BankInfo {
    /// Whether kernels reach the host's memory here, and not the card's own: by XRT's name for it.
    pub(crate) fn is_host(&self) -> bool {
        self.name.starts_with("HOST[")
    }
}

/// A compute unit: one instance of a kernel.
#[derive(Debug, Clone)]
pub struct UnitInfo {
    /// `kernel:instance`.
    pub name: String,
    /// Index of its kernel in [`Image::kernels`].
    pub kernel: usize,
    /// Base address of its registers in the card's address space.
    pub base: u64,
    /// Banks each argument is connected to, by argument id.
    pub banks: Vec<Vec<usize>>,
}

/// What a card is programmed with.
#[derive(Debug)]
pub struct Image {
    xclbin: Xclbin,
    kernels: Vec<KernelDescription>,
    units: Vec<UnitInfo>,
    banks: Vec<BankInfo>,
    clock_mhz: u16,
    second_clock_mhz: Option<u16>,
    streams: Vec<StreamConnection>,
}

impl Image {
    /// Checks an xclbin for use and takes over what it describes.
    ///
    /// # Errors
    /// [`Error::Image`](crate::Error::Image) if it is damaged, or lacks what a card needs.
    pub fn new(xclbin: Xclbin) -> Result<Arc<Self>> {
        xclbin.verify_programmable()?;
        let metadata = xclbin.embedded_metadata()?.unwrap_or_default();
        let kernels: Vec<KernelDescription> = metadata
            .kernels
            .iter()
            .map(|kernel| kernel.description.clone())
            .collect();
        let banks = xclbin.mem_topology()?.unwrap_or_default().banks;
        let connectivity = xclbin.connectivity()?.unwrap_or_default();

        let mut units = Vec::new();
        for (index, ip) in xclbin
            .ip_layout()?
            .unwrap_or_default()
            .ips
            .iter()
            .enumerate()
        {
            let Some(kernel) = kernels
                .iter()
                .position(|kernel| Some(kernel.name.as_str()) == ip.kernel())
            else {
                continue;
            };
            let arguments = kernels[kernel].arguments.len();
            units.push(UnitInfo {
                name: ip.name.clone(),
                kernel,
                base: ip.base_address,
                banks: (0..arguments)
                    .map(|id| connectivity.banks_of(index, id as u32).collect())
                    .collect(),
            });
        }
        let clocks = xclbin.clock_frequencies()?.unwrap_or_default().clocks;
        let clock = |kind: Option<ClockType>| {
            clocks
                .iter()
                .find(|clock| clock.mhz > 0 && kind.is_none_or(|kind| clock.kind == kind))
                .map(|clock| clock.mhz)
        };
        let clock_mhz = clock(Some(ClockType::Data))
            .or(clock(None))
            .unwrap_or(DEFAULT_CLOCK_MHZ);
        let second_clock_mhz = clock(Some(ClockType::Kernel));
        let streams = metadata.streams;
        let banks = banks
            .into_iter()
            .map(|bank| BankInfo {
                name: bank.tag,
                kind: bank.kind.to_string(),
                base: bank.base_address,
                size: if bank.used {
                    bank.size_kib.saturating_mul(1024)
                } else {
                    0
                },
            })
            .collect();
        Ok(Arc::new(Self {
            xclbin,
            kernels,
            units,
            banks,
            clock_mhz,
            second_clock_mhz,
            streams,
        }))
    }

    /// The image that is shipped inside this library.
    ///
    /// # Errors
    /// As [`Image::new`].
    #[cfg(feature = "cosim")]
    pub fn default_image() -> Result<Arc<Self>> {
        Self::new(Xclbin::parse(bitstreams::default_image())?)
    }

    /// The image with the kernel `tcp_queue` that is shipped inside this library.
    ///
    /// # Errors
    /// As [`Image::new`].
    #[cfg(feature = "cosim")]
    pub fn queue_image() -> Result<Arc<Self>> {
        Self::new(Xclbin::parse(bitstreams::queue_image())?)
    }

    /// The container.
    pub fn xclbin(&self) -> &Xclbin {
        &self.xclbin
    }

    /// Identity.
    pub fn uuid(&self) -> Uuid {
        self.xclbin.uuid()
    }

    /// Platform it was made for.
    pub fn platform(&self) -> &str {
        self.xclbin.platform_vbnv()
    }

    /// Kernels.
    pub fn kernels(&self) -> &[KernelDescription] {
        &self.kernels
    }

    /// The kernels' names, for a message.
    pub fn kernel_names(&self) -> String {
        let names: Vec<_> = self
            .kernels
            .iter()
            .map(|kernel| kernel.name.as_str())
            .collect();
        if names.is_empty() {
            "none at all".to_owned()
        } else {
            names.join(", ")
        }
    }

    /// Compute units, in the order of `IP_LAYOUT`.
    pub fn units(&self) -> &[UnitInfo] {
        &self.units
    }

    /// Memory banks, in the order of `MEM_TOPOLOGY`.
    pub fn banks(&self) -> &[BankInfo] {
        &self.banks
    }

    /// Frequency of the kernels' clock, MHz.
    pub fn clock_mhz(&self) -> u16 {
        self.clock_mhz
    }

    /// Frequency of `ap_clk_2`, MHz, for kernels that have it.
    pub fn second_clock_mhz(&self) -> Option<u16> {
        self.second_clock_mhz
    }

    /// Streams from compute unit to compute unit.
    pub fn streams(&self) -> &[StreamConnection] {
        &self.streams
    }

    /// The Verilated model, unless the image holds bits for an FPGA.
    pub fn model(&self) -> Option<&[u8]> {
        match self.xclbin.bitstream() {
            Some(Bitstream::Model(model)) => Some(model),
            _ => None,
        }
    }

    /// How a unit is started and watched.
    pub fn control(&self, unit: usize) -> ControlProtocol {
        self.kernels[self.units[unit].kernel].control
    }

    /// Bytes of a unit's registers, from offset 0 on.
    pub fn register_window(&self, unit: usize) -> u64 {
        let kernel = &self.kernels[self.units[unit].kernel];
        kernel
            .control_port()
            .and_then(|port| port.range)
            .unwrap_or(bitstreams::MODEL_APERTURE)
    }

    /// Indices of the compute units in the order in which XRT counts them: by interrupt if they have numbers for it, else
    /// by address; free-running ones, which have no address, last.
    ///
    /// # Errors
    /// [`Error::Image`](crate::Error::Image) if `IP_LAYOUT` is damaged.
    pub fn units_in_xrt_order(&self) -> Result<Vec<usize>> {
        let layout = self.xclbin.ip_layout()?;
        let properties: HashMap<&str, u32> = layout
            .iter()
            .flat_map(|layout| &layout.ips)
            .filter(|ip| ip.kind == IpType::Kernel)
            .map(|ip| (ip.name.as_str(), ip.properties & INTERRUPT_MASK))
            .collect();
        let interrupt = |unit: usize| {
            let name = self.units[unit].name.as_str();
            properties.get(name).copied().unwrap_or(0)
        };
        let base = |unit: usize| self.units[unit].base;
        let mut order: Vec<usize> = (0..self.units.len()).collect();
        if order.iter().all(|&unit| interrupt(unit) == 0) {
            order.sort_by_key(|&unit| base(unit));
        } else {
            order.sort_by_key(|&unit| (base(unit) == u64::MAX, interrupt(unit)));
        }
        Ok(order)
    }

    /// A unit's argument.
    pub fn argument(&self, unit: usize, id: usize) -> Option<&Argument> {
        self.kernels[self.units[unit].kernel].argument(u32::try_from(id).ok()?)
    }
}

/// Bits of `ip_data.properties` with the interrupt's number: `IP_INTERRUPT_ID_MASK`.
const INTERRUPT_MASK: u32 = 0xFF00;

/// What an image without `CLOCK_FREQ_TOPOLOGY` runs at: the default kernel clock of Alveo shells.
const DEFAULT_CLOCK_MHZ: u16 = 300;
