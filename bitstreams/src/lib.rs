//! Bitstreams: what a card, real or simulated, is programmed with.
//!
//! The `.xclbin` format is the package [`xclbin`], re-exported here whole. It is a package of its own
//! because the build script that packs the default image needs it.

pub use xclbin::*;
