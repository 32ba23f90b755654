//! Where an image comes from, as far as it can be proven, and so whether it is trusted.

use std::fmt;
use std::path::Path;

use xclbin::{PublicKey, SignatureStatus, Xclbin};

use super::{Result, TrustStore};

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// This program carries the very same.
    Shipped,
    /// A key of the trust store signed it.
    Signed {
        /// The key's name there.
        name: String,
        /// The key.
        key: PublicKey,
    },
    /// Nobody signed it.
    Unsigned,
    /// A key signed it that is not in the trust store, or not any more.
    UnknownSigner {
        /// That key.
        key: PublicKey,
    },
    /// It bears a signature that is not one over its content.
    BrokenSignature,
}

impl Provenance {
    /// Finds out where an image comes from. `trust_folder` is that of [`TrustStore::open`], and only looked into for an
    /// image that somebody signed.
    ///
    /// # Errors
    /// If there is no trust store or it cannot be read, or the image's key is not found while a file of the store cannot be
    /// used.
    pub fn of(image: &Xclbin, trust_folder: Option<&Path>) -> Result<Self> {
        if is_shipped(image) {
            return Ok(Self::Shipped);
        }
        Ok(match image.signature() {
            SignatureStatus::Absent => Self::Unsigned,
            SignatureStatus::Invalid(_) | SignatureStatus::Damaged => Self::BrokenSignature,
            SignatureStatus::Valid(key) => match TrustStore::open(trust_folder)?.name_of(&key)? {
                Some(name) => Self::Signed { name, key },
                None => Self::UnknownSigner { key },
            },
        })
    }

    /// Whether the image's code may run here.
    pub fn is_trusted(&self) -> bool {
        match self {
            Self::Shipped | Self::Signed { .. } => true,
            Self::Unsigned | Self::UnknownSigner { .. } | Self::BrokenSignature => false,
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => f.write_str("this program carries it"),
            Self::Signed { name, key } => {
                write!(
                    f,
                    "signed by the trusted key {name} ({})",
                    key.fingerprint()
                )
            }
            Self::Unsigned => f.write_str("not signed"),
            Self::UnknownSigner { key } => write!(
                f,
                "signed by the key {}, which is not in the trust store",
                key.fingerprint()
            ),
            Self::BrokenSignature => f.write_str("its signature does not match its content"),
        }
    }
}

/// Whether it is an image inside this program, whoever signed this copy of it.
#[cfg(feature = "default-image")]
fn is_shipped(image: &Xclbin) -> bool {
    static SHIPPED: std::sync::LazyLock<Vec<Xclbin>> = std::sync::LazyLock::new(|| {
        [crate::default_image(), crate::queue_image()]
            .into_iter()
            .filter_map(|bytes| Xclbin::parse(bytes).ok())
            .collect()
    });
    SHIPPED.iter().any(|shipped| image.has_content_of(shipped))
}

#[cfg(not(feature = "default-image"))]
fn is_shipped(_image: &Xclbin) -> bool {
    false
}
