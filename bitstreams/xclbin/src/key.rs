//! Keys that images are signed with: ed25519 (RFC 8032), and the one line of text that a key is kept and passed on as.
//!
//! ```text
//! ed25519 PUBLIC-KEY-IN-BASE64 comment
//! ed25519-secret SEED-IN-BASE64 comment
//! ```

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, BASE64_NOPAD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Bytes of a public key, and of the seed that a secret key is derived from.
const KEY_BYTES: usize = 32;
/// Bytes of a signature.
pub(crate) const SIGNATURE_BYTES: usize = 64;

const PUBLIC: &str = "ed25519";
const SECRET: &str = "ed25519-secret";

/// The public half of a key: tells who signed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; KEY_BYTES]);

/// The secret half: signs. It is wiped from memory when it is dropped, and never shown.
pub struct SecretKey(SigningKey);

/// The SHA-256 of a public key, for people to compare; shown as OpenSSH shows its own: `SHA256:` and base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl PublicKey {
    /// The key of these bytes, if it is one that a signature can be checked with.
    pub(crate) fn from_bytes(bytes: [u8; KEY_BYTES]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(&bytes).ok()?;
        // Some points would let one signature pass for many messages.
        (!key.is_weak()).then_some(Self(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// What people compare.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(self.0).into())
    }

    /// Whether the holder of the secret key signed the message.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        let signature = Signature::from_bytes(signature);
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    /// Reads the line of text; what comes after the key is a comment.
    fn from_str(text: &str) -> Result<Self> {
        let bytes = parse(text, PUBLIC)?;
        Self::from_bytes(*bytes).ok_or_else(|| Error::key("it is no public key of ed25519"))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC} {}", BASE64.encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", BASE64_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl SecretKey {
    /// A new key, from the system's random numbers.
    ///
    /// # Errors
    /// [`Error::Random`] if the system has none.
    pub fn generate() -> Result<Self> {
        let mut seed = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *seed).map_err(|error| Error::Random(error.to_string()))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The line of text that holds the secret. Whoever reads it can sign.
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.0.to_bytes());
        let encoded = Zeroizing::new(BASE64.encode(&*seed));
        Zeroizing::new(format!("{SECRET} {}", *encoded))
    }

    /// Reads what [`SecretKey::to_secret_text`] wrote.
    ///
    /// # Errors
    /// [`Error::Key`], which says what is wrong and repeats nothing of the text.
    pub fn from_secret_text(text: &str) -> Result<Self> {
        Ok(Self(SigningKey::from_bytes(&*parse(text, SECRET)?)))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public().fingerprint())
    }
}

/// The bytes of a key on a line that begins with `label`.
fn parse(text: &str, label: &'static str) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
    let mut words = text.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    if first != label {
        let problem = match (first, label) {
            (SECRET, _) => "it is a secret key, and a public one is needed: its .pub file",
            (PUBLIC, _) => "it is a public key, and a secret one is needed: its .key file",
            (_, SECRET) => "it does not begin with \"ed25519-secret\"",
            _ => "it does not begin with \"ed25519\"",
        };
        return Err(Error::key(problem));
    }
    let encoded = words.next().unwrap_or_default();
    let decoded = BASE64.decode(encoded.as_bytes()).map(Zeroizing::new);
    let bytes = decoded
        .ok()
        .and_then(|decoded| <[u8; KEY_BYTES]>::try_from(&decoded[..]).ok());
    bytes
        .map(Zeroizing::new)
        .ok_or_else(|| Error::key("its second word is not 32 bytes in base64"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first test vector of RFC 8032, section 7.1.
    const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJezcgf7VdMHrpzz8/Y2A=";

    #[test]
    fn the_keys_and_signatures_are_those_of_rfc_8032() {
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let text = format!("{SECRET} {}", BASE64.encode(&seed));
        let key = SecretKey::from_secret_text(&text).unwrap();
        let public = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assert_eq!(key.public().as_bytes()[..], public);
        let expected = hex(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        );
        assert_eq!(key.sign(b"")[..], expected);
    }

    #[test]
    fn a_key_survives_as_text_with_a_comment() {
        let key = SecretKey::generate().unwrap();
        let again = SecretKey::from_secret_text(&key.to_secret_text()).unwrap();
        assert_eq!(again.public(), key.public());
        let line = format!("{} build machine\n", key.public());
        assert_eq!(line.parse::<PublicKey>().unwrap(), key.public());
        assert_ne!(SecretKey::generate().unwrap().public(), key.public());
    }

    #[test]
    fn text_that_is_no_key_says_why_and_never_repeats_a_secret() {
        let secret = SecretKey::from_secret_text(&format!("{SECRET} {SEED}")).unwrap();
        assert!(!format!("{secret:?}").contains(&SEED[..8]));
        let zero = BASE64.encode(&[0; 32]);
        for (text, reason) in [
            ("", "does not begin with"),
            ("ssh-ed25519 AAAA", "does not begin with"),
            (&secret.to_secret_text(), "it is a secret key"),
            ("ed25519", "not 32 bytes"),
            ("ed25519 !!!!", "not 32 bytes"),
            ("ed25519 AAAA", "not 32 bytes"),
            (&format!("ed25519 {zero}"), "no public key of ed25519"),
        ] {
            let error = text.parse::<PublicKey>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
            assert!(!error.contains(&SEED[..8]), "{error}");
        }
        let public = secret.public().to_string();
        let error = SecretKey::from_secret_text(&public).unwrap_err();
        assert!(error.to_string().contains("secret one is needed"));
    }
}
