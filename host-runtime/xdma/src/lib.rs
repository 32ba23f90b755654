//! AMD's DMA/Bridge Subsystem for PCI Express ("XDMA"), which custom boards and Alveo cards outside of XRT most often
//! carry, after its product guide PG195, version 4.2, memory-mapped DMA.
//!
//! [`registers`] and [`DmaDescriptor`] are what a driver and a card agree on. [`Xdma`] is a model of the card's side: the
//! registers of the DMA BAR, engines that follow lists of DMA descriptors in the host's memory, and the interrupt block.
//! Whoever owns it calls [`Xdma::work`] when there is something to do; nothing here waits or has threads.

mod channel;
mod descriptor;
mod interrupts;
mod model;
pub mod registers;

pub use channel::ChannelDirection;
pub use descriptor::{DESCRIPTOR_BYTES, DmaDescriptor};
pub use model::{AxiError, Bus, HostFault, Layout, TransferFault, Xdma};
