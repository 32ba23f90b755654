//! The decision engine over a million agents in random order, beside the same loop without it.
//!
//! All loops walk the same table of a million records (an agent's number and the descriptor of its request, 32 bytes) in the
//! same random order on one thread, judge 1024 at a time with the same instruction set, and store each verdict at its record's
//! place. Time is the thread's own, for other work on the machine must not count; none of the loops ever waits.
//!
//! - Without the engine: gathers descriptors, calls [`Judge`], stores verdicts. No agent's number is read. This is what the
//!   figure compares with.
//! - With it: makes requests, each with a ticket and a deadline, and stores the verdict of each answer. So it also looks up a
//!   million sessions in 16 namespaces, looks at deadlines, and counts decisions and latencies for each namespace.
//! - In the note: a loop that makes the same requests and the same answers around [`Judge`], and knows nothing of sessions,
//!   deadlines and counts: what the engine itself costs is the difference to this one.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use host_runtime::decision::{
    AgentId, Answer, Core, JudgeLane, NamespaceId, Reason, Request, SessionHandle, SessionRequest,
    Settings, Time, Version,
};
use host_runtime::judge::{Judge, JudgeSettings};
use host_runtime::tcp::random::RandomDescriptors;
use host_runtime::tcp::{Decision, Descriptor, Options, Policy, Verdict};
use rustix::time::{ClockId, clock_gettime};

use crate::report::{Bound, Report};

const AGENTS: usize = 1_000_000;
const NAMESPACES: u32 = 16;
/// Requests that go through the loop together.
const BATCH: usize = 1024;
const DEADLINE: Duration = Duration::from_secs(1);

/// What one agent asks.
#[derive(Clone, Copy)]
struct Record {
    /// Of the agent whose number is [`agent`] of the record's place.
    session: SessionHandle,
    descriptor: Descriptor,
}

/// The number of the agent of that record.
const fn agent(index: u32) -> AgentId {
    AgentId(mix(index as u64))
}

struct Table {
    records: Vec<Record>,
    order: Vec<u32>,
}

/// A bijection of 64-bit numbers (SplitMix64's output function): agents' numbers, and a random order.
const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Table {
    fn new() -> Self {
        let descriptors = RandomDescriptors::new(1, Options::default(), &Policy::default());
        let records = (0..AGENTS as u64)
            .zip(descriptors.malformed_share(0.05))
            .map(|(_, descriptor)| Record {
                session: SessionHandle::from_bits(0),
                descriptor,
            })
            .collect();
        let mut order: Vec<u32> = (0..AGENTS as u32).collect();
        order.sort_by_cached_key(|index| mix(!u64::from(*index)));
        Self { records, order }
    }

    /// The loop without the engine.
    fn judge(&self, judge: &Judge, verdicts: &mut [Verdict]) {
        let mut descriptors = Vec::with_capacity(BATCH);
        let mut judged = [Verdict::default(); BATCH];
        for batch in self.order.chunks(BATCH) {
            descriptors.clear();
            descriptors.extend(
                batch
                    .iter()
                    .map(|index| self.records[*index as usize].descriptor),
            );
            let judged = &mut judged[..batch.len()];
            black_box(judge.verdicts(&descriptors, judged));
            for (index, verdict) in batch.iter().zip(judged) {
                verdicts[*index as usize] = *verdict;
            }
        }
    }

    /// The loop without the engine that makes requests and answers all the same.
    fn carry(&self, judge: &Judge, verdicts: &mut [Verdict]) {
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        let mut descriptors = Vec::with_capacity(BATCH);
        let mut judged = [Verdict::default(); BATCH];
        for batch in self.order.chunks(BATCH) {
            requests.clear();
            requests.extend(batch.iter().map(|index| self.request(*index, Time(0))));
            descriptors.clear();
            descriptors.extend(
                black_box(&requests)
                    .iter()
                    .map(|request| request.descriptor),
            );
            let judged = &mut judged[..batch.len()];
            black_box(judge.verdicts(&descriptors, judged));
            answers.clear();
            answers.extend(
                requests
                    .iter()
                    .zip(judged)
                    .map(|(request, verdict)| Answer {
                        agent: request.agent,
                        ticket: request.ticket,
                        version: Version(1),
                        latency: 0,
                        namespace: NamespaceId(0),
                        decision: verdict.decision().unwrap_or(Decision::Reject),
                        reason: Reason::Judged,
                        verdict: *verdict,
                        cause_code: 0,
                        descriptor: request.descriptor,
                    }),
            );
            for answer in black_box(&answers) {
                verdicts[answer.ticket as usize] = answer.verdict;
            }
        }
    }

    #[inline(always)]
    fn request(&self, index: u32, now: Time) -> Request {
        let record = &self.records[index as usize];
        Request {
            agent: agent(index),
            ticket: u64::from(index),
            asked: now,
            deadline: now.after(DEADLINE),
            descriptor: record.descriptor,
        }
    }

    /// The loop with it, by the handles of the sessions.
    fn decide(&self, core: &mut Core, began: Instant, verdicts: &mut [Verdict]) {
        let mut answers = Vec::new();
        for batch in self.order.chunks(BATCH) {
            let now = Time(0).after(began.elapsed());
            let requests = batch.iter().map(|index| {
                let record = &self.records[*index as usize];
                SessionRequest {
                    session: record.session,
                    ticket: u64::from(*index),
                    asked: now,
                    deadline: now.after(DEADLINE),
                    descriptor: &record.descriptor,
                }
            });
            core.decide(now, requests, |answer| {
                verdicts[answer.ticket as usize] = answer.verdict;
            });
            core.turn(now, &mut answers);
        }
        assert!(answers.is_empty(), "the software device answers at once");
    }

    /// The loop with it, by the agents' numbers.
    fn submit(&self, core: &mut Core, began: Instant, verdicts: &mut [Verdict]) {
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        for batch in self.order.chunks(BATCH) {
            let now = Time(0).after(began.elapsed());
            requests.clear();
            requests.extend(batch.iter().map(|index| self.request(*index, now)));
            core.submit(now, &requests, &mut answers);
            core.turn(now, &mut answers);
            for answer in &answers {
                verdicts[answer.ticket as usize] = answer.verdict;
            }
            answers.clear();
        }
    }
}

pub(crate) fn measure(report: &mut Report, rounds: u32) -> Result<()> {
    let mut table = Table::new();
    let one_thread = JudgeSettings {
        threads: Some(NonZeroUsize::MIN),
        ..JudgeSettings::default()
    };
    let judge = Judge::new(Options::default(), &Policy::default()).with(&one_thread)?;
    let mut core = Core::new(&Settings::default(), vec![Box::new(JudgeLane::new())])?;
    for namespace in 0..NAMESPACES {
        core.add_namespace(
            NamespaceId(namespace),
            Options::default(),
            &Policy::default(),
        )?;
    }
    for (record, index) in table.records.iter_mut().zip(0..) {
        let agent = agent(index);
        record.session = core.open(agent, NamespaceId(agent.0 as u32 % NAMESPACES))?;
    }
    let table = table;
    let began = Instant::now();
    let mut expected = vec![Verdict::default(); AGENTS];
    let mut verdicts = vec![Verdict::default(); AGENTS];
    let mut carrying = vec![Verdict::default(); AGENTS];
    // The thread's own time, and not that of others on the same core: neither loop ever waits.
    let thread_time = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    };
    let nanoseconds = |work: &mut dyn FnMut()| {
        let begin = thread_time();
        work();
        (thread_time() - begin) / AGENTS as f64
    };
    let mut searching = vec![Verdict::default(); AGENTS];
    let (mut ratios, mut best) = (Vec::new(), [f64::MAX; 4]);
    for _ in 0..rounds {
        let [mut ours, mut theirs, mut carried, mut searched] = [f64::MAX; 4];
        for _ in 0..5 {
            theirs = theirs.min(nanoseconds(&mut || table.judge(&judge, &mut expected)));
            ours = ours.min(nanoseconds(&mut || {
                table.decide(&mut core, began, &mut verdicts)
            }));
            carried = carried.min(nanoseconds(&mut || table.carry(&judge, &mut carrying)));
            searched = searched.min(nanoseconds(&mut || {
                table.submit(&mut core, began, &mut searching)
            }));
        }
        ratios.push(theirs / ours);
        for (best, now) in best.iter_mut().zip([ours, theirs, carried, searched]) {
            *best = best.min(now);
        }
    }
    ensure!(
        verdicts == expected && carrying == expected && searching == expected,
        "the engine and the loops judge alike"
    );
    let [ours, theirs, carried, searched] = best;
    report.median(
        "decision engine, 1,000,000 agents in random order: decisions a second beside the loop without it",
        ratios,
        Bound::AtLeast(0.5),
        format!(
            "{:.1} million a second, {ours:.1} ns each; the loop {theirs:.1} ns. By agents' numbers, with requests and answers \
             stored: {searched:.1} ns; a loop that stores the same without an engine: {carried:.1} ns",
            1e3 / ours
        ),
    );
    let bytes = core.session_memory() as f64 / AGENTS as f64;
    report.exact(
        "decision engine: bytes an idle agent, of 1,000,000",
        bytes,
        Bound::AtMost(128.0),
        "",
    );
    Ok(())
}
