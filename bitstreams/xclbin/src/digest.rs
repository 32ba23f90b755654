//! The digest of an image: it shows that not a byte of a file differs from what was written.
//!
//! SHA-256 over the whole file, with the 32 bytes of the digest itself taken as zero and those of a signature
//! (module `signature`) as 0xFF. It lies in the 256-byte key block of the axlf header, which is free in files that no
//! vendor signed:
//!
//! | key block bytes | content |
//! |---|---|
//! | 0..16 | marker `TCP-SHA256-IMAGE` |
//! | 16..48 | the digest |
//! | 48..160 | the signature, or 0xFF |
//! | 160..240 | 0xFF |
//! | 240..256 | the marker again |
//!
//! The marker stands there twice so that damage to one of them cannot make a sealed file look like
//! one that never had a digest: a file is sealed if either is found.
//!
//! A digest detects damage, not malice: that is what the signature is for.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::axlf::KEY_BLOCK;
use crate::signature;

const MARKER: &[u8; 16] = b"TCP-SHA256-IMAGE";
const HEAD: Range<usize> = KEY_BLOCK..KEY_BLOCK + 16;
const DIGEST: Range<usize> = KEY_BLOCK + 16..KEY_BLOCK + 48;
const TAIL: Range<usize> = KEY_BLOCK + 240..KEY_BLOCK + 256;

/// What the digest says about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestStatus {
    /// The image has none: it was not written by this project.
    Absent,
    /// The file is what was written.
    Valid,
    /// The file has changed since it was written.
    Mismatch {
        /// The digest kept in the file.
        stored: [u8; 32],
        /// The digest of what the file now holds.
        computed: [u8; 32],
    },
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Digest of the whole file without the bytes of digest and signature. `file` has a full header.
fn compute(file: &[u8]) -> [u8; 32] {
    const { assert!(DIGEST.end == signature::AREA.start) };
    let mut hash = Sha256::new();
    hash.update(&file[..DIGEST.start]);
    hash.update([0; 32]);
    hash.update(signature::BLANK);
    hash.update(&file[signature::AREA.end..]);
    hash.finalize().into()
}

/// Writes markers and digest. `file` has a full header; nothing but a signature may change after this.
pub(crate) fn seal(file: &mut [u8]) {
    file[HEAD].copy_from_slice(MARKER);
    file[TAIL].copy_from_slice(MARKER);
    let digest = compute(file);
    file[DIGEST].copy_from_slice(&digest);
}

/// The digest that a sealed file holds.
pub(crate) fn stored(file: &[u8]) -> [u8; 32] {
    file[DIGEST].try_into().expect("32 bytes")
}

/// Checks the digest. `file` has a full header.
pub(crate) fn check(file: &[u8]) -> DigestStatus {
    if file[HEAD] != *MARKER && file[TAIL] != *MARKER {
        return DigestStatus::Absent;
    }
    let stored = stored(file);
    let computed = compute(file);
    if stored == computed {
        DigestStatus::Valid
    } else {
        DigestStatus::Mismatch { stored, computed }
    }
}
