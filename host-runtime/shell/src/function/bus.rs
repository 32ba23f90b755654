//! What a client's function reaches: the host's memory by its link, the card's memory, and messages to the host.

use std::sync::Arc;

use vfio_user::MSIX_IRQ;
use xdma::{AxiError, Bus, HostFault, TransferFault};

use super::Client;
use crate::card::HostMemory;
use crate::identity as id;

impl Bus for Client {
    fn read_host(&self, address: u64, bytes: &mut [u8]) -> Result<(), HostFault> {
        if !self.reaches_host() {
            return Err(HostFault);
        }
        self.link.read(address, bytes).map_err(|_| HostFault)
    }

    fn write_host(&self, address: u64, bytes: &[u8]) -> Result<(), HostFault> {
        if !self.reaches_host() {
            return Err(HostFault);
        }
        self.link.write(address, bytes).map_err(|_| HostFault)
    }

    fn host_to_card(&self, host: u64, card: u64, len: usize) -> Result<(), TransferFault> {
        let len = self.begin_piece(true, card, len)?;
        let mut read = Ok(());
        self.memory(card, len, &mut |bytes| read = self.read_host(host, bytes))
            .map_err(TransferFault::Card)?;
        read.map_err(TransferFault::Host)?;
        self.watch.moved(&self.page, true, len);
        Ok(())
    }

    fn card_to_host(&self, card: u64, host: u64, len: usize) -> Result<(), TransferFault> {
        let len = self.begin_piece(false, card, len)?;
        let mut written = Ok(());
        // The loaded image is read where a new one is written.
        let told = if card >= id::TEXT_ADDRESS {
            let text = Arc::from(self.text.lock().as_bytes());
            Some((text, card - id::TEXT_ADDRESS))
        } else if card >= id::IMAGE_ADDRESS {
            let image = self.card.image();
            image.map(|image| (image, card - id::IMAGE_ADDRESS))
        } else {
            None
        };
        if let Some((bytes, offset)) = told {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let bytes = start.checked_add(len).and_then(|end| bytes.get(start..end));
            let bytes = bytes.ok_or(TransferFault::Card(AxiError::Decode))?;
            written = self.write_host(host, bytes);
        } else {
            let mut write = |bytes: &mut [u8]| written = self.write_host(host, bytes);
            self.card
                .memory(card, len, &mut write)
                .map_err(TransferFault::Card)?;
        }
        written.map_err(TransferFault::Host)?;
        self.watch.moved(&self.page, false, len);
        Ok(())
    }

    fn message(&self, vector: u32) {
        if self.reaches_host() {
            self.link.interrupt(MSIX_IRQ, vector);
        }
    }
}

impl HostMemory for Client {
    fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), HostFault> {
        self.count_host_fault(self.at_once(|link| link.read_at_once(address, bytes)))
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), HostFault> {
        self.count_host_fault(self.at_once(|link| link.write_at_once(address, bytes)))
    }
}
