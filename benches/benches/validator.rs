//! Batches through a validator, on the simulated card and on the software device.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use host_runtime::tcp::{Checksum, Policy};
use host_runtime::{Card, CardId, OpenOptions, Validator};
use peers::workload;

fn validators(criterion: &mut Criterion) {
    let state = tempfile::tempdir().expect("a folder for the cards' state");
    let open = OpenOptions {
        state_folder: Some(state.path().to_owned()),
        ..OpenOptions::default()
    };
    let options = workload::options(Checksum::Crc32);
    for (name, id, count) in [
        ("software", CardId::Software(0), 65_536),
        ("simulated", CardId::Simulated(0), 4096),
    ] {
        let card = Card::open_with(id, &open).expect("the card opens");
        let mut validator = Validator::new(&card).expect("it has a tcp_validator");
        let descriptors = workload::descriptors(count, options, &Policy::reset_default());
        let mut group = criterion.benchmark_group("validator");
        group.sample_size(10);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| validator.validate(&descriptors).expect("the card judges"));
        });
    }
}

criterion_group!(benches, validators);
criterion_main!(benches);
