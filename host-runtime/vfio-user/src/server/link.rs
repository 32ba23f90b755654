//! What a device reaches of a client: its memory, by mappings or by messages, and its interrupts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ThreadId;

use parking_lot::Mutex;
use rustix::io::Errno;

use crate::channel::{Channel, Message};
use crate::dma::{DmaFault, DmaTable, PeerMemory};
use crate::irq::Interrupts;
use crate::protocol::{Command, DmaTransfer, Header, MAX_DMA_MAPS, MAX_TRANSFER, take};
use crate::replies::{NoReply, Replies};
use crate::{Error, Result};

/// What a device reaches of a client: its memory and its interrupts. Any thread may use it.
#[derive(Debug)]
pub struct Link {
    id: u64,
    pub(super) dma: DmaTable,
    pub(super) interrupts: Mutex<Option<Arc<Interrupts>>>,
    pub(super) peer: Peer,
    faults: AtomicU64,
}

/// The client's memory by messages, for ranges without a file.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) channel: Channel,
    replies: Replies,
    /// The thread that receives: it cannot wait for a reply.
    pub(super) receiver: Mutex<Option<ThreadId>>,
    pub(super) max_transfer: Mutex<usize>,
}

impl Link {
    pub(super) fn new(id: u64, channel: Channel) -> Self {
        Self {
            id,
            dma: DmaTable::new(MAX_DMA_MAPS),
            interrupts: Mutex::new(None),
            peer: Peer {
                channel,
                replies: Replies::default(),
                receiver: Mutex::new(None),
                max_transfer: Mutex::new(MAX_TRANSFER),
            },
            faults: AtomicU64::new(0),
        }
    }

    /// A number of the client's own, counted since the server began.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Reads the client's memory, as the device sees it.
    ///
    /// # Errors
    /// [`DmaFault`]: the device reports it as its own bus would.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), DmaFault> {
        self.count(self.dma.read(&self.peer, address, bytes))
    }

    /// Writes the client's memory, as the device sees it.
    ///
    /// # Errors
    /// As [`Link::read`].
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), DmaFault> {
        self.count(self.dma.write(&self.peer, address, bytes))
    }

    /// Reads the client's memory as [`Link::read`] does, and waits for nobody: what is reached by messages alone is refused.
    ///
    /// # Errors
    /// As [`Link::read`].
    pub fn read_at_once(&self, address: u64, bytes: &mut [u8]) -> Result<(), DmaFault> {
        self.count(self.dma.read(&NoMessages, address, bytes))
    }

    /// Writes the client's memory as [`Link::write`] does, and waits for nobody: what is reached by messages alone is
    /// refused.
    ///
    /// # Errors
    /// As [`Link::read`].
    pub fn write_at_once(&self, address: u64, bytes: &[u8]) -> Result<(), DmaFault> {
        self.count(self.dma.write(&NoMessages, address, bytes))
    }

    /// Accesses that faulted since the client came.
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// The ranges that the client has mapped.
    pub fn dma(&self) -> &DmaTable {
        &self.dma
    }

    /// Signals an interrupt of a type. Nothing happens where the client wants none.
    pub fn interrupt(&self, index: u32, vector: u32) {
        let interrupts = self.interrupts.lock().clone();
        if let Some(interrupts) = interrupts {
            interrupts.trigger(index, vector);
        }
    }

    /// Ends the connection, as a card that is pulled out would.
    pub fn disconnect(&self) {
        self.peer.channel.shut_down();
    }

    fn count(&self, result: Result<(), DmaFault>) -> Result<(), DmaFault> {
        if let Err(fault) = &result {
            self.faults.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(client = self.id, %fault, "DMA fault");
        }
        result
    }
}

/// For who cannot wait for the client.
struct NoMessages;

impl PeerMemory for NoMessages {
    fn read(&self, _: u64, _: &mut [u8]) -> bool {
        false
    }

    fn write(&self, _: u64, _: &[u8]) -> bool {
        false
    }
}

impl PeerMemory for Peer {
    fn read(&self, address: u64, bytes: &mut [u8]) -> bool {
        let limit = *self.max_transfer.lock();
        let pieces = bytes.chunks_mut(limit).enumerate();
        for (index, piece) in pieces {
            let request = DmaTransfer {
                address: address + (index * limit) as u64,
                count: piece.len() as u64,
            };
            let Ok(reply) = self.ask(Command::DmaRead, &request, &[]) else {
                return false;
            };
            match take::<DmaTransfer>(&reply.payload) {
                Some((_, data)) if data.len() == piece.len() => piece.copy_from_slice(data),
                _ => return false,
            }
        }
        true
    }

    fn write(&self, address: u64, bytes: &[u8]) -> bool {
        let limit = *self.max_transfer.lock();
        bytes.chunks(limit).enumerate().all(|(index, piece)| {
            let request = DmaTransfer {
                address: address + (index * limit) as u64,
                count: piece.len() as u64,
            };
            self.ask(Command::DmaWrite, &request, piece).is_ok()
        })
    }
}

impl Peer {
    /// Sends a command to the client and waits for its reply.
    fn ask(&self, command: Command, request: &DmaTransfer, data: &[u8]) -> Result<Message> {
        if *self.receiver.lock() == Some(std::thread::current().id()) {
            return Err(Error::Invalid(
                "the thread that receives replies cannot wait for one".to_owned(),
            ));
        }
        let expected = self.replies.expect().ok_or(Error::Closed)?;
        let header = Header {
            id: expected.id(),
            command: command as u16,
            flags: Header::COMMAND,
            ..Header::default()
        };
        self.channel
            .send(header, &[bytemuck::bytes_of(request), data], &[])?;
        let after = self.channel.timeouts().reply;
        let reply = expected.wait(after).map_err(|none| match none {
            NoReply::Late => Error::TimedOut {
                what: "reply",
                after,
            },
            NoReply::Ended => Error::Closed,
        })?;
        if reply.header.flags & Header::ERROR != 0 {
            return Err(Error::Refused {
                request: format!("{command:?}"),
                errno: Errno::from_raw_os_error(reply.header.error as i32),
            });
        }
        Ok(reply)
    }

    /// Ends the connection: whoever waits for a reply, or asks from now on, is told that none comes.
    pub(super) fn end(&self) {
        self.channel.shut_down();
        self.replies.end();
    }

    /// Hands a reply to who waits for it.
    pub(super) fn deliver(&self, reply: Message) {
        self.replies.deliver(reply);
    }
}
