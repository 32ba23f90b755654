//! The software device beside what one would write: a loop over the descriptors with the usual crate for the checksum.
//! In cache for every instruction set of this CPU; from memory beside what the core can read.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use host_runtime::judge::{InstructionSet, Judge, JudgeSettings};
use host_runtime::tcp::{Checksum, Options, Policy, Verdict};
use peers::workload::{IN_CACHE, IN_MEMORY};
use peers::{limits, loops, workload};

use crate::report::{Bound, Report};

/// How much faster than the loop each instruction set has to be, CRC-32.
fn to_reach(set: InstructionSet) -> Option<f64> {
    match set {
        InstructionSet::Portable => Some(1.2),
        InstructionSet::Avx2 => Some(6.0),
        InstructionSet::Avx2Gfni => Some(7.0),
        InstructionSet::Avx512 => Some(10.0),
        InstructionSet::Neon => None,
    }
}

pub(crate) fn measure(report: &mut Report, rounds: u32) -> Result<()> {
    for set in InstructionSet::available() {
        if let Some(least) = to_reach(set) {
            in_cache(report, rounds, set, Checksum::Crc32, least)?;
        }
    }
    if InstructionSet::Avx512.check().is_ok() {
        in_cache(
            report,
            rounds,
            InstructionSet::Avx512,
            Checksum::Modbus,
            20.0,
        )?;
        in_cache(report, rounds, InstructionSet::Avx512, Checksum::Sum, 7.0)?;
    }
    from_memory(report, rounds)
}

fn one_thread(set: InstructionSet) -> JudgeSettings {
    JudgeSettings {
        instruction_set: Some(set),
        threads: Some(NonZeroUsize::MIN),
    }
}

/// The shortest of many short runs: what interrupts one of them is not what is measured.
fn shortest(mut work: impl FnMut()) -> Duration {
    (0..2000)
        .map(|_| {
            let begin = Instant::now();
            work();
            begin.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn in_cache(
    report: &mut Report,
    rounds: u32,
    set: InstructionSet,
    checksum: Checksum,
    least: f64,
) -> Result<()> {
    let options = workload::options(checksum);
    let (plain, plain_times) = compare(rounds, set, options, &Policy::reset_default())?;
    let (full, _) = compare(rounds, set, options, &workload::demanding())?;
    let [ours, theirs] = plain_times;
    let median = |mut ratios: Vec<f64>| {
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    };
    report.median(
        format!(
            "software device in cache, {checksum}, {set}: times as fast as a loop with {}",
            loops::name(checksum)
        ),
        plain,
        Bound::AtLeast(least),
        format!(
            "{ours:.2} ns each; the loop {theirs:.2} ns; {:.2} times with a policy that asks everything",
            median(full)
        ),
    );
    Ok(())
}

/// The ratio of each round, and the nanoseconds a descriptor of the best rounds, ours first.
fn compare(
    rounds: u32,
    set: InstructionSet,
    options: Options,
    policy: &Policy,
) -> Result<(Vec<f64>, [f64; 2])> {
    let descriptors = workload::descriptors(IN_CACHE, options, policy);
    let judge = Judge::new(options, policy).with(&one_thread(set))?;
    let mut expected = vec![Verdict::default(); IN_CACHE];
    let mut verdicts = expected.clone();
    let nanoseconds = |time: Duration| time.as_nanos() as f64 / IN_CACHE as f64;
    let (mut ratios, mut best) = (Vec::new(), [f64::MAX; 2]);
    for _ in 0..rounds {
        let theirs = nanoseconds(shortest(|| {
            loops::judge(
                black_box(&descriptors),
                options,
                policy,
                black_box(&mut expected),
            );
        }));
        let ours = nanoseconds(shortest(|| {
            black_box(judge.verdicts(black_box(&descriptors), black_box(&mut verdicts)));
        }));
        ratios.push(theirs / ours);
        best = [best[0].min(ours), best[1].min(theirs)];
    }
    ensure!(verdicts == expected, "{set} and the loop judge alike");
    Ok((ratios, best))
}

fn from_memory(report: &mut Report, rounds: u32) -> Result<()> {
    let (options, policy) = (Options::default(), Policy::reset_default());
    let drawn = workload::descriptors(1 << 16, options, &policy);
    let descriptors = drawn.repeat(IN_MEMORY / drawn.len());
    let mut verdicts = vec![Verdict::default(); descriptors.len()];
    let settings = JudgeSettings {
        threads: Some(NonZeroUsize::MIN),
        ..JudgeSettings::default()
    };
    let chosen = Judge::new(options, &policy).with(&settings)?;
    let threaded = Judge::new(options, &policy);
    let seconds = |work: &mut dyn FnMut()| {
        (0..3)
            .map(|_| {
                let begin = Instant::now();
                work();
                begin.elapsed().as_secs_f64()
            })
            .fold(f64::MAX, f64::min)
    };
    let bytes = size_of_val(&descriptors[..]) as f64;
    let threads = threaded.threads(IN_MEMORY);
    let part = descriptors.len().div_ceil(threads);
    let (mut shares, mut all_shares, mut best) = (Vec::new(), Vec::new(), [f64::MAX; 4]);
    for _ in 0..rounds {
        let reading = seconds(&mut || {
            black_box(limits::read(black_box(&descriptors)));
        });
        let judging = seconds(&mut || {
            black_box(chosen.verdicts(black_box(&descriptors), black_box(&mut verdicts)));
        });
        let reading_together = seconds(&mut || {
            std::thread::scope(|scope| {
                for part in descriptors.chunks(part) {
                    scope.spawn(|| black_box(limits::read(black_box(part))));
                }
            });
        });
        let judging_together = seconds(&mut || {
            black_box(threaded.verdicts(black_box(&descriptors), black_box(&mut verdicts)));
        });
        shares.push(reading / judging);
        all_shares.push(reading_together / judging_together);
        let round = [judging, reading, judging_together, reading_together];
        best = std::array::from_fn(|of| best[of].min(round[of]));
    }
    let [judging, reading, judging_together, reading_together] =
        best.map(|seconds| bytes / seconds / 1e9);
    report.median(
        format!(
            "software device from memory, one core, {}: share of the core's read bandwidth",
            chosen.instruction_set(IN_MEMORY)
        ),
        shares,
        Bound::AtLeast(0.70),
        format!("{judging:.1} GB/s; plain reading {reading:.1} GB/s"),
    );
    report.median(
        format!(
            "software device from memory, {threads} threads: share of what as many threads can read"
        ),
        all_shares,
        Bound::AtLeast(0.70),
        format!("{judging_together:.1} GB/s; plain reading {reading_together:.1} GB/s"),
    );
    Ok(())
}
