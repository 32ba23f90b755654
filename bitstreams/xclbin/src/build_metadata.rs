//! `BUILD_METADATA`: JSON that says which tool made an image, and with what.

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::section::SectionKind;

/// The build metadata of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildMetadata {
    /// The object under `build_metadata`, as it stands in the image.
    pub json: Value,
}

impl BuildMetadata {
    /// Metadata of an image made by `tool` of `version`, with free `notes` under the key `notes`.
    pub fn new(tool: &str, version: &str, notes: Map<String, Value>) -> Self {
        BuildMetadata {
            json: json!({
                "schema_version": { "major": "1", "minor": "0", "patch": "0" },
                "xclbin": { "generated_by": { "name": tool, "version": version } },
                "notes": notes,
            }),
        }
    }

    /// Name of the tool that made the image.
    pub fn tool(&self) -> Option<&str> {
        self.generated_by("name")
    }

    /// Version of the tool that made the image.
    pub fn version(&self) -> Option<&str> {
        self.generated_by("version")
    }

    /// When the image was made, as the tool wrote it.
    pub fn time(&self) -> Option<&str> {
        self.generated_by("time_stamp")
    }

    fn generated_by(&self, key: &str) -> Option<&str> {
        self.json
            .get("xclbin")?
            .get("generated_by")?
            .get(key)?
            .as_str()
    }

    pub(crate) fn parse(data: &[u8]) -> Result<Self> {
        const KIND: SectionKind = SectionKind::BuildMetadata;
        // Some writers pad the text to the alignment of sections.
        let end = data
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(0, |last| last + 1);
        let mut json: Value = serde_json::from_slice(&data[..end])
            .map_err(|error| Error::malformed(KIND, "JSON", 0, error.to_string()))?;
        match json.get_mut("build_metadata") {
            Some(inner) => Ok(BuildMetadata { json: inner.take() }),
            None => Err(Error::malformed(
                KIND,
                "build_metadata",
                0,
                "the JSON has no such key",
            )),
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        json!({ "build_metadata": self.json })
            .to_string()
            .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tool_and_notes_survive_and_padding_is_ignored() {
        let notes = Map::from_iter([("top".to_owned(), Value::from("vadd"))]);
        let metadata = BuildMetadata::new("fpga-ctl", "0.1.0", notes);
        let mut bytes = metadata.to_bytes();
        bytes.extend([0; 5]);
        let read = BuildMetadata::parse(&bytes).unwrap();
        assert_eq!(read, metadata);
        assert_eq!(
            (read.tool(), read.version(), read.time()),
            (Some("fpga-ctl"), Some("0.1.0"), None)
        );
        assert_eq!(read.json["notes"]["top"], "vadd");
    }

    #[test]
    fn text_that_is_no_build_metadata_is_an_error() {
        for text in ["", "{", "{}", "[1]", "\"build_metadata\""] {
            let error = BuildMetadata::parse(text.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(error.contains("BUILD_METADATA"), "{error}");
        }
    }
}
