//! The `.xclbin` container: what a card, real or simulated, is programmed with.
//!
//! [`Xclbin`] reads any image, ours or a vendor's, well enough to describe it ([`Summary`]);
//! [`ImageBuilder`] makes images for simulated cards; [`Container`] is the layer below both, which
//! keeps every section, known or not. Layouts and section numbers follow XRT's public `xclbin.h`.
//!
//! Every image written here carries a SHA-256 digest over the whole file (module [`digest`]), so a
//! byte cut or flipped anywhere is an error before a model is loaded as code; and it may carry a signature
//! (module [`signature`]), which tells by whose word it is to be loaded.
//!
//! ```
//! use xclbin::Xclbin;
//! let error = Xclbin::parse(b"not an image".to_vec()).unwrap_err();
//! assert!(error.to_string().contains("xclbin2"));
//! ```

#[cfg(target_endian = "big")]
compile_error!(
    "axlf is little-endian and its structures are read in place: a big-endian host is not supported"
);

mod axlf;
mod build_metadata;
mod builder;
mod clock_freq;
mod connectivity;
mod container;
pub mod digest;
mod embedded_metadata;
mod error;
mod file;
mod ip_layout;
mod kernel;
mod key;
mod mem_topology;
mod section;
pub mod signature;
mod summary;
mod table;
mod xclbin;
mod xml;

pub use axlf::{Header, Mode, Version};
pub use build_metadata::BuildMetadata;
pub use builder::{ComputeUnit, ImageBuilder, MODEL_APERTURE};
pub use clock_freq::{Clock, ClockFrequencies, ClockType};
pub use connectivity::{Connection, Connectivity};
pub use container::Container;
pub use digest::DigestStatus;
pub use embedded_metadata::{
    AddressRemap, EmbeddedMetadata, Instance, KernelClock, KernelEntry, StreamConnection,
};
pub use error::{Error, Result};
pub use ip_layout::{Ip, IpLayout, IpType};
pub use kernel::{AddressQualifier, Argument, ControlProtocol, KernelDescription, Port, PortMode};
pub use key::{Fingerprint, PublicKey, SecretKey};
pub use mem_topology::{Bank, MemTopology, MemType};
pub use section::{Section, SectionKind};
pub use signature::SignatureStatus;
pub use summary::Summary;
pub use xclbin::{Bitstream, Xclbin};
