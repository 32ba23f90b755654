//! The device that a command is about, and how XRT describes it.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use host_runtime::{Access, Card, CardId, Image, OpenOptions, TrustOptions, xrt_card, xrt_cards};

use crate::stderr;

/// The device to use.
#[derive(Debug, Args)]
pub(super) struct DeviceArg {
    /// Device: an index, a PCIe address (0000:d8:00.0) or a card's name; may be left out if there is one only
    #[arg(short, long, value_name = "DEVICE")]
    pub(super) device: Option<String>,
}

impl DeviceArg {
    /// Finds it.
    pub(super) fn find(&self) -> Result<Device> {
        let Some(name) = &self.device else {
            let cards = xrt_cards(None)?;
            let [card] = cards[..] else {
                bail!(
                    "there are {} devices: say which one with -d DEVICE (xbutil examine -r list shows them)",
                    cards.len()
                );
            };
            return Ok(Device { index: 0, card });
        };
        let (index, card) = xrt_card(name, None)?;
        Ok(Device { index, card })
    }
}

/// A device that XRT's programs see.
#[derive(Debug, Clone, Copy)]
pub(super) struct Device {
    pub(super) index: usize,
    pub(super) card: CardId,
}

impl Device {
    /// All of them, in XRT's order.
    pub(super) fn all() -> Result<Vec<Self>> {
        let cards = xrt_cards(None)?.into_iter().enumerate();
        Ok(cards.map(|(index, card)| Self { index, card }).collect())
    }

    /// Its PCIe address.
    pub(super) fn address(self) -> String {
        self.card.pcie_address()
    }

    /// Opens the card beside whoever uses it, as XRT's tools do.
    pub(super) fn open(self, purpose: &str) -> Result<Card> {
        let options = OpenOptions {
            access: Access::Shared,
            purpose: purpose.to_owned(),
            trust: TrustOptions::from_environment(stderr::warn),
            ..OpenOptions::default()
        };
        Card::open_with(self.card, &options)
            .with_context(|| format!("device {} cannot be used", self.address()))
    }

    /// The image that the card holds; the card's stored state stays as it was.
    pub(super) fn image(self) -> Result<Option<Arc<Image>>> {
        let card = self.open("xbutil examine")?;
        let image = card.image();
        card.abandon()?;
        Ok(image)
    }
}

/// What XRT calls the shell: the platform of the image, or what an empty card takes images for.
pub(super) fn shell(image: Option<&Image>) -> &str {
    image.map_or(bitstreams::link::DEFAULT_PLATFORM, Image::platform)
}
