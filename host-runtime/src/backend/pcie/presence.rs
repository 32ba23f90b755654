//! Whether there is still a card, and whether it works. What nothing answers reads all ones, as on a PCIe link.

use card_shell::identity as id;
use vfio_user::{BAR0_REGION, CONFIG_REGION};

use super::PcieBackend;
use super::error::PcieError;
use super::transport::Transport;
use crate::Error;
use crate::card_id::CardId;

/// The error of a card that does not answer any more.
pub(super) fn lost(card: CardId, source: &PcieError) -> Error {
    let advice = match card {
        CardId::Served(name) => format!(
            "serve it again (`fpga-ctl sim serve {name}`) if its server ended, and open it anew"
        ),
        _ => {
            "look whether it is in its slot and its link is up (`fpga-ctl list`), and open it anew"
                .to_owned()
        }
    };
    Error::DeviceLost {
        card,
        reason: source.to_string(),
        advice,
    }
}

/// Whether there is still a card: the vendor's number never reads all ones where there is one.
pub(super) fn check_presence(transport: &dyn Transport) -> Result<(), PcieError> {
    match transport.read(CONFIG_REGION, 0)? as u16 {
        u16::MAX => Err(PcieError::Removed),
        _ => Ok(()),
    }
}

impl PcieBackend {
    /// Whether the card says that it does not work until it is reset, or nothing at all.
    pub(super) fn check_status(&self) -> Result<(), PcieError> {
        let status = self.page.word(id::REG_STATUS);
        if status == u32::MAX {
            check_presence(&*self.transport)?;
        }
        if status & id::status::BROKEN != 0 {
            return Err(PcieError::Stopped);
        }
        Ok(())
    }

    /// Reads a register. All ones may be what is in it, or say that nothing answers.
    pub(super) fn read_kernel(&self, address: u64) -> Result<u32, PcieError> {
        let word = self.transport.read(BAR0_REGION, address)?;
        if word == u32::MAX {
            check_presence(&*self.transport)?;
            self.check_status()?;
        }
        Ok(word)
    }
}
