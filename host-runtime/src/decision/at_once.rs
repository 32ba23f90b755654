//! What is judged while it is submitted: by a lane that is a computation in the engine's own thread, nothing needs to be kept
//! under way. Requests taken in together that differ in policy or options are gathered by those, and judged batch by batch.

use std::collections::HashMap;

use super::answer::{AgentId, Request, Time};
use crate::judge::Judge;
use crate::tcp::{Descriptor, Detail, Policy};

/// What one lane judges by one policy and format.
type Key = (u32, u32, Policy);

/// Requests taken in together that have policy and options in common.
pub(super) struct Batch {
    key: Key,
    judge: Judge,
    /// Namespaces whose requests come here.
    bound: usize,
    gathered: Vec<Gathered>,
    /// Of those that are gathered.
    descriptors: Vec<Descriptor>,
    details: Vec<Detail>,
}

/// A request that waits to be judged with others.
#[derive(Clone, Copy)]
pub(super) struct Gathered {
    pub(super) agent: AgentId,
    pub(super) ticket: u64,
    pub(super) asked: Time,
    pub(super) namespace: u32,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.gathered.len()
    }

    /// The requests with their details, once they were judged.
    pub(super) fn judged(&self) -> impl Iterator<Item = (&Gathered, &Descriptor, &Detail)> {
        let judged = self.descriptors.iter().zip(&self.details);
        let requests = self.gathered.iter().zip(judged);
        requests.map(|(gathered, (descriptor, detail))| (gathered, descriptor, detail))
    }

    pub(super) fn clear(&mut self) {
        self.gathered.clear();
        self.descriptors.clear();
    }
}

/// All batches. They are empty except while requests are taken in.
#[derive(Default)]
pub(super) struct AtOnce {
    batches: Vec<Batch>,
    by_key: HashMap<Key, u32>,
    /// Batches to which nobody is bound.
    spare: Vec<u32>,
    /// Batches that hold something.
    begun: Vec<u32>,
}

impl AtOnce {
    /// Binds one more namespace to the batch of that lane, format and policy.
    pub(super) fn bind(&mut self, lane: usize, format: u32, policy: &Policy, judge: Judge) -> u32 {
        let key = (lane as u32, format, *policy);
        if let Some(&index) = self.by_key.get(&key) {
            self.batches[index as usize].bound += 1;
            return index;
        }
        let batch = Batch {
            key,
            judge,
            bound: 1,
            gathered: Vec::new(),
            descriptors: Vec::new(),
            details: Vec::new(),
        };
        let index = match self.spare.pop() {
            Some(index) => {
                self.batches[index as usize] = batch;
                index
            }
            None => {
                self.batches.push(batch);
                (self.batches.len() - 1) as u32
            }
        };
        self.by_key.insert(key, index);
        index
    }

    /// A namespace's requests do not come here any more.
    pub(super) fn unbind(&mut self, index: u32) {
        let batch = &mut self.batches[index as usize];
        batch.bound -= 1;
        if batch.bound == 0 {
            self.by_key.remove(&batch.key);
            self.spare.push(index);
        }
    }

    /// Judges descriptors that were not gathered, by what a batch judges by; says which lane did.
    #[inline(always)]
    pub(super) fn judge(
        &self,
        batch: u32,
        descriptors: &[Descriptor],
        details: &mut [Detail],
    ) -> usize {
        let batch = &self.batches[batch as usize];
        batch.judge.details(descriptors, details);
        batch.key.0 as usize
    }

    /// Puts a request into a batch.
    #[inline(always)]
    pub(super) fn gather(&mut self, batch: u32, request: &Request, namespace: u32) {
        let into = &mut self.batches[batch as usize];
        if into.gathered.is_empty() {
            self.begun.push(batch);
        }
        into.gathered.push(Gathered {
            agent: request.agent,
            ticket: request.ticket,
            asked: request.asked,
            namespace,
        });
        into.descriptors.push(request.descriptor);
    }

    /// Judges a batch that holds something; gives it, to be cleared, and its lane.
    pub(super) fn judge_next(&mut self) -> Option<(usize, &mut Batch)> {
        let batch = &mut self.batches[self.begun.pop()? as usize];
        batch.details.resize(batch.len(), Detail::default());
        batch.judge.details(&batch.descriptors, &mut batch.details);
        Some((batch.key.0 as usize, batch))
    }
}

impl std::fmt::Debug for AtOnce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AtOnce")
            .field("batches", &self.batches.len())
            .finish_non_exhaustive()
    }
}
