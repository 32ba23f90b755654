//! The driver's end: requests to a served device, each answered or given up within a bound.

mod memory;
mod region;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::Mutex;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;

use crate::channel::{Channel, Message, Timeouts};
use crate::dma::DmaAccess;
use crate::protocol::{
    Area, Command, DeviceInfo, DmaMap, DmaUnmap, FULL, Header, IrqInfo, MAJOR, MINOR, RegionAccess,
    RegionInfoWire, SetIrqs, SparseMmap, take,
};
use crate::replies::{NoReply, Replies};
use crate::version::{self, Capabilities};
use crate::{Error, Result};
use memory::Served;
use region::MAX_AREAS;
pub use region::RegionInfo;

/// A connection to a served device. Any thread may use it.
#[derive(Debug)]
pub struct Client {
    shared: Arc<Shared>,
    capabilities: Capabilities,
    receiving: Option<JoinHandle<()>>,
    stop: OwnedFd,
}

#[derive(Debug)]
struct Shared {
    channel: Channel,
    replies: Replies,
    /// There is no connection any more.
    closed: AtomicBool,
    /// A reply did not come in time. What is asked for after that would most likely wait as long, and a reply that comes
    /// late would be of a device that nobody knows the state of.
    given_up: AtomicBool,
    served: Served,
}

impl Client {
    /// Connects to the device that is served at `path`.
    ///
    /// # Errors
    /// [`Error::Socket`] if nobody serves there, or what the negotiation ended with.
    pub fn connect(path: &Path, timeouts: Timeouts) -> Result<Self> {
        let stream = UnixStream::connect(path).map_err(|source| Error::Socket {
            path: path.to_owned(),
            source,
            advice: "start the device's server, or give the path of its socket",
        })?;
        Self::over(stream, timeouts)
    }

    fn over(stream: UnixStream, timeouts: Timeouts) -> Result<Self> {
        let channel = Channel::new(stream, timeouts)?;
        let header = Header {
            command: Command::Version as u16,
            ..Header::default()
        };
        let ours = version::encode(MINOR, &Capabilities::ours());
        let after = timeouts.reply;
        match channel.send(header, &[&ours], &[]) {
            // Who turns clients away does not wait for what they say.
            Ok(()) | Err(Error::Closed) => {}
            Err(error) => return Err(error),
        }
        let Some(reply) = channel.receive(Some(Instant::now() + after), None)? else {
            return Err(Error::TimedOut {
                what: "answer the version",
                after,
            });
        };
        let version = || format!("version {MAJOR}.{MINOR}");
        match check_reply(&reply, Command::Version, version) {
            Err(Error::Refused { errno: FULL, .. }) => return Err(Error::Full),
            checked => checked?,
        }
        let (_, capabilities) = version::decode(&reply.payload)?;

        let shared = Arc::new(Shared {
            channel,
            replies: Replies::default(),
            closed: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            served: Mutex::default(),
        });
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let receiving = {
            let shared = Arc::clone(&shared);
            let stop = stop.try_clone()?;
            std::thread::Builder::new()
                .name("vfio-user replies".to_owned())
                .spawn(move || shared.receive(stop.as_fd()))
                .map_err(Error::Thread)?
        };
        Ok(Self {
            shared,
            capabilities,
            receiving: Some(receiving),
            stop,
        })
    }

    /// Bytes that go in one [`Client::read`] or [`Client::write`]; longer ones are split.
    pub fn max_transfer(&self) -> usize {
        self.capabilities.max_data_xfer_size
    }

    /// Number of regions and of interrupt types.
    ///
    /// # Errors
    /// As every request: [`Error::Refused`], [`Error::TimedOut`], [`Error::Closed`], [`Error::Protocol`]. After the first
    /// [`Error::TimedOut`] there is no connection any more, and all fail at once with [`Error::GivenUp`].
    pub fn device_info(&self) -> Result<(u32, u32)> {
        let request = DeviceInfo {
            argsz: size_of::<DeviceInfo>() as u32,
            flags: 0,
            regions: 0,
            irqs: 0,
        };
        let info: DeviceInfo =
            self.exchange(Command::DeviceInfo, &request, || "device info".to_owned())?;
        if info.flags & DeviceInfo::PCI == 0 {
            return Err(Error::Protocol("it serves no PCI device".to_owned()));
        }
        Ok((info.regions, info.irqs))
    }

    /// What there is to know of a region.
    ///
    /// # Errors
    /// As [`Client::device_info`].
    pub fn region_info(&self, index: u32) -> Result<RegionInfo> {
        let what = || format!("info of region {index}");
        let mut argsz = RegionInfoWire::BYTES + SparseMmap::BYTES + 8 * size_of::<Area>();
        loop {
            let request = RegionInfoWire {
                argsz: argsz as u32,
                flags: 0,
                index,
                cap_offset: 0,
                size: 0,
                offset: 0,
            };
            let reply = self.ask(
                Command::RegionInfo,
                &[bytemuck::bytes_of(&request)],
                &[],
                what,
            )?;
            let Some((info, _)) = take::<RegionInfoWire>(&reply.payload) else {
                return Err(too_short(what()));
            };
            let whole = info.argsz as usize;
            let most = RegionInfoWire::BYTES + SparseMmap::BYTES + MAX_AREAS * size_of::<Area>();
            if whole > argsz && whole <= most {
                argsz = whole;
                continue;
            }
            return region::decode(&info, reply);
        }
    }

    /// Number of interrupts of a type.
    ///
    /// # Errors
    /// As [`Client::device_info`].
    pub fn irq_count(&self, index: u32) -> Result<u32> {
        let request = IrqInfo {
            argsz: size_of::<IrqInfo>() as u32,
            flags: 0,
            index,
            count: 0,
        };
        let what = || format!("info of interrupt type {index}");
        Ok(self
            .exchange::<_, IrqInfo>(Command::IrqInfo, &request, what)?
            .count)
    }

    /// Has the interrupts from `start` on signal these eventfds.
    ///
    /// # Errors
    /// As [`Client::device_info`].
    pub fn set_interrupts(
        &self,
        index: u32,
        start: u32,
        eventfds: &[BorrowedFd<'_>],
    ) -> Result<()> {
        let request = SetIrqs {
            argsz: size_of::<SetIrqs>() as u32,
            flags: SetIrqs::DATA_EVENTFD | SetIrqs::TRIGGER,
            index,
            start,
            count: eventfds.len() as u32,
        };
        let what = || format!("setting interrupts of type {index}");
        self.ask(
            Command::SetIrqs,
            &[bytemuck::bytes_of(&request)],
            eventfds,
            what,
        )?;
        Ok(())
    }

    /// Masks `count` interrupts from `start` on, or unmasks them; one that was raised while it was masked comes then.
    ///
    /// # Errors
    /// As [`Client::device_info`].
    pub fn mask_interrupts(&self, index: u32, start: u32, count: u32, mask: bool) -> Result<()> {
        let action = if mask { SetIrqs::MASK } else { SetIrqs::UNMASK };
        let request = SetIrqs {
            argsz: size_of::<SetIrqs>() as u32,
            flags: SetIrqs::DATA_NONE | action,
            index,
            start,
            count,
        };
        let what = || format!("masking interrupts of type {index}");
        self.ask(Command::SetIrqs, &[bytemuck::bytes_of(&request)], &[], what)?;
        Ok(())
    }

    /// Switches all interrupts of a type off.
    ///
    /// # Errors
    /// As [`Client::device_info`].
    pub fn disable_interrupts(&self, index: u32) -> Result<()> {
        let request = SetIrqs {
            argsz: size_of::<SetIrqs>() as u32,
            flags: SetIrqs::DATA_NONE | SetIrqs::TRIGGER,
            index,
            start: 0,
            count: 0,
        };
        let what = || format!("switching interrupts of type {index} off");
        self.ask(Command::SetIrqs, &[bytemuck::bytes_of(&request)], &[], what)?;
        Ok(())
    }

    /// Reads from a region.
    ///
    /// # Errors
    /// As [`Client::device_info`].
    pub fn read(&self, region: u32, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let limit = self.max_transfer();
        for (index, piece) in bytes.chunks_mut(limit).enumerate() {
            let offset = offset + (index * limit) as u64;
            let what = || {
                format!(
                    "a read of {} bytes of region {region} at {offset:#x}",
                    piece.len()
                )
            };
            let request = RegionAccess {
                offset,
                region,
                count: piece.len() as u32,
            };
            let reply = self.ask(
                Command::RegionRead,
                &[bytemuck::bytes_of(&request)],
                &[],
                what,
            )?;
            match take::<RegionAccess>(&reply.payload) {
                Some((_, data)) if data.len() == piece.len() => piece.copy_from_slice(data),
                _ => return Err(too_short(what())),
            }
        }
        Ok(())
    }

    /// Writes to a region.
    ///
    /// # Errors
    /// As [`Client::device_info`].
    pub fn write(&self, region: u32, offset: u64, bytes: &[u8]) -> Result<()> {
        let limit = self.max_transfer();
        for (index, piece) in bytes.chunks(limit).enumerate() {
            let offset = offset + (index * limit) as u64;
            let what = || {
                format!(
                    "a write of {} bytes to region {region} at {offset:#x}",
                    piece.len()
                )
            };
            let request = RegionAccess {
                offset,
                region,
                count: piece.len() as u32,
            };
            self.ask(
                Command::RegionWrite,
                &[bytemuck::bytes_of(&request), piece],
                &[],
                what,
            )?;
        }
        Ok(())
    }

    /// Lets the device reach memory: bytes of a file from `offset` on, at `address` as the device sees it. The device maps
    /// files that cannot shrink (memfds with that seal) and reaches others by system calls.
    ///
    /// # Errors
    /// As [`Client::device_info`]; refused with EEXIST where something is mapped already.
    pub fn map_dma(
        &self,
        address: u64,
        size: u64,
        access: DmaAccess,
        file: BorrowedFd<'_>,
        offset: u64,
    ) -> Result<()> {
        self.map(address, size, access, offset, &[file])
    }

    /// Lets the device reach memory that no file holds: it asks for it by messages, which this answers.
    ///
    /// # Errors
    /// As [`Client::map_dma`].
    pub fn map_dma_served(
        &self,
        address: u64,
        access: DmaAccess,
        memory: Arc<Mutex<Vec<u8>>>,
    ) -> Result<()> {
        let size = memory.lock().len() as u64;
        self.map(address, size, access, 0, &[])?;
        self.shared.served.lock().push((address, memory));
        Ok(())
    }

    fn map(
        &self,
        address: u64,
        size: u64,
        access: DmaAccess,
        offset: u64,
        file: &[BorrowedFd<'_>],
    ) -> Result<()> {
        let request = DmaMap {
            argsz: size_of::<DmaMap>() as u32,
            flags: if access.read { DmaMap::READABLE } else { 0 }
                | if access.write { DmaMap::WRITABLE } else { 0 },
            offset,
            address,
            size,
        };
        let what = || format!("mapping {size} bytes at {address:#x} for DMA");
        self.ask(Command::DmaMap, &[bytemuck::bytes_of(&request)], file, what)?;
        Ok(())
    }

    /// Takes memory back; when this returns, the device does not access it any more.
    ///
    /// # Errors
    /// As [`Client::device_info`].
    pub fn unmap_dma(&self, address: u64, size: u64) -> Result<()> {
        let request = DmaUnmap {
            argsz: size_of::<DmaUnmap>() as u32,
            flags: 0,
            address,
            size,
        };
        let what = || format!("unmapping {size} bytes at {address:#x}");
        self.exchange::<_, DmaUnmap>(Command::DmaUnmap, &request, what)?;
        let last = address.saturating_add(size.saturating_sub(1));
        self.shared
            .served
            .lock()
            .retain(|(start, _)| !(address..=last).contains(start));
        Ok(())
    }

    /// Whether the connection has ended, as far as is known. Asks nobody.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Resets the device, as far as it is this client's.
    ///
    /// # Errors
    /// As [`Client::device_info`].
    pub fn reset(&self) -> Result<()> {
        self.ask(Command::Reset, &[], &[], || "reset".to_owned())?;
        Ok(())
    }

    fn exchange<Q: bytemuck::NoUninit, A: bytemuck::Pod>(
        &self,
        command: Command,
        request: &Q,
        what: impl Fn() -> String,
    ) -> Result<A> {
        let reply = self.ask(command, &[bytemuck::bytes_of(request)], &[], &what)?;
        match take(&reply.payload) {
            Some((answer, _)) => Ok(answer),
            None => Err(too_short(what())),
        }
    }

    fn ask(
        &self,
        command: Command,
        payload: &[&[u8]],
        fds: &[BorrowedFd<'_>],
        what: impl Fn() -> String,
    ) -> Result<Message> {
        if fds.len() > self.capabilities.max_msg_fds {
            return Err(Error::Invalid(format!(
                "{} needs {} file descriptors in one message; the device takes {}",
                what(),
                fds.len(),
                self.capabilities.max_msg_fds
            )));
        }
        let shared = &self.shared;
        let expected = shared.replies.expect().ok_or_else(|| shared.gone())?;
        let header = Header {
            id: expected.id(),
            command: command as u16,
            ..Header::default()
        };
        shared.channel.send(header, payload, fds)?;
        let after = shared.channel.timeouts().reply;
        let reply = expected.wait(after).map_err(|none| match none {
            NoReply::Late => {
                shared.give_up();
                Error::TimedOut {
                    what: "reply",
                    after,
                }
            }
            NoReply::Ended => shared.gone(),
        })?;
        check_reply(&reply, command, what)?;
        Ok(reply)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.stop, &1u64.to_ne_bytes());
        self.shared.channel.shut_down();
        if let Some(receiving) = self.receiving.take() {
            let _ = receiving.join();
        }
    }
}

impl Shared {
    /// Ends a connection whose other end does not answer: whoever waits is told at once, and so is who asks later.
    fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
        self.end();
    }

    fn end(&self) {
        self.channel.shut_down();
        self.closed.store(true, Ordering::Release);
        self.replies.end();
    }

    /// Why there is no connection.
    fn gone(&self) -> Error {
        match self.given_up.load(Ordering::Acquire) {
            true => Error::GivenUp(self.channel.timeouts().reply),
            false => Error::Closed,
        }
    }

    /// Hands out replies and serves memory, until the connection ends.
    fn receive(&self, stop: BorrowedFd<'_>) {
        loop {
            match self.channel.receive(None, Some(stop)) {
                Ok(Some(message)) => {
                    if let Err(error) = self.take_in(message) {
                        tracing::warn!(%error, "the device's server is left");
                        break;
                    }
                }
                Ok(None) | Err(Error::Closed) => break,
                Err(error) => {
                    tracing::warn!(%error, "the device's server is left");
                    break;
                }
            }
        }
        self.end();
    }

    fn take_in(&self, message: Message) -> Result<()> {
        match message.header.kind() {
            Header::REPLY => {
                self.replies.deliver(message);
                Ok(())
            }
            Header::COMMAND => self.serve(&message),
            kind => Err(Error::Protocol(format!(
                "a message has type {kind}; 0 and 1 are possible"
            ))),
        }
    }
}

fn too_short(what: String) -> Error {
    Error::Protocol(format!("the reply to {what} is too short"))
}

fn check_reply(reply: &Message, command: Command, what: impl Fn() -> String) -> Result<()> {
    if reply.header.flags & Header::ERROR != 0 {
        return Err(Error::Refused {
            request: what(),
            errno: Errno::from_raw_os_error(reply.header.error as i32),
        });
    }
    if reply.header.command != command as u16 || reply.header.kind() != Header::REPLY {
        return Err(Error::Protocol(format!(
            "{} was answered by message {} of type {}",
            what(),
            reply.header.command,
            reply.header.kind()
        )));
    }
    Ok(())
}
