//! Whether a function can be had by VFIO, as sysfs tells: who drives it, and who shares its IOMMU group.

use std::path::{Path, PathBuf};

use crate::address::PciAddress;
use crate::{Error, Result};

/// The driver that a function must have.
const VFIO_PCI: &str = "vfio-pci";

/// Drivers that others of the group may have: VFIO's own, and those that do no DMA (`vfio_dev_driver_allowed` in the
/// kernel's `drivers/vfio`; bridges are driven by `pcieport`).
const HARMLESS: [&str; 2] = ["pci-stub", "pcieport"];

/// What sysfs says of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The function.
    pub address: PciAddress,
    /// The driver that has it.
    pub driver: Option<String>,
    /// Its IOMMU group.
    pub group: Option<u32>,
    /// Others of the group that keep it from being used: address and driver.
    pub in_the_way: Vec<(String, String)>,
}

impl Binding {
    /// Looks at a function in a tree like `/sys/bus/pci/devices`.
    ///
    /// # Errors
    /// [`Error::NotThere`].
    pub fn look(devices: &Path, address: PciAddress) -> Result<Self> {
        let path = devices.join(address.to_string());
        if !path.exists() {
            return Err(Error::NotThere(address));
        }
        let group = path.join("iommu_group");
        let members = std::fs::read_dir(group.join("devices"));
        let mut in_the_way: Vec<(String, String)> = members
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|member| {
                let name = member.file_name().to_string_lossy().into_owned();
                let driver = driver_of(&member.path())?;
                let harmless = driver.starts_with("vfio") || HARMLESS.contains(&&*driver);
                (name != address.to_string() && !harmless).then_some((name, driver))
            })
            .collect();
        in_the_way.sort();
        Ok(Self {
            address,
            driver: driver_of(&path),
            group: link_name(&group).and_then(|name| name.parse().ok()),
            in_the_way,
        })
    }

    /// The group's number, if the function can be opened.
    ///
    /// # Errors
    /// [`Error::NotBound`], [`Error::NoIommuGroup`], [`Error::NotViable`]: with what mends it.
    pub fn check(&self) -> Result<u32> {
        let group = self.group.ok_or(Error::NoIommuGroup(self.address))?;
        if self.driver.as_deref() != Some(VFIO_PCI) {
            return Err(Error::NotBound {
                driver: self.driver.clone(),
                command: bind_command(&self.address.to_string(), self.driver.is_some()),
            });
        }
        if self.in_the_way.is_empty() {
            return Ok(group);
        }
        let others = self.in_the_way.iter();
        let commands = others.clone().map(|(name, _)| bind_command(name, true));
        Err(Error::NotViable {
            group,
            others: others
                .map(|(name, driver)| format!("{name} (driver {driver})"))
                .collect(),
            command: commands.collect::<Vec<_>>().join("; "),
        })
    }
}

/// The commands that give a function to vfio-pci.
fn bind_command(address: &str, driven: bool) -> String {
    let device = format!("/sys/bus/pci/devices/{address}");
    let unbind = match driven {
        true => format!("echo {address} >{device}/driver/unbind; "),
        false => String::new(),
    };
    format!(
        "modprobe {VFIO_PCI}; echo {VFIO_PCI} >{device}/driver_override; {unbind}echo {address} >/sys/bus/pci/drivers_probe"
    )
}

fn driver_of(device: &Path) -> Option<String> {
    link_name(&device.join("driver"))
}

/// The last part of what a link leads to.
fn link_name(link: &Path) -> Option<String> {
    let target: PathBuf = std::fs::read_link(link).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A tree with functions 0000:03:00.0 and .1 in one group.
    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            for name in ["0000:03:00.0", "0000:03:00.1"] {
                std::fs::create_dir(tree.0.path().join(name)).unwrap();
            }
            tree
        }

        fn group(self, number: u32) -> Self {
            let group = self.0.path().join("groups").join(number.to_string());
            std::fs::create_dir_all(group.join("devices")).unwrap();
            for name in ["0000:03:00.0", "0000:03:00.1"] {
                symlink(&group, self.0.path().join(name).join("iommu_group")).unwrap();
                symlink(self.0.path().join(name), group.join("devices").join(name)).unwrap();
            }
            self
        }

        fn driver(self, name: &str, driver: &str) -> Self {
            let link = self.0.path().join(name).join("driver");
            symlink(format!("../../drivers/{driver}"), link).unwrap();
            self
        }

        fn check(&self, address: &str) -> Result<u32> {
            Binding::look(self.0.path(), address.parse().unwrap())?.check()
        }
    }

    #[test]
    fn a_function_of_vfio_pci_whose_group_is_alone_can_be_opened() {
        let tree = Tree::new().group(7).driver("0000:03:00.0", "vfio-pci");
        assert_eq!(tree.check("0000:03:00.0").unwrap(), 7);
        // Bridges and what VFIO has do not matter.
        let tree = tree.driver("0000:03:00.1", "pcieport");
        assert_eq!(tree.check("0000:03:00.0").unwrap(), 7);
    }

    #[test]
    fn what_is_in_the_way_is_said_with_the_command_that_mends_it() {
        let error = |tree: &Tree, address: &str| tree.check(address).unwrap_err();
        let tree = Tree::new();
        assert!(matches!(error(&tree, "0000:04:00.0"), Error::NotThere(_)));
        assert!(matches!(
            error(&tree, "0000:03:00.0"),
            Error::NoIommuGroup(_)
        ));

        let tree = tree.group(7);
        let text = error(&tree, "0000:03:00.0").to_string();
        assert!(text.contains("no driver has it"), "{text}");
        assert!(!text.contains("unbind"), "{text}");
        let tree = tree.driver("0000:03:00.0", "xdma");
        let text = error(&tree, "0000:03:00.0").to_string();
        assert!(text.contains("the driver xdma has it"), "{text}");
        let bind = "modprobe vfio-pci; echo vfio-pci >/sys/bus/pci/devices/0000:03:00.0/driver_override; \
                    echo 0000:03:00.0 >/sys/bus/pci/devices/0000:03:00.0/driver/unbind; \
                    echo 0000:03:00.0 >/sys/bus/pci/drivers_probe";
        assert!(text.ends_with(bind), "{text}");

        let tree = Tree::new()
            .group(7)
            .driver("0000:03:00.0", "vfio-pci")
            .driver("0000:03:00.1", "snd");
        let text = error(&tree, "0000:03:00.0").to_string();
        assert!(
            text.contains("group 7 is not viable: 0000:03:00.1 (driver snd)"),
            "{text}"
        );
        assert!(
            text.contains("echo 0000:03:00.1 >/sys/bus/pci/drivers_probe"),
            "{text}"
        );
    }
}
