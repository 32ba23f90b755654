//! Servers that break the protocol or stop answering: the client says so, and waits for them once at most.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use vfio_user::{Client, Error, Timeouts};

/// Long enough for the version, which a thread answers that may have to wait for its turn.
const TIMEOUTS: Timeouts = Timeouts {
    transfer: Duration::from_secs(20),
    reply: Duration::from_millis(500),
};

/// A server that agrees on the version, and then does with the connection what a test wants.
struct Fake<T> {
    path: PathBuf,
    serving: JoinHandle<T>,
    _folder: tempfile::TempDir,
}

impl<T: Send + 'static> Fake<T> {
    fn new(then: impl FnOnce(&mut UnixStream) -> T + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fake.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let bound = Some(Duration::from_secs(20));
            stream.set_read_timeout(bound).unwrap();
            let (mut header, _) = request(&mut stream).expect("a version");
            // A reply to it, of version 0.1.
            header[4..8].copy_from_slice(&21u32.to_ne_bytes());
            header[8..12].copy_from_slice(&1u32.to_ne_bytes());
            stream.write_all(&header).unwrap();
            stream.write_all(b"\0\0\x01\0\0").unwrap();
            then(&mut stream)
        });
        Self {
            path,
            serving,
            _folder: folder,
        }
    }

    fn client(&self) -> Client {
        Client::connect(&self.path, TIMEOUTS).unwrap()
    }
}

/// Header and payload of the next request; `None` at the connection's end.
fn request(stream: &mut UnixStream) -> Option<([u8; 16], Vec<u8>)> {
    let mut header = [0; 16];
    stream.read_exact(&mut header).ok()?;
    let size = u32::from_ne_bytes(header[4..8].try_into().unwrap());
    let mut payload = vec![0; size as usize - 16];
    stream.read_exact(&mut payload).ok()?;
    Some((header, payload))
}

#[test]
fn a_server_that_does_not_answer_is_waited_for_once() {
    let fake = Fake::new(|stream| std::iter::from_fn(|| request(stream)).count());
    let client = fake.client();
    let first = client.device_info().unwrap_err();
    assert!(matches!(first, Error::TimedOut { .. }), "{first}");
    assert!(client.is_closed());
    for _ in 0..3 {
        let next = client.reset().unwrap_err();
        assert!(matches!(next, Error::GivenUp(_)), "{next}");
        assert!(next.to_string().contains("500ms"), "{next}");
    }
    // The server sees the connection's end while the client is there, and nothing was asked of it after the first.
    assert_eq!(fake.serving.join().unwrap(), 1);
    drop(client);
}
