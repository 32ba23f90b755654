//! The virtual machine: its file systems, its kernel modules, and its end.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::mount::{MountFlags, mount};
use rustix::system::finit_module;

/// Where the script puts the modules.
const MODULES: &str = "/modules";

/// VFIO's modules, each after those that it needs. Newer kernels have the first but one in another.
const VFIO_MODULES: [&str; 6] = [
    "irqbypass",
    "vfio_virqfd",
    "vfio",
    "vfio_iommu_type1",
    "vfio-pci-core",
    "vfio-pci",
];

/// Mounts what programs expect, and loads VFIO.
pub(crate) fn begin() -> Result<()> {
    for (kind, path) in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("tmpfs", "/tmp"),
    ] {
        fs::create_dir_all(path)?;
        mount(kind, path, kind, MountFlags::empty(), None)
            .with_context(|| format!("mounting {path}"))?;
    }
    for name in VFIO_MODULES {
        let path = Path::new(MODULES).join(format!("{name}.ko"));
        if path.exists() {
            let file = fs::File::open(&path)?;
            finit_module(&file, c"", 0).with_context(|| format!("loading {name}"))?;
        }
    }
    Ok(())
}

/// A word of the kernel's command line.
pub(crate) fn parameter(name: &str) -> Option<String> {
    let line = fs::read_to_string("/proc/cmdline").ok()?;
    let value = |word: &str| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned());
    line.split_whitespace().find_map(value)
}

/// Ends the machine at once. An orderly end would wait for every function: the kernel takes a minute to give up a card whose
/// link is down, from when the program that had it has closed it.
pub(crate) fn power_off() -> ! {
    // What was said is on the serial line before the machine is gone.
    let _ = rustix::termios::tcdrain(std::io::stdout());
    let _ = fs::write("/proc/sysrq-trigger", "b");
    // The kernel panics when its first program ends, and that ends the machine too.
    std::process::exit(1)
}
