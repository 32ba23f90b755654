//! The card that a command works on, and how it is opened.

use anyhow::{Context as _, Result};
use host_runtime::{Access, Card, CardId, Inventory, OpenOptions, TrustOptions, Untrusted};

use crate::cli::Globals;
use crate::stderr;

/// What a command knows of its surroundings.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) globals: Globals,
}

impl Context {
    /// The cards of this machine.
    pub(crate) fn inventory(&self) -> Inventory {
        Inventory::scan_with(self.globals.state_dir.as_deref())
    }

    /// The card to use: the one that was named, or the best there is.
    pub(crate) fn card(&self) -> CardId {
        if let Some(card) = self.globals.card {
            return card;
        }
        let card = self.inventory().default_card();
        if matches!(card, CardId::Simulated(_)) && !self.globals.quiet {
            stderr::line(format_args!(
                "no card is present: using the simulated one, {card}"
            ));
        }
        card
    }

    /// Whose images may run.
    pub(crate) fn trust(&self) -> TrustOptions {
        let mut options = TrustOptions::from_environment(stderr::warn);
        if self.globals.allow_untrusted {
            options.untrusted = Untrusted::Allow(stderr::warn);
        }
        options
    }

    /// How this program opens a card.
    pub(crate) fn options(&self, purpose: &str, access: Access) -> OpenOptions {
        OpenOptions {
            access,
            purpose: purpose.to_owned(),
            state_folder: self.globals.state_dir.clone(),
            trust: self.trust(),
            ..OpenOptions::default()
        }
    }

    /// Opens a card, changes or reads something, and stores what outlives the process. On an
    /// error the card's stored state stays as it was.
    pub(crate) fn with_card<T>(
        &self,
        id: CardId,
        options: &OpenOptions,
        use_it: impl FnOnce(&Card) -> Result<T>,
    ) -> Result<T> {
        let card = Card::open_with(id, options)?;
        match use_it(&card) {
            Ok(result) => {
                card.close()
                    .context("the card's state could not be stored")?;
                Ok(result)
            }
            Err(error) => Err(abandon(card, error)),
        }
    }

    /// Opens a card to look at it only.
    pub(crate) fn look_at_card<T>(
        &self,
        id: CardId,
        purpose: &str,
        look: impl FnOnce(&Card) -> Result<T>,
    ) -> Result<T> {
        let options = self.options(purpose, Access::Shared);
        let card = Card::open_with(id, &options)?;
        let result = look(&card);
        card.abandon()?;
        result
    }
}

/// Leaves a card's stored state as it was because of an error.
pub(crate) fn abandon(card: Card, error: anyhow::Error) -> anyhow::Error {
    match card.abandon() {
        Ok(()) => error,
        Err(second) => error.context(format!("the card could not be closed either: {second}")),
    }
}
