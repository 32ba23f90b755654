//! Whether an image's code may run: asked once for every loading of a model, before anything of it is mapped, whether the
//! image comes from a caller or from the state folder.

use std::path::PathBuf;

use bitstreams::trust::Provenance;

#[cfg(feature = "cosim")]
use crate::Error;
use crate::Result;
#[cfg(feature = "cosim")]
use crate::card_id::CardId;
use crate::image::Image;

/// Environment variable that allows images that are not trusted where there is no option for it: `1` in programs that use
/// XRT.
pub const ALLOW_UNTRUSTED_VARIABLE: &str = "FPGA_ALLOW_UNTRUSTED";

/// Whose images a card of ours may run. The default: the image that this library carries, and what a key in the user's
/// trust store signed.
#[derive(Debug, Clone, Default)]
pub struct TrustOptions {
    /// Folder of the trust store; `None`: the user's (`FPGA_TRUST_DIR`, else the XDG configuration home).
    pub folder: Option<PathBuf>,
    /// What becomes of an image that is not trusted.
    pub untrusted: Untrusted,
}

/// What becomes of an image that is not trusted.
#[derive(Debug, Clone, Copy, Default)]
pub enum Untrusted {
    /// It is refused: [`Error::Untrusted`](crate::Error::Untrusted).
    #[default]
    Refuse,
    /// It is loaded, and the function is told so, in a sentence for the user. Its code can do all that this process can.
    Allow(fn(&str)),
}

impl TrustOptions {
    /// Allows images that are not trusted if [`ALLOW_UNTRUSTED_VARIABLE`] is `1`; `tell` has the user know of each.
    pub fn from_environment(tell: fn(&str)) -> Self {
        let allowed = std::env::var_os(ALLOW_UNTRUSTED_VARIABLE).is_some_and(|value| value == "1");
        Self {
            folder: None,
            untrusted: if allowed {
                Untrusted::Allow(tell)
            } else {
                Untrusted::Refuse
            },
        }
    }

    /// The image's model, if its code may run. The bytes are those that were judged.
    ///
    /// # Errors
    /// [`Error::Untrusted`], [`Error::Trust`] if that cannot be found out, [`Error::ImageForAnotherCard`] if there is no
    /// model in it.
    #[cfg(feature = "cosim")]
    pub(crate) fn admit<'a>(&self, card: CardId, image: &'a Image) -> Result<&'a [u8]> {
        let Some(model) = image.model() else {
            return Err(Error::ImageForAnotherCard {
                card,
                platform: image.platform().to_owned(),
                reason: "it holds bits for an FPGA, and this card is simulated".to_owned(),
                advice: "program a card of that platform, or build the kernel for simulation"
                    .to_owned(),
            });
        };
        match self.untrusted {
            Untrusted::Refuse => {
                let provenance = image.provenance(self)?;
                if !provenance.is_trusted() {
                    return Err(Error::Untrusted {
                        card,
                        image: image.uuid(),
                        advice: advice(&provenance),
                        provenance,
                    });
                }
            }
            Untrusted::Allow(tell) => {
                let problem = match image.provenance(self) {
                    Ok(provenance) if provenance.is_trusted() => None,
                    Ok(provenance) => Some(provenance.to_string()),
                    Err(error) => Some(error.to_string()),
                };
                if let Some(problem) = problem {
                    tell(&format!(
                        "{card}: running the code of the image {} though it is not trusted: {problem}",
                        image.uuid()
                    ));
                }
            }
        }
        Ok(model)
    }
}

/// What to do about an image that is refused.
#[cfg(feature = "cosim")]
fn advice(provenance: &Provenance) -> &'static str {
    match provenance {
        Provenance::UnknownSigner { .. } => {
            "if you trust who holds that key, `fpga-ctl key trust` their public key"
        }
        Provenance::BrokenSignature => {
            "fetch it again; if you know what it is, sign it yourself: `fpga-ctl sign`"
        }
        _ => "if you trust it, sign it: `fpga-ctl sign`; or build it here",
    }
}

impl Image {
    /// Where the image comes from, and so whether its code may run here.
    ///
    /// # Errors
    /// [`Error::Trust`](crate::Error::Trust) if the trust store cannot be used.
    pub fn provenance(&self, options: &TrustOptions) -> Result<Provenance> {
        Ok(Provenance::of(self.xclbin(), options.folder.as_deref())?)
    }
}
