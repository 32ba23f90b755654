//! Bitstreams: what a card, real or simulated, is programmed with.
//!
//! The `.xclbin` format is the package [`xclbin`], re-exported here whole. It is a package of its own
//! because the build script of this one needs it: with the feature `default-image` (on by default)
//! that script builds the kernels `tcp_validator` and `tcp_queue` with Verilator and packs them, and [`default_image`]
//! and [`queue_image`] ship them inside every program. Without the feature nothing here needs Verilator or C++.
//!
//! Whose images may run here is a matter of the module [`trust`].
//!
//! With the feature `build`, the module [`link`] makes images from any RTL kernels.

pub use xclbin::*;

pub mod trust;

#[cfg(feature = "build")]
pub mod link;

#[cfg(feature = "default-image")]
mod shipped_images;
#[cfg(feature = "default-image")]
pub use shipped_images::{default_image, queue_image};
