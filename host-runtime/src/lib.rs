//! The runtime: programs talk to cards through it, and nothing above the backend line can tell a real card from a
//! simulated one.
//!
//! ```no_run
//! use host_runtime::tcp::Profile;
//! use host_runtime::{Card, CardId, Validator};
//!
//! # fn main() -> Result<(), host_runtime::Error> {
//! let card = Card::open(CardId::Simulated(0))?;
//! let descriptors = host_runtime::collection::sample::entries(Profile::Wide);
//! let descriptors: Vec<_> = descriptors.into_iter().map(|(_, descriptor)| descriptor).collect();
//! let report = Validator::new(&card)?.profile(Profile::Wide).validate(&descriptors)?;
//! println!("{} of {} are valid", report.summary.tally.verdicts.valid, descriptors.len());
//! # Ok(())
//! # }
//! ```

mod backend;
mod cancel;
mod card;
mod card_id;
mod card_name;
pub mod collection;
pub mod decision;
mod error;
#[cfg(feature = "cosim")]
pub mod faults;
mod image;
mod inventory;
pub mod judge;
mod kernel;
mod lease;
mod memory;
pub mod queue;
mod recovery;
mod run;
mod run_queue;
#[cfg(feature = "cosim")]
mod serve;
mod store;
pub mod tcp;
mod trust;
mod validator;
mod xrt_index;
mod xrt_shim;

pub use backend::pcie::PcieError;
pub use backend::{BusError, Reliability, SimulatedTime};
pub use cancel::CancelToken;
pub use card::{Access, Card, CardInfo, ImageInfo, OpenOptions};
pub use card_id::CardId;
pub use card_name::{ServedName, ServedNameError};
pub use error::{Error, Result};
pub use image::{BankInfo, Image, UnitInfo};
pub use inventory::{
    Bar, CardEntry, CardState, Inventory, PciDetails, PcieLink, SYSTEM_ROOT_VARIABLE, UnusableCard,
};
pub use kernel::Kernel;
pub use lease::{CARD_VARIABLE, CardResources, ImageNeed, Lease, Requirements};
pub use memory::{Buffer, DeviceBuffer, Direction, MappedMemory};
pub use recovery::{Recovered, Recoveries, Recovery, Rung, recoveries};
pub use run::{Run, RunState};
pub use run_queue::{RunQueue, Ticket};
pub use store::{
    Contexts, Holder, LEASE_VARIABLE, LeaseInfo, Reserved, STATE_FOLDER_VARIABLE, SharedImage,
    state_folder,
};
pub use trust::{ALLOW_UNTRUSTED_VARIABLE, TrustOptions, Untrusted};
pub use validator::{Answers, Cycles, KERNEL, PolicyChoice, Progress, Report, Summary, Validator};
pub use vfio::PciAddress;
pub use xrt_index::{SIM_CARDS_VARIABLE, XRT_CARDS_VARIABLE, xrt_card, xrt_cards};
pub use xrt_shim::{XRT_SHIM_VARIABLE, XrtShim, XrtShimMissing};

pub use bitstreams;
#[cfg(feature = "cosim")]
pub use card::{SimOptions, Waves};
#[cfg(feature = "cosim")]
pub use cosim;
#[cfg(feature = "cosim")]
pub use serve::{MemoryBanks, ServeOptions, ServedCard, ShellKind, ShellLayout};
