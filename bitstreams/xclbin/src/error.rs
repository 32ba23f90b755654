//! One error type for the crate: what failed, where in the image, and what to do about it.

use std::path::{Path, PathBuf};

use crate::section::SectionKind;

/// Result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an image cannot be read, trusted, built or written. Offsets and sizes are bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a file operation.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The operation, as a verb.
        action: &'static str,
        /// The file it was for.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },

    /// Any other error, with the file it was found in.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },

    /// The magic is not `xclbin2`.
    #[error(
        "not an xclbin: the file starts with \"{found}\" instead of \"xclbin2\"; \
         pass an image made by v++, xclbinutil or this project"
    )]
    NotAnXclbin {
        /// The first bytes, escaped.
        found: String,
    },

    /// The file ends inside a structure that its header promises.
    #[error(
        "the file is truncated: {item} needs bytes {offset:#x}..{end:#x}, but the file ends at \
         {length:#x}; copy or build it again"
    )]
    Truncated {
        /// The structure.
        item: &'static str,
        /// Where it starts.
        offset: u64,
        /// Where it would end.
        end: u64,
        /// Where the file ends.
        length: u64,
    },

    /// `m_length` and the real length of the file differ.
    #[error(
        "the file is cut or has bytes appended: its header (m_length) says {declared} bytes, it \
         has {actual}; copy or build it again"
    )]
    LengthMismatch {
        /// `axlf_header.m_length`.
        declared: u64,
        /// Length of the file.
        actual: u64,
    },

    /// `m_signature_length` cannot be true.
    #[error(
        "m_signature_length at 0x8 is {length}, which is neither -1 (unsigned) nor a length that \
         fits between the sections and the end of the file ({file_length:#x}); fetch the image again"
    )]
    SignatureLength {
        /// The field.
        length: i32,
        /// Length of the file.
        file_length: u64,
    },

    /// More section headers than XRT allows, or than the file could hold.
    #[error(
        "m_numSections at {offset:#x} is {count}: XRT's limit is {limit} and the file ends at \
         {length:#x}; the file is corrupt: fetch or build it again"
    )]
    TooManySections {
        /// Where the count is.
        offset: u64,
        /// The count.
        count: u32,
        /// `XCLBIN_MAX_NUM_SECTION`.
        limit: u32,
        /// Length of the file.
        length: u64,
    },

    /// A section header points outside the payload area.
    #[error(
        "section {index} ({kind} \"{name}\"): its data at {offset:#x}, {size:#x} bytes, lies outside \
         {first:#x}..{length:#x}; the file is corrupt: fetch or build it again"
    )]
    SectionOutOfBounds {
        /// Index in the section table.
        index: usize,
        /// Kind of the section.
        kind: SectionKind,
        /// `m_sectionName`.
        name: String,
        /// `m_sectionOffset`.
        offset: u64,
        /// `m_sectionSize`.
        size: u64,
        /// First byte after the section table.
        first: u64,
        /// Length of the file.
        length: u64,
    },

    /// Two sections claim the same bytes.
    #[error(
        "sections {first} ({first_kind}) and {second} ({second_kind}) overlap at {offset:#x}; the \
         file is corrupt: fetch or build it again"
    )]
    SectionOverlap {
        /// Index of the section that starts first.
        first: usize,
        /// Its kind.
        first_kind: SectionKind,
        /// Index of the section that starts inside it.
        second: usize,
        /// Its kind.
        second_kind: SectionKind,
        /// Where the second starts.
        offset: u64,
    },

    /// The content of a section cannot be what its kind says.
    #[error("section {kind}, {field} at byte {offset:#x} of the section: {problem}")]
    MalformedSection {
        /// Kind of the section.
        kind: SectionKind,
        /// Field, in XRT's spelling.
        field: String,
        /// Offset in the section.
        offset: u64,
        /// What is wrong, and what was expected.
        problem: String,
    },

    /// The digest in the file is not the digest of the file.
    #[error(
        "the file is corrupt: its SHA-256 should be {stored} but is {computed}; re-export or \
         rebuild it"
    )]
    Corrupt {
        /// Digest kept in the file, hexadecimal.
        stored: String,
        /// Digest of what the file now holds, hexadecimal.
        computed: String,
    },

    /// Where the signature has its place, there is something else.
    #[error(
        "the file is corrupt: at {offset:#x} there is neither a signature nor the lack of one; fetch it again, or \
         sign it again"
    )]
    SignatureDamaged {
        /// Where it should be in the file.
        offset: u64,
    },

    /// An image cannot bear a signature of ours.
    #[error("the image cannot be signed: {problem}")]
    CannotSign {
        /// Why not.
        problem: &'static str,
    },

    /// A text is no key.
    #[error("the text is no key of the wanted kind: {problem}")]
    Key {
        /// What is wrong with it.
        problem: &'static str,
    },

    /// The system gives no random numbers to make a key from.
    #[error("no key can be made: the system has no random numbers: {0}")]
    Random(String),

    /// An image that holds code has no digest.
    #[error(
        "the image carries a simulation model but no digest, so nothing shows that it is intact; \
         rebuild it, or re-export it with this project's tools"
    )]
    DigestMissing,

    /// A part that programming needs is not there.
    #[error("the image has no {kind} section, so no card can be programmed with it; {advice}")]
    MissingSection {
        /// The missing section.
        kind: SectionKind,
        /// What to do.
        advice: &'static str,
    },

    /// A kernel description is malformed or contradicts itself.
    #[error("kernel description, {place}: {problem}")]
    KernelDescription {
        /// Element or argument.
        place: String,
        /// What is wrong, and what was expected.
        problem: String,
    },

    /// An image cannot be built as asked.
    #[error("cannot build the image: {item}: {problem}")]
    Build {
        /// The part of the request.
        item: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
}

impl Error {
    pub(crate) fn malformed(
        kind: SectionKind,
        field: impl Into<String>,
        offset: usize,
        problem: impl Into<String>,
    ) -> Self {
        Error::MalformedSection {
            kind,
            field: field.into(),
            offset: offset as u64,
            problem: problem.into(),
        }
    }

    pub(crate) fn key(problem: &'static str) -> Self {
        Error::Key { problem }
    }

    pub(crate) fn build(item: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::Build {
            item: item.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn in_file(self, path: &Path) -> Self {
        Error::InFile {
            path: path.to_owned(),
            source: Box::new(self),
        }
    }
}
