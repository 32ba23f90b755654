//! `.xo` files, the kernels that `package_xo` writes: archives of a `kernel.xml`, a `component.xml` and the sources.

use std::fs::File;
use std::io::{Read, copy};
use std::path::{Path, PathBuf};

use cosim::Cache;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::super::error::LinkError;
use super::{Packaged, component};

/// Most bytes of a file that are unpacked: Verilog of kernels has megabytes.
const MAX_FILE: u64 = 256 << 20;
/// Most files of an archive.
const MAX_FILES: usize = 20_000;

/// Unpacks an archive into the cache, unless it is there, and reads what it describes.
pub(super) fn read(path: &Path, cache: &Cache) -> Result<Packaged, LinkError> {
    let bytes = std::fs::read(path).map_err(|error| LinkError::io("read", path, error))?;
    let fail = |problem: String| LinkError::Description {
        path: path.to_owned(),
        problem,
    };
    let digest = hex::encode(Sha256::digest(&bytes));
    let folder = cache.root().join("xo").join(digest);
    if !folder.is_dir() {
        unpack(path, &folder)?;
    }
    let files = files(&folder)?;
    let named = |name: &str| {
        files
            .iter()
            .find(|file| file.file_name().is_some_and(|n| n == name))
    };
    let Some(written) = named("component.xml") else {
        return Err(fail(
            "it holds no component.xml; it is no kernel of package_xo".to_owned(),
        ));
    };
    let mut packaged = component::read(written)?;
    packaged.toml.kernel_xml = named("kernel.xml").cloned();
    Ok(packaged)
}

fn unpack(path: &Path, folder: &Path) -> Result<(), LinkError> {
    let fail = |problem: String| LinkError::Description {
        path: path.to_owned(),
        problem,
    };
    let file = File::open(path).map_err(|error| LinkError::io("read", path, error))?;
    let mut archive = ZipArchive::new(file).map_err(|error| fail(error.to_string()))?;
    if archive.len() > MAX_FILES {
        return Err(fail(format!("it holds more than {MAX_FILES} files")));
    }
    let parent = folder.parent().unwrap_or(Path::new("."));
    let failed = |error| LinkError::io("create", folder, error);
    std::fs::create_dir_all(parent).map_err(failed)?;
    // Renamed when it is whole: another build may unpack the same.
    let work = tempfile::tempdir_in(parent).map_err(failed)?;
    for index in 0..archive.len() {
        let entry = archive
            .by_index(index)
            .map_err(|error| fail(error.to_string()))?;
        let name = entry.enclosed_name().ok_or_else(|| {
            fail(format!(
                "its file number {index} has a name that leads out of it"
            ))
        })?;
        let at = work.path().join(name);
        if entry.is_dir() {
            std::fs::create_dir_all(&at).map_err(failed)?;
            continue;
        }
        let place = at.parent().unwrap_or(work.path());
        std::fs::create_dir_all(place).map_err(failed)?;
        let mut to = File::create(&at).map_err(failed)?;
        let written = copy(&mut entry.take(MAX_FILE), &mut to).map_err(failed)?;
        if written == MAX_FILE {
            return Err(fail(format!(
                "it holds a file of more than {MAX_FILE} bytes"
            )));
        }
    }
    match std::fs::rename(work.keep(), folder) {
        Err(error) if !folder.is_dir() => Err(failed(error)),
        _ => Ok(()),
    }
}

/// The files below `folder`, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, LinkError> {
    let failed = |error| LinkError::io("read", folder, error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
