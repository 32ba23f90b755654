//! Where the folder is that lets programs written against XRT use our cards, and the environment that has them take it. In
//! it are the library for XRT itself, from the package `xrt-shim` by `scripts/build-xrt-shim`, and the module for Python,
//! from the package `pyxrt` by `scripts/build-pyxrt`; either may be absent.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Environment variable that names the shim's folder, before all other places.
pub const XRT_SHIM_VARIABLE: &str = "FPGA_XRT_SHIM";

/// What XRT loads.
const LIBRARY: &str = "lib/libxrt_hwemu.so.2";
/// What Python loads, where XRT's own installation has it.
const MODULE: &str = "python/pyxrt.abi3.so";

/// A shim that was built: its library, its Python module, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XrtShim {
    folder: PathBuf,
}

/// No shim is there.
#[derive(Debug, Error)]
#[error(
    "there is no XRT shim in {searched}; build it with scripts/build-xrt-shim (it needs XRT: on Debian, apt-get install libxrt-dev uuid-dev ocl-icd-opencl-dev), for Python programs with scripts/build-pyxrt (it needs no XRT), or name its folder with {XRT_SHIM_VARIABLE}"
)]
pub struct XrtShimMissing {
    /// Where it was looked for.
    searched: String,
}

impl XrtShim {
    /// Looks where [`XRT_SHIM_VARIABLE`] says; else beside this program as cargo builds it (`<target>/xrt`) or as it is
    /// installed (`<prefix>/lib/fpga-runtime/xrt`), and in the user's XDG data home.
    ///
    /// # Errors
    /// [`XrtShimMissing`], which says where it was looked for and how to build it.
    pub fn find() -> Result<Self, XrtShimMissing> {
        let named = std::env::var_os(XRT_SHIM_VARIABLE).filter(|named| !named.is_empty());
        if let Some(named) = named {
            return Self::find_in(&[named.into()]);
        }
        let mut places = Vec::new();
        if let Ok(program) = std::env::current_exe() {
            let above = program.ancestors().nth(2);
            places.extend(above.map(|folder| folder.join("xrt")));
            places.extend(above.map(|folder| folder.join("lib/fpga-runtime/xrt")));
        }
        let user = directories::ProjectDirs::from("", "", "fpga-runtime");
        places.extend(user.map(|folders| folders.data_dir().join("xrt")));
        Self::find_in(&places)
    }

    /// The shim in that folder.
    ///
    /// # Errors
    /// [`XrtShimMissing`].
    pub fn at(folder: &Path) -> Result<Self, XrtShimMissing> {
        Self::find_in(&[folder.to_owned()])
    }

    fn find_in(places: &[PathBuf]) -> Result<Self, XrtShimMissing> {
        let holds_any = |place: &Path| {
            [LIBRARY, MODULE]
                .iter()
                .any(|file| place.join(file).exists())
        };
        let found = places.iter().find(|place| holds_any(place));
        found.map_or_else(
            || {
                let places = places.iter().map(|place| place.display().to_string());
                Err(XrtShimMissing {
                    searched: places.collect::<Vec<_>>().join(", "),
                })
            },
            |folder| {
                // Programs run in other folders than this one.
                let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
                Ok(Self { folder })
            },
        )
    }

    /// The folder that `XILINX_XRT` names.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the library is there: without it only Python programs find our cards.
    pub fn has_library(&self) -> bool {
        self.folder.join(LIBRARY).exists()
    }

    /// Names and values of the environment variables with which a program that uses XRT finds our cards: native, C, HAL
    /// and OpenCL programs, built or to be built, and Python's, as far as what they need was built.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut variables = Vec::new();
        if self.has_library() {
            let libraries = std::env::var_os("LD_LIBRARY_PATH");
            let vendors = self.folder.join("etc/OpenCL/vendors").into_os_string();
            variables.extend([
                ("XILINX_XRT", self.folder.clone().into_os_string()),
                ("XCL_EMULATION_MODE", "hw_emu".into()),
                (
                    "LD_LIBRARY_PATH",
                    first_of(&self.folder.join("lib"), libraries),
                ),
                // Both loaders of OpenCL: ocl-icd's, and Khronos'.
                ("OCL_ICD_VENDORS", vendors.clone()),
                ("OPENCL_VENDOR_PATH", vendors),
            ]);
        }
        if self.folder.join(MODULE).exists() {
            let modules = std::env::var_os("PYTHONPATH");
            variables.push(("PYTHONPATH", first_of(&self.folder.join("python"), modules)));
        }
        variables
    }
}

/// A search path with a folder first, and then what it had.
fn first_of(folder: &Path, path: Option<OsString>) -> OsString {
    let others = path.filter(|others| !others.is_empty()).unwrap_or_default();
    // Said twice, it stays once; and nothing at all is one empty path.
    let kept = std::env::split_paths(&others).filter(|other| other != folder && !others.is_empty());
    let all = std::iter::once(folder.to_owned()).chain(kept);
    std::env::join_paths(all).unwrap_or_else(|_| folder.as_os_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_folder_that_holds_the_library_is_taken() {
        let (empty, full) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let places = [empty.path().to_owned(), full.path().to_owned()];
        let error = XrtShim::find_in(&places).unwrap_err().to_string();
        assert!(
            places.iter().all(|p| error.contains(p.to_str().unwrap()))
                && error.contains("scripts/build-xrt-shim"),
            "{error}"
        );
        std::fs::create_dir(full.path().join("lib")).unwrap();
        std::fs::write(full.path().join(LIBRARY), "").unwrap();
        let shim = XrtShim::find_in(&places).unwrap();
        assert_eq!(shim.folder(), full.path());
    }

    #[test]
    fn the_variables_are_those_of_what_was_built() {
        let folder = tempfile::tempdir().unwrap();
        let names = || -> Vec<&str> {
            let shim = XrtShim::at(folder.path()).unwrap();
            let variables = shim.variables();
            variables.into_iter().map(|(name, _)| name).collect()
        };
        for (file, first) in [(MODULE, "PYTHONPATH"), (LIBRARY, "XILINX_XRT")] {
            std::fs::create_dir(folder.path().join(file).parent().unwrap()).unwrap();
            std::fs::write(folder.path().join(file), "").unwrap();
            assert_eq!(names()[0], first);
        }
        assert_eq!(names().len(), 6);
    }

    #[test]
    fn a_search_path_keeps_what_it_had_and_grows_once() {
        let path = |before: Option<&str>| {
            let path = first_of(Path::new("/shim/lib"), before.map(OsString::from));
            path.into_string().unwrap()
        };
        assert_eq!(path(None), "/shim/lib");
        assert_eq!(path(Some("")), "/shim/lib");
        assert_eq!(path(Some("/a:/b")), "/shim/lib:/a:/b");
        assert_eq!(path(Some("/shim/lib:/a")), "/shim/lib:/a");
        assert_eq!(path(Some("/shim/lib")), "/shim/lib");
    }
}
