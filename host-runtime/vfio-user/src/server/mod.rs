//! Serving a device: a socket, and a thread for each client.

mod connection;
mod link;

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;

use crate::channel::{Channel, Timeouts};
use crate::protocol::{Command, FULL, Header};
use crate::{Error, Result};
use connection::Connection;
pub use link::Link;

/// A device that is served. Each client gets a function of its own.
pub trait Device: Send + Sync {
    /// A client came. What it gets, or why it gets nothing: its connection is closed then.
    ///
    /// # Errors
    /// A text for the log.
    fn attach(&self, link: Arc<Link>) -> Result<Attachment, String>;
}

/// What a client gets.
pub struct Attachment {
    /// Regions by index; all nine of a PCI device.
    pub regions: Vec<Region>,
    /// Interrupt types by index; all five of a PCI device.
    pub irqs: Vec<IrqType>,
    /// What answers its accesses.
    pub function: Box<dyn Function>,
}

/// A client's own face of the device. Dropped when the client goes.
///
/// Methods are called by the client's own thread, one at a time and in the client's order. They must not wait for the
/// client: DMA to memory for which it gave no file is refused while one of them runs.
pub trait Function: Send {
    /// Reads from a region. The range is within the region.
    ///
    /// # Errors
    /// What the client is told.
    fn read(&mut self, region: u32, offset: u64, bytes: &mut [u8]) -> Result<(), Errno>;

    /// Writes to a region. The range is within the region.
    ///
    /// # Errors
    /// What the client is told.
    fn write(&mut self, region: u32, offset: u64, bytes: &[u8]) -> Result<(), Errno>;

    /// Resets the function.
    fn reset(&mut self);
}

/// One region of a function.
#[derive(Debug, Default)]
pub struct Region {
    /// Bytes; 0 if there is no such region.
    pub size: u64,
    /// What of it the client may map.
    pub mappable: Option<Mappable>,
}

/// The part of a region that clients may map.
#[derive(Debug)]
pub struct Mappable {
    /// The file to map: the region's byte *i* is its byte `offset + i`.
    pub file: OwnedFd,
    /// See [`Mappable::file`].
    pub offset: u64,
    /// Offset in the region and size, in whole pages, of what may be mapped.
    pub areas: Vec<(u64, u64)>,
}

/// One type of interrupts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IrqType {
    /// How many there are.
    pub count: u32,
    /// Whether the client can mask them by request.
    pub maskable: bool,
}

/// How a device is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// Most clients at once; who comes then is turned away.
    pub clients: usize,
    /// How long clients are waited for.
    pub timeouts: Timeouts,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            clients: 64,
            timeouts: Timeouts::default(),
        }
    }
}

/// A device that is being served until this is dropped.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    device: Arc<dyn Device>,
    options: ServerOptions,
    /// Readable once the server ends.
    stop: OwnedFd,
    clients: Mutex<Vec<Client>>,
    next: AtomicU64,
}

struct Client {
    thread: JoinHandle<()>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared with {} clients", self.clients.lock().len())
    }
}

impl Server {
    /// Serves a device on a Unix socket. A socket that a dead server left is replaced.
    ///
    /// # Errors
    /// [`Error::InUse`] if a living server listens there, [`Error::Socket`] if the socket cannot be made.
    pub fn start(path: &Path, device: Arc<dyn Device>, options: ServerOptions) -> Result<Self> {
        let listener = listen(path)?;
        let shared = Arc::new(Shared {
            device,
            options,
            stop: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            clients: Mutex::default(),
            next: AtomicU64::new(0),
        });
        let accepting = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("vfio-user accept".to_owned())
                .spawn(move || accept(&listener, &shared))
                .map_err(Error::Thread)?
        };
        Ok(Self {
            path: path.to_owned(),
            shared,
            accepting: Some(accepting),
        })
    }

    /// Where it is served.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many clients are connected.
    pub fn clients(&self) -> usize {
        reap(&mut self.shared.clients.lock());
        self.shared.clients.lock().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.shared.stop, &1u64.to_ne_bytes());
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        let clients = std::mem::take(&mut *self.shared.clients.lock());
        for client in clients {
            let _ = client.thread.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

fn listen(path: &Path) -> Result<UnixListener> {
    let failed = |source, advice| Error::Socket {
        path: path.to_owned(),
        source,
        advice,
    };
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            match UnixStream::connect(path) {
                Ok(_) => return Err(Error::InUse(path.to_owned())),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                    std::fs::remove_file(path)
                        .and_then(|()| UnixListener::bind(path))
                        .map_err(|source| {
                            failed(source, "remove the file, or choose another name")
                        })?
                }
                Err(source) => {
                    return Err(failed(source, "remove the file, or choose another name"));
                }
            }
        }
        listener => listener.map_err(|source| {
            failed(
                source,
                "make its folder, or choose a path where files can be made",
            )
        })?,
    };
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    loop {
        let mut files = [
            PollFd::new(listener, PollFlags::IN),
            PollFd::new(&shared.stop, PollFlags::IN),
        ];
        match poll(&mut files, None) {
            Ok(_) if !files[1].revents().is_empty() => return,
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "no clients can be accepted any more");
                return;
            }
        }
        match listener.accept() {
            Ok((stream, _)) => {
                if let Err(error) = admit(stream, shared) {
                    tracing::warn!(%error, "a client was turned away");
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::warn!(%error, "a client could not be accepted");
                // Out of files or memory: another try at once would fail as well.
                let pause = rustix::event::Timespec {
                    tv_sec: 0,
                    tv_nsec: 100_000_000,
                };
                let mut files = [PollFd::new(&shared.stop, PollFlags::IN)];
                let _ = poll(&mut files, Some(&pause));
            }
        }
    }
}

fn reap(clients: &mut Vec<Client>) {
    for ended in clients.extract_if(.., |client| client.thread.is_finished()) {
        let _ = ended.thread.join();
    }
}

/// Answers a version that has not come yet by an error. Nobody is waited for: a new socket has room for this.
fn turn_away(stream: UnixStream, timeouts: Timeouts) {
    let refusal = Header {
        command: Command::Version as u16,
        flags: Header::REPLY | Header::ERROR,
        error: FULL.raw_os_error() as u32,
        ..Header::default()
    };
    // Who has gone already does not mind.
    let _ = Channel::new(stream, timeouts).and_then(|channel| channel.send(refusal, &[], &[]));
}

fn admit(stream: UnixStream, shared: &Arc<Shared>) -> Result<()> {
    let mut clients = shared.clients.lock();
    reap(&mut clients);
    if clients.len() >= shared.options.clients {
        turn_away(stream, shared.options.timeouts);
        return Err(Error::Invalid(format!(
            "{} clients are connected, and no more are allowed",
            clients.len()
        )));
    }
    let id = shared.next.fetch_add(1, Ordering::Relaxed);
    let connection = Connection::new(id, stream, shared.options.timeouts)?;
    let of_thread = Arc::clone(shared);
    let thread = std::thread::Builder::new()
        .name(format!("vfio-user client {id}"))
        .spawn(
            move || match connection.serve(&*of_thread.device, of_thread.stop.as_fd()) {
                Ok(()) | Err(Error::Closed) => tracing::debug!(client = id, "the client left"),
                Err(error) => tracing::warn!(client = id, %error, "the client was dropped"),
            },
        )
        .map_err(Error::Thread)?;
    clients.push(Client { thread });
    Ok(())
}
