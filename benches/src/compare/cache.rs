//! Batches in the first-level cache: every instruction set of the CPU beside every way in which people do this today.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::rc::Rc;

use anyhow::{Result, ensure};
use host_runtime::judge::{InstructionSet, Judge, JudgeSettings};
use host_runtime::tcp::{Checksum, Descriptor, Options, Policy, Verdict};
use peers::workload::IN_CACHE;
use peers::{loops, workload};

use crate::measure::{Contender, Field, shortest};
use crate::process::{Job, Peer};
use crate::results::{Side, Unit};
use crate::tools::Tools;

/// What numpy is best at: its cost of starting an operation no longer counts.
const LARGE: usize = 65_536;

type Loop = fn(&[Descriptor], Options, &Policy, &mut [Verdict]);

/// CRC-32, with the policy of a card after reset.
pub(crate) fn crc32(tools: &Tools) -> Result<Field> {
    let mut field = Field::new(
        "cache",
        "CRC-32, in cache",
        "1024 descriptors, 5 % of them malformed; the policy that cards have after reset.",
        Unit::NanosecondsEach,
        fastest().name(),
    );
    let options = workload::options(Checksum::Crc32);
    let policy = Policy::reset_default();
    let descriptors: Rc<[_]> = workload::descriptors(IN_CACHE, options, &policy).into();
    let large = workload::descriptors(LARGE, options, &policy);
    let job = Job {
        descriptors: &descriptors,
        options,
        policy: &policy,
    };
    let large = Job {
        descriptors: &large,
        ..job
    };
    let what = "Python, struct and zlib";
    let peer = tools.script("python_struct.py", &[], job);
    field.add(what, contender("python", what, peer));
    let what = "numpy";
    let peer = tools.script("python_numpy.py", &["numpy"], job);
    field.add(what, contender("numpy", what, peer));
    let what = "numpy, 65,536 at once";
    let peer = tools.script("python_numpy.py", &["numpy"], large);
    field.add(what, contender("numpy-large", what, peer));
    let what = "C++ -O3, zlib";
    field.add(what, contender("cpp", what, tools.cpp(job)));
    let what = "Rust loop, crate crc";
    let crate_crc = rust_loop(
        "crc",
        what,
        loops::judge_with_crc,
        &descriptors,
        options,
        &policy,
    );
    field.add(what, crate_crc);
    let what = "Rust loop, crate crc32fast";
    let crc32fast = rust_loop("loop", what, loops::judge, &descriptors, options, &policy);
    field.add(what, crc32fast);
    ours(&mut field, &descriptors, options, &policy);
    Ok(field)
}

/// Another checksum or policy, beside the loops in C++ and Rust.
pub(crate) fn variant(
    tools: &Tools,
    (id, title, note): (&str, &str, &str),
    checksum: Checksum,
    policy: &Policy,
) -> Field {
    let mut field = Field::new(id, title, note, Unit::NanosecondsEach, fastest().name());
    let options = workload::options(checksum);
    let descriptors: Rc<[_]> = workload::descriptors(IN_CACHE, options, policy).into();
    let job = Job {
        descriptors: &descriptors,
        options,
        policy,
    };
    let what = match checksum {
        Checksum::Crc32 => "C++ -O3, zlib",
        Checksum::Modbus | Checksum::Sum => "C++ -O3",
    };
    field.add(what, contender("cpp", what, tools.cpp(job)));
    let what = format!("Rust loop, {}", loops::name(checksum));
    let peer = rust_loop("loop", &what, loops::judge, &descriptors, options, policy);
    field.add(&what, peer);
    ours(&mut field, &descriptors, options, policy);
    field
}

/// The last of the list that the CPU has.
pub(crate) fn fastest() -> InstructionSet {
    InstructionSet::available()
        .last()
        .unwrap_or(InstructionSet::Portable)
}

/// A judge by that instruction set, in one thread.
pub(crate) fn judge(set: InstructionSet, options: Options, policy: &Policy) -> Result<Judge> {
    let settings = JudgeSettings {
        instruction_set: Some(set),
        threads: Some(NonZeroUsize::MIN),
    };
    Ok(Judge::new(options, policy).with(&settings)?)
}

pub(crate) fn contender(id: &str, name: &str, peer: Result<Peer>) -> Result<Contender> {
    let mut peer = peer?;
    Ok(Contender::one(Side::Peer, id, name, move |slice| {
        peer.measure(slice)
    }))
}

fn rust_loop(
    id: &str,
    name: &str,
    judge: Loop,
    descriptors: &Rc<[Descriptor]>,
    options: Options,
    policy: &Policy,
) -> Result<Contender> {
    let (descriptors, policy) = (Rc::clone(descriptors), *policy);
    let mut verdicts = vec![Verdict::default(); descriptors.len()];
    judge(&descriptors, options, &policy, &mut verdicts);
    let expected = workload::expected(&descriptors, options, &policy);
    ensure!(
        verdicts == expected,
        "its verdicts are not those of the golden model"
    );
    Ok(Contender::one(Side::Peer, id, name, move |slice| {
        let pass = || {
            judge(
                black_box(&descriptors),
                options,
                &policy,
                black_box(&mut verdicts),
            )
        };
        Ok(shortest(slice, pass) / descriptors.len() as f64)
    }))
}

fn ours(field: &mut Field, descriptors: &Rc<[Descriptor]>, options: Options, policy: &Policy) {
    for set in InstructionSet::available() {
        let name = format!("software device, {set}");
        let contender = judge(set, options, policy).and_then(|judge| {
            let descriptors = Rc::clone(descriptors);
            let mut verdicts = vec![Verdict::default(); descriptors.len()];
            judge.verdicts(&descriptors, &mut verdicts);
            let expected = workload::expected(&descriptors, options, policy);
            ensure!(
                verdicts == expected,
                "its verdicts are not those of the golden model"
            );
            Ok(Contender::one(
                Side::Ours,
                set.name(),
                &*name,
                move |slice| {
                    let pass = || {
                        black_box(
                            judge.verdicts(black_box(&descriptors), black_box(&mut verdicts)),
                        );
                    };
                    Ok(shortest(slice, pass) / descriptors.len() as f64)
                },
            ))
        });
        field.add(&name, contender);
    }
}
