//! Kernels as Vivado and Vitis package them: Tcl scripts that call the IP packager, the `component.xml` that it writes,
//! and the `.xo` files that hold one. All of them are brought into the form of a TOML description.

mod component;
mod object;
mod script;

use std::path::{Path, PathBuf};

use cosim::Cache;

use super::description::{Toml, TomlArgument};
use super::error::LinkError;
use super::sources;

/// A packaged kernel.
#[derive(Debug, Clone, Default)]
pub(super) struct Packaged {
    /// What the packaging says, with paths as they can be opened.
    pub(super) toml: Toml,
    /// Text of the `kernel.xml` that a script writes itself.
    pub(super) kernel_xml: Option<String>,
    /// Modules that Vivado would generate, and from which IP.
    pub(super) generated: Vec<(String, String)>,
}

/// A register of the control port, as IP-XACT describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Register {
    name: String,
    /// Byte offset.
    offset: u64,
    /// Size in bits.
    bits: u64,
    /// The AXI4 master that the register holds an address for.
    master: Option<String>,
}

/// Control and interrupt registers come before the arguments (UG1393).
const FIRST_ARGUMENT: u64 = 0x10;

/// Files that describe a kernel, the ones that say most first.
const IN_FOLDERS: [&str; 5] = [
    "kernel.toml",
    "component.xml",
    "gen_xo.tcl",
    "package_kernel.tcl",
    "kernel.xml",
];

/// Whether `path` is read here.
pub(super) fn is_package(path: &Path) -> Result<bool, LinkError> {
    Ok(match extension(path).as_str() {
        "tcl" | "xo" => true,
        "xml" => sources::root_element(path)?.ends_with("component"),
        _ => false,
    })
}

fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

/// Reads a script, which is given `arguments`, a `component.xml` or an `.xo`.
pub(super) fn read(
    path: &Path,
    arguments: &[String],
    cache: &Cache,
) -> Result<Packaged, LinkError> {
    match extension(path).as_str() {
        "tcl" => script::read(path, arguments),
        "xo" => object::read(path, cache),
        _ => component::read(path),
    }
}

/// The file that describes the kernel in `folder`: there, or below it if there is only one.
///
/// # Errors
/// None, or several of which none is the one: the message lists them.
pub fn find(folder: &Path) -> Result<PathBuf, LinkError> {
    let mut found = Vec::new();
    // Scripts and packaged IP lie at most three folders deep in public examples.
    search(folder, 3, &mut found)?;
    let depth = |path: &PathBuf| path.components().count();
    let rank = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        IN_FOLDERS.iter().position(|known| name == *known)
    };
    found.sort_by_key(|path| (rank(path), depth(path), path.clone()));
    let best = found.first().cloned().ok_or_else(|| {
        LinkError::Request(format!(
            "{}: no kernel is described there; expected {}, or give the files themselves",
            folder.display(),
            IN_FOLDERS.join(", ")
        ))
    })?;
    let same: Vec<_> = found
        .iter()
        .filter(|path| rank(path) == rank(&best))
        .collect();
    if same.len() > 1 {
        let names: Vec<_> = same.iter().map(|path| path.display().to_string()).collect();
        return Err(LinkError::Request(format!(
            "{}: several kernels are described there; say which: {}",
            folder.display(),
            names.join(", ")
        )));
    }
    Ok(best)
}

fn search(folder: &Path, depth: u32, found: &mut Vec<PathBuf>) -> Result<(), LinkError> {
    let failed = |error| LinkError::io("read", folder, error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        // Links are not followed: they may lead in circles.
        if entry.file_type().map_err(failed)?.is_dir() {
            if depth > 0 {
                search(&path, depth - 1, found)?;
            }
        } else if IN_FOLDERS.iter().any(|name| entry.file_name() == *name) {
            found.push(path);
        }
    }
    Ok(())
}

/// The arguments that registers make up, in the registers' order, as Vitis numbers them.
fn arguments(registers: Vec<Register>) -> Vec<TomlArgument> {
    registers
        .into_iter()
        .filter(|register| register.offset >= FIRST_ARGUMENT)
        .map(|register| TomlArgument {
            name: register.name,
            offset: Some(register.offset),
            // A pointer's register may be described as narrower than the pointer.
            size: Some(match register.master {
                Some(_) => 8,
                None => register.bits.div_ceil(8),
            }),
            port: register.master,
            type_name: None,
        })
        .collect()
}

/// A number as Tcl and IP-XACT write it: decimal, `0x10`, or `4096.0`.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
