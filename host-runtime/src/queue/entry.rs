//! What goes into the rings and comes out of them, byte for byte as docs/queue.md has it.

use std::fmt;

use bytemuck::{Pod, Zeroable};

use crate::tcp::{Cause, Decision, Descriptor, Detail, Options, Output, Verdict};

/// Options bits that mean something: checksum, layout and policy slot.
const OPTION_BITS: u32 = 0b1111_0111;
/// Checksum: three is none.
const CHECKSUM_BITS: u32 = 0b11;
/// Makes a submission none, so that it pads a push.
const NONE: u32 = 1 << 31;
/// A bit for which options are refused.
const REFUSED: u32 = 1 << 30;
/// Cause code of options that are refused.
const BAD_OPTIONS: u8 = 6;

/// A descriptor to be judged: one entry of a submission ring, 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Submission {
    descriptor: Descriptor,
    /// Little-endian.
    tag: [u8; 4],
    /// Little-endian.
    options: [u8; 4],
}

impl Submission {
    /// Bytes of a submission.
    pub const SIZE: usize = size_of::<Self>();

    /// Asks for the verdict on a descriptor. The completion returns `tag`, whatever it is. The options' `output` means
    /// nothing here: a completion has verdict and cause.
    pub fn new(descriptor: Descriptor, tag: u32, options: Options) -> Self {
        let word = u32::from(Options {
            output: Output::Verdicts,
            ..options
        });
        Self::with_options_word(descriptor, tag, word)
    }

    /// As [`new`](Self::new), with the options as they lie in the ring. A word that [`Options`] cannot express is answered
    /// [`Refusal::BadOptions`].
    pub const fn with_options_word(descriptor: Descriptor, tag: u32, word: u32) -> Self {
        Self {
            descriptor,
            tag: tag.to_le_bytes(),
            options: word.to_le_bytes(),
        }
    }

    /// What pads a push: nobody answers it.
    pub(crate) const fn none() -> Self {
        Self::with_options_word(Descriptor([0; Descriptor::SIZE]), 0, NONE)
    }

    /// Whether it pads a push.
    #[cfg(feature = "cosim")]
    pub(crate) const fn is_none(&self) -> bool {
        self.options_word() & NONE != 0
    }

    /// The descriptor.
    pub const fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// What the completion returns.
    pub const fn tag(&self) -> u32 {
        u32::from_le_bytes(self.tag)
    }

    /// The options as they lie in the ring.
    pub const fn options_word(&self) -> u32 {
        u32::from_le_bytes(self.options)
    }

    /// The options; `None` where they are refused.
    pub fn options(&self) -> Option<Options> {
        let word = self.options_word();
        Self::accepts(word)
            .then(|| Options::try_from(word).ok())
            .flatten()
    }

    /// Whether a word is options.
    #[inline(always)]
    pub(crate) const fn accepts(word: u32) -> bool {
        word & !OPTION_BITS == 0 && word & CHECKSUM_BITS != CHECKSUM_BITS
    }

    /// The submission as it may lie in a ring or a push. Bit 31 of the options would make it none, and nobody would answer;
    /// another bit that is refused takes its place.
    #[inline(always)]
    pub(crate) const fn without_push_bit(&self) -> Self {
        let word = self.options_word();
        let mut plain = *self;
        if word & NONE != 0 {
            plain.options = ((word & !NONE) | REFUSED).to_le_bytes();
        }
        plain
    }
}

/// The answer to a submission: one entry of a completion ring, 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Completion {
    /// Little-endian.
    tag: [u8; 4],
    verdict: Verdict,
    cause: u8,
    flags: u8,
    version: u8,
}

impl Completion {
    /// Bytes of a completion.
    pub const SIZE: usize = size_of::<Self>();

    /// What answers a submission whose verdict is `verdict`, given by version `version` of its policy slot; `refusal`
    /// where there is none.
    pub fn new(tag: u32, verdict: Verdict, refusal: Option<Refusal>, version: u8) -> Self {
        Self {
            tag: tag.to_le_bytes(),
            verdict,
            cause: refusal.map_or(0, Refusal::code),
            flags: 0,
            version,
        }
    }

    /// The answer that a detail word says.
    #[inline(always)]
    pub(crate) const fn of_detail(tag: u32, detail: Detail, version: u8) -> Self {
        Self {
            tag: tag.to_le_bytes(),
            verdict: detail.verdict(),
            cause: detail.0[1],
            flags: 0,
            version,
        }
    }

    /// The tag of the submission.
    pub const fn tag(&self) -> u32 {
        u32::from_le_bytes(self.tag)
    }

    /// The verdict; [`Verdict::MALFORMED`] where there is none.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The decision; [`Decision::Reject`] where there is no verdict.
    pub fn decision(&self) -> Decision {
        match self.refusal() {
            None => self.verdict.decision().unwrap_or(Decision::Reject),
            Some(_) => Decision::Reject,
        }
    }

    /// Why there is no verdict.
    pub fn refusal(&self) -> Option<Refusal> {
        Refusal::from_code(self.cause)
    }

    /// Which version of the submission's policy slot decided: how often the slot had been set, modulo 256.
    pub const fn policy_version(&self) -> u8 {
        self.version
    }

    /// Whether the submission came to the card by a push.
    pub const fn came_by_push(&self) -> bool {
        self.flags & 2 != 0
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion")
            .field("tag", &self.tag())
            .field("verdict", &self.verdict)
            .field("refusal", &self.refusal())
            .field("policy_version", &self.version)
            .field("came_by_push", &self.came_by_push())
            .finish()
    }
}

/// Why a submission got no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The descriptor is malformed.
    Malformed(Cause),
    /// The options are none: nothing was checked.
    BadOptions,
    /// The card gave a code that docs/queue.md does not have; it is faulty.
    Unknown(u8),
}

impl Refusal {
    /// The code in a completion.
    pub const fn code(self) -> u8 {
        match self {
            Self::Malformed(cause) => cause.code(),
            Self::BadOptions => BAD_OPTIONS,
            Self::Unknown(code) => code,
        }
    }

    /// The refusal of a code; `None` for 0.
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => None,
            BAD_OPTIONS => Some(Self::BadOptions),
            code => Some(Cause::from_code(code).map_or(Self::Unknown(code), Self::Malformed)),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(cause) => cause.fmt(f),
            Self::BadOptions => f.pad("BAD_OPTIONS"),
            Self::Unknown(code) => write!(f, "unknown cause {code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::{PolicySlot, Profile, RiskLevel};

    #[test]
    fn entries_lie_as_the_specification_says() {
        let options = Options {
            slot: PolicySlot::new(10).unwrap(),
            output: Output::Details,
            ..Options::for_profile(Profile::Wide)
        };
        let submission = Submission::new(Descriptor([7; 24]), 0x0403_0201, options);
        let bytes: [u8; 32] = bytemuck::cast(submission);
        assert_eq!(bytes[..24], [7; 24]);
        assert_eq!(bytes[24..], [1, 2, 3, 4, 0xA5, 0, 0, 0]);

        let completion: Completion = bytemuck::cast([1u8, 2, 3, 4, 0x13, 0, 3, 9]);
        assert_eq!(completion.tag(), 0x0403_0201);
        assert_eq!(completion.verdict(), Verdict(0x13));
        assert_eq!(completion.policy_version(), 9);
        assert!(completion.came_by_push());
        assert_eq!(completion.refusal(), None);
    }

    #[test]
    fn options_are_those_of_the_kernel_or_refused() {
        for word in (0..=0xFFF).chain((8..32).map(|bit| 1 << bit)) {
            let submission = Submission::with_options_word(Descriptor([0; 24]), 0, word);
            let defined = word & 3 != 3 && word & 8 == 0 && word <= 0xFF;
            assert_eq!(submission.options().is_some(), defined, "{word:#x}");
        }
    }

    #[test]
    fn whatever_is_not_a_verdict_is_a_rejection() {
        let approve = Verdict::new(Decision::Approve, RiskLevel::Safe, false, false);
        let of =
            |verdict, cause| Completion::new(0, verdict, Refusal::from_code(cause), 0).decision();
        assert_eq!(of(approve, 0), Decision::Approve);
        assert_eq!(of(Verdict::MALFORMED, 3), Decision::Reject);
        assert_eq!(of(Verdict::MALFORMED, 0), Decision::Reject);
        for code in 1..=u8::MAX {
            assert_eq!(of(approve, code), Decision::Reject);
            assert_eq!(Refusal::from_code(code).map(Refusal::code), Some(code));
        }
    }
}
