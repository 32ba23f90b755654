//! A PCI function that Linux gives to this process, by VFIO: its registers, its DMA and its interrupts. Crate `pci-driver`
//! makes the system calls; this closes what it leaves open (bounds, errors that say what to do, vectors that are set one by
//! one) and knows nothing of what the function is.
//!
//! ```no_run
//! # fn main() -> vfio::Result<()> {
//! let function = vfio::Function::open("0000:03:00.0".parse()?)?;
//! let identity = function.read(vfio::CONFIG_REGION, 0)?;
//! println!("vendor {:04x}, device {:04x}", identity & 0xFFFF, identity >> 16);
//! # Ok(())
//! # }
//! ```

mod address;
mod binding;
mod error;
mod function;

pub use address::PciAddress;
pub use binding::Binding;
pub use error::{Error, Result};
pub use function::{CONFIG_REGION, Function, InterruptKind, MappedRegion};

/// Where Linux lists PCI functions.
pub const PCI_DEVICES: &str = "/sys/bus/pci/devices";
