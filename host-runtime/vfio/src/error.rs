//! Why a function cannot be used, and what mends it.

use std::path::PathBuf;

use rustix::io::Errno;
use thiserror::Error;

use crate::address::PciAddress;

/// What requests return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure between this process and a PCI function.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is no address.
    #[error("{0:?} is no PCI address; one is written 0000:03:00.0 (`lspci -D` lists them)")]
    Address(String),
    /// There is no such function.
    #[error("no PCI function has the address {0}; `lspci -D` lists those there are")]
    NotThere(PciAddress),
    /// The function is not vfio-pci's.
    #[error("{}, and vfio-pci must; as root: {command}", driver_text(.driver))]
    NotBound {
        /// The driver that has it, if one has.
        driver: Option<String>,
        /// What gives it to vfio-pci.
        command: String,
    },
    /// No IOMMU guards the function.
    #[error(
        "{0} is in no IOMMU group: this machine's IOMMU is off or missing; switch on VT-d or AMD-Vi in its firmware, and give \
         the kernel intel_iommu=on (Intel); AMD's is on by itself"
    )]
    NoIommuGroup(PciAddress),
    /// Others share the function's IOMMU group, and a driver of the kernel has them.
    #[error("its IOMMU group {group} is not viable: {} must be given to vfio-pci too, as they share the group; as root: {command}", .others.join(", "))]
    NotViable {
        /// The group.
        group: u32,
        /// Address and driver of each of the others.
        others: Vec<String>,
        /// What gives them to vfio-pci.
        command: String,
    },
    /// VFIO is not there.
    #[error("{path} is not there: this kernel has no VFIO loaded; as root: modprobe vfio-pci", path = path.display())]
    NoVfio {
        /// The missing file.
        path: PathBuf,
    },
    /// This user may not open the group.
    #[error(
        "permission to open {path} is denied; have root give it to you: chown \"$USER\" {path}, or write an udev rule",
        path = path.display()
    )]
    Permission {
        /// The file.
        path: PathBuf,
    },
    /// Another process has the group.
    #[error(
        "another process has {path} open, and VFIO gives a group to one at a time; end it (`fuser {path}` names it)",
        path = path.display()
    )]
    InUse {
        /// The group's file.
        path: PathBuf,
    },
    /// The kernel's IOMMU cannot guard interrupts.
    #[error(
        "this machine's IOMMU does not remap interrupts, so a card could forge them; switch it on in the firmware, or, if you \
         trust the card, as root: echo 1 >/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
    )]
    UnsafeInterrupts,
    /// The process may not lock as much memory.
    #[error(
        "{bytes} bytes could not be locked for DMA: the limit of this process is {limit} bytes (RLIMIT_MEMLOCK); raise it with \
         `ulimit -l`, LimitMEMLOCK= of a service, or /etc/security/limits.conf"
    )]
    MemoryLock {
        /// What was to be locked.
        bytes: u64,
        /// What may be locked.
        limit: u64,
    },
    /// The function has not so many interrupt vectors, or the kernel gives not so many.
    #[error("interrupt vector {vector} cannot be had: {available}")]
    NoVector {
        /// The vector asked for.
        vector: u32,
        /// How many there are, or that the kernel has no more.
        available: String,
    },
    /// An access is not within its region, or not aligned.
    #[error("no register of 32 bits is at {offset:#x} of region {region}")]
    Outside {
        /// The region.
        region: u32,
        /// The offset.
        offset: u64,
    },
    /// A system call failed.
    #[error("could not {action}: {source}")]
    System {
        /// What was tried.
        action: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether the function is not there any more: it was pulled out, or its link went down.
    pub fn is_gone(&self) -> bool {
        match self {
            Self::NotThere(_) => true,
            Self::System { source, .. } => Errno::from_io_error(source) == Some(Errno::NODEV),
            _ => false,
        }
    }
}

fn driver_text(driver: &Option<String>) -> String {
    driver.as_ref().map_or_else(
        || "no driver has it".to_owned(),
        |driver| format!("the driver {driver} has it"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_gone_where_the_kernel_has_no_such_device() {
        let failed = |errno: Errno| Error::System {
            action: "access 0x0 of region 7".to_owned(),
            source: errno.into(),
        };
        assert!(failed(Errno::NODEV).is_gone());
        assert!(!failed(Errno::IO).is_gone());
        assert!(!Error::UnsafeInterrupts.is_gone());
    }
}
