//! Whole messages over a stream socket, with the file descriptors that come with them, and no wait without a bound.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::protocol::{Header, MAX_FDS, MAX_MESSAGE};
use crate::{Error, Result};

/// How long either end waits for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the rest of a message that began, and for a message to be taken.
    pub transfer: Duration,
    /// For the reply to a request.
    pub reply: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            transfer: Duration::from_secs(5),
            reply: Duration::from_secs(10),
        }
    }
}

/// A message as it was received.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
    pub(crate) fds: Vec<OwnedFd>,
}

/// One end of a connection. Many threads may send; one receives.
#[derive(Debug)]
pub(crate) struct Channel {
    stream: UnixStream,
    sending: Mutex<()>,
    timeouts: Timeouts,
}

impl Channel {
    pub(crate) fn new(stream: UnixStream, timeouts: Timeouts) -> Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            sending: Mutex::new(()),
            timeouts,
        })
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Ends the connection for both ends; whoever waits on it is told.
    pub(crate) fn shut_down(&self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }

    /// Sends a message; the header's size is filled in.
    pub(crate) fn send(
        &self,
        mut header: Header,
        payload: &[&[u8]],
        fds: &[BorrowedFd<'_>],
    ) -> Result<()> {
        let size = Header::BYTES + payload.iter().map(|part| part.len()).sum::<usize>();
        if size > MAX_MESSAGE || fds.len() > MAX_FDS {
            return Err(Error::Invalid(format!(
                "a message of {size} bytes with {} file descriptors is too long: {MAX_MESSAGE} and {MAX_FDS} are allowed",
                fds.len()
            )));
        }
        header.size = size as u32;
        let mut message = Vec::with_capacity(size);
        message.extend_from_slice(bytemuck::bytes_of(&header));
        payload
            .iter()
            .for_each(|part| message.extend_from_slice(part));

        let deadline = Instant::now() + self.timeouts.transfer;
        let _turn = self.sending.lock();
        let mut fds = fds;
        let mut rest = &message[..];
        while !rest.is_empty() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !fds.is_empty() {
                control.push(SendAncillaryMessage::ScmRights(fds));
            }
            match sendmsg(
                &self.stream,
                &[IoSlice::new(rest)],
                &mut control,
                SendFlags::NOSIGNAL,
            ) {
                Ok(sent) => {
                    rest = &rest[sent..];
                    fds = &[];
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !self.await_ready(PollFlags::OUT, Some(deadline), None)? {
                        // Half a message may be out: nothing sensible can follow it.
                        self.shut_down();
                        return Err(Error::TimedOut {
                            what: "take a message",
                            after: self.timeouts.transfer,
                        });
                    }
                }
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(Error::Closed),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Receives a message. Waits for its beginning without bound unless there is a deadline, or until something can be
    /// read from `stop`: then `None`. What began must go on.
    pub(crate) fn receive(
        &self,
        deadline: Option<Instant>,
        stop: Option<BorrowedFd<'_>>,
    ) -> Result<Option<Message>> {
        if !self.await_ready(PollFlags::IN, deadline, stop)? {
            return Ok(None);
        }
        let deadline = Instant::now() + self.timeouts.transfer;
        let mut fds = Vec::new();
        let mut bytes = [0; Header::BYTES];
        self.fill(&mut bytes, &mut fds, deadline)?;
        let header: Header = bytemuck::pod_read_unaligned(&bytes);
        let size = header.size as usize;
        if !(Header::BYTES..=MAX_MESSAGE).contains(&size) {
            return Err(Error::Protocol(format!(
                "a message says that it has {size} bytes; {} to {MAX_MESSAGE} are possible",
                Header::BYTES
            )));
        }
        let mut payload = vec![0; size - Header::BYTES];
        self.fill(&mut payload, &mut fds, deadline)?;
        Ok(Some(Message {
            header,
            payload,
            fds,
        }))
    }

    fn fill(&self, mut bytes: &mut [u8], fds: &mut Vec<OwnedFd>, deadline: Instant) -> Result<()> {
        while !bytes.is_empty() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let received = recvmsg(
                &self.stream,
                &mut [IoSliceMut::new(bytes)],
                &mut control,
                RecvFlags::CMSG_CLOEXEC,
            );
            // Taken in any case, so that they are closed if the message is no good.
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(rights) = message {
                    fds.extend(rights);
                }
            }
            match received {
                Ok(message) if message.bytes == 0 => return Err(Error::Closed),
                Ok(message) if message.flags.contains(rustix::net::ReturnFlags::CTRUNC) => {
                    return Err(Error::Protocol(format!(
                        "more than {MAX_FDS} file descriptors came with a message"
                    )));
                }
                Ok(message) => bytes = &mut bytes[message.bytes..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !self.await_ready(PollFlags::IN, Some(deadline), None)? {
                        return Err(Error::TimedOut {
                            what: "send the rest of a message",
                            after: self.timeouts.transfer,
                        });
                    }
                }
                Err(Errno::CONNRESET) => return Err(Error::Closed),
                Err(errno) => return Err(errno.into()),
            }
            if fds.len() > MAX_FDS {
                return Err(Error::Protocol(format!(
                    "more than {MAX_FDS} file descriptors came with a message"
                )));
            }
        }
        Ok(())
    }

    /// Whether the socket became ready, before the deadline and before `stop` did.
    fn await_ready(
        &self,
        flags: PollFlags,
        deadline: Option<Instant>,
        stop: Option<BorrowedFd<'_>>,
    ) -> Result<bool> {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let timeout = left.map(|left| Timespec {
                tv_sec: left.as_secs() as i64,
                tv_nsec: left.subsec_nanos().into(),
            });
            let mut files = vec![PollFd::from_borrowed_fd(self.stream.as_fd(), flags)];
            files.extend(stop.map(|stop| PollFd::from_borrowed_fd(stop, PollFlags::IN)));
            match poll(&mut files, timeout.as_ref()) {
                Ok(0) => return Ok(false),
                Ok(_) if files.get(1).is_some_and(|stop| !stop.revents().is_empty()) => {
                    return Ok(false);
                }
                Ok(_) => return Ok(true),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}
