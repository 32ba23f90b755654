//! A kernel of a given width in an engine, and what a host does with it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use cosim::engine::{MemoryTiming, RunEnd, Stalls};
use cosim::{Bank, Cache, DeviceMemory, Engine, EngineConfig, ModelBuild, ModelLibrary};
use host_runtime::cosim;
use host_runtime::tcp::registers as reg;
use host_runtime::tcp::{Descriptor, Detail, Options, Output, Policy, PolicySlot, Tally, golden};

pub(crate) const WIDTHS: [u32; 3] = [128, 256, 512];

/// Two banks far apart, as on the default card.
pub(crate) const BANK_BYTES: u64 = 1 << 30;
pub(crate) const BANK_1: u64 = 1 << 34;

/// What unwritten memory holds, so that a stray write shows.
const BACKGROUND: u8 = 0xA5;
/// Bytes looked at before and after the verdicts.
const MARGIN: u64 = 8192;

/// Longest run, in clocks: bounds every wait.
const RUN_LIMIT: u64 = 20_000_000;

/// Models that were built and loaded already, by width.
static LIBRARIES: Mutex<Vec<(u32, Arc<ModelLibrary>)>> = Mutex::new(Vec::new());

fn library(width: u32) -> Arc<ModelLibrary> {
    let mut libraries = LIBRARIES.lock().unwrap();
    if let Some((_, library)) = libraries.iter().find(|(known, _)| *known == width) {
        return Arc::clone(library);
    }
    let hdl = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hdl/tcp_validator.f");
    let model = ModelBuild::new("tcp_validator")
        .file_list(hdl)
        .parameter("DATA_WIDTH", width)
        .build(&Cache::at(
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"),
        ))
        .unwrap();
    let library = Arc::new(ModelLibrary::open(model.path).unwrap());
    libraries.push((width, Arc::clone(&library)));
    library
}

/// The seed of a random test: given, or its own.
pub(crate) fn seed(own: u64) -> u64 {
    let seed = match std::env::var("FPGA_TEST_SEED") {
        Ok(text) => text.parse().expect("FPGA_TEST_SEED is a number"),
        Err(_) => own,
    };
    println!("seed {seed}; replay with FPGA_TEST_SEED={seed}");
    seed
}

pub(crate) fn config(seed: u64, stall: f64) -> EngineConfig {
    EngineConfig {
        seed,
        stalls: Stalls::all(stall),
        watchdog: 20_000,
        ..EngineConfig::default()
    }
}

pub(crate) fn latency(clocks: u64) -> EngineConfig {
    EngineConfig {
        memory: MemoryTiming {
            read_latency: clocks,
            ..MemoryTiming::default()
        },
        ..EngineConfig::default()
    }
}

/// What a run is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    pub(crate) descriptors: u64,
    pub(crate) verdicts: u64,
    pub(crate) count: u32,
    pub(crate) options: u32,
}

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) memory: Arc<DeviceMemory>,
    pub(crate) unit: usize,
    pub(crate) policies: [Policy; PolicySlot::COUNT],
}

impl Rig {
    pub(crate) fn new(width: u32, config: EngineConfig) -> Self {
        Self::with_units(width, config, 1)
    }

    pub(crate) fn with_units(width: u32, config: EngineConfig, units: usize) -> Self {
        let bank = |name: &str, base| Bank {
            name: name.to_owned(),
            base,
            size: BANK_BYTES,
        };
        let memory =
            Arc::new(DeviceMemory::new(&[bank("DDR[0]", 0), bank("DDR[1]", BANK_1)]).unwrap());
        let mut engine = Engine::new(config, Arc::clone(&memory));
        for _ in 0..units {
            engine
                .add(&library(width), "tcp_validator", Default::default())
                .unwrap();
        }
        engine.reset().unwrap();
        Self {
            engine,
            memory,
            unit: 0,
            policies: [Policy::reset_default(); PolicySlot::COUNT],
        }
    }

    pub(crate) fn read(&mut self, offset: u32) -> u32 {
        self.engine.read_register(self.unit, offset.into()).unwrap() as u32
    }

    pub(crate) fn write(&mut self, offset: u32, value: u32) {
        self.engine
            .write_register(self.unit, offset.into(), value.into())
            .unwrap();
    }

    pub(crate) fn set_policy(&mut self, slot: PolicySlot, policy: Policy) {
        let base = reg::POLICY + reg::POLICY_STRIDE * slot.index() as u32;
        for (word, offset) in policy.to_words().into_iter().zip((base..).step_by(4)) {
            self.write(offset, word);
        }
        self.policies[slot.index()] = policy;
    }

    pub(crate) fn set_arguments(&mut self, job: Job) {
        self.write(reg::DESCRIPTORS, job.descriptors as u32);
        self.write(reg::DESCRIPTORS + 4, (job.descriptors >> 32) as u32);
        self.write(reg::VERDICTS, job.verdicts as u32);
        self.write(reg::VERDICTS + 4, (job.verdicts >> 32) as u32);
        self.write(reg::COUNT, job.count);
        self.write(reg::OPTIONS, job.options);
    }

    pub(crate) fn start(&mut self) {
        self.write(reg::GLOBAL_INTERRUPT_ENABLE, 1);
        self.write(reg::INTERRUPT_ENABLE, 1);
        self.engine.set_running(true);
        self.write(reg::CONTROL, 1);
    }

    /// Waits for the interrupt, acknowledges it, and returns the status register.
    pub(crate) fn finish(&mut self) -> u32 {
        let unit = self.unit;
        let end = self
            .engine
            .run_until(RUN_LIMIT, |engine| engine.interrupt(unit))
            .unwrap();
        assert_eq!(end, RunEnd::Reached, "the run did not end");
        self.engine.set_running(false);
        let control = self.read(reg::CONTROL);
        assert_eq!(
            control & 0b1110,
            0b1110,
            "ap_done, ap_idle and ap_ready after the interrupt: {control:#x}"
        );
        assert_eq!(
            self.read(reg::CONTROL) & 0b1010,
            0,
            "ap_done and ap_ready are cleared by reading them"
        );
        self.write(reg::INTERRUPT_STATUS, 1);
        assert!(
            !self.engine.interrupt(unit),
            "the interrupt is acknowledged"
        );
        self.read(reg::STATUS)
    }

    pub(crate) fn run(&mut self, job: Job) -> u32 {
        self.set_arguments(job);
        self.start();
        self.finish()
    }

    pub(crate) fn counters(&mut self) -> [u64; 16] {
        std::array::from_fn(|n| {
            let low = self.read(reg::COUNTERS + 8 * n as u32);
            let high = self.read(reg::COUNTERS + 8 * n as u32 + 4);
            (u64::from(high) << 32) | u64::from(low)
        })
    }

    pub(crate) fn bytes(&self, address: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.memory.read(address, &mut bytes).unwrap();
        bytes
    }

    /// Runs the kernel over `descriptors` and compares answers, counters and the bytes around the answers.
    pub(crate) fn check(
        &mut self,
        descriptors: &[Descriptor],
        options: Options,
        from: u64,
        to: u64,
    ) {
        let size = options.output.bytes_per_descriptor();
        let len = descriptors.len() * size;
        let around = to - MARGIN;
        self.memory
            .write(from, bytemuck::cast_slice(descriptors))
            .unwrap();
        self.memory
            .write(around, &vec![BACKGROUND; len + 2 * MARGIN as usize])
            .unwrap();
        let before = self.counters();
        let job = Job {
            descriptors: from,
            verdicts: to,
            count: descriptors.len() as u32,
            options: options.into(),
        };
        let status = self.run(job);
        let what = format!("{job:x?} {options:?}");
        assert_eq!(status, 0, "{what}");

        let policy = self.policies[options.slot.index()];
        let mut expected = vec![Detail::default(); descriptors.len()];
        golden::evaluate_details(descriptors, options, &policy, &mut expected);
        let written = self.bytes(to, len);
        for (index, (got, expected)) in written.chunks(size).zip(&expected).enumerate() {
            assert!(
                got == &expected.0[..size],
                "{what}: descriptor {index} {} under {policy:?}: got {got:02x?}, expected {expected:x?}",
                descriptors[index],
            );
        }
        let margin = MARGIN as usize;
        assert!(
            self.bytes(around, margin)
                .iter()
                .all(|&byte| byte == BACKGROUND),
            "{what}: bytes before"
        );
        assert!(
            self.bytes(to + len as u64, margin)
                .iter()
                .all(|&byte| byte == BACKGROUND),
            "{what}: bytes after"
        );

        let after = self.counters();
        let counted: [u64; Tally::COUNTERS] = std::array::from_fn(|n| after[n] - before[n]);
        assert_eq!(
            Tally::from_counters(counted),
            Tally::from_details(&expected),
            "{what}: counters"
        );
    }
}

/// Verdict bytes of the compact profile, slot 0.
pub(crate) fn plain() -> Options {
    Options::default()
}

/// Detail words of the compact profile, slot 0.
pub(crate) fn detailed() -> Options {
    Options {
        output: Output::Details,
        ..Options::default()
    }
}
