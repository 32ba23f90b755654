//! What stands between a program and a card uses: memory on the card alone, and runs given by their registers.

mod common;

use std::time::{Duration, Instant};

use common::{Bench, CARDS, validators};
use host_runtime::collection::sample;
use host_runtime::tcp::registers as reg;
use host_runtime::tcp::{Descriptor, Options, Policy, Profile, golden};
use host_runtime::{CancelToken, Card, CardId, Error, Image, RunQueue, Ticket};

const WAIT: Duration = Duration::from_secs(60);

fn descriptors() -> Vec<Descriptor> {
    let entries = sample::entries(Profile::Compact).into_iter();
    entries.map(|(_, descriptor)| descriptor).collect()
}

fn expected(descriptors: &[Descriptor]) -> Vec<u8> {
    let policy = Policy::reset_default();
    let judge = |descriptor| golden::evaluate(descriptor, Options::default(), &policy);
    descriptors.iter().map(|d| judge(d).verdict().0).collect()
}

fn registers(descriptors: u64, verdicts: u64, count: u32) -> Vec<(u32, u32)> {
    vec![
        (reg::DESCRIPTORS, descriptors as u32),
        (reg::DESCRIPTORS + 4, (descriptors >> 32) as u32),
        (reg::VERDICTS, verdicts as u32),
        (reg::VERDICTS + 4, (verdicts >> 32) as u32),
        (reg::COUNT, count),
        (reg::OPTIONS, 0),
    ]
}

/// Waits until the runs have ended, and answers how, in their order.
fn wait_for(queue: &RunQueue, tickets: &[Ticket]) -> Vec<host_runtime::Result<()>> {
    let mut ended = Vec::new();
    let begin = Instant::now();
    while ended.len() < tickets.len() {
        assert!(begin.elapsed() < WAIT, "the runs do not end");
        ended.extend(queue.wait_any(WAIT, &CancelToken::new()).unwrap());
    }
    ended.sort_by_key(|(ticket, _)| tickets.iter().position(|known| known == ticket));
    ended.into_iter().map(|(_, result)| result).collect()
}

fn programmed(bench: &Bench, id: CardId) -> Card {
    let card = bench.open(id);
    if card.image().is_none() {
        card.program(&Image::default_image().unwrap()).unwrap();
    }
    card
}

#[test]
fn memory_on_the_card_is_written_copied_and_read_at_any_offset() {
    for id in CARDS {
        let bench = Bench::new();
        let card = programmed(&bench, id);
        let first = card.allocate_device(0, 10_000).unwrap();
        let second = card.allocate_device(1, 10_000).unwrap();
        assert_eq!((first.len(), first.bank(), second.bank()), (10_000, 0, 1));
        first.write(9_000, b"0123456789").unwrap();
        second.copy_from(17, &first, 9_001, 8).unwrap();
        let mut bytes = [0; 10];
        second.read(16, &mut bytes).unwrap();
        assert_eq!(&bytes, b"\x0012345678\0", "{id}");
        card.read_memory(first.address() + 9_000, &mut bytes)
            .unwrap();
        assert_eq!(&bytes, b"0123456789", "{id}");
        for error in [
            first.write(9_999, b"xy").unwrap_err(),
            first.read(usize::MAX, &mut bytes).unwrap_err(),
            second.copy_from(0, &first, 9_999, 2).unwrap_err(),
        ] {
            assert!(matches!(error, Error::BufferRange { .. }), "{id}: {error}");
        }
        card.reset().unwrap();
        let error = first.write(0, b"x").unwrap_err();
        assert!(matches!(error, Error::Stale { .. }), "{id}: {error}");
    }
}

#[test]
fn an_image_that_another_opening_programmed_has_its_banks() {
    for id in CARDS {
        let bench = Bench::new();
        let (one, other) = (bench.open(id), bench.open(id));
        one.program(&Image::default_image().unwrap()).unwrap();
        // Working on the card shows what it holds.
        other.read_memory(0, &mut [0]).unwrap();
        other.allocate_device(1, 4096).unwrap();
    }
}

#[test]
fn bytes_go_from_one_card_to_another() {
    let bench = Bench::new();
    let (one, other) = (
        programmed(&bench, CardId::Simulated(0)),
        programmed(&bench, CardId::Simulated(1)),
    );
    let source = one.allocate_device(0, 3 << 20).unwrap();
    let target = other.allocate_device(0, 3 << 20).unwrap();
    let bytes: Vec<u8> = (0..(3 << 20) - 1)
        .map(|index: u32| (index % 251) as u8)
        .collect();
    source.write(1, &bytes).unwrap();
    target.copy_from(0, &source, 1, bytes.len()).unwrap();
    let mut arrived = vec![0; bytes.len()];
    target.read(0, &mut arrived).unwrap();
    assert!(arrived == bytes);
}

#[test]
fn mapped_memory_is_the_same_bytes_on_both_sides_and_outlives_a_programming() {
    let bench = Bench::new();
    let card = programmed(&bench, CardId::Simulated(0));
    let buffer = card.allocate_device(0, 4096).unwrap();
    let mapped = buffer.map().unwrap().expect("the host sees it");
    assert_eq!(mapped.len(), 4096);
    // SAFETY: within the mapping, and no kernel runs.
    unsafe { mapped.as_ptr().add(4095).write(42) };
    let mut byte = [0];
    buffer.read(4095, &mut byte).unwrap();
    assert_eq!(byte, [42]);
    buffer.write(0, &[7]).unwrap();
    card.program(&Image::default_image().unwrap()).unwrap();
    // SAFETY: as above.
    assert_eq!(unsafe { mapped.as_ptr().read() }, 7);
}

#[test]
fn runs_of_two_units_end_on_their_own_and_each_is_told_once() {
    let bench = Bench::new();
    let card = bench.open(CardId::Simulated(0));
    card.program(&bench.sign(&validators(2, None))).unwrap();
    let all = descriptors();
    let bytes: &[u8] = bytemuck::cast_slice(&all);
    let input = card.allocate_device(0, bytes.len()).unwrap();
    input.write(0, bytes).unwrap();
    let queue = card.run_queue();
    assert!(
        queue
            .wait_any(WAIT, &CancelToken::new())
            .unwrap()
            .is_empty(),
        "nothing to wait for"
    );
    let outputs: Vec<_> = (0..4)
        .map(|_| card.allocate_device(1, all.len()).unwrap())
        .collect();
    let tickets: Vec<_> = outputs
        .iter()
        .enumerate()
        .map(|(index, output)| {
            let registers = registers(input.address(), output.address(), all.len() as u32);
            queue.start(index % 2, registers).unwrap()
        })
        .collect();
    assert!(wait_for(&queue, &tickets).iter().all(Result::is_ok));
    assert_eq!(queue.pending_count(), 0);
    for output in &outputs {
        let mut verdicts = vec![0; all.len()];
        output.read(0, &mut verdicts).unwrap();
        assert_eq!(verdicts, expected(&all));
    }
}

#[test]
fn aborting_a_run_ends_those_behind_it_and_leaves_the_other_unit_alone() {
    let bench = Bench::new();
    let card = bench.open(CardId::Simulated(0));
    card.program(&bench.sign(&validators(2, None))).unwrap();
    let input = card.allocate_device(0, 240_000_000).unwrap();
    let output = card.allocate_device(1, 10_000_000).unwrap();
    let other = card.allocate_device(1, 400_000).unwrap();
    let queue = card.run_queue();
    let start = |unit, output, count| {
        let registers = registers(input.address(), output, count);
        queue.start(unit, registers).unwrap()
    };
    let long = start(0, output.address(), 10_000_000);
    let behind = start(0, output.address(), 1);
    let unwanted = start(0, output.address(), 1);
    let beside = start(1, other.address(), 400_000);
    let none = queue.wait_any(Duration::from_millis(20), &CancelToken::new());
    assert!(none.unwrap().is_empty(), "all of them are under way");
    assert!(queue.abort(unwanted).unwrap());
    let none = queue.wait_any(Duration::from_millis(20), &CancelToken::new());
    assert!(none.unwrap().is_empty(), "only what was queued is gone");
    assert!(queue.abort(long).unwrap());
    assert!(!queue.abort(long).unwrap(), "it is gone");
    let ended = wait_for(&queue, &[behind, beside]);
    assert!(matches!(ended[0], Err(Error::Aborted { .. })), "{ended:?}");
    assert!(ended[1].is_ok(), "{ended:?}");

    // The unit works again.
    let again = start(0, output.address(), 100);
    assert!(wait_for(&queue, &[again])[0].is_ok());
}

#[test]
fn units_and_registers_that_do_not_exist_are_refused() {
    let bench = Bench::new();
    for id in CARDS {
        let card = programmed(&bench, id);
        let queue = card.run_queue();
        let error = queue.start(1, Vec::new()).unwrap_err();
        assert!(matches!(error, Error::KernelMissing { .. }), "{error}");
        for offset in [1, 0x1000_0000] {
            let error = queue.start(0, vec![(offset, 0)]).unwrap_err();
            assert!(error.to_string().contains("register"), "{error}");
        }
    }
}
