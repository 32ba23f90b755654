//! The files that a kernel reads when it starts (`$readmemh`, `$readmemb`, `$fopen`). They become part of the model, so
//! that it computes the same wherever the program that uses it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{BuildError, ModelBuild, read};

/// A file to be built in.
pub(super) struct DataFile {
    /// The name that the kernel opens.
    pub(super) name: String,
    /// Where it was found.
    pub(super) path: PathBuf,
    /// Its content when it was found.
    pub(super) bytes: Vec<u8>,
}

/// The files that the kernel names in a string of a source, a parameter or a macro, and those that the build was given.
///
/// Each is looked for as Vivado's users have it: from the working folder, from the source that names it, and, with or
/// without its folders, in the folders of all sources and includes. A name that leads nowhere is left to run time.
pub(super) fn find(build: &ModelBuild, sources: &[PathBuf]) -> Result<Vec<DataFile>, BuildError> {
    let parent = |path: &PathBuf| path.parent().map(Path::to_owned);
    let common: BTreeSet<PathBuf> = sources
        .iter()
        .chain(&build.sources)
        .chain(&build.file_lists)
        .filter_map(parent)
        .chain(build.include_dirs.iter().cloned())
        .collect();
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut search = |text: &str, own: Option<&Path>| {
        for name in strings(text) {
            if found.contains_key(name) {
                continue;
            }
            let folders = || {
                [Path::new("")]
                    .into_iter()
                    .chain(own)
                    .chain(common.iter().map(PathBuf::as_path))
            };
            let whole = folders()
                .map(|folder| folder.join(name))
                .find(|path| is_data(path));
            let last = Path::new(name).file_name().unwrap_or(OsStr::new("."));
            let path = whole.or_else(|| {
                folders()
                    .map(|folder| folder.join(last))
                    .find(|path| is_data(path))
            });
            if let Some(path) = path {
                found.insert(name.to_owned(), path);
            }
        }
    };
    for source in sources {
        // Comments may be in any encoding.
        search(&String::from_utf8_lossy(&read(source)?), source.parent());
    }
    let values = build.parameters.iter().map(|(_, value)| value);
    let macros = build.defines.iter().filter_map(|(_, value)| value.as_ref());
    for value in values.chain(macros) {
        search(value, None);
        // A macro that the source puts quotes around.
        search(&format!("\"{value}\""), None);
    }
    for path in &build.data_files {
        if let Some(name) = path.file_name() {
            let name = name.to_string_lossy().into_owned();
            found.entry(name).or_insert_with(|| path.clone());
        }
    }
    let load = |(name, path): (String, PathBuf)| {
        let bytes = read(&path)?;
        Ok(DataFile { name, path, bytes })
    };
    found.into_iter().map(load).collect()
}

/// The strings of Verilog text; none goes over the end of a line.
fn strings(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .filter(|name| !name.is_empty())
}

/// Sources are named in strings, too, by `include` directives.
fn is_data(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let source = ["v", "sv", "vh", "svh"]
        .iter()
        .any(|known| extension == *known);
    !source && path.is_file()
}

/// What `files` add to a model's fingerprint.
pub(super) fn fingerprint(kernel: &str, files: &[DataFile]) -> String {
    if files.is_empty() {
        return kernel.to_owned();
    }
    let mut hash = Sha256::new();
    hash.update(kernel);
    for file in files {
        for bytes in [file.name.as_bytes(), &file.bytes] {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
    }
    hex::encode(hash.finalize())
}

/// The files of all kernels of an object, which share their names.
pub(super) fn union<'a>(
    files: impl Iterator<Item = &'a DataFile>,
) -> Result<Vec<&'a DataFile>, BuildError> {
    let mut all: BTreeMap<&str, &DataFile> = BTreeMap::new();
    for file in files {
        let known = all.entry(&file.name).or_insert(file);
        if known.bytes != file.bytes {
            return Err(BuildError::SameFile {
                name: file.name.clone(),
                first: known.path.clone(),
                second: file.path.clone(),
            });
        }
    }
    Ok(all.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_in_any_line() {
        let text =
            "parameter F = \"a.mem\";\n// 5\" wide\n$readmemh({D, \"/b.hex\"}, m); x(\"\", \"c\");";
        let found: Vec<_> = strings(text).collect();
        assert_eq!(found, ["a.mem", " wide", "/b.hex", "c"]);
    }
}
