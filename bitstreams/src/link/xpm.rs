//! The behavioural models of AMD's XPM macros (`hdl/xpm`), carried inside this library, as a folder that Verilator
//! finds modules in.

use std::io::Write as _;
use std::path::PathBuf;

use cosim::Cache;

use super::error::LinkError;

macro_rules! models {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../hdl/xpm/", $name)))),*]
    };
}

/// File name and text of each model, and of the modules they share.
const MODELS: &[(&str, &str)] = &models![
    "ila_0.sv",
    "xpm_cdc_array_single.sv",
    "xpm_cdc_async_rst.sv",
    "xpm_cdc_gray.sv",
    "xpm_cdc_handshake.sv",
    "xpm_cdc_pulse.sv",
    "xpm_cdc_single.sv",
    "xpm_cdc_sync_rst.sv",
    "xpm_fifo_async.sv",
    "xpm_fifo_axis.sv",
    "xpm_fifo_model.sv",
    "xpm_fifo_sync.sv",
    "xpm_memory_dpdistram.sv",
    "xpm_memory_dprom.sv",
    "xpm_memory_model.sv",
    "xpm_memory_sdpram.sv",
    "xpm_memory_spram.sv",
    "xpm_memory_sprom.sv",
    "xpm_memory_tdpram.sv",
];

/// Writes the models into the cache, where they are not there as they are here, and answers their folder.
///
/// The folder has a fixed name: Verilator writes it into what it generates, which is the key of built models.
pub(super) fn install(cache: &Cache) -> Result<PathBuf, LinkError> {
    let folder = cache.root().join("xpm");
    std::fs::create_dir_all(&folder).map_err(|e| LinkError::io("create", &folder, e))?;
    for (name, text) in MODELS {
        let path = folder.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|there| there == *text) {
            continue;
        }
        let failed = |error| LinkError::io("write", &path, error);
        // Renamed into place: another build may be reading it.
        let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
    }
    Ok(folder)
}
