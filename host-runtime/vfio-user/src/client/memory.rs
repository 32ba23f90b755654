//! Memory of the driver that no file holds: the device asks for it by messages, which are answered here.

use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::Shared;
use crate::Result;
use crate::channel::Message;
use crate::protocol::{Command, DmaTransfer, Header, take};

/// Memory without a file, by address.
pub(super) type Served = Mutex<Vec<(u64, Arc<Mutex<Vec<u8>>>)>>;

impl Shared {
    /// Answers the device's access to memory that no file holds.
    pub(super) fn serve(&self, message: &Message) -> Result<()> {
        let served = self.transfer(message);
        if !message.header.wants_reply() {
            return Ok(());
        }
        let (flags, error) = match &served {
            Ok(_) => (Header::REPLY, 0),
            Err(errno) => (Header::REPLY | Header::ERROR, errno.raw_os_error() as u32),
        };
        let header = Header {
            flags,
            error,
            ..message.header
        };
        self.channel
            .send(header, &[&served.unwrap_or_default()], &[])
    }

    fn transfer(&self, message: &Message) -> Result<Vec<u8>, Errno> {
        let (request, data) = take::<DmaTransfer>(&message.payload).ok_or(Errno::INVAL)?;
        let count = usize::try_from(request.count).map_err(|_| Errno::INVAL)?;
        let end = request
            .address
            .checked_add(request.count)
            .ok_or(Errno::INVAL)?;
        let served = self.served.lock();
        let found = served.iter().find(|(start, memory)| {
            *start <= request.address && end <= start.saturating_add(memory.lock().len() as u64)
        });
        let (start, memory) = found.ok_or(Errno::FAULT)?;
        let within = (request.address - start) as usize;
        let mut memory = memory.lock();
        let bytes = memory.get_mut(within..within + count).ok_or(Errno::FAULT)?;
        let mut reply = bytemuck::bytes_of(&request).to_vec();
        match Command::from_number(message.header.command) {
            Some(Command::DmaRead) if data.is_empty() => reply.extend_from_slice(bytes),
            Some(Command::DmaWrite) if data.len() == count => bytes.copy_from_slice(data),
            _ => return Err(Errno::INVAL),
        }
        Ok(reply)
    }
}
