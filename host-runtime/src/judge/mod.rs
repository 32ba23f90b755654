//! Judging descriptors at the speed of memory: what the software device computes with. The golden model says what is
//! right; here the same answers come from whatever instruction set the CPU has.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod block;
mod check;
mod counts;
mod instruction_set;
mod lanes;
mod linear;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod rules;
mod settings;
#[cfg(test)]
mod tests;

pub use instruction_set::{INSTRUCTION_SET_VARIABLE, InstructionSet, InstructionSetError};
pub use settings::{JudgeSettings, SettingsError, THREADS_VARIABLE};

use crate::tcp::{Descriptor, Detail, Options, Policy, Tally, Verdict};
use counts::Counts;
use rules::Rules;

/// Judges batches of descriptors on the CPU, as fast as it can, exactly as [`golden`](crate::tcp::golden) does.
///
/// Options and policy are taken apart when it is made. It has no state: many threads can share one.
///
/// ```
/// use host_runtime::judge::Judge;
/// use host_runtime::tcp::{Descriptor, Options, Policy, Verdict};
///
/// let git: Descriptor = "544350020002ba9f11ec0000024407d000c80d920003f202".parse()?;
/// let batch = vec![git; 1000];
/// let mut verdicts = vec![Verdict::default(); batch.len()];
/// let tally = Judge::new(Options::default(), &Policy::default()).verdicts(&batch, &mut verdicts);
/// assert_eq!(tally.verdicts.valid, 1000);
/// assert_eq!(verdicts[999], Verdict(0x13));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Judge {
    rules: Rules,
    /// Only ever one that this CPU has.
    set: Option<InstructionSet>,
    threads: Option<usize>,
}

/// Where the answers to a batch go.
enum Slots<'a> {
    Verdicts(&'a mut [Verdict]),
    Details(&'a mut [Detail]),
}

impl<'a> Slots<'a> {
    fn len(&self) -> usize {
        match self {
            Self::Verdicts(verdicts) => verdicts.len(),
            Self::Details(details) => details.len(),
        }
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        match self {
            Self::Verdicts(verdicts) => {
                let (a, b) = verdicts.split_at_mut(at);
                (Self::Verdicts(a), Self::Verdicts(b))
            }
            Self::Details(details) => {
                let (a, b) = details.split_at_mut(at);
                (Self::Details(a), Self::Details(b))
            }
        }
    }
}

impl Judge {
    /// A judge with these options and this policy. The options' output and slot mean nothing to it.
    pub fn new(options: Options, policy: &Policy) -> Self {
        Self {
            rules: Rules::new(options, policy),
            set: None,
            threads: None,
        }
    }

    /// Takes instruction set and threads from settings instead of choosing them.
    ///
    /// # Errors
    ///
    /// [`InstructionSetError`] when this CPU does not have that instruction set.
    pub fn with(self, settings: &JudgeSettings) -> Result<Self, InstructionSetError> {
        Ok(Self {
            set: settings
                .instruction_set
                .map(InstructionSet::check)
                .transpose()?,
            threads: settings.threads.map(usize::from),
            ..self
        })
    }

    /// Writes one verdict byte for each descriptor.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn verdicts(&self, descriptors: &[Descriptor], verdicts: &mut [Verdict]) -> Tally {
        self.judge(descriptors, Slots::Verdicts(verdicts))
    }

    /// Writes one detail word for each descriptor.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn details(&self, descriptors: &[Descriptor], details: &mut [Detail]) -> Tally {
        self.judge(descriptors, Slots::Details(details))
    }

    /// What judges a batch of so many.
    pub fn instruction_set(&self, descriptors: usize) -> InstructionSet {
        self.set.unwrap_or_else(|| settings::fastest(descriptors))
    }

    /// How many threads judge a batch of so many.
    pub fn threads(&self, descriptors: usize) -> usize {
        self.threads
            .unwrap_or_else(|| settings::worthwhile_threads(descriptors))
    }

    fn judge(&self, descriptors: &[Descriptor], slots: Slots<'_>) -> Tally {
        assert_eq!(
            descriptors.len(),
            slots.len(),
            "one answer for each descriptor"
        );
        let set = self.instruction_set(descriptors.len());
        let threads = self.threads(descriptors.len());
        // A share ends on a cache line of verdicts.
        let share = descriptors.len().div_ceil(threads).next_multiple_of(64);
        if threads < 2 || share >= descriptors.len() {
            return self.judge_with(set, descriptors, slots);
        }
        std::thread::scope(|scope| {
            let (mut own, mut own_slots) = (descriptors, slots);
            let mut helpers = Vec::new();
            while own.len() > share {
                let (first, rest) = own.split_at(share);
                let (first_slots, rest_slots) = own_slots.split_at(share);
                helpers.push(scope.spawn(move || self.judge_with(set, first, first_slots)));
                (own, own_slots) = (rest, rest_slots);
            }
            let mut tally = self.judge_with(set, own, own_slots);
            for helper in helpers {
                tally += helper.join().expect("judging does not panic");
            }
            tally
        })
    }

    fn judge_with(
        &self,
        set: InstructionSet,
        descriptors: &[Descriptor],
        slots: Slots<'_>,
    ) -> Tally {
        let mut counts = Counts::default();
        let rules = &self.rules;
        match set {
            _ if descriptors.len() < portable::FASTER_BELOW => {
                portable::judge(rules, descriptors, slots, &mut counts);
            }
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => {
                // SAFETY: `set` is one that the CPU has: `with` and `fastest` see to it. So below.
                unsafe { avx512::judge(rules, descriptors, slots, &mut counts) };
            }
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2Gfni => {
                // SAFETY: as above.
                unsafe { avx2::judge_gfni(rules, descriptors, slots, &mut counts) };
            }
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => {
                // SAFETY: as above.
                unsafe { avx2::judge(rules, descriptors, slots, &mut counts) };
            }
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon => {
                // SAFETY: as above.
                unsafe { neon::judge(rules, descriptors, slots, &mut counts) };
            }
            _ => portable::judge(rules, descriptors, slots, &mut counts),
        }
        counts.tally(descriptors.len())
    }
}
