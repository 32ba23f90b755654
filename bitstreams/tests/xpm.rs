//! The models of the XPM macros against the simplest thing that does the same.

use std::collections::VecDeque;
use std::path::Path;

use cosim::{Cache, InstanceOptions, Model, ModelBuild, ModelLibrary};

const FIRST: u32 = 1;
const BOTH: u32 = 3;
/// Words of the write side.
const DEPTH: usize = 16;

fn build(top: &str, name: &str, parameters: &[(&str, u32)]) -> ModelBuild {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut build = ModelBuild::new(top)
        .name(name)
        .source(root.join("tests/rtl/xpm.sv"))
        .verilator_arg("-y")
        .verilator_arg(root.join("../hdl/xpm").display().to_string());
    for (parameter, value) in parameters {
        build = build.parameter(*parameter, value);
    }
    build.trace(false)
}

fn library(builds: &[ModelBuild]) -> ModelLibrary {
    let cache = Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"));
    let built = cosim::link(builds, &cache).expect("the harness builds");
    ModelLibrary::open(built.path).expect("it loads")
}

fn instance(library: &ModelLibrary, name: &str) -> Model {
    let model = library.instantiate(name, InstanceOptions::default());
    model.expect("it has it")
}

fn get(model: &Model, port: &str) -> u64 {
    model.get(port).expect("an output")
}

fn set(model: &mut Model, port: &str, value: u64) {
    model.set(port, value).expect("an input");
}

fn clock(model: &mut Model, edges: u32) {
    model.clock(edges).expect("it runs");
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// True in `share` of eight cases.
    fn chance(&mut self, share: u64) -> bool {
        (self.next() >> 20) % 8 < share
    }
}

/// The seeds of a random test: that of `XPM_SEED`, or fixed ones.
fn seeds() -> Vec<u64> {
    match std::env::var("XPM_SEED") {
        Ok(seed) => vec![seed.parse().expect("XPM_SEED is a number")],
        Err(_) => vec![3, 5, 8],
    }
}

struct Fifo {
    name: &'static str,
    asynchronous: bool,
    fall_through: bool,
    latency: usize,
    write: u32,
    read: u32,
}

const FIFOS: [Fifo; 7] = [
    fifo("std", false, false, 1, 32, 32),
    fifo("std_late", false, false, 3, 32, 32),
    fifo("fwft", false, true, 0, 32, 32),
    fifo("narrowing", false, false, 1, 32, 8),
    fifo("widening", false, true, 0, 8, 32),
    fifo("async_std", true, false, 1, 32, 32),
    fifo("async_fwft", true, true, 0, 32, 32),
];

const fn fifo(
    name: &'static str,
    asynchronous: bool,
    fall_through: bool,
    latency: usize,
    write: u32,
    read: u32,
) -> Fifo {
    Fifo {
        name,
        asynchronous,
        fall_through,
        latency,
        write,
        read,
    }
}

fn fifos() -> ModelLibrary {
    library(&FIFOS.map(|fifo| {
        let parameters = [
            ("ASYNC", u32::from(fifo.asynchronous)),
            ("FWFT", u32::from(fifo.fall_through)),
            ("LATENCY", fifo.latency as u32),
            ("WRITE", fifo.write),
            ("READ", fifo.read),
        ];
        build("fifo", fifo.name, &parameters)
    }))
}

fn reset_fifo(model: &mut Model) {
    set(model, "rst", 1);
    (0..8).for_each(|_| clock(model, BOTH));
    set(model, "rst", 0);
    for _ in 0..40 {
        clock(model, BOTH);
        if get(model, "busy") == 0 {
            return;
        }
    }
    panic!("the reset does not end");
}

#[test]
fn fifos_give_every_word_once_in_order_and_tell_the_truth() {
    let library = fifos();
    for fifo in &FIFOS {
        for seed in seeds() {
            let note = format!("{}, seed {seed}; replay with XPM_SEED={seed}", fifo.name);
            let mut random = Random(seed);
            let mut model = instance(&library, fifo.name);
            reset_fifo(&mut model);
            let unit = fifo.write.min(fifo.read);
            let split = |value: u64, width: u32| {
                (0..width / unit).map(move |i| (value >> (i * unit)) & ((1 << unit) - 1))
            };
            // Units in the FIFO, and words on their way to `dout`.
            let mut inside: VecDeque<u64> = VecDeque::new();
            let mut coming: VecDeque<Option<Vec<u64>>> = VecDeque::new();
            let (mut write, mut read, mut word) = (false, false, 0);
            let mut moved = 0;
            for step in 0..6000u64 {
                let edges = match fifo.asynchronous {
                    false => FIRST,
                    true => [BOTH, FIRST, 2, FIRST][(random.next() % 4) as usize],
                };
                let (full, empty) = (get(&model, "full") != 0, get(&model, "empty") != 0);
                let wrote = write && !full && edges & FIRST != 0;
                let popped = read && !empty && (edges & 2 != 0 || !fifo.asynchronous);
                let count = (fifo.read / unit) as usize;
                if popped {
                    let expected: Vec<u64> = inside.drain(..count).collect();
                    if fifo.fall_through {
                        let got: Vec<u64> = split(get(&model, "dout"), fifo.read).collect();
                        assert_eq!(got, expected, "step {step} of {note}");
                        assert_eq!(get(&model, "data_valid"), 1, "step {step} of {note}");
                        coming.push_back(None);
                    } else {
                        coming.push_back(Some(expected));
                    }
                } else if edges & 2 != 0 || !fifo.asynchronous {
                    coming.push_back(None);
                }
                if wrote {
                    inside.extend(split(word, fifo.write));
                    moved += 1;
                }
                // Long stretches of mostly writing and of mostly reading reach both ends.
                let filling = step / 200 % 2 == 0;
                let ahead = write;
                write = random.chance(if filling { 7 } else { 2 });
                read = random.chance(if filling { 2 } else { 7 });
                word = random.next() & ((1 << fifo.write) - 1);
                set(&mut model, "wr_en", write.into());
                set(&mut model, "rd_en", read.into());
                set(&mut model, "din", word);
                clock(&mut model, edges);
                if edges & FIRST != 0 {
                    assert_eq!(
                        get(&model, "wr_ack"),
                        u64::from(wrote),
                        "step {step} of {note}"
                    );
                    let refused = ahead && !wrote;
                    assert_eq!(
                        get(&model, "overflow"),
                        u64::from(refused),
                        "step {step} of {note}"
                    );
                }
                if !fifo.fall_through && coming.len() >= fifo.latency.max(1) {
                    let there = coming.pop_front().expect("just counted");
                    assert_eq!(
                        get(&model, "data_valid") != 0,
                        there.is_some(),
                        "step {step} of {note}"
                    );
                    if let Some(expected) = there {
                        let got: Vec<u64> = split(get(&model, "dout"), fifo.read).collect();
                        assert_eq!(got, expected, "step {step} of {note}");
                    }
                }
                if get(&model, "empty") == 0 {
                    assert!(inside.len() >= count, "not empty at step {step} of {note}");
                }
                if !fifo.asynchronous {
                    let held = inside.len() / (fifo.write / unit) as usize;
                    assert_eq!(
                        get(&model, "wr_count"),
                        held as u64,
                        "step {step} of {note}"
                    );
                    let left = inside.len() / count;
                    assert_eq!(
                        get(&model, "rd_count"),
                        left as u64,
                        "step {step} of {note}"
                    );
                }
            }
            assert!(moved > 500, "{note}: {moved} words");
        }
    }
}

#[test]
fn fifos_are_as_deep_as_they_say_and_their_thresholds_hold() {
    let library = fifos();
    for fifo in FIFOS.iter().filter(|fifo| fifo.write == fifo.read) {
        let mut model = instance(&library, fifo.name);
        reset_fifo(&mut model);
        let mut accepted = 0;
        let mut thresholds = Vec::new();
        set(&mut model, "wr_en", 1);
        clock(&mut model, BOTH);
        for _ in 0..60 {
            if get(&model, "full") == 0 {
                accepted += 1;
            }
            clock(&mut model, BOTH);
            if get(&model, "prog_full") != 0 {
                thresholds.push(accepted);
            }
        }
        // UG974: an asynchronous FIFO holds one less, the stages of first-word-fall-through two more.
        let depth = DEPTH - usize::from(fifo.asynchronous) + 2 * usize::from(fifo.fall_through);
        assert_eq!(accepted, depth, "{}", fifo.name);
        // A clock after the twelfth word, which the count of accepted words has passed by one.
        assert!(
            (12..=14).contains(&thresholds[0]),
            "{}: {thresholds:?}",
            fifo.name
        );
        assert_eq!(get(&model, "almost_full"), 1, "{}", fifo.name);
        set(&mut model, "wr_en", 0);
        set(&mut model, "rd_en", 1);
        (0..60).for_each(|_| clock(&mut model, BOTH));
        let flags =
            ["empty", "almost_empty", "prog_empty", "underflow"].map(|port| get(&model, port));
        assert_eq!(flags, [1; 4], "{}", fifo.name);
    }
}

#[test]
fn stream_fifos_keep_packets_together() {
    let kinds = [
        ("plain", 0, 0),
        ("packets", 0, 1),
        ("apart", 1, 0),
        ("apart_packets", 1, 1),
    ];
    let library = library(&kinds.map(|(name, independent, packets)| {
        build(
            "axis",
            name,
            &[("INDEPENDENT", independent), ("PACKETS", packets)],
        )
    }));
    for (name, independent, packets) in kinds {
        for seed in seeds() {
            let note = format!("{name}, seed {seed}; replay with XPM_SEED={seed}");
            let mut random = Random(seed);
            let mut model = instance(&library, name);
            set(&mut model, "rst_n", 0);
            (0..8).for_each(|_| clock(&mut model, BOTH));
            set(&mut model, "rst_n", 1);
            (0..20).for_each(|_| clock(&mut model, BOTH));
            let mut inside: VecDeque<(u64, u64)> = VecDeque::new();
            let (mut put, mut item, mut taking) = (false, (0, 0), false);
            let (mut moved, mut begun) = (0, false);
            for step in 0..5000 {
                let edges = match independent {
                    0 => FIRST,
                    _ => [BOTH, FIRST, 2][(random.next() % 3) as usize],
                };
                let valid = get(&model, "valid") != 0;
                if valid && packets == 1 && !begun {
                    let whole = inside.iter().any(|(_, last)| *last == 1);
                    assert!(
                        whole || inside.len() >= 14,
                        "part of a packet at step {step} of {note}"
                    );
                }
                if taking && valid && (edges & 2 != 0 || independent == 0) {
                    let got = (get(&model, "result"), get(&model, "result_last"));
                    assert_eq!(Some(got), inside.pop_front(), "step {step} of {note}");
                    begun = got.1 == 0;
                    moved += 1;
                }
                let held = put && get(&model, "ready") == 0;
                if put && !held && edges & FIRST != 0 {
                    inside.push_back(item);
                    put = false;
                }
                if !put {
                    put = random.chance(5);
                    item = (random.next() & 0xff, u64::from(random.chance(2)));
                }
                taking = random.chance(5);
                set(&mut model, "put", put.into());
                set(&mut model, "data", item.0);
                set(&mut model, "last", item.1);
                set(&mut model, "get", taking.into());
                clock(&mut model, edges);
            }
            assert!(moved > 500, "{note}: {moved} beats");
        }
    }
}

#[test]
fn memories_read_what_was_written_in_every_mode_and_latency() {
    let mut kinds = Vec::new();
    for kind in 0..3 {
        for mode in 0..3 {
            for latency in [1, 2, 3] {
                if kind != 1 || mode == 0 {
                    kinds.push((format!("m{kind}{mode}{latency}"), kind, mode, latency));
                }
            }
        }
    }
    let builds: Vec<_> = kinds
        .iter()
        .map(|(name, kind, mode, latency)| {
            build(
                "memory",
                name,
                &[("KIND", *kind), ("MODE", *mode), ("LATENCY", *latency)],
            )
        })
        .collect();
    let library = library(&builds);
    for (name, kind, mode, latency) in kinds {
        for seed in seeds() {
            let note = format!("{name}, seed {seed}; replay with XPM_SEED={seed}");
            let mut random = Random(seed);
            let mut model = instance(&library, &name);
            let mut content = [0u32; 16];
            // By port: the stages from the memory to the output.
            let mut stages = [vec![0u32; latency as usize], vec![0u32; latency as usize]];
            let mut enabled = [vec![false; latency as usize], vec![false; latency as usize]];
            let mut inputs = [(false, 0u64, 0usize, 0u32); 2];
            for step in 0..2000 {
                let old = content;
                for (port, &(en, we, address, data)) in inputs.iter().enumerate() {
                    let mask = (0..4).fold(0u32, |m, i| {
                        m | if we >> i & 1 != 0 { 0xff << (8 * i) } else { 0 }
                    });
                    let new = (old[address] & !mask) | (data & mask);
                    let stage = &mut stages[port];
                    for i in (1..stage.len()).rev() {
                        // The last stage follows regce, which is high; those between follow the first.
                        if i == stage.len() - 1 || enabled[port][i - 1] {
                            stage[i] = stage[i - 1];
                        }
                    }
                    let writes = en && we != 0;
                    if en && !(mode == 2 && writes) {
                        stage[0] = if mode == 1 { new } else { old[address] };
                    }
                    enabled[port].rotate_right(1);
                    enabled[port][0] = en && !(mode == 2 && writes);
                    if writes {
                        content[address] = new;
                    }
                }
                let ports = [
                    ("en", "we", "address", "data"),
                    ("en_b", "we_b", "address_b", "data_b"),
                ];
                for (port, (en, we, address, data)) in ports.into_iter().enumerate() {
                    let may_write = (port == 0 || kind == 2) && random.chance(4);
                    inputs[port] = (
                        random.chance(6) && (port == 0 || kind != 0),
                        if may_write { random.next() & 15 } else { 0 },
                        (random.next() >> 7) as usize % 16,
                        random.next() as u32,
                    );
                    // What two ports write to one word at once is undefined.
                    if port == 1 && inputs[0].2 == inputs[1].2 {
                        inputs[1].1 = 0;
                    }
                    let (e, w, a, d) = inputs[port];
                    set(&mut model, en, e.into());
                    set(&mut model, we, w);
                    set(&mut model, address, a as u64);
                    set(&mut model, data, d.into());
                }
                clock(&mut model, FIRST);
                let last = latency as usize - 1;
                if kind != 1 {
                    assert_eq!(
                        get(&model, "result"),
                        u64::from(stages[0][last]),
                        "step {step} of {note}"
                    );
                }
                if kind != 0 {
                    assert_eq!(
                        get(&model, "result_b"),
                        u64::from(stages[1][last]),
                        "step {step} of {note}"
                    );
                }
            }
        }
    }
}

#[test]
fn memories_begin_with_their_content_and_outputs_take_their_reset_value() {
    let library = library(&[build("contents", "contents", &[])]);
    let mut model = instance(&library, "contents");
    for (address, list, file, half) in [
        (0, 0x12, 0xbeef, 2),
        (1, 0xab, 1, 1),
        (2, 0, 2, 4),
        (3, 0xffff, 0, 3),
        (6, 0, 0x77, 0),
    ] {
        set(&mut model, "address", address);
        (0..3).for_each(|_| clock(&mut model, FIRST));
        let seen = ["list", "file", "pair", "half"].map(|port| get(&model, port));
        assert_eq!(seen, [list, file, file, half], "at {address}");
    }
    // Written, it reads the new word at once by the port without registers.
    set(&mut model, "we", 1);
    set(&mut model, "data", 0x1234);
    clock(&mut model, FIRST);
    set(&mut model, "we", 0);
    clock(&mut model, FIRST);
    assert_eq!((get(&model, "copy"), get(&model, "copy_b")), (0x1234, 0));
    clock(&mut model, FIRST);
    assert_eq!(get(&model, "copy_b"), 0x1234);
    // An input is there after the clock's rise: the asynchronous reset shows before the next one.
    set(&mut model, "rst", 1);
    clock(&mut model, FIRST);
    assert_eq!((get(&model, "list"), get(&model, "file")), (0x5a, 0x77));
    clock(&mut model, FIRST);
    let seen = ["list", "file", "pair", "copy_b", "dout"].map(|port| get(&model, port));
    assert_eq!(seen, [0x5a, 0, 0xc0de, 0, 0xb0c]);
}

#[test]
fn crossings_arrive_after_their_stages() {
    let library = library(&[build("crossings", "crossings", &[])]);
    let mut model = instance(&library, "crossings");
    set(&mut model, "reset_in", 1);
    (0..8).for_each(|_| clock(&mut model, BOTH));
    assert_eq!(
        (get(&model, "sync_reset"), get(&model, "async_reset")),
        (1, 1)
    );
    set(&mut model, "reset_in", 0);
    clock(&mut model, BOTH);
    assert_eq!(
        (get(&model, "sync_reset"), get(&model, "async_reset")),
        (1, 1)
    );
    (0..3).for_each(|_| clock(&mut model, BOTH));
    assert_eq!(
        (get(&model, "sync_reset"), get(&model, "async_reset")),
        (0, 0)
    );
    // Asserted without a clock of its own: the inputs change with the source's.
    set(&mut model, "reset_in", 1);
    clock(&mut model, FIRST);
    assert_eq!(
        (get(&model, "sync_reset"), get(&model, "async_reset")),
        (0, 1)
    );
    set(&mut model, "reset_in", 0);
    (0..8).for_each(|_| clock(&mut model, BOTH));

    // A register of the source, three of the destination.
    set(&mut model, "bit_in", 1);
    set(&mut model, "bits_in", 0xa5);
    clock(&mut model, BOTH);
    for edge in 1..=4 {
        let arrived = ["bit_out", "bits_out", "gray_out"].map(|port| get(&model, port));
        assert_eq!(arrived, [0, 0, 0], "before edge {edge}");
        clock(&mut model, BOTH);
    }
    let arrived = ["bit_out", "bits_out", "gray_out"].map(|port| get(&model, port));
    assert_eq!(arrived, [1, 0xa5, 0xa5]);

    // Each pulse of the source, however long, is one clock at the destination.
    let mut pulses = 0;
    for step in 0..120 {
        set(&mut model, "pulse_in", u64::from(step % 24 < 1 + step / 24));
        clock(&mut model, if step % 3 == 0 { BOTH } else { FIRST });
        pulses += if step % 3 == 0 {
            get(&model, "pulse_out")
        } else {
            0
        };
    }
    assert_eq!(pulses, 5);

    // The word is that of the moment it was sent.
    set(&mut model, "send", 1);
    clock(&mut model, BOTH);
    clock(&mut model, BOTH);
    set(&mut model, "bits_in", 0x11);
    let mut requested = false;
    for _ in 0..20 {
        clock(&mut model, BOTH);
        if get(&model, "request") == 1 {
            requested = true;
            assert_eq!(get(&model, "word"), 0xa5);
        }
    }
    assert!(requested && get(&model, "received") == 1);
    set(&mut model, "send", 0);
    (0..20).for_each(|_| clock(&mut model, BOTH));
    assert_eq!((get(&model, "request"), get(&model, "received")), (0, 0));
}
