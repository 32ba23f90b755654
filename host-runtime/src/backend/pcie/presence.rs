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

#[cfg(test)]
mod tests {
    use std::os::fd::BorrowedFd;
    use std::time::Duration;

    use rustix::io::Errno;

    use super::*;
    use crate::backend::pcie::transport::{DmaAddresses, DmaMemory, Mapped};

    /// A function of the kernel's VFIO, as it reads.
    #[derive(Debug)]
    struct Reads(Result<u32, Errno>);

    impl Transport for Reads {
        fn read(&self, region: u32, offset: u64) -> Result<u32, PcieError> {
            let action = format!("access {offset:#x} of region {region}");
            let failed = |errno: Errno| vfio::Error::System {
                action,
                source: errno.into(),
            };
            Ok(self.0.map_err(failed)?)
        }

        fn write(&self, _: u32, _: u64, _: u32) -> Result<(), PcieError> {
            Ok(())
        }

        fn map(&self, _: u32, _: usize) -> Result<Option<Mapped>, PcieError> {
            Ok(None)
        }

        fn patience(&self) -> Duration {
            Duration::ZERO
        }

        fn dma_addresses(&self) -> DmaAddresses {
            DmaAddresses {
                ranges: Vec::new(),
                alignment: 1,
            }
        }

        fn map_dma(&self, _: u64, _: &DmaMemory) -> Result<(), PcieError> {
            Ok(())
        }

        fn unmap_dma(&self, _: u64, _: u64) -> Result<(), PcieError> {
            Ok(())
        }

        fn set_interrupt(&self, _: u32, _: BorrowedFd<'_>) -> Result<(), PcieError> {
            Ok(())
        }
    }

    /// As the bus answers for a card whose link went down, and as the kernel does for one that it has taken leave of.
    #[test]
    fn a_card_on_the_bus_that_does_not_answer_is_lost() {
        let present = |reads| check_presence(&Reads(reads));
        present(Ok(0x903F_10EE)).unwrap();
        for gone in [Ok(u32::MAX), Err(Errno::NODEV)] {
            let error = present(gone).unwrap_err();
            assert!(error.is_loss(), "{error}");
            let card = CardId::Pci("0000:03:00.0".parse().unwrap());
            let error = lost(card, &error);
            assert!(matches!(error, Error::DeviceLost { .. }), "{error}");
            assert!(error.to_string().contains("its link is up"), "{error}");
        }
        // A function whose memory is switched off is there.
        assert!(!present(Err(Errno::IO)).unwrap_err().is_loss());
    }
}
