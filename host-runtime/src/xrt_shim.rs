//! Where the library is that lets programs written against XRT use our cards, and the environment that has XRT take it.
//! `scripts/build-xrt-shim` makes it; the library itself is the package `xrt-shim`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Environment variable that names the shim's folder, before all other places.
pub const XRT_SHIM_VARIABLE: &str = "FPGA_XRT_SHIM";

/// What the folder must hold.
const LIBRARY: &str = "lib/libxrt_hwemu.so.2";

/// A shim that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XrtShim {
    folder: PathBuf,
}

/// No shim is there.
#[derive(Debug, Error)]
#[error(
    "there is no XRT shim in {searched}; build it with scripts/build-xrt-shim (it needs XRT: on Debian, apt-get install libxrt-dev uuid-dev ocl-icd-opencl-dev), or name its folder with {XRT_SHIM_VARIABLE}"
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
        let found = places.iter().find(|place| place.join(LIBRARY).exists());
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

    /// Names and values of the environment variables with which a program that uses XRT finds our cards: native, C, HAL
    /// and OpenCL programs, built or to be built.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        self.variables_beside(std::env::var_os("LD_LIBRARY_PATH"))
    }

    fn variables_beside(&self, library_path: Option<OsString>) -> Vec<(&'static str, OsString)> {
        let libraries = self.folder.join("lib");
        let mut search = libraries.clone().into_os_string();
        if let Some(others) = library_path.filter(|others| !others.is_empty()) {
            // Said twice, it stays once.
            let mut kept = std::env::split_paths(&others).filter(|path| *path != libraries);
            if let Some(first) = kept.next() {
                let all = [libraries.clone(), first].into_iter().chain(kept);
                search = std::env::join_paths(all).unwrap_or(search);
            }
        }
        let vendors = self.folder.join("etc/OpenCL/vendors").into_os_string();
        vec![
            ("XILINX_XRT", self.folder.clone().into_os_string()),
            ("XCL_EMULATION_MODE", "hw_emu".into()),
            ("LD_LIBRARY_PATH", search),
            // Both loaders of OpenCL: ocl-icd's, and Khronos'.
            ("OCL_ICD_VENDORS", vendors.clone()),
            ("OPENCL_VENDOR_PATH", vendors),
        ]
    }
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
    fn the_library_path_keeps_what_it_had_and_grows_once() {
        let shim = XrtShim {
            folder: "/shim".into(),
        };
        let path = |before: Option<&str>| {
            let variables = shim.variables_beside(before.map(OsString::from));
            let (_, path) = variables
                .into_iter()
                .find(|(name, _)| *name == "LD_LIBRARY_PATH")
                .unwrap();
            path.into_string().unwrap()
        };
        assert_eq!(path(None), "/shim/lib");
        assert_eq!(path(Some("")), "/shim/lib");
        assert_eq!(path(Some("/a:/b")), "/shim/lib:/a:/b");
        assert_eq!(path(Some("/shim/lib:/a")), "/shim/lib:/a");
        assert_eq!(path(Some("/shim/lib")), "/shim/lib");
    }
}
