//! The kernel in an engine: registers by name, pushes, and the clocks it takes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use cosim::engine::{BurstWrite, MemoryTiming, Stalls};
use cosim::{Bank, Cache, DeviceMemory, Engine, EngineConfig, ModelBuild, ModelLibrary};
use host_runtime::cosim;
use host_runtime::tcp::Policy;

use crate::host::{Pair, Submission};

pub(crate) const PAIRS: usize = 16;
pub(crate) const PUSH_PORT: &str = "s_axi_push";
pub(crate) const READ_PORT: &str = "m_axi_gmem0";
pub(crate) const WRITE_PORT: &str = "m_axi_gmem1";

// Register map, as docs/queue.md lists it.
pub(crate) const GLOBAL_INTERRUPT_ENABLE: u32 = 0x004;
pub(crate) const INTERRUPT_ENABLE: u32 = 0x008;
pub(crate) const INTERRUPT_PENDING: u32 = 0x00C;
pub(crate) const MODERATION: u32 = 0x010;
pub(crate) const EVENTS: u32 = 0x100;
pub(crate) const COUNTERS: u32 = 0x180;
pub(crate) const POLICY: u32 = 0x400;
pub(crate) const POLICY_VERSION: u32 = 0x600;
pub(crate) const DOORBELL_TAIL: u32 = 0x700;
pub(crate) const DOORBELL_HEAD: u32 = 0x704;
pub(crate) const PAIR: u32 = 0x800;
pub(crate) const PAIR_STRIDE: u32 = 0x40;
pub(crate) const PAIR_SIZES: u32 = 0x04;
pub(crate) const PAIR_SUBMISSIONS: u32 = 0x08;
pub(crate) const PAIR_COMPLETIONS: u32 = 0x10;
pub(crate) const PAIR_SUBMISSION_INDICES: u32 = 0x18;
pub(crate) const PAIR_COMPLETION_INDICES: u32 = 0x1C;

/// Why a pair stopped: bits 7:4 of its control register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Stop {
    None = 0,
    BadSize = 1,
    BadBase = 2,
    BadTail = 3,
    BadHead = 4,
    ReadError = 5,
    WriteError = 6,
    PushOverrun = 7,
    PushTorn = 8,
}

/// Longest wait for a pair to drain, in register reads.
const DRAIN_LIMIT: usize = 10_000;

static LIBRARY: OnceLock<ModelLibrary> = OnceLock::new();

fn library() -> &'static ModelLibrary {
    LIBRARY.get_or_init(|| {
        let hdl = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hdl/tcp_queue.f");
        let model = ModelBuild::new("tcp_queue")
            .file_list(hdl)
            .build(&Cache::at(
                Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"),
            ))
            .unwrap();
        ModelLibrary::open(model.path).unwrap()
    })
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
        memory: MemoryTiming {
            read_latency: 1 + seed % 100,
            write_latency: 1 + seed % 40,
            ..MemoryTiming::default()
        },
        ..EngineConfig::default()
    }
}

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) memory: Arc<DeviceMemory>,
    /// Every policy that was ever in force, by slot and version.
    pub(crate) policies: HashMap<(u8, u8), Policy>,
    versions: [u8; 16],
}

impl Rig {
    pub(crate) fn new(config: EngineConfig) -> Self {
        let bank = Bank {
            name: "HOST[0]".to_owned(),
            base: 0,
            size: 1 << 30,
        };
        let memory = Arc::new(DeviceMemory::new(&[bank]).unwrap());
        let mut engine = Engine::new(config, Arc::clone(&memory));
        engine
            .add(library(), "tcp_queue", Default::default())
            .unwrap();
        engine.reset().unwrap();
        Self {
            engine,
            memory,
            policies: (0..16)
                .map(|slot| ((slot, 0), Policy::reset_default()))
                .collect(),
            versions: [0; 16],
        }
    }

    pub(crate) fn read(&mut self, offset: u32) -> u32 {
        self.engine.read_register(0, offset.into()).unwrap() as u32
    }

    pub(crate) fn write(&mut self, offset: u32, value: u32) {
        self.engine
            .write_register(0, offset.into(), value.into())
            .unwrap();
    }

    /// Whether a write is answered SLVERR.
    pub(crate) fn refuses(&mut self, offset: u32, value: u32) -> bool {
        let result = self.engine.write_register(0, offset.into(), value.into());
        matches!(result, Err(cosim::EngineError::Register { .. }))
    }

    pub(crate) fn read_pair(&mut self, pair: usize, offset: u32) -> u32 {
        self.read(PAIR + PAIR_STRIDE * pair as u32 + offset)
    }

    pub(crate) fn write_pair(&mut self, pair: usize, offset: u32, value: u32) {
        self.write(PAIR + PAIR_STRIDE * pair as u32 + offset, value);
    }

    /// Puts a policy in force.
    pub(crate) fn set_policy(&mut self, slot: u8, policy: Policy) {
        let base = POLICY + 32 * u32::from(slot);
        for (word, offset) in policy.to_words().into_iter().zip((base..).step_by(4)) {
            self.write(offset, word);
        }
        let version = &mut self.versions[usize::from(slot)];
        *version = version.wrapping_add(1);
        self.policies.insert((slot, *version), policy);
        self.write(POLICY_VERSION + 4 * u32::from(slot), 0);
    }

    /// Makes a pair's rings and enables it.
    pub(crate) fn enable(&mut self, index: usize, submissions: u32, completions: u32) -> Pair {
        let pair = Pair::new(&self.memory, index, submissions, completions);
        self.write_pair(index, PAIR_SIZES, submissions | completions << 8);
        self.write_pair(index, PAIR_SUBMISSIONS, pair.submission_base as u32);
        self.write_pair(
            index,
            PAIR_SUBMISSIONS + 4,
            (pair.submission_base >> 32) as u32,
        );
        self.write_pair(index, PAIR_COMPLETIONS, pair.completion_base as u32);
        self.write_pair(
            index,
            PAIR_COMPLETIONS + 4,
            (pair.completion_base >> 32) as u32,
        );
        self.write_pair(index, 0, 1);
        assert_eq!(self.read_pair(index, 0), 1, "pair {index} is enabled");
        pair
    }

    /// Rings the tail doorbell for what `pair` has put into its ring.
    pub(crate) fn ring_tail(&mut self, pair: &Pair) {
        self.write(
            DOORBELL_TAIL + 8 * pair.index as u32,
            u32::from(pair.submission_tail),
        );
    }

    /// Gives completion entries back.
    pub(crate) fn ring_head(&mut self, pair: &mut Pair) {
        self.write(
            DOORBELL_HEAD + 8 * pair.index as u32,
            u32::from(pair.completion_head),
        );
        pair.returned = pair.completion_head;
    }

    /// Queues a push of one or two submissions; see [`push_result`](Self::push_result).
    pub(crate) fn push(&mut self, pair: &mut Pair, submissions: &[Submission], offset: u64) {
        let mut data = Vec::new();
        for slot in 0..2 {
            let submission = submissions.get(slot).copied();
            data.extend(submission.unwrap_or_else(Submission::none).bytes());
        }
        pair.expect_pushed(submissions);
        self.push_bytes(pair.index, offset, data, Vec::new());
    }

    pub(crate) fn push_bytes(
        &mut self,
        pair: usize,
        offset: u64,
        data: Vec<u8>,
        strobes: Vec<u128>,
    ) {
        let burst = BurstWrite {
            address: 4096 * pair as u64 + offset,
            data,
            strobes,
        };
        self.engine.submit_burst(0, PUSH_PORT, &burst).unwrap();
    }

    /// The response to the oldest push.
    pub(crate) fn push_result(&mut self) -> u8 {
        for _ in 0..10_000 {
            if let Some(result) = self.engine.burst_result(0, PUSH_PORT).unwrap() {
                return result.response;
            }
            self.engine.step().unwrap();
        }
        panic!("a push is not answered");
    }

    /// Takes the completions that `pair` finds in its ring, checking each; returns how many.
    pub(crate) fn poll(&mut self, pair: &mut Pair) -> usize {
        let mut taken = 0;
        while pair.take(&self.memory, &self.policies) {
            taken += 1;
        }
        taken
    }

    /// Steps and takes completions until none is expected, giving entries back on the way.
    pub(crate) fn finish(&mut self, pair: &mut Pair) {
        for _ in 0..DRAIN_LIMIT {
            if pair.outstanding() == 0 {
                return;
            }
            self.poll(pair);
            if pair.returned != pair.completion_head {
                self.ring_head(pair);
            }
            self.engine.run(20).unwrap();
        }
        panic!(
            "pair {}: {} completions are missing; control {:#x}, indices {:#x} {:#x}",
            pair.index,
            pair.outstanding(),
            self.read_pair(pair.index, 0),
            self.read_pair(pair.index, PAIR_SUBMISSION_INDICES),
            self.read_pair(pair.index, PAIR_COMPLETION_INDICES),
        );
    }

    /// Waits until nothing of a pair is under way, and returns why it stopped.
    pub(crate) fn drained(&mut self, pair: usize) -> u32 {
        for _ in 0..DRAIN_LIMIT {
            let control = self.read_pair(pair, 0);
            if control & 2 == 0 {
                return control >> 4;
            }
        }
        panic!("pair {pair} does not drain");
    }

    /// Waits until a pair has stopped and nothing of it is under way, and returns why it stopped.
    pub(crate) fn stopped(&mut self, pair: usize) -> u32 {
        for _ in 0..DRAIN_LIMIT {
            if self.read_pair(pair, 0) & 1 == 0 {
                return self.drained(pair);
            }
        }
        panic!("pair {pair} does not stop");
    }

    pub(crate) fn counter(&mut self, n: u32) -> u32 {
        self.read(COUNTERS + 4 * n)
    }
}
