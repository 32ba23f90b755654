//! The instruction sets there is code for, which of them this CPU has, and how a user names one.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The environment variable that names the instruction set to judge with.
pub const INSTRUCTION_SET_VARIABLE: &str = "FPGA_INSTRUCTION_SET";

/// What judges a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InstructionSet {
    /// One descriptor at a time, on any CPU.
    Portable,
    /// NEON of 64-bit Arm, 16 descriptors at a time.
    Neon,
    /// AVX2, 32 descriptors at a time.
    Avx2,
    /// AVX2 and GFNI, 32 descriptors at a time.
    Avx2Gfni,
    /// AVX-512 with BW, VBMI and GFNI, 64 descriptors at a time.
    Avx512,
}

/// Why descriptors cannot be judged with an instruction set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InstructionSetError {
    /// There is none of that name.
    #[error("{name:?} is no instruction set; this CPU can judge with {available}")]
    Unknown {
        /// What was given.
        name: String,
        /// Those that this CPU has.
        available: String,
    },
    /// The CPU does not have it.
    #[error("this CPU cannot judge with {set}: it lacks {missing}; it can with {available}")]
    Missing {
        /// What was asked for.
        set: InstructionSet,
        /// The features it lacks.
        missing: String,
        /// The instruction sets that this CPU has.
        available: String,
    },
}

/// The features of that list that the CPU lacks.
#[cfg(target_arch = "x86_64")]
macro_rules! lacks {
    ($($feature:tt)*) => {{
        let mut missing = Vec::new();
        $(if !std::arch::is_x86_feature_detected!($feature) {
            missing.push($feature);
        })*
        missing
    }};
}

impl InstructionSet {
    /// All of them, slowest first.
    pub const ALL: [Self; 5] = [
        Self::Portable,
        Self::Neon,
        Self::Avx2,
        Self::Avx2Gfni,
        Self::Avx512,
    ];

    /// The name, as the environment variable takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx2Gfni => "avx2-gfni",
            Self::Avx512 => "avx512",
        }
    }

    /// The CPU features that it needs and this CPU lacks; none where it can be used.
    pub fn missing(self) -> Vec<&'static str> {
        match self {
            Self::Portable => Vec::new(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => lacks!("avx2" "popcnt"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2Gfni => lacks!("avx2" "popcnt" "gfni"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => lacks!("avx512f" "avx512bw" "avx512vbmi" "gfni" "popcnt"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx2Gfni | Self::Avx512 => vec!["x86-64"],
            #[cfg(target_arch = "aarch64")]
            Self::Neon if std::arch::is_aarch64_feature_detected!("neon") => Vec::new(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => vec!["neon"],
            #[cfg(not(target_arch = "aarch64"))]
            Self::Neon => vec!["aarch64"],
        }
    }

    /// Those that this CPU has, slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|set| set.missing().is_empty())
    }

    /// This one, if the CPU has it.
    ///
    /// # Errors
    ///
    /// [`InstructionSetError::Missing`], which names what the CPU lacks.
    pub fn check(self) -> Result<Self, InstructionSetError> {
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(self);
        }
        Err(InstructionSetError::Missing {
            set: self,
            missing: missing.join(", "),
            available: available_names(),
        })
    }
}

fn available_names() -> String {
    let names: Vec<_> = InstructionSet::available()
        .map(InstructionSet::name)
        .collect();
    names.join(", ")
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for InstructionSet {
    type Err = InstructionSetError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|set| set.name() == name)
            .ok_or_else(|| InstructionSetError::Unknown {
                name: name.to_owned(),
                available: available_names(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_a_wrong_one_is_told_the_right_ones() {
        for set in InstructionSet::ALL {
            assert_eq!(set.name().parse(), Ok(set));
        }
        let error = "sse9".parse::<InstructionSet>().unwrap_err().to_string();
        assert!(
            error.contains("sse9") && error.contains("portable"),
            "{error}"
        );
    }

    #[test]
    fn what_the_cpu_lacks_is_named() {
        let foreign = if cfg!(target_arch = "x86_64") {
            InstructionSet::Neon
        } else {
            InstructionSet::Avx512
        };
        let error = foreign.check().unwrap_err().to_string();
        assert!(error.contains(foreign.missing()[0]), "{error}");
        assert!(error.contains("portable"), "{error}");
        assert_eq!(
            InstructionSet::Portable.check(),
            Ok(InstructionSet::Portable)
        );
    }
}
