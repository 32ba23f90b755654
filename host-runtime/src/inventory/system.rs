//! Where Linux tells of the machine: `/sys`, `/proc` and `/dev`, under a root that tests choose.

use std::path::{Path, PathBuf};

/// Environment variable that names another root of `/sys`, `/proc` and `/dev` to look for cards in: for tests, and for a
/// container that has the host's tree elsewhere.
pub const SYSTEM_ROOT_VARIABLE: &str = "FPGA_SYSTEM_ROOT";

/// The root.
#[derive(Debug, Clone)]
pub(super) struct System(PathBuf);

impl System {
    pub(super) fn at(root: &Path) -> Self {
        Self(root.to_owned())
    }

    /// The one that the variable names, else the machine's own.
    pub(super) fn of_environment() -> Self {
        let named = std::env::var_os(SYSTEM_ROOT_VARIABLE).filter(|named| !named.is_empty());
        Self(named.map_or_else(|| "/".into(), PathBuf::from))
    }

    /// A folder for each PCI function.
    pub(super) fn pci_devices(&self) -> PathBuf {
        self.0.join("sys/bus/pci/devices")
    }

    /// The device by which programs have an IOMMU group.
    pub(super) fn vfio_group(&self, group: u32) -> PathBuf {
        self.0.join("dev/vfio").join(group.to_string())
    }

    /// The kernel's command line; empty if it cannot be read.
    pub(super) fn kernel_command_line(&self) -> String {
        self.text("proc/cmdline")
    }

    /// Whether the processors are AMD's, whose IOMMU has options of its own.
    pub(super) fn is_amd(&self) -> bool {
        self.text("proc/cpuinfo").contains("AuthenticAMD")
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.join(path)).unwrap_or_default()
    }
}
