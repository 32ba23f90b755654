//! The shell: the PCIe face of a card, as a driver finds it. A configuration space that says what the card is, a BAR that
//! reaches the kernels' registers behind an [`identity`] block, and AMD's DMA subsystem ([`xdma`]) with its interrupts.
//!
//! [`Shell`] serves a [`Card`] to many clients over vfio-user; each gets a function with DMA channels, interrupts and a
//! configuration space of its own, and all share the card's kernels and memory. What simulates the card is on the other
//! side of [`Card`].

pub mod bypass;
mod card;
mod config_space;
mod function;
mod holders;
pub mod identity;
mod kind;
mod link;
mod page;
mod pages;
mod pairs;
mod shell;

pub use card::{Card, CardError, CardEvents, CardSize, CardStatus, Doorbell, HostMemory};
pub use config_space::{
    BYPASS_BAR, CONFIG_BYTES, ConfigSpace, DEVICE, DMA_BAR, SUBSYSTEM, USER_BAR, USER_BAR_BYTES,
    VENDOR, VSEC, VSEC_ID, VSEC_REVISION,
};
pub use kind::{NoSuchShell, ShellKind};
pub use link::{Disturbance, DmaPiece, LinkState};
pub use shell::Shell;
pub use xdma::{AxiError, HostFault, Layout};
