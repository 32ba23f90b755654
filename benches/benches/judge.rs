//! The software device for every instruction set of this CPU, beside the loop that one would write.

use std::hint::black_box;
use std::num::NonZeroUsize;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use host_runtime::judge::{InstructionSet, Judge, JudgeSettings};
use host_runtime::tcp::{Checksum, Policy, Verdict};
use peers::{loops, workload};

fn in_cache(criterion: &mut Criterion) {
    let policy = Policy::reset_default();
    for checksum in Checksum::ALL {
        let options = workload::options(checksum);
        let descriptors = workload::descriptors(workload::IN_CACHE, options, &policy);
        let mut verdicts = vec![Verdict::default(); descriptors.len()];
        let mut group = criterion.benchmark_group(format!("judge/{checksum}"));
        group.throughput(Throughput::Elements(descriptors.len() as u64));
        group.bench_function(loops::name(checksum), |bencher| {
            bencher.iter(|| loops::judge(black_box(&descriptors), options, &policy, &mut verdicts));
        });
        for set in InstructionSet::available() {
            let settings = JudgeSettings {
                instruction_set: Some(set),
                threads: Some(NonZeroUsize::MIN),
            };
            let judge = Judge::new(options, &policy)
                .with(&settings)
                .expect("this CPU has it");
            group.bench_function(set.name(), |bencher| {
                bencher.iter(|| judge.verdicts(black_box(&descriptors), &mut verdicts));
            });
        }
    }
}

/// Where blocks begin to pay.
fn small_batches(criterion: &mut Criterion) {
    let (options, policy) = (workload::options(Checksum::Crc32), Policy::reset_default());
    let judge = Judge::new(options, &policy);
    let mut group = criterion.benchmark_group("judge/batch");
    for count in [1, 4, 8, 16, 64, 256] {
        let descriptors = workload::descriptors(count, options, &policy);
        let mut verdicts = vec![Verdict::default(); count];
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(count.to_string(), |bencher| {
            bencher.iter(|| judge.verdicts(black_box(&descriptors), &mut verdicts));
        });
    }
}

criterion_group!(benches, in_cache, small_batches);
criterion_main!(benches);
