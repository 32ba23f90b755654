//! Builds Verilog kernels into loadable models with Verilator, loads them, and clocks them behind AXI bus
//! models that check the protocol.
//!
//! The crate knows kernels (the RTL-kernel interface of AMD's UG1393), not what they compute and not the
//! containers they are shipped in. Two halves, each behind a feature:
//!
//! - `build`: [`ModelBuild`] runs Verilator and the C++ compiler and caches the result by content;
//! - `engine`: [`ModelLibrary`] loads such a model, [`Engine`] clocks its kernels.

pub mod frame;
pub mod interface;

#[cfg(feature = "build")]
pub mod build;
#[cfg(feature = "build")]
pub use build::{BuildError, BuiltModel, BuiltModels, Cache, ModelBuild, link};

#[cfg(feature = "engine")]
mod ecc;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
pub mod memory;
#[cfg(feature = "engine")]
pub mod model;
#[cfg(feature = "engine")]
pub use ecc::{ECC_WORD, EccCounters};
#[cfg(feature = "engine")]
pub use engine::{Engine, EngineConfig, EngineError};
#[cfg(feature = "engine")]
pub use memory::{Bank, DeviceMemory, MemoryError};
#[cfg(feature = "engine")]
pub use model::{InstanceOptions, Model, ModelError, ModelLibrary};
