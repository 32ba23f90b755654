//! Gives functions to vfio-pci, by the very commands that the error says to people.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use vfio::{Error, Function, PCI_DEVICES, PciAddress};

/// The function with these numbers, the first of them.
pub(crate) fn find(vendor: u16, device: u16) -> Result<PciAddress> {
    find_nth(vendor, device, 0)
}

/// One of the functions with these numbers, counted from 0 by their addresses.
pub(crate) fn find_nth(vendor: u16, device: u16, nth: usize) -> Result<PciAddress> {
    let mut found: Vec<PciAddress> = Vec::new();
    for entry in fs::read_dir(PCI_DEVICES)? {
        let path = entry?.path();
        let number = |name: &str| -> Result<u32> {
            let text = fs::read_to_string(path.join(name))?;
            Ok(u32::from_str_radix(
                text.trim().trim_start_matches("0x"),
                16,
            )?)
        };
        if (number("vendor")?, number("device")?) == (vendor.into(), device.into()) {
            let name = path.file_name().and_then(|name| name.to_str());
            found.push(name.context("a function without a name")?.parse()?);
        }
    }
    found.sort_unstable_by_key(PciAddress::to_string);
    match found.get(nth) {
        Some(address) => Ok(*address),
        None => bail!(
            "the machine has {} functions {vendor:04x}:{device:04x}",
            found.len()
        ),
    }
}

/// Opens a function that nobody has, is told what to do, and does that.
pub(crate) fn bind_as_told(address: PciAddress) -> Result<()> {
    let command = match Function::open(address) {
        Err(Error::NotBound { command, .. }) => command,
        Err(other) => return Err(other).context("another error than the one expected"),
        Ok(_) => bail!("a function was opened that vfio-pci does not have"),
    };
    for step in command.split("; ") {
        match step.split_once(" >") {
            Some((echo, file)) => {
                let text = echo
                    .strip_prefix("echo ")
                    .with_context(|| format!("{step:?} is no echo"))?;
                fs::write(file, text).with_context(|| format!("{step:?}"))?;
            }
            // The module is there.
            None if step == "modprobe vfio-pci" => {}
            None => bail!("{step:?} is not understood"),
        }
    }
    let driver = fs::read_link(
        Path::new(PCI_DEVICES)
            .join(address.to_string())
            .join("driver"),
    )
    .with_context(|| format!("after {command:?} nobody has the function"))?;
    anyhow::ensure!(driver.ends_with("vfio-pci"), "{driver:?} has the function");
    Ok(())
}
