//! PCI devices in user space over a Unix socket: the vfio-user protocol (libvfio-user's `vfio-user.rst`, version 0.1),
//! both ends.
//!
//! A device is served by [`Server`]: many clients, each with its own [`Function`] of the device. [`Client`] is the other
//! end, for a driver. Neither trusts the other: what is malformed is answered by an error or ends the connection, and
//! every wait is bounded.

mod channel;
mod client;
mod dma;
mod error;
mod irq;
mod protocol;
mod replies;
mod server;
mod version;

pub use channel::Timeouts;
pub use client::{Client, RegionInfo};
pub use dma::{DmaAccess, DmaFault, DmaTable};
pub use error::{Error, Result};
pub use protocol::{
    BAR0_REGION, BAR1_REGION, BAR2_REGION, BAR3_REGION, BAR4_REGION, BAR5_REGION, CONFIG_REGION,
    ERR_IRQ, INTX_IRQ, MSI_IRQ, MSIX_IRQ, PCI_IRQS, PCI_REGIONS, REQ_IRQ, ROM_REGION, VGA_REGION,
};
pub use server::{
    Attachment, Device, Function, IrqType, Link, Mappable, Region, Server, ServerOptions,
};
