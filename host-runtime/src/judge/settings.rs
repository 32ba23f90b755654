//! How a batch is judged: chosen by its size and the CPU, unless the user says how.

use std::num::NonZeroUsize;
use std::sync::OnceLock;

use thiserror::Error;

use super::portable;
use super::{INSTRUCTION_SET_VARIABLE, InstructionSet, InstructionSetError};

/// The environment variable that says how many threads judge a batch.
pub const THREADS_VARIABLE: &str = "FPGA_JUDGE_THREADS";

/// Descriptors that are worth a thread of their own. Measured: judging so many takes 0.3 ms, ten times as long as to
/// start a thread; on cores that other work keeps busy, two threads break even from twice as many on.
const DESCRIPTORS_PER_THREAD: usize = 1 << 18;

/// What to judge with. The default chooses for each batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JudgeSettings {
    /// The instruction set; `None`: the fastest for the batch.
    pub instruction_set: Option<InstructionSet>,
    /// The threads of a batch; `None`: as many as are worth their start, up to the CPUs there are.
    pub threads: Option<NonZeroUsize>,
}

/// Why the environment's settings cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// The instruction set is unknown, or the CPU does not have it.
    #[error("{INSTRUCTION_SET_VARIABLE}: {0}")]
    InstructionSet(#[from] InstructionSetError),
    /// The number of threads is none.
    #[error("{THREADS_VARIABLE}={0:?} is no number of threads; give 1 or more, or unset it")]
    Threads(String),
}

impl JudgeSettings {
    /// What the environment says, where it says something.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] naming the variable that cannot be followed, and why.
    pub fn from_environment() -> Result<Self, SettingsError> {
        let variable = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into());
        Self::from_texts(
            variable(INSTRUCTION_SET_VARIABLE),
            variable(THREADS_VARIABLE),
        )
    }

    fn from_texts(set: Option<String>, threads: Option<String>) -> Result<Self, SettingsError> {
        let given = |text: &String| !text.is_empty();
        let instruction_set = match set.filter(given) {
            Some(name) => Some(name.parse::<InstructionSet>()?.check()?),
            None => None,
        };
        let threads = match threads.filter(given) {
            Some(text) => Some(text.parse().map_err(|_| SettingsError::Threads(text))?),
            None => None,
        };
        Ok(Self {
            instruction_set,
            threads,
        })
    }
}

/// What judges a batch of so many soonest on this CPU.
pub(super) fn fastest(descriptors: usize) -> InstructionSet {
    static BEST: OnceLock<InstructionSet> = OnceLock::new();
    if descriptors < portable::FASTER_BELOW {
        return InstructionSet::Portable;
    }
    *BEST.get_or_init(|| {
        InstructionSet::available()
            .last()
            .unwrap_or(InstructionSet::Portable)
    })
}

/// How many threads a batch of so many is worth.
pub(super) fn worthwhile_threads(descriptors: usize) -> usize {
    static CPUS: OnceLock<usize> = OnceLock::new();
    if descriptors < 2 * DESCRIPTORS_PER_THREAD {
        return 1;
    }
    let cpus = *CPUS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from));
    cpus.min(descriptors / DESCRIPTORS_PER_THREAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(set: &str, threads: &str) -> Result<JudgeSettings, SettingsError> {
        JudgeSettings::from_texts(Some(set.to_owned()), Some(threads.to_owned()))
    }

    #[test]
    fn texts_choose_and_empty_ones_leave_the_choice() {
        let chosen = settings("portable", "3").unwrap();
        assert_eq!(chosen.instruction_set, Some(InstructionSet::Portable));
        assert_eq!(chosen.threads, NonZeroUsize::new(3));
        assert_eq!(settings("", ""), Ok(JudgeSettings::default()));
        assert_eq!(
            JudgeSettings::from_texts(None, None),
            Ok(JudgeSettings::default())
        );
    }

    #[test]
    fn what_cannot_be_followed_is_named_with_its_variable() {
        for (set, threads, variable) in [
            ("sse9", "", INSTRUCTION_SET_VARIABLE),
            ("", "0", THREADS_VARIABLE),
            ("", "many", THREADS_VARIABLE),
        ] {
            let error = settings(set, threads).unwrap_err().to_string();
            assert!(error.contains(variable), "{error}");
        }
        let foreign = if cfg!(target_arch = "x86_64") {
            "neon"
        } else {
            "avx2"
        };
        let error = settings(foreign, "").unwrap_err().to_string();
        assert!(error.contains("lacks"), "{error}");
    }

    #[test]
    fn small_batches_take_one_thread_and_no_blocks() {
        assert_eq!(fastest(1), InstructionSet::Portable);
        assert_eq!(worthwhile_threads(1000), 1);
    }
}
