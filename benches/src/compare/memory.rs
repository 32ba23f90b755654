//! More descriptors than any cache holds: what a core makes of its memory.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use anyhow::Result;
use host_runtime::judge::InstructionSet;
use host_runtime::tcp::{Checksum, Policy, Verdict};
use peers::workload::IN_MEMORY;
use peers::{limits, loops, workload};

use crate::cache;
use crate::measure::{Contender, Field};
use crate::results::{Side, Unit};

/// One core, 384 MiB of descriptors.
pub(crate) fn field(count: usize) -> Result<Field> {
    let mut field = Field::new(
        "memory",
        "CRC-32, from memory, one core",
        "More descriptors than any cache holds, read once; only their bytes are counted.",
        Unit::GigabytesPerSecond,
        cache::fastest().name(),
    );
    let (options, policy) = (workload::options(Checksum::Crc32), Policy::reset_default());
    let drawn = workload::descriptors(1 << 16, options, &policy);
    let descriptors: Rc<[_]> = drawn.repeat(count.div_ceil(drawn.len())).into();
    let gigabytes = size_of_val(&*descriptors) as f64 / 1e9;
    let timed = move |work: &mut dyn FnMut()| {
        let begin = Instant::now();
        work();
        Ok(gigabytes / begin.elapsed().as_secs_f64())
    };

    let all = Rc::clone(&descriptors);
    let reading = Contender::one(Side::Limit, "read", "plain reading", move |_| {
        timed(&mut || {
            black_box(limits::read(black_box(&all)));
        })
    });
    field.add("plain reading", Ok(reading));
    let (all, mut verdicts) = (
        Rc::clone(&descriptors),
        vec![Verdict::default(); descriptors.len()],
    );
    let name = "Rust loop, crate crc32fast";
    let peer = Contender::one(Side::Peer, "loop", name, move |_| {
        timed(&mut || loops::judge(black_box(&all), options, &policy, black_box(&mut verdicts)))
    });
    field.add(name, Ok(peer));
    for set in InstructionSet::available() {
        let (all, judge) = (
            Rc::clone(&descriptors),
            cache::judge(set, options, &policy)?,
        );
        let mut verdicts = vec![Verdict::default(); descriptors.len()];
        let name = format!("software device, {set}");
        let ours = Contender::one(Side::Ours, set.name(), &*name, move |_| {
            timed(&mut || {
                black_box(judge.verdicts(black_box(&all), black_box(&mut verdicts)));
            })
        });
        field.add(&name, Ok(ours));
    }
    Ok(field)
}

/// Descriptors of a run.
pub(crate) const fn count(quick: bool) -> usize {
    if quick { IN_MEMORY / 8 } else { IN_MEMORY }
}
