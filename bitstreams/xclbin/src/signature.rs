//! The signature of an image: it tells who vouches for it, which no digest does.
//!
//! ed25519 over the image's digest (module [`digest`](crate::digest)), and so over every byte of the file but the
//! signature's own. It lies in the axlf header's key block, between the digest's markers:
//!
//! | key block bytes | content |
//! |---|---|
//! | 48..64 | marker `TCP-ED25519-SIGN` |
//! | 64..96 | the public key of who signed |
//! | 96..160 | the signature |
//!
//! An unsigned image has 0xFF in all of these, and the digest takes them so in a signed one too: signing changes neither
//! the digest nor the UUID, and an image can be signed again by somebody else. Whether the key is one to trust is for
//! whoever programs a card to say.

use std::ops::Range;

use crate::axlf::KEY_BLOCK;
use crate::key::{PublicKey, SecretKey};

const MARKER: &[u8; 16] = b"TCP-ED25519-SIGN";
const HEAD: Range<usize> = KEY_BLOCK + 48..KEY_BLOCK + 64;
const KEY: Range<usize> = KEY_BLOCK + 64..KEY_BLOCK + 96;
const SIGNATURE: Range<usize> = KEY_BLOCK + 96..KEY_BLOCK + 160;

/// All bytes of a signature: what it does not sign.
pub(crate) const AREA: Range<usize> = HEAD.start..SIGNATURE.end;
/// What an unsigned image has there.
pub(crate) const BLANK: [u8; AREA.end - AREA.start] = [0xFF; AREA.end - AREA.start];

/// Comes before the digest in what is signed, so that no signature made for something else with the same key passes.
const CONTEXT: &[u8] = b"Tool Capability Protocol image, ed25519 over SHA-256, version 1\0";

/// What the signature says about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureStatus {
    /// There is none.
    Absent,
    /// The holder of the key signed what the file holds.
    Valid(PublicKey),
    /// The key's holder did not sign this: the file or the signature was changed, or taken from another image.
    Invalid(PublicKey),
    /// What lies in its place is neither a signature nor the lack of one. Only after
    /// [`Xclbin::parse_unverified`](crate::Xclbin::parse_unverified).
    Damaged,
}

fn message(digest: &[u8; 32]) -> Vec<u8> {
    [CONTEXT, digest].concat()
}

/// Checks the signature of a sealed file with a full header; `digest` is the computed one.
pub(crate) fn check(file: &[u8], digest: &[u8; 32]) -> SignatureStatus {
    if file[AREA] == BLANK {
        return SignatureStatus::Absent;
    }
    let key = PublicKey::from_bytes(file[KEY].try_into().expect("32 bytes"));
    let (Some(key), true) = (key, file[HEAD] == *MARKER) else {
        return SignatureStatus::Damaged;
    };
    let signature = file[SIGNATURE].try_into().expect("64 bytes");
    if key.has_signed(&message(digest), signature) {
        SignatureStatus::Valid(key)
    } else {
        SignatureStatus::Invalid(key)
    }
}

/// Writes a signature into a sealed file in place of any it has.
pub(crate) fn write(file: &mut [u8], digest: &[u8; 32], key: &SecretKey) {
    file[HEAD].copy_from_slice(MARKER);
    file[KEY].copy_from_slice(key.public().as_bytes());
    file[SIGNATURE].copy_from_slice(&key.sign(&message(digest)));
}
