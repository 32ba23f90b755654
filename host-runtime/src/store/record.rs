//! The file that says which blobs are current: the one thing whose replacement commits a change.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::card_id::CardId;
use crate::{Error, Result};

/// Format of the state file; another one is refused.
const FORMAT: u32 = 1;

/// Content of the state file. Blobs are named by content, so equal records mean equal states.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) generation: u64,
    pub(crate) image: Option<String>,
    pub(crate) model: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    format: u32,
    sha256: String,
    state: Record,
}

impl Record {
    fn digest(&self) -> String {
        hex::encode(Sha256::digest(
            serde_json::to_vec(self).expect("plain data"),
        ))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let envelope = Envelope {
            format: FORMAT,
            sha256: self.digest(),
            state: self.clone(),
        };
        serde_json::to_vec_pretty(&envelope).expect("plain data")
    }

    /// The record in `folder`, or `None` for a card that was never used.
    pub(super) fn read(card: CardId, folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("state");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(Error::StateFolder {
                    card,
                    action: "read",
                    path,
                    source,
                    advice: "make it readable, or name another folder with FPGA_STATE_DIR",
                });
            }
        };
        let damaged = |reason: String| Error::StateDamaged {
            card,
            path: path.clone(),
            reason,
        };
        let envelope: Envelope =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if envelope.format != FORMAT {
            return Err(damaged(format!(
                "it has format {}, this program knows {FORMAT}",
                envelope.format
            )));
        }
        if envelope.sha256 != envelope.state.digest() {
            return Err(damaged(
                "its content does not match its checksum".to_owned(),
            ));
        }
        let plain = |name: &String| {
            name.starts_with(['i', 'm'])
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let names = [&envelope.state.image, &envelope.state.model];
        if !names.into_iter().flatten().all(plain) {
            return Err(damaged("it names a file outside its folder".to_owned()));
        }
        Ok(Some(envelope.state))
    }
}
