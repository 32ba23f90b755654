//! One client of a device: its requests, its memory, its interrupts.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::ThreadId;
use std::time::Instant;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::{Attachment, Device, Function, Region};
use crate::channel::{Channel, Message, Timeouts};
use crate::dma::{DmaAccess, DmaFault, DmaTable, PeerMemory};
use crate::irq::Interrupts;
use crate::protocol::{
    Area, Command, DeviceInfo, DmaMap, DmaTransfer, DmaUnmap, Header, IrqInfo, MAX_DMA_MAPS,
    MAX_TRANSFER, RegionAccess, RegionInfoWire, SetIrqs, SmallWrite, SparseMmap, take,
};
use crate::version::{self, Capabilities};
use crate::{Error, Result};

/// Bit of [`DmaUnmap::flags`] that means every range, `VFIO_DMA_UNMAP_FLAG_ALL`.
const UNMAP_ALL: u32 = 1 << 1;

/// What a device reaches of a client: its memory and its interrupts. Any thread may use it.
#[derive(Debug)]
pub struct Link {
    id: u64,
    dma: DmaTable,
    interrupts: Mutex<Option<Arc<Interrupts>>>,
    peer: Peer,
    faults: AtomicU64,
}

/// The client's memory by messages, for ranges without a file.
#[derive(Debug)]
struct Peer {
    channel: Channel,
    next: AtomicU16,
    /// Who waits for which reply.
    pending: Mutex<HashMap<u16, mpsc::SyncSender<Message>>>,
    /// The thread that receives: it cannot wait for a reply.
    receiver: Mutex<Option<ThreadId>>,
    max_transfer: Mutex<usize>,
}

impl Link {
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
        let (sender, receiver) = mpsc::sync_channel(1);
        let id = {
            let mut pending = self.pending.lock();
            let id = loop {
                let id = self.next.fetch_add(1, Ordering::Relaxed);
                if !pending.contains_key(&id) {
                    break id;
                }
            };
            pending.insert(id, sender);
            id
        };
        let header = Header {
            id,
            command: command as u16,
            flags: Header::COMMAND,
            ..Header::default()
        };
        let after = self.channel.timeouts().reply;
        let reply = self
            .channel
            .send(header, &[bytemuck::bytes_of(request), data], &[])
            .and_then(|()| {
                receiver.recv_timeout(after).map_err(|_| Error::TimedOut {
                    what: "reply",
                    after,
                })
            });
        self.pending.lock().remove(&id);
        let reply = reply?;
        if reply.header.flags & Header::ERROR != 0 {
            return Err(Error::Refused {
                request: format!("{command:?}"),
                errno: Errno::from_raw_os_error(reply.header.error as i32),
            });
        }
        Ok(reply)
    }

    /// Ends the connection: whoever waits for a reply, or asks from now on, is told that none comes.
    fn end(&self) {
        self.channel.shut_down();
        self.pending.lock().clear();
    }

    /// Hands a reply to who waits for it. One that nobody waits for came too late.
    fn deliver(&self, reply: Message) {
        if let Some(sender) = self.pending.lock().remove(&reply.header.id) {
            let _ = sender.try_send(reply);
        }
    }
}

/// Ends a link's connection when it is dropped.
struct End<'a>(&'a Link);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.peer.end();
    }
}

/// What a request is answered by: payload and file.
#[derive(Default)]
struct Reply<'a> {
    payload: Vec<u8>,
    file: Option<BorrowedFd<'a>>,
}

impl Reply<'_> {
    fn of(payload: &impl bytemuck::NoUninit) -> Self {
        Self {
            payload: bytemuck::bytes_of(payload).to_vec(),
            file: None,
        }
    }
}

/// A client, from its connection to its end.
pub(super) struct Connection {
    link: Arc<Link>,
}

/// What a client got, while it is served.
struct Served {
    link: Arc<Link>,
    regions: Vec<Region>,
    interrupts: Arc<Interrupts>,
    function: Box<dyn Function>,
}

impl Connection {
    pub(super) fn new(id: u64, stream: UnixStream, timeouts: Timeouts) -> Result<Self> {
        Ok(Self {
            link: Arc::new(Link {
                id,
                dma: DmaTable::new(MAX_DMA_MAPS),
                interrupts: Mutex::new(None),
                peer: Peer {
                    channel: Channel::new(stream, timeouts)?,
                    next: AtomicU16::new(0),
                    pending: Mutex::default(),
                    receiver: Mutex::new(None),
                    max_transfer: Mutex::new(MAX_TRANSFER),
                },
                faults: AtomicU64::new(0),
            }),
        })
    }

    /// Serves the client until it leaves, breaks the protocol, or `stop` is readable.
    pub(super) fn serve(self, device: &dyn Device, stop: BorrowedFd<'_>) -> Result<()> {
        let link = self.link;
        let ended = Self::serve_link(&link, device, stop);
        // Also where others still hold the link: what the client gave is given back.
        link.peer.end();
        *link.interrupts.lock() = None;
        link.dma.clear();
        ended
    }

    fn serve_link(link: &Arc<Link>, device: &dyn Device, stop: BorrowedFd<'_>) -> Result<()> {
        let channel = &link.peer.channel;
        *link.peer.receiver.lock() = Some(std::thread::current().id());
        if !negotiate(link, stop)? {
            return Ok(());
        }
        let Attachment {
            regions,
            irqs,
            function,
        } = device.attach(Arc::clone(link)).map_err(Error::Invalid)?;
        let interrupts = irqs.iter().map(|irq| (irq.count, irq.maskable));
        let interrupts = Arc::new(Interrupts::new(interrupts));
        *link.interrupts.lock() = Some(Arc::clone(&interrupts));
        let mut served = Served {
            link: Arc::clone(link),
            regions,
            interrupts,
            function,
        };
        // Before the function goes, which may wait for a thread that waits for the client.
        let _end = End(link);
        while let Some(message) = channel.receive(None, Some(stop))? {
            match message.header.kind() {
                Header::REPLY => link.peer.deliver(message),
                Header::COMMAND => {
                    let header = message.header;
                    let reply = served.answer(message);
                    if header.wants_reply() {
                        send_reply(channel, header, reply)?;
                    }
                }
                kind => {
                    return Err(Error::Protocol(format!(
                        "a message has type {kind}; 0 and 1 are possible"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Agrees on a version; false if the server ended meanwhile.
fn negotiate(link: &Link, stop: BorrowedFd<'_>) -> Result<bool> {
    let channel = &link.peer.channel;
    let after = channel.timeouts().reply;
    let Some(message) = channel.receive(Some(Instant::now() + after), Some(stop))? else {
        return Err(Error::TimedOut {
            what: "send its version",
            after,
        });
    };
    let header = message.header;
    if header.kind() != Header::COMMAND || header.command != Command::Version as u16 {
        return Err(Error::Protocol(
            "its first message is not its version".to_owned(),
        ));
    }
    match version::decode(&message.payload) {
        Ok((minor, theirs)) => {
            *link.peer.max_transfer.lock() = theirs.max_data_xfer_size;
            let payload = version::encode(minor, &Capabilities::ours());
            send_reply(
                channel,
                header,
                Ok(Reply {
                    payload,
                    file: None,
                }),
            )?;
            Ok(true)
        }
        Err(error) => {
            send_reply(channel, header, Err(Errno::INVAL))?;
            Err(error)
        }
    }
}

fn send_reply(channel: &Channel, request: Header, reply: Result<Reply<'_>, Errno>) -> Result<()> {
    let header = Header {
        flags: Header::REPLY,
        error: 0,
        ..request
    };
    match reply {
        Ok(reply) => {
            let file: Vec<_> = reply.file.into_iter().collect();
            channel.send(header, &[&reply.payload], &file)
        }
        Err(errno) => {
            let header = Header {
                flags: Header::REPLY | Header::ERROR,
                error: errno.raw_os_error() as u32,
                ..header
            };
            channel.send(header, &[], &[])
        }
    }
}

/// A request's fixed part; what follows it is refused unless it is asked for.
fn fixed<T: bytemuck::Pod>(payload: &[u8]) -> Result<T, Errno> {
    match take(payload) {
        Some((request, [])) => Ok(request),
        _ => Err(Errno::INVAL),
    }
}

impl Served {
    fn answer(&mut self, message: Message) -> Result<Reply<'_>, Errno> {
        let Message {
            header,
            payload,
            fds,
        } = message;
        let command = Command::from_number(header.command).ok_or(Errno::NOTSUP)?;
        if !fds.is_empty() && !matches!(command, Command::DmaMap | Command::SetIrqs) {
            return Err(Errno::INVAL);
        }
        match command {
            Command::DmaMap => self.map(&payload, fds),
            Command::DmaUnmap => self.unmap(&payload),
            Command::DeviceInfo => self.device_info(&payload),
            Command::RegionInfo => self.region_info(&payload),
            Command::IrqInfo => self.irq_info(&payload),
            Command::SetIrqs => self.set_irqs(&payload, fds),
            Command::RegionRead => self.read(&payload),
            Command::RegionWrite => self.write(&payload),
            Command::RegionWriteMulti => self.write_multi(&payload),
            Command::Reset => {
                self.function.reset();
                Ok(Reply::default())
            }
            // The version was agreed on; DMA goes the other way.
            Command::Version | Command::DmaRead | Command::DmaWrite => Err(Errno::INVAL),
        }
    }

    fn map(&self, payload: &[u8], fds: Vec<OwnedFd>) -> Result<Reply<'_>, Errno> {
        let request: DmaMap = fixed(payload)?;
        if request.flags & !(DmaMap::READABLE | DmaMap::WRITABLE) != 0 {
            return Err(Errno::INVAL);
        }
        let access = DmaAccess {
            read: request.flags & DmaMap::READABLE != 0,
            write: request.flags & DmaMap::WRITABLE != 0,
        };
        let mut fds = fds.into_iter();
        let file = fds.next().map(|file| (file, request.offset));
        if fds.next().is_some() {
            return Err(Errno::INVAL);
        }
        self.link
            .dma
            .map(request.address, request.size, access, file)?;
        Ok(Reply::default())
    }

    fn unmap(&self, payload: &[u8]) -> Result<Reply<'_>, Errno> {
        let request: DmaUnmap = fixed(payload)?;
        match request.flags {
            0 => self.link.dma.unmap(request.address, request.size)?,
            UNMAP_ALL if (request.address, request.size) == (0, 0) => self.link.dma.clear(),
            _ => return Err(Errno::INVAL),
        }
        Ok(Reply::of(&request))
    }

    fn device_info(&self, payload: &[u8]) -> Result<Reply<'_>, Errno> {
        let request: DeviceInfo = fixed(payload)?;
        if (request.argsz as usize) < size_of::<DeviceInfo>() {
            return Err(Errno::INVAL);
        }
        Ok(Reply::of(&DeviceInfo {
            argsz: size_of::<DeviceInfo>() as u32,
            flags: DeviceInfo::RESET | DeviceInfo::PCI,
            regions: self.regions.len() as u32,
            irqs: crate::protocol::PCI_IRQS,
        }))
    }

    fn region_info(&self, payload: &[u8]) -> Result<Reply<'_>, Errno> {
        let request: RegionInfoWire = fixed(payload)?;
        if (request.argsz as usize) < RegionInfoWire::BYTES {
            return Err(Errno::INVAL);
        }
        let region = self
            .regions
            .get(request.index as usize)
            .ok_or(Errno::INVAL)?;
        let mut info = RegionInfoWire {
            argsz: RegionInfoWire::BYTES as u32,
            flags: if region.size > 0 {
                RegionInfoWire::READ | RegionInfoWire::WRITE
            } else {
                0
            },
            index: request.index,
            cap_offset: 0,
            size: region.size,
            offset: 0,
        };
        let Some(mappable) = &region.mappable else {
            return Ok(Reply::of(&info));
        };
        let whole =
            RegionInfoWire::BYTES + SparseMmap::BYTES + mappable.areas.len() * size_of::<Area>();
        info.argsz = whole as u32;
        if (request.argsz as usize) < whole {
            // The client asks again with as much room as this says. No flag tells of what is not in this reply: QEMU
            // takes flags without a capability for an error.
            return Ok(Reply::of(&info));
        }
        info.flags |= RegionInfoWire::MMAP | RegionInfoWire::CAPS;
        info.offset = mappable.offset;
        info.cap_offset = RegionInfoWire::BYTES as u32;
        let sparse = SparseMmap {
            id: SparseMmap::ID,
            version: SparseMmap::VERSION,
            next: 0,
            areas: mappable.areas.len() as u32,
            reserved: 0,
        };
        let mut payload = bytemuck::bytes_of(&info).to_vec();
        payload.extend_from_slice(bytemuck::bytes_of(&sparse));
        for &(offset, size) in &mappable.areas {
            payload.extend_from_slice(bytemuck::bytes_of(&Area { offset, size }));
        }
        Ok(Reply {
            payload,
            file: Some(mappable.file.as_fd()),
        })
    }

    fn irq_info(&self, payload: &[u8]) -> Result<Reply<'_>, Errno> {
        let request: IrqInfo = fixed(payload)?;
        if (request.argsz as usize) < size_of::<IrqInfo>() {
            return Err(Errno::INVAL);
        }
        let (flags, count) = self.interrupts.info(request.index).ok_or(Errno::INVAL)?;
        Ok(Reply::of(&IrqInfo {
            argsz: size_of::<IrqInfo>() as u32,
            flags,
            index: request.index,
            count,
        }))
    }

    fn set_irqs(&self, payload: &[u8], fds: Vec<OwnedFd>) -> Result<Reply<'_>, Errno> {
        let (request, booleans) = take::<SetIrqs>(payload).ok_or(Errno::INVAL)?;
        if request.flags & SetIrqs::DATA_BOOL == 0 && !booleans.is_empty()
            || request.flags & SetIrqs::DATA_EVENTFD == 0 && !fds.is_empty()
        {
            return Err(Errno::INVAL);
        }
        self.interrupts.set(&request, booleans, fds)?;
        Ok(Reply::default())
    }

    /// Refuses an access that is not within its region.
    fn check(&self, access: &RegionAccess) -> Result<(), Errno> {
        let region = self
            .regions
            .get(access.region as usize)
            .ok_or(Errno::INVAL)?;
        let end = access
            .offset
            .checked_add(access.count.into())
            .ok_or(Errno::INVAL)?;
        if access.count as usize > MAX_TRANSFER || end > region.size {
            return Err(Errno::INVAL);
        }
        Ok(())
    }

    fn read(&mut self, payload: &[u8]) -> Result<Reply<'_>, Errno> {
        let access: RegionAccess = fixed(payload)?;
        self.check(&access)?;
        let mut reply = Reply::of(&access);
        let start = reply.payload.len();
        reply.payload.resize(start + access.count as usize, 0);
        let data = &mut reply.payload[start..];
        self.function.read(access.region, access.offset, data)?;
        Ok(reply)
    }

    fn write(&mut self, payload: &[u8]) -> Result<Reply<'_>, Errno> {
        let (access, data) = take::<RegionAccess>(payload).ok_or(Errno::INVAL)?;
        self.check(&access)?;
        if data.len() != access.count as usize {
            return Err(Errno::INVAL);
        }
        self.function.write(access.region, access.offset, data)?;
        Ok(Reply::of(&access))
    }

    fn write_multi(&mut self, payload: &[u8]) -> Result<Reply<'_>, Errno> {
        let (count, mut rest) = take::<u64>(payload).ok_or(Errno::INVAL)?;
        if count.checked_mul(size_of::<SmallWrite>() as u64) != Some(rest.len() as u64) {
            return Err(Errno::INVAL);
        }
        while let Some((write, others)) = take::<SmallWrite>(rest) {
            self.check(&write.access)?;
            let data = write
                .data
                .get(..write.access.count as usize)
                .ok_or(Errno::INVAL)?;
            self.function
                .write(write.access.region, write.access.offset, data)?;
            rest = others;
        }
        Ok(Reply::of(&count))
    }
}
