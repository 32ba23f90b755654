//! Clearing a card: what a lease left in it goes, before somebody else gets it.

use std::path::Path;

use crate::backend::pcie::PcieBackend;
use crate::card::OpenOptions;
use crate::card_id::CardId;
use crate::store::lease::Passage;
use crate::store::{Access, CardStore};
use crate::{Error, Result};

/// What others see that the card is open for.
const PURPOSE: &str = "clearing it after a lease";

/// Empties a card, which nobody may have open. To be called by who has the lease's lock exclusively.
///
/// What a simulated card and the software device hold is in the state folder; their memory went with the processes. Of a card
/// behind XRT the image is forgotten, so that the next user loads one, which resets the kernels: XRT has no way to clear
/// the card's memory.
pub(crate) fn clear(card: CardId, state_folder: Option<&Path>) -> Result<()> {
    let options = OpenOptions {
        access: Access::Exclusive,
        purpose: PURPOSE.to_owned(),
        state_folder: state_folder.map(Path::to_owned),
        ..OpenOptions::default()
    };
    let store = CardStore::open(card, &options, Passage::ToClear)?;
    store.empty()?;
    match card {
        CardId::Simulated(_) | CardId::Software(_) | CardId::Xrt(_) => Ok(()),
        CardId::Served(name) => {
            let socket = crate::store::served_socket(name, state_folder)?;
            match PcieBackend::open_served(card, &socket, Some(store), None) {
                Ok(backend) => backend.empty(),
                // What it held went with its server.
                Err(Error::Pcie { .. }) if !crate::store::is_served(name, state_folder) => Ok(()),
                Err(error) => Err(error),
            }
        }
        CardId::Pci(address) => PcieBackend::open_pci(card, address, store, None)?.empty(),
    }
}
