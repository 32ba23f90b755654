//! A device for tests: registers that remember, a page that can be mapped, and a copier that works by DMA.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::Errno;
use vfio_user::{
    Attachment, BAR0_REGION, Client, Device, Function, IrqType, Link, MSIX_IRQ, Mappable, PCI_IRQS,
    PCI_REGIONS, Region, Server, ServerOptions, Timeouts,
};

pub(crate) const BAR0_BYTES: u64 = 0x4000;
/// The page of BAR0 that can be mapped.
pub(crate) const PAGE: (u64, u64) = (0x2000, 0x1000);
/// A register that refuses to be written.
pub(crate) const REFUSED: u64 = 0x1FF8;
pub(crate) const VECTORS: u32 = 4;

#[derive(Debug, Default)]
pub(crate) struct TestDevice {
    /// One for each client that came, in order.
    pub(crate) links: Mutex<Vec<Arc<Link>>>,
    /// Functions that are attached now.
    pub(crate) attached: Arc<Mutex<usize>>,
}

struct TestFunction {
    bytes: Vec<u8>,
    attached: Arc<Mutex<usize>>,
}

impl Device for TestDevice {
    fn attach(&self, link: Arc<Link>) -> Result<Attachment, String> {
        self.links.lock().push(link);
        *self.attached.lock() += 1;
        let mut regions: Vec<_> = (0..PCI_REGIONS).map(|_| Region::default()).collect();
        regions[BAR0_REGION as usize] = Region {
            size: BAR0_BYTES,
            mappable: Some(Mappable {
                file: memory_file(BAR0_BYTES, true),
                offset: 0,
                areas: vec![PAGE],
            }),
        };
        let mut irqs = vec![IrqType::default(); PCI_IRQS as usize];
        irqs[MSIX_IRQ as usize] = IrqType {
            count: VECTORS,
            maskable: true,
        };
        Ok(Attachment {
            regions,
            irqs,
            function: Box::new(TestFunction {
                bytes: vec![0; BAR0_BYTES as usize],
                attached: Arc::clone(&self.attached),
            }),
        })
    }
}

impl Function for TestFunction {
    fn read(&mut self, _region: u32, offset: u64, bytes: &mut [u8]) -> Result<(), Errno> {
        let start = offset as usize;
        bytes.copy_from_slice(&self.bytes[start..start + bytes.len()]);
        Ok(())
    }

    fn write(&mut self, _region: u32, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        if offset == REFUSED {
            return Err(Errno::PERM);
        }
        let start = offset as usize;
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn reset(&mut self) {
        self.bytes.fill(0);
    }
}

impl Drop for TestFunction {
    fn drop(&mut self) {
        *self.attached.lock() -= 1;
    }
}

/// Memory with a file; `sealed` means that it cannot shrink.
pub(crate) fn memory_file(bytes: u64, sealed: bool) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = memfd_create("test", flags).unwrap();
    ftruncate(&file, bytes).unwrap();
    if sealed {
        fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
    }
    file
}

/// A served device, in a folder of its own.
pub(crate) struct Bench {
    pub(crate) device: Arc<TestDevice>,
    pub(crate) server: Server,
    _folder: tempfile::TempDir,
}

pub(crate) const TIMEOUTS: Timeouts = Timeouts {
    transfer: Duration::from_millis(300),
    reply: Duration::from_secs(20),
};

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(ServerOptions {
            timeouts: TIMEOUTS,
            ..ServerOptions::default()
        })
    }

    pub(crate) fn with(options: ServerOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let device = Arc::new(TestDevice::default());
        let path = folder.path().join("card.sock");
        let server = Server::start(&path, Arc::clone(&device) as _, options).unwrap();
        Self {
            device,
            server,
            _folder: folder,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.server.path().to_owned()
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.server.path(), Timeouts::default()).unwrap()
    }

    /// A client, and the device's way to it.
    pub(crate) fn client_with_link(&self) -> (Client, Arc<Link>) {
        let client = self.client();
        // Answered once the function is attached.
        client.device_info().unwrap();
        let link = self.device.links.lock().last().unwrap().clone();
        (client, link)
    }
}
