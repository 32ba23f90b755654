//! One client of a device: its requests, from its version to its end.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use rustix::io::Errno;

use super::link::Link;
use super::{Attachment, Device, Function, Region};
use crate::channel::{Channel, Message, Timeouts};
use crate::dma::DmaAccess;
use crate::irq::Interrupts;
use crate::protocol::{
    Area, Command, DeviceInfo, DmaMap, DmaUnmap, Header, IrqInfo, MAX_TRANSFER, RegionAccess,
    RegionInfoWire, SetIrqs, SmallWrite, SparseMmap, take,
};
use crate::version::{self, Capabilities};
use crate::{Error, Result};

/// Bit of [`DmaUnmap::flags`] that means every range, `VFIO_DMA_UNMAP_FLAG_ALL`.
const UNMAP_ALL: u32 = 1 << 1;

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
            link: Arc::new(Link::new(id, Channel::new(stream, timeouts)?)),
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
