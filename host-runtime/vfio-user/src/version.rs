//! The first exchange of a connection: which version is spoken, and what each end can take.

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

use crate::protocol::{MAJOR, MAX_DMA_MAPS, MAX_FDS, MAX_TRANSFER, MINOR, take};
use crate::{Error, Result};

/// Beginning of the payload; JSON that ends with a zero byte may follow.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Numbers {
    major: u16,
    minor: u16,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct VersionData {
    #[serde(default)]
    capabilities: Capabilities,
}

/// What an end can take. Unknown members are ignored, as the specification wants of a reader of newer versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Capabilities {
    pub(crate) max_msg_fds: usize,
    pub(crate) max_data_xfer_size: usize,
    pub(crate) max_dma_maps: usize,
    pub(crate) write_multiple: bool,
}

impl Default for Capabilities {
    /// What a peer that says nothing can take.
    fn default() -> Self {
        Self {
            max_msg_fds: 1,
            max_data_xfer_size: MAX_TRANSFER,
            max_dma_maps: MAX_DMA_MAPS,
            write_multiple: false,
        }
    }
}

impl Capabilities {
    /// What this implementation can take.
    pub(crate) fn ours() -> Self {
        Self {
            max_msg_fds: MAX_FDS,
            max_data_xfer_size: MAX_TRANSFER,
            max_dma_maps: MAX_DMA_MAPS,
            write_multiple: true,
        }
    }
}

/// The payload that says our version and capabilities.
pub(crate) fn encode(minor: u16, capabilities: &Capabilities) -> Vec<u8> {
    let numbers = Numbers {
        major: MAJOR,
        minor,
    };
    let mut payload = bytemuck::bytes_of(&numbers).to_vec();
    let data = VersionData {
        capabilities: capabilities.clone(),
    };
    payload.extend(serde_json::to_vec(&data).expect("numbers and booleans are JSON"));
    payload.push(0);
    payload
}

/// Reads a peer's version and capabilities: the minor version that both speak, and what the peer can take.
pub(crate) fn decode(payload: &[u8]) -> Result<(u16, Capabilities)> {
    let Some((numbers, data)) = take::<Numbers>(payload) else {
        return Err(Error::Protocol(
            "its version message is too short".to_owned(),
        ));
    };
    if numbers.major != MAJOR {
        return Err(Error::Protocol(format!(
            "it speaks version {}.{}; {MAJOR}.{MINOR} is spoken here",
            numbers.major, numbers.minor
        )));
    }
    let text = match data {
        [] | [0] => return Ok((numbers.minor.min(MINOR), Capabilities::default())),
        [text @ .., 0] => text,
        _ => {
            return Err(Error::Protocol(
                "its version data does not end with a zero byte".to_owned(),
            ));
        }
    };
    let data: VersionData = serde_json::from_slice(text)
        .map_err(|error| Error::Protocol(format!("its version data cannot be read: {error}")))?;
    let mut capabilities = data.capabilities;
    capabilities.max_data_xfer_size = capabilities.max_data_xfer_size.min(MAX_TRANSFER);
    if capabilities.max_data_xfer_size == 0 {
        return Err(Error::Protocol("its max_data_xfer_size is 0".to_owned()));
    }
    Ok((numbers.minor.min(MINOR), capabilities))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_data(data: &[u8]) -> Vec<u8> {
        [&[0, 0, 1, 0], data].concat()
    }

    #[test]
    fn what_is_said_is_read() {
        let ours = Capabilities::ours();
        assert_eq!(decode(&encode(MINOR, &ours)).unwrap(), (MINOR, ours));
    }

    /// QEMU 11 turns away whoever says more than these, as malformed: its `VFIO_USER_MAX_*`.
    #[test]
    fn what_is_said_is_no_more_than_qemu_takes() {
        let ours = Capabilities::ours();
        assert!(ours.max_msg_fds <= 16);
        assert!(ours.max_data_xfer_size <= 64 << 20);
        assert!(ours.max_dma_maps <= 65535);
    }

    #[test]
    fn what_is_not_said_has_the_specified_defaults() {
        for data in [&b""[..], b"\0", b"{}\0", b"{\"capabilities\":{}}\0"] {
            assert_eq!(
                decode(&with_data(data)).unwrap(),
                (1, Capabilities::default())
            );
        }
        let some = decode(&with_data(
            b"{\"capabilities\":{\"max_msg_fds\":8,\"pgsizes\":4096}}\0",
        ));
        assert_eq!(some.unwrap().1.max_msg_fds, 8);
    }

    #[test]
    fn a_newer_minor_version_is_spoken_as_ours_and_another_major_one_not_at_all() {
        assert_eq!(decode(&[0, 0, 9, 0]).unwrap().0, MINOR);
        assert!(
            decode(&[1, 0, 0, 0])
                .unwrap_err()
                .to_string()
                .contains("1.0")
        );
    }

    #[test]
    fn malformed_data_is_refused() {
        for payload in [
            vec![0, 0, 1],
            with_data(b"{}"),
            with_data(b"{\0"),
            with_data(b"{\"capabilities\":{\"max_data_xfer_size\":0}}\0"),
            with_data(b"{\"capabilities\":{\"max_msg_fds\":-1}}\0"),
        ] {
            decode(&payload).unwrap_err();
        }
    }
}
