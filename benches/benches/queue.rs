//! Queues of the software device: one descriptor there and back, and many at once.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use host_runtime::queue::{Completion, QueueOptions, Serving, Submission};
use host_runtime::tcp::{Checksum, Policy};
use host_runtime::{Card, CardId, OpenOptions};
use peers::workload;

const MANY: usize = 256;

fn queues(criterion: &mut Criterion) {
    let state = tempfile::tempdir().expect("a folder for the card's state");
    let open = OpenOptions {
        state_folder: Some(state.path().to_owned()),
        ..OpenOptions::default()
    };
    let card = Card::open_with(CardId::Software(0), &open).expect("the software device");
    let options = workload::options(Checksum::Crc32);
    let submissions: Vec<_> = workload::descriptors(MANY, options, &Policy::reset_default())
        .into_iter()
        .zip(0..)
        .map(|(descriptor, tag)| Submission::new(descriptor, tag, options))
        .collect();
    let mut completions = [Completion::default(); MANY];
    for (name, serving) in [("thread", Serving::Thread), ("caller", Serving::Caller)] {
        let mut queue = card
            .open_queue(&QueueOptions {
                entries: MANY,
                serving,
                ..QueueOptions::default()
            })
            .expect("a free pair");
        let mut group = criterion.benchmark_group(format!("queue/{name}"));
        for count in [1, MANY] {
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(count.to_string(), |bencher| {
                bencher.iter(|| {
                    queue.submit_many(black_box(&submissions[..count]));
                    let mut answered = 0;
                    while answered < count {
                        answered += queue.poll(&mut completions).expect("the card is there");
                    }
                });
            });
        }
    }
}

criterion_group!(benches, queues);
criterion_main!(benches);
