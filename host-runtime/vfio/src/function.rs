//! A function that is open: registers by mapped regions where the kernel maps them, by system calls where not.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use pci_driver::backends::vfio::VfioPciDevice;
use pci_driver::config::caps::MsiXCapability;
use pci_driver::device::PciDevice;
use pci_driver::interrupts::PciInterruptMechanism;
use pci_driver::regions::{
    AsPciSubregion, MappedOwningPciRegion, OwningPciRegion, PciRegion, Permissions,
};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::address::PciAddress;
use crate::binding::Binding;
use crate::{Error, PCI_DEVICES, Result};

/// Regions 0 to 5 are the BARs; this is the configuration space (`VFIO_PCI_CONFIG_REGION_INDEX`).
pub const CONFIG_REGION: u32 = 7;

const BARS: usize = 6;

/// Enable bit of the message control word of MSI-X (PCI Express Base Specification, 7.7.2.2), two bytes into it.
const MSIX_ENABLE: u16 = 1 << 15;

/// How a function interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterruptKind {
    /// Message signalled interrupts.
    Msi,
    /// Those with a table.
    MsiX,
}

/// A function that this process has. Nobody else has it at the same time: VFIO gives a group to one process.
///
/// When it is dropped, the kernel resets the function, and it reaches no memory any more.
pub struct Function {
    address: PciAddress,
    device: VfioPciDevice,
    bars: Vec<Option<Bar>>,
    /// Eventfds by vector: the kernel takes all of a kind at once.
    msi: Mutex<Vec<Option<OwnedFd>>>,
    msix: Mutex<Vec<Option<OwnedFd>>>,
}

struct Bar {
    region: OwningPciRegion,
    /// All of it, if the kernel maps it.
    mapped: Option<MappedOwningPciRegion>,
}

/// A part of a region that is mapped into this process.
#[derive(Debug)]
pub struct MappedRegion(MappedOwningPciRegion);

impl MappedRegion {
    /// Its first byte: readable, and writable, for as long as this lives.
    pub fn start(&self) -> *mut u8 {
        self.0.as_mut_ptr()
    }

    /// Its bytes.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function {}", self.address)
    }
}

impl Function {
    /// Opens a function that vfio-pci has.
    ///
    /// # Errors
    /// Why it cannot be had, with what mends that.
    pub fn open(address: PciAddress) -> Result<Self> {
        let devices = Path::new(PCI_DEVICES);
        let group = Binding::look(devices, address)?.check()?;
        let path = devices.join(address.to_string());
        let device =
            VfioPciDevice::open(path).map_err(|error| why_not_opened(address, group, error))?;
        let failed = |action: &str| {
            let action = action.to_owned();
            move |source| Error::System { action, source }
        };
        // An access to a mapped register while the function does not answer would be a SIGBUS.
        let command = device.config().command();
        command
            .memory_space_enable()
            .write(true)
            .map_err(failed("have the function answer memory accesses"))?;
        let bars = (0..BARS).map(|index| {
            let Some(region) = device.bar(index) else {
                return Ok(None);
            };
            let both = region.permissions() == Permissions::ReadWrite;
            let mapped = (both && region.is_mappable())
                .then(|| region.map(.., Permissions::ReadWrite))
                .transpose()?;
            Ok(Some(Bar { region, mapped }))
        });
        let bars = bars.collect::<io::Result<_>>();
        let bars = bars.map_err(failed("map the function's registers"))?;
        Ok(Self {
            address,
            device,
            bars,
            msi: Mutex::default(),
            msix: Mutex::default(),
        })
    }

    /// Where it is.
    pub fn address(&self) -> PciAddress {
        self.address
    }

    /// Reads a 32-bit register.
    ///
    /// # Errors
    /// [`Error::Outside`], or what the system says.
    pub fn read(&self, region: u32, offset: u64) -> Result<u32> {
        self.access(region, offset, |region| region.read_le_u32(offset))
    }

    /// Writes a 32-bit register.
    ///
    /// # Errors
    /// As [`Function::read`].
    pub fn write(&self, region: u32, offset: u64, value: u32) -> Result<()> {
        self.access(region, offset, |region| region.write_le_u32(offset, value))
    }

    fn access<T>(
        &self,
        region: u32,
        offset: u64,
        access: impl FnOnce(&dyn PciRegion) -> io::Result<T>,
    ) -> Result<T> {
        let outside = || Error::Outside { region, offset };
        // The crate below would overflow at the end of the numbers.
        let within = |bytes: u64| {
            let end = offset.checked_add(4).filter(|&end| end <= bytes);
            end.filter(|_| offset.is_multiple_of(4)).ok_or_else(outside)
        };
        let done = if region == CONFIG_REGION {
            let config = self.device.config();
            let config = config.as_subregion();
            within(config.len())?;
            access(&config)
        } else {
            let bar = self.bar(region).ok_or_else(outside)?;
            within(bar.region.len())?;
            match &bar.mapped {
                Some(mapped) => access(mapped),
                None => access(&bar.region),
            }
        };
        done.map_err(|source| Error::System {
            action: format!("access {offset:#x} of region {region}"),
            source,
        })
    }

    fn bar(&self, region: u32) -> Option<&Bar> {
        self.bars.get(region as usize)?.as_ref()
    }

    /// Maps the beginning of a BAR; `None` if there are not so many bytes, or the kernel does not map it.
    ///
    /// # Errors
    /// What the system says.
    pub fn map(&self, region: u32, bytes: usize) -> Result<Option<MappedRegion>> {
        let Some(bar) = self.bar(region).filter(|bar| {
            bar.mapped
                .as_ref()
                .is_some_and(|mapped| mapped.len() >= bytes)
        }) else {
            return Ok(None);
        };
        let mapped = bar.region.map(..bytes as u64, Permissions::ReadWrite);
        mapped
            .map(|mapped| Some(MappedRegion(mapped)))
            .map_err(|source| Error::System {
                action: format!("map {bytes} bytes of region {region}"),
                source,
            })
    }

    /// Lets the function access memory on its own, or not: nothing else does that for it.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_bus_master(&self, on: bool) -> Result<()> {
        let command = self.device.config().command();
        let written = command.bus_master_enable().write(on);
        written.map_err(|source| Error::System {
            action: "switch the function's bus mastering".to_owned(),
            source,
        })
    }

    /// Addresses at which memory can be mapped, first and last byte of each range.
    pub fn dma_ranges(&self) -> Vec<RangeInclusive<u64>> {
        // The crate hands on the kernel's last bytes as if they were ends.
        let ranges = self.device.iommu().valid_iova_ranges().to_vec();
        ranges
            .into_iter()
            .map(|range| range.start..=range.end)
            .collect()
    }

    /// Addresses and lengths of mappings are multiples of this power of two.
    pub fn dma_alignment(&self) -> u64 {
        self.device.iommu().alignment() as u64
    }

    /// Lets the function reach `bytes` bytes of this process' memory at `address`. They are locked in memory.
    ///
    /// # Safety
    /// They must be this process' own, and the function may access them until they are unmapped or this is dropped.
    ///
    /// # Errors
    /// [`Error::MemoryLock`], or what the system says.
    pub unsafe fn map_dma(&self, address: u64, start: *const u8, bytes: usize) -> Result<()> {
        let iommu = self.device.iommu();
        // SAFETY: the caller vouches for the memory.
        let mapped = unsafe { iommu.map(address, bytes, start, Permissions::ReadWrite) };
        mapped.map_err(|source| {
            let limit = getrlimit(Resource::Memlock).current;
            match limit.filter(|_| is_out_of_memory(&source)) {
                Some(limit) => Error::MemoryLock {
                    bytes: bytes as u64,
                    limit,
                },
                None => Error::System {
                    action: format!("map {bytes} bytes at {address:#x} for DMA"),
                    source,
                },
            }
        })
    }

    /// Takes memory back that was mapped: when this returns, an access to it is a fault.
    ///
    /// # Errors
    /// What the system says.
    pub fn unmap_dma(&self, address: u64, bytes: u64) -> Result<()> {
        let unmapped = self.device.iommu().unmap(address, bytes as usize);
        unmapped.map_err(|source| Error::System {
            action: format!("unmap {bytes} bytes at {address:#x}"),
            source,
        })
    }

    /// Has a vector signal an eventfd, of which a duplicate is kept. Other vectors keep theirs.
    ///
    /// # Errors
    /// [`Error::NoVector`], or what the system says.
    pub fn set_interrupt(
        &self,
        kind: InterruptKind,
        vector: u32,
        eventfd: BorrowedFd<'_>,
    ) -> Result<()> {
        let interrupts = self.device.interrupts();
        let (mechanism, set) = match kind {
            InterruptKind::Msi => (interrupts.msi(), &self.msi),
            InterruptKind::MsiX => (interrupts.msi_x(), &self.msix),
        };
        let index = vector as usize;
        if index >= mechanism.max() {
            return Err(Error::NoVector {
                vector,
                available: format!("the function has {}", mechanism.max()),
            });
        }
        let failed = |source| Error::System {
            action: format!("have interrupt vector {vector} signal an eventfd"),
            source,
        };
        let duplicate = eventfd.try_clone_to_owned().map_err(failed)?;
        let mut set = set.lock();
        // All at once if the kernel gives as many: to have more of them later it must let go of all for a moment, in which
        // interrupts are lost.
        let most = if kind == InterruptKind::MsiX && set.is_empty() {
            mechanism.max()
        } else {
            set.len().max(index + 1)
        };
        let before = set.len();
        set.resize_with(most, || None);
        set[index] = Some(duplicate);
        wire(&mechanism, &set, before).map_err(failed)?;
        // Where the kernel has fewer vectors it says how many, which the crate below takes for success.
        if kind == InterruptKind::Msi || self.msix_is_on()? {
            return Ok(());
        }
        set.truncate(index + 1);
        wire(&mechanism, &set, 0).map_err(failed)?;
        if self.msix_is_on()? {
            return Ok(());
        }
        set.clear();
        Err(Error::NoVector {
            vector,
            available: "the kernel has not so many".to_owned(),
        })
    }

    fn msix_is_on(&self) -> Result<bool> {
        let look = || -> io::Result<bool> {
            let capabilities = self.device.config().capabilities()?;
            let Some(msix) = capabilities.of_type::<MsiXCapability<'_>>()?.next() else {
                return Ok(false);
            };
            let control = msix.as_subregion().read_le_u16(2)?;
            Ok(control & MSIX_ENABLE != 0)
        };
        look().map_err(|source| Error::System {
            action: "read the function's capabilities".to_owned(),
            source,
        })
    }

    /// Resets the function, and only it.
    ///
    /// # Errors
    /// What the system says, also where the function cannot be reset alone.
    pub fn reset(&self) -> Result<()> {
        self.device.reset().map_err(|source| Error::System {
            action: "reset the function".to_owned(),
            source,
        })
    }
}

/// Has the kernel signal all eventfds of a kind. It takes no more of them than `before`, unless it begins anew.
fn wire(
    mechanism: &PciInterruptMechanism<'_>,
    set: &[Option<OwnedFd>],
    before: usize,
) -> io::Result<()> {
    // -1 is none.
    let eventfds = set.iter().map(|eventfd| {
        let eventfd = eventfd.as_ref();
        eventfd.map_or(-1, AsRawFd::as_raw_fd)
    });
    let eventfds: Vec<RawFd> = eventfds.collect();
    if before != 0 && before < eventfds.len() {
        mechanism.disable()?;
    }
    mechanism.enable(&eventfds)
}

/// What a failed opening means: the crate below hands on the error of whichever call failed.
fn why_not_opened(address: PciAddress, group: u32, error: io::Error) -> Error {
    let group = PathBuf::from(format!("/dev/vfio/{group}"));
    let container = PathBuf::from("/dev/vfio/vfio");
    match Errno::from_io_error(&error) {
        Some(Errno::BUSY) => Error::InUse { path: group },
        Some(Errno::ACCESS) => {
            let denied = |path: &PathBuf| {
                let opened = std::fs::OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(path);
                opened.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
            };
            let path = if denied(&group) { group } else { container };
            Error::Permission { path }
        }
        Some(Errno::PERM) => Error::UnsafeInterrupts,
        Some(Errno::NOENT | Errno::NODEV) => Error::NoVfio {
            path: if group.exists() { container } else { group },
        },
        _ => Error::System {
            action: format!("open {address}"),
            source: error,
        },
    }
}

/// The crate below turns the error of this call into a text, which ends with the number.
fn is_out_of_memory(error: &io::Error) -> bool {
    let number = io::Error::from(Errno::NOMEM).to_string();
    error.to_string().ends_with(&number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_opening_says_what_mends_it() {
        let why = |errno: Errno| {
            let address = "0000:03:00.0".parse().unwrap();
            why_not_opened(address, 4_000_000, errno.into())
        };
        assert!(matches!(why(Errno::BUSY), Error::InUse { .. }));
        assert!(matches!(why(Errno::PERM), Error::UnsafeInterrupts));
        assert!(matches!(why(Errno::NOENT), Error::NoVfio { .. }));
        assert!(matches!(why(Errno::ACCESS), Error::Permission { .. }));
        assert!(matches!(why(Errno::INVAL), Error::System { .. }));
    }

    #[test]
    fn the_memory_limit_is_told_from_the_text_of_the_crate_below() {
        let other = |errno: Errno| io::Error::other(format!("mapping: {}", io::Error::from(errno)));
        assert!(is_out_of_memory(&other(Errno::NOMEM)));
        assert!(!is_out_of_memory(&other(Errno::INVAL)));
    }
}
