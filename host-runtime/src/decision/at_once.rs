//! What is judged while it is submitted: by a lane that is a computation in the engine's own thread, nothing needs to be kept
//! under way. Requests of one call are gathered by policy and options, and judged some hundred at a time.

use std::collections::HashMap;

use super::answer::{Answer, Reason, Request};
use super::core::Core;
use crate::judge::Judge;
use crate::tcp::{Decision, Descriptor, Detail, Policy};

/// Requests that are gathered before they are judged: enough for blocks of the widest vectors though policies differ.
const MOST: usize = 512;

/// What one lane judges by one policy and format.
type Key = (u32, u32, Policy);

/// Requests of one call that have policy and options in common.
struct Batch {
    key: Key,
    judge: Judge,
    /// Namespaces whose requests come here.
    bound: usize,
    gathered: Vec<Gathered>,
    /// Of those that are gathered.
    descriptors: Vec<Descriptor>,
}

/// A request of the call.
#[derive(Clone, Copy)]
struct Gathered {
    /// Its place in the call.
    index: u32,
    namespace: u32,
}

/// All batches. They are empty between two calls.
#[derive(Default)]
pub(super) struct AtOnce {
    batches: Vec<Batch>,
    by_key: HashMap<Key, u32>,
    /// Batches to which nobody is bound.
    spare: Vec<u32>,
    /// Batches that hold something.
    begun: Vec<u32>,
    /// Requests in all batches.
    gathered: usize,
    details: Vec<Detail>,
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

    /// Whether so many more are better left until those that are gathered were judged.
    pub(super) fn is_full(&self, more: usize) -> bool {
        self.gathered + more > MOST
    }

    /// Puts a request into a batch.
    #[inline(always)]
    pub(super) fn gather(&mut self, batch: u32, index: usize, namespace: u32, of: &Descriptor) {
        let into = &mut self.batches[batch as usize];
        if into.gathered.is_empty() {
            self.begun.push(batch);
        }
        let index = index as u32;
        into.gathered.push(Gathered { index, namespace });
        into.descriptors.push(*of);
        self.gathered += 1;
    }
}

impl Core {
    /// Judges and answers all that was gathered.
    pub(super) fn judge_gathered(&mut self, requests: &[Request], answers: &mut Vec<Answer>) {
        let at_once = &mut self.at_once;
        at_once.gathered = 0;
        for index in at_once.begun.drain(..) {
            let batch = &mut at_once.batches[index as usize];
            let count = batch.gathered.len();
            at_once.details.resize(count, Detail::default());
            batch
                .judge
                .details(&batch.descriptors, &mut at_once.details);
            self.stations[batch.key.0 as usize].status.completed += count as u64;
            let (now, namespaces) = (self.now, &mut self.namespaces);
            let judged = batch.gathered.iter().zip(&at_once.details);
            answers.extend(judged.map(|(gathered, detail)| {
                let request = &requests[gathered.index as usize];
                let namespace = namespaces.at(gathered.namespace);
                let verdict = detail.verdict();
                let (reason, decision) = match verdict.decision() {
                    Some(decision) => (Reason::Judged, decision),
                    None => (Reason::Malformed, Decision::Reject),
                };
                let answer = Answer {
                    agent: request.agent,
                    ticket: request.ticket,
                    version: namespace.version,
                    latency: now.0.saturating_sub(request.asked.0),
                    namespace: namespace.id,
                    decision,
                    reason,
                    verdict,
                    cause_code: detail.0[1],
                    descriptor: request.descriptor,
                };
                namespace.statistics.count(&answer);
                answer
            }));
            batch.gathered.clear();
            batch.descriptors.clear();
        }
    }
}

impl std::fmt::Debug for AtOnce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AtOnce")
            .field("batches", &self.batches.len())
            .finish_non_exhaustive()
    }
}
