//! Whether this runtime can drive a PCI function, and if not, why not and which commands mend that.

use std::path::Path;

use rustix::fs::{Access, access};
use vfio::Binding;

use super::details::PciDetails;
use super::models::{Kind, Model};
use crate::inventory::system::System;

/// Drivers of XRT and of the kernel.
pub(in crate::inventory) const XOCL: &str = "xocl";
const VFIO_PCI: &str = "vfio-pci";

/// Extended capabilities of a configuration space (PCI Express Base Specification 4.0, 7.6.3): where they begin, how one
/// that is vendor-specific is called.
const EXTENDED: usize = 0x100;
const VENDOR_SPECIFIC: u32 = 0x000B;

/// What can be done with a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// XRT drives it.
    Xrt,
    /// We drive it, by VFIO.
    Vfio,
    /// Nothing, until that is mended.
    Unusable { reason: String, advice: String },
}

/// Looks who can drive the function in this folder.
pub(super) fn judge(
    system: &System,
    folder: &Path,
    model: &Model,
    details: &PciDetails,
) -> Verdict {
    let unusable = |reason: &str, advice: &str| Verdict::Unusable {
        reason: reason.to_owned(),
        advice: advice.to_owned(),
    };
    if details.driver.as_deref() == Some(XOCL) {
        return Verdict::Xrt;
    }
    let shell = has_our_shell(folder);
    match model.kind {
        _ if shell == Some(true) => by_vfio(system, details),
        Kind::AlveoManagement => unusable(
            "it is the card's management function; programs work with the user function, the next one of the card",
            "nothing is wrong with it; XRT's `xbmgmt` works with it",
        ),
        Kind::AlveoUser => without_xrt(details),
        Kind::Custom if shell == Some(false) => unusable(
            "its design does not have the shell that this runtime drives: there is no vendor-specific capability 0x5443 in its \
             configuration space",
            "use the design's own driver for it; here sim:0 or software:0",
        ),
        Kind::Custom => by_vfio(system, details),
        Kind::Intel => unusable(
            "this runtime drives cards with its own shell and those behind XRT, not Intel's shells",
            "use Intel's OPAE for it; here sim:0 or software:0",
        ),
        Kind::Amazon => unusable(
            "this runtime drives cards with its own shell and those behind XRT, not Amazon's shell",
            "use Amazon's FPGA tools (aws-fpga) for it; here sim:0 or software:0",
        ),
    }
}

/// An Alveo card's user function that XRT's driver does not have.
fn without_xrt(details: &PciDetails) -> Verdict {
    let address = &details.address;
    let device = format!("/sys/bus/pci/devices/{address}");
    let (reason, advice) = match details.driver.as_deref() {
        None => (
            format!(
                "XRT's driver {XOCL}, which drives cards with this shell, does not have it; no driver has"
            ),
            format!(
                "modprobe {XOCL}; if there is no such module, install XRT and the card's platform"
            ),
        ),
        Some(driver) => {
            let invisible = match driver {
                VFIO_PCI => format!("the driver {VFIO_PCI} has it, so that XRT does not see it"),
                _ => format!("the driver {driver} has it, not XRT's {XOCL}"),
            };
            let back = format!(
                "echo >{device}/driver_override; echo {address} >{device}/driver/unbind; modprobe {XOCL}; \
                 echo {address} >/sys/bus/pci/drivers_probe"
            );
            (invisible, back)
        }
    };
    Verdict::Unusable { reason, advice }
}

/// A function with our shell, or one that may have it.
fn by_vfio(system: &System, details: &PciDetails) -> Verdict {
    let unusable = |reason: String, advice: String| Verdict::Unusable { reason, advice };
    let Ok(address) = details.address.parse() else {
        return unusable(
            "its address cannot be read".to_owned(),
            "report it".to_owned(),
        );
    };
    let checked = Binding::look(&system.pci_devices(), address).and_then(|binding| binding.check());
    let group = match checked {
        Ok(group) => group,
        Err(vfio::Error::NoIommuGroup(_)) => return without_iommu(system),
        Err(vfio::Error::NotBound { driver, command }) => {
            let who = driver.map_or("no driver has it".to_owned(), |driver| {
                format!("the driver {driver} has it")
            });
            return unusable(format!("{VFIO_PCI} does not have it: {who}"), command);
        }
        Err(vfio::Error::NotViable {
            group,
            others,
            command,
        }) => {
            let others = others.join(", ");
            return unusable(
                format!(
                    "its IOMMU group {group} cannot be used: {others} must be given to {VFIO_PCI} as well"
                ),
                command,
            );
        }
        Err(error) => return unusable(error.to_string(), "see the reason".to_owned()),
    };
    let node = system.vfio_group(group);
    if !node.exists() {
        return unusable(
            format!("there is no /dev/vfio/{group}, by which programs have its IOMMU group"),
            "modprobe vfio-pci; in a container, give it the host's /dev/vfio".to_owned(),
        );
    }
    if access(&node, Access::READ_OK | Access::WRITE_OK).is_err() {
        return unusable(
            format!("this user may not open /dev/vfio/{group}"),
            format!("sudo chown $USER /dev/vfio/{group}"),
        );
    }
    Verdict::Vfio
}

fn without_iommu(system: &System) -> Verdict {
    let reason = "it is in no IOMMU group: the IOMMU is off, and without it a card reaches all of the memory";
    let advice = if system.kernel_command_line().contains("iommu=on") {
        "the kernel was told to use it: switch it on in the firmware's setup (VT-d, AMD-Vi), and boot again".to_owned()
    } else {
        let option = if system.is_amd() {
            "amd_iommu=on"
        } else {
            "intel_iommu=on"
        };
        format!(
            "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&{option} iommu=pt /' /etc/default/grub; update-grub; reboot"
        )
    };
    Verdict::Unusable {
        reason: reason.to_owned(),
        advice,
    }
}

/// Whether the function's configuration space has our shell's capability; `None` if this user sees only the beginning of it.
fn has_our_shell(folder: &Path) -> Option<bool> {
    let space = std::fs::read(folder.join("config")).ok()?;
    let word = |offset: usize| {
        let bytes = space.get(offset..offset + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    word(EXTENDED)?;
    let mut offset = EXTENDED;
    // No more than there is room for, whatever the links say.
    for _ in 0..space.len() / 8 {
        let header = word(offset)?;
        let ours = header & 0xFFFF == VENDOR_SPECIFIC
            && word(offset + 4)? & 0xFFFF == u32::from(card_shell::VSEC_ID);
        if ours {
            return Some(true);
        }
        offset = (header >> 20) as usize;
        if offset < EXTENDED {
            break;
        }
    }
    Some(false)
}
