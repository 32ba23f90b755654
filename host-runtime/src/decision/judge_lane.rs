//! The lane that needs no card: the software device's judging in the engine's own thread. The engine has it judge at once what
//! is submitted; its queue is for what other lanes have left behind.

use super::lane::{Lane, LaneError};
use crate::judge::{Judge, JudgeSettings};
use crate::queue::{Completion, Submission};
use crate::tcp::{Descriptor, Detail, Options, Policy};

/// Bits of an options word below the slot: checksum, layout, output.
const SLOT_SHIFT: u32 = 4;
const FORMAT_MASK: u32 = (1 << SLOT_SHIFT) - 1;
/// Formats there can be: checksum and layout.
const FORMATS: usize = 8;
/// Descriptors judged at once: a few blocks of the widest vectors.
const BATCH: usize = 256;
/// More slots than there can be distinct policies.
const SLOTS: usize = 1 << 20;

/// Judges in the thread that polls it, in batches of those that have policy and options in common.
///
/// It has a place for every policy and does not fail, so it is what an engine falls back to last.
#[derive(Debug, Default)]
pub struct JudgeLane {
    slots: Vec<Slot>,
    /// Options words whose batch holds something.
    begun: Vec<u32>,
    completed: Vec<Completion>,
    /// How many of `completed` were delivered.
    delivered: usize,
    settings: JudgeSettings,
}

#[derive(Debug, Default)]
struct Slot {
    policy: Policy,
    version: u8,
    /// By checksum and layout; made when first asked for.
    batches: [Option<Box<Batch>>; FORMATS],
}

/// Gathers descriptors until they are worth judging. Of fixed size, so that memory stays bounded whoever asks what.
#[derive(Debug)]
struct Batch {
    judge: Judge,
    version: u8,
    len: usize,
    tags: [u32; BATCH],
    descriptors: [Descriptor; BATCH],
}

impl JudgeLane {
    /// A lane without a policy yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Judges with the settings' instruction set; of threads it has the engine's alone.
    #[must_use]
    pub fn with(self, settings: &JudgeSettings) -> Self {
        Self {
            settings: JudgeSettings {
                threads: None,
                ..*settings
            },
            ..self
        }
    }
}

impl Slot {
    fn batch(&mut self, format: u32, settings: &JudgeSettings) -> Result<&mut Batch, LaneError> {
        let batch = &mut self.batches[format as usize % FORMATS];
        if batch.is_none() {
            let options = Options::try_from(format)
                .map_err(|error| LaneError::Failed(format!("a submission's {error}")))?;
            let judge = Judge::new(options, &self.policy).with(settings);
            *batch = Some(Box::new(Batch {
                judge: judge.map_err(|error| LaneError::Failed(error.to_string()))?,
                version: self.version,
                len: 0,
                tags: [0; BATCH],
                descriptors: [Descriptor([0; Descriptor::SIZE]); BATCH],
            }));
        }
        Ok(batch.as_mut().expect("made above"))
    }
}

impl Batch {
    fn judge(&mut self, completed: &mut Vec<Completion>) {
        let mut details = [Detail::default(); BATCH];
        let (descriptors, details) = (&self.descriptors[..self.len], &mut details[..self.len]);
        self.judge.details(descriptors, details);
        completed.extend(self.tags.iter().zip(&*details).map(|(tag, detail)| {
            let [t0, t1, t2, t3] = tag.to_le_bytes();
            let [verdict, cause, ..] = detail.0;
            bytemuck::cast::<[u8; 8], Completion>([t0, t1, t2, t3, verdict, cause, 0, self.version])
        }));
        self.len = 0;
    }

    /// Takes as many as find a place.
    fn gather(&mut self, submissions: &[Submission]) -> usize {
        let count = submissions.len().min(BATCH - self.len);
        let places = self.tags[self.len..]
            .iter_mut()
            .zip(&mut self.descriptors[self.len..]);
        for (submission, (tag, descriptor)) in submissions.iter().zip(places) {
            *tag = submission.tag();
            *descriptor = *submission.descriptor();
        }
        self.len += count;
        count
    }
}

impl Lane for JudgeLane {
    fn name(&self) -> String {
        "software".to_owned()
    }

    fn policy_slots(&self) -> usize {
        SLOTS
    }

    fn audited(&self) -> bool {
        false
    }

    fn judge(&self, options: Options, policy: &Policy) -> Result<Option<Judge>, LaneError> {
        let judge = Judge::new(options, policy).with(&self.settings);
        judge
            .map(Some)
            .map_err(|error| LaneError::Failed(error.to_string()))
    }

    fn set_policy(&mut self, slot: usize, policy: &Policy) -> Result<u8, LaneError> {
        if slot >= self.slots.len() {
            self.slots.resize_with(slot + 1, Slot::default);
        }
        let version = self.slots[slot].version.wrapping_add(1);
        self.slots[slot] = Slot {
            policy: *policy,
            version,
            batches: Default::default(),
        };
        Ok(version)
    }

    fn submit_many(&mut self, submissions: &[Submission]) -> Result<usize, LaneError> {
        for mut run in submissions.chunk_by(|a, b| a.options_word() == b.options_word()) {
            let word = run[0].options_word();
            let slot = self
                .slots
                .get_mut((word >> SLOT_SHIFT) as usize)
                .ok_or_else(|| {
                    LaneError::Failed(format!("slot {} was not set", word >> SLOT_SHIFT))
                })?;
            let batch = slot.batch(word & FORMAT_MASK, &self.settings)?;
            if batch.len == 0 {
                self.begun.push(word);
            }
            while !run.is_empty() {
                let gathered = batch.gather(run);
                run = &run[gathered..];
                if batch.len == BATCH {
                    batch.judge(&mut self.completed);
                }
            }
        }
        Ok(submissions.len())
    }

    fn poll(&mut self, completions: &mut [Completion]) -> Result<usize, LaneError> {
        for word in self.begun.drain(..) {
            let slot = &mut self.slots[(word >> SLOT_SHIFT) as usize];
            let batch = slot.batch(word & FORMAT_MASK, &self.settings)?;
            if batch.len > 0 {
                batch.judge(&mut self.completed);
            }
        }
        let waiting = &self.completed[self.delivered..];
        let count = waiting.len().min(completions.len());
        completions[..count].copy_from_slice(&waiting[..count]);
        self.delivered += count;
        if self.delivered == self.completed.len() {
            self.completed.clear();
            self.delivered = 0;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::InstructionSet;

    #[test]
    fn a_lane_judges_with_the_instruction_set_that_it_was_told() {
        let foreign = if cfg!(target_arch = "x86_64") {
            InstructionSet::Neon
        } else {
            InstructionSet::Avx2
        };
        let submission = Submission::with_options_word(Descriptor([0; 24]), 0, 0);
        let submit = |set| {
            let settings = JudgeSettings {
                instruction_set: Some(set),
                ..JudgeSettings::default()
            };
            let mut lane = JudgeLane::new().with(&settings);
            lane.set_policy(0, &Policy::default()).unwrap();
            lane.submit_many(&[submission])
        };
        assert_eq!(submit(InstructionSet::Portable).unwrap(), 1);
        let error = submit(foreign).unwrap_err().to_string();
        assert!(error.contains("lacks"), "{error}");
    }
}
