//! What somebody wants of a card, and whether a card has it.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::resources::CardResources;
use crate::CancelToken;
use crate::card_id::CardId;
use crate::image::Image;
use crate::inventory::CardEntry;
use crate::store::{Access, LeaseInfo, Reserved};
use crate::trust::TrustOptions;

/// An image that a card is to hold when the lease begins. One of those that this program carries is loaded into a card that
/// holds another one, or none; any other must be loaded already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageNeed {
    /// This very image.
    Uuid(Uuid),
    /// Any image with a kernel of this name.
    Kernel(String),
}

/// What somebody wants of a card. The default is any card, alone, at once.
#[derive(Debug, Clone, Default)]
pub struct Requirements {
    /// This card and no other.
    pub card: Option<CardId>,
    /// Bytes of the card's memory.
    pub memory: u64,
    /// Logic, in look-up tables.
    pub luts: u64,
    /// DSP slices.
    pub dsps: u64,
    /// What it holds.
    pub image: Option<ImageNeed>,
    /// Beside others: their requirements and these must fit into the card together.
    pub shared: bool,
    /// What for, shown to others.
    pub purpose: String,
    /// Longest wait for a card to become free.
    pub wait: Duration,
    /// Ends the wait.
    pub cancel: CancelToken,
    /// Whose images may run, if one is loaded.
    pub trust: TrustOptions,
}

impl ImageNeed {
    fn is_met_by(&self, uuid: Option<Uuid>, kernels: &[String]) -> bool {
        match self {
            Self::Uuid(wanted) => uuid == Some(*wanted),
            Self::Kernel(wanted) => kernels.contains(wanted),
        }
    }

    /// Whether an image is what is wanted.
    pub(super) fn is_met_by_image(&self, image: &Image) -> bool {
        let kernels = image.kernels().iter().map(|kernel| kernel.name.clone());
        self.is_met_by(Some(image.uuid()), &kernels.collect::<Vec<_>>())
    }
}

/// How well a card meets requirements: the lower, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// As it is.
    Ready,
    /// An image must be loaded.
    ToProgram,
}

impl Requirements {
    pub(super) fn access(&self) -> Access {
        if self.shared {
            Access::Shared
        } else {
            Access::Exclusive
        }
    }

    pub(super) fn reserved(&self) -> Reserved {
        Reserved {
            memory: self.memory,
            luts: self.luts,
            dsps: self.dsps,
        }
    }

    /// How a card meets these, whoever has it now; or why it does not. `loadable`: the wanted image can be loaded.
    pub(super) fn fit(
        &self,
        entry: &CardEntry,
        resources: &CardResources,
        loadable: bool,
    ) -> Result<Fit, String> {
        for (unit, asked, there) in self.amounts(resources) {
            match there {
                _ if asked == 0 => {}
                None => return Err(format!("how many {unit} it has is not known")),
                Some(there) if asked > there => {
                    return Err(format!("it has {there} {unit}, not {asked}"));
                }
                Some(_) => {}
            }
        }
        match &self.image {
            Some(image) if !image.is_met_by(entry.image, &entry.kernels) => {
                if loadable {
                    Ok(Fit::ToProgram)
                } else {
                    Err(format!("it does not hold {image}"))
                }
            }
            _ => Ok(Fit::Ready),
        }
    }

    /// Whether these fit beside the leases that are there; if not, why.
    pub(super) fn fits_beside(
        &self,
        others: &[LeaseInfo],
        resources: &CardResources,
    ) -> Result<(), String> {
        let taken = |amount: fn(&Reserved) -> u64| -> u64 {
            others.iter().map(|lease| amount(&lease.reserved)).sum()
        };
        let taken = [
            taken(|reserved| reserved.memory),
            taken(|reserved| reserved.luts),
            taken(|reserved| reserved.dsps),
        ];
        for ((unit, asked, there), taken) in self.amounts(resources).into_iter().zip(taken) {
            if let Some(there) = there
                && asked > there.saturating_sub(taken)
            {
                return Err(format!(
                    "other leases have {taken} of its {there} {unit}, and {asked} are asked for"
                ));
            }
        }
        Ok(())
    }

    fn amounts(&self, resources: &CardResources) -> [(&'static str, u64, Option<u64>); 3] {
        [
            ("bytes of memory", self.memory, resources.memory),
            ("LUTs", self.luts, resources.luts),
            ("DSP slices", self.dsps, resources.dsps),
        ]
    }
}

impl fmt::Display for ImageNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => write!(f, "the image {uuid}"),
            Self::Kernel(kernel) => write!(f, "a kernel {kernel}"),
        }
    }
}

impl fmt::Display for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.card {
            Some(card) => write!(f, "{card}")?,
            None => f.write_str("any card")?,
        }
        if self.memory > 0 {
            write!(f, ", {} bytes of memory", self.memory)?;
        }
        if self.luts > 0 {
            write!(f, ", {} LUTs", self.luts)?;
        }
        if self.dsps > 0 {
            write!(f, ", {} DSP slices", self.dsps)?;
        }
        if let Some(image) = &self.image {
            write!(f, ", {image}")?;
        }
        write!(f, ", {}", self.access())
    }
}
