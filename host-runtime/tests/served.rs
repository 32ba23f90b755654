//! A simulated card served as a PCIe device, driven by the runtime like any other.
#![cfg(feature = "cosim")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use host_runtime::collection::sample;
use host_runtime::tcp::{Descriptor, Profile};
use host_runtime::{
    Card, CardId, Direction, Error, Image, MemoryBanks, OpenOptions, ServeOptions, ServedCard,
    SimOptions, Validator,
};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

struct Bench {
    served: Option<ServedCard>,
    state: tempfile::TempDir,
}

impl Bench {
    fn new(name: &str) -> Self {
        Self::with(name, ServeOptions::default())
    }

    fn with(name: &str, options: ServeOptions) -> Self {
        let state = tempfile::tempdir().unwrap();
        let options = ServeOptions {
            image: Some(Image::default_image().unwrap()),
            state_folder: Some(state.path().to_owned()),
            ..options
        };
        Self {
            served: Some(ServedCard::start(name.parse().unwrap(), &options).unwrap()),
            state,
        }
    }

    fn open(&self) -> Card {
        let id = self.served.as_ref().unwrap().id();
        Card::open_with(id, &self.options()).unwrap()
    }

    fn options(&self) -> OpenOptions {
        OpenOptions {
            state_folder: Some(self.state.path().to_owned()),
            ..OpenOptions::default()
        }
    }
}

fn descriptors() -> Vec<Descriptor> {
    let entries = sample::entries(Profile::Wide);
    entries
        .into_iter()
        .map(|(_, descriptor)| descriptor)
        .collect()
}

/// Validates, and compares every answer with the golden model.
fn validate(card: &Card) {
    let descriptors = descriptors();
    let validator = Validator::new(card).unwrap().profile(Profile::Wide);
    let report = validator.check(true).validate(&descriptors).unwrap();
    assert!(report.summary.tally.verdicts.valid > 0);
}

#[test]
fn a_validation_on_a_served_card_equals_the_golden_model() {
    let bench = Bench::new("validate");
    let card = bench.open();
    // Against the golden model, descriptor by descriptor.
    validate(&card);
}

#[test]
fn buffers_keep_their_bytes_and_differ_until_they_are_synced() {
    let bench = Bench::new("buffers");
    let card = bench.open();
    let mut buffer = card.allocate(0, 3 << 20).unwrap();
    let pattern: Vec<u8> = (0..buffer.len()).map(|i| ((i * 31) >> 4) as u8).collect();
    buffer.map_mut().copy_from_slice(&pattern);
    buffer.sync(Direction::ToDevice).unwrap();
    buffer.map_mut().fill(0);
    buffer.sync(Direction::FromDevice).unwrap();
    assert!(buffer.map() == pattern);
}

/// The name of the file that is mapped where a byte lies; empty if that is memory of no file.
fn mapped_file(byte: &u8) -> String {
    let address = std::ptr::from_ref(byte).addr();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| {
        let (start, rest) = line.split_once('-').unwrap();
        let (end, _) = rest.split_once(' ').unwrap();
        let number = |text| usize::from_str_radix(text, 16).unwrap();
        (number(start)..number(end)).contains(&address)
    });
    line.unwrap()
        .splitn(6, ' ')
        .nth(5)
        .unwrap_or("")
        .trim()
        .to_owned()
}

#[test]
fn the_host_side_of_a_large_buffer_is_memory_that_the_card_reaches() {
    let bench = Bench::new("reached");
    let card = bench.open();
    let large = card.allocate(0, 256 << 10).unwrap();
    assert!(mapped_file(&large.map()[0]).contains("fpga-dma"));
    let small = card.allocate(0, 4096).unwrap();
    assert_eq!(mapped_file(&small.map()[0]), "");
}

#[test]
fn programs_get_memory_of_their_own_and_share_the_kernel() {
    let bench = Bench::new("shared");
    let cards: Vec<Card> = (0..4).map(|_| bench.open()).collect();
    let buffers: Vec<_> = cards
        .iter()
        .map(|card| card.allocate(0, 4096).unwrap())
        .collect();
    let mut addresses: Vec<u64> = buffers.iter().map(|buffer| buffer.address()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 4);
    drop(buffers);

    std::thread::scope(|scope| {
        for card in &cards {
            scope.spawn(|| (0..3).for_each(|_| validate(card)));
        }
    });
}

#[test]
fn a_card_that_is_programmed_makes_what_others_had_stale() {
    let bench = Bench::new("stale");
    let (one, other) = (bench.open(), bench.open());
    let mut buffer = one.allocate(0, 4096).unwrap();
    other.program(&Image::default_image().unwrap()).unwrap();
    let stale = buffer.sync(Direction::ToDevice).unwrap_err();
    assert!(matches!(stale, Error::Stale { .. }), "{stale}");
    drop(buffer);
    one.allocate(0, 4096)
        .unwrap()
        .sync(Direction::ToDevice)
        .unwrap();
}

#[test]
fn an_image_that_cannot_be_loaded_is_refused_with_the_servers_reason() {
    let bench = Bench::new("refused");
    let card = bench.open();
    let kernel = include_str!("../../hdl/kernel.xml");
    let kernel = bitstreams::KernelDescription::from_xml(kernel).unwrap();
    let unit = bitstreams::ComputeUnit {
        name: "tcp_validator_1".to_owned(),
        base_address: 0x180_0000,
        connections: vec![(0, 0), (1, 0)],
    };
    let untrusted = bitstreams::ImageBuilder::new("someone_1", b"\x7fELF no model".to_vec());
    let bank = bitstreams::Bank {
        tag: "DDR[0]".to_owned(),
        kind: bitstreams::MemType::Ddr4,
        used: true,
        size_kib: 1 << 20,
        base_address: 0,
    };
    let untrusted = untrusted
        .bank(bank)
        .kernel(kernel, vec![unit])
        .build()
        .unwrap();
    let error = card
        .program(&Image::new(untrusted).unwrap())
        .unwrap_err()
        .to_string();
    assert!(error.contains("not trusted"), "{error}");
    Validator::new(&card)
        .unwrap()
        .validate(&descriptors())
        .unwrap();
}

#[test]
fn a_hung_run_is_aborted_and_the_card_works_on() {
    let bench = Bench::new("abort");
    let card = bench.open();
    let kernel = card.kernel("tcp_validator").unwrap();
    let input = card.allocate(0, 24 << 20).unwrap();
    let output = card.allocate(1, 1 << 20).unwrap();
    let mut run = kernel.run();
    run.set_buffer(0, &input).unwrap();
    run.set_buffer(1, &output).unwrap();
    run.set_scalar(2, 1 << 20).unwrap();
    run.start().unwrap();
    run.abort().unwrap();
    drop(run);
    Validator::new(&card)
        .unwrap()
        .validate(&descriptors())
        .unwrap();
}

#[test]
fn a_server_that_ends_is_an_error_with_the_cards_name() {
    let mut bench = Bench::new("gone");
    let card = bench.open();
    let mut buffer = card.allocate(0, 4096).unwrap();
    bench.served = None;
    let error = buffer.sync(Direction::ToDevice).unwrap_err().to_string();
    assert!(error.contains("pcie:gone"), "{error}");
    drop((buffer, card));
    let error =
        Card::open_with(CardId::Served("gone".parse().unwrap()), &bench.options()).unwrap_err();
    assert!(error.to_string().contains("pcie:gone"), "{error}");
}

#[test]
fn a_name_is_served_once() {
    let bench = Bench::new("once");
    let options = ServeOptions {
        state_folder: Some(bench.state.path().to_owned()),
        ..ServeOptions::default()
    };
    let again = ServedCard::start("once".parse().unwrap(), &options).unwrap_err();
    assert!(matches!(again, Error::CardBusy { .. }), "{again}");
    // A card without an image says so.
    let empty = ServedCard::start("empty".parse().unwrap(), &options).unwrap();
    let card = Card::open_with(empty.id(), &bench.options()).unwrap();
    assert!(matches!(
        card.allocate(0, 1),
        Err(Error::NotProgrammed { .. })
    ));
    assert_eq!(empty.clients(), 1);
}

#[test]
fn a_card_has_the_memory_that_it_is_told() {
    let small = |count| ServeOptions {
        banks: Some(MemoryBanks {
            count,
            bytes: 1 << 20,
        }),
        ..ServeOptions::default()
    };
    let bench = Bench::with("small", small(2));
    let card = bench.open();
    validate(&card);
    let buffer = card.allocate(0, 1 << 20).unwrap();
    let full = card.allocate(0, 4096).unwrap_err();
    assert!(matches!(full, Error::OutOfMemory { .. }), "{full}");
    card.allocate(1, 1 << 20).unwrap();
    let end = buffer.address() + (1 << 20);
    card.write_memory(end - 64, &[1; 64]).unwrap();
    card.write_memory(end, &[1; 64]).unwrap_err();

    let options = ServeOptions {
        image: Some(Image::default_image().unwrap()),
        state_folder: Some(bench.state.path().to_owned()),
        ..small(1)
    };
    let refused = ServedCard::start("one".parse().unwrap(), &options).unwrap_err();
    assert!(
        matches!(refused, Error::ImageForAnotherCard { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("--banks 2"), "{refused}");
    let options = ServeOptions {
        image: None,
        ..options
    };
    let empty = ServedCard::start("one".parse().unwrap(), &options).unwrap();
    let card = Card::open_with(empty.id(), &bench.options()).unwrap();
    let refused = card.program(&Image::default_image().unwrap()).unwrap_err();
    assert!(refused.to_string().contains("--banks 2"), "{refused}");
}

#[test]
fn a_card_has_the_clock_and_the_shell_that_it_is_told() {
    let simulation = SimOptions {
        clock_mhz: Some(125),
        ..SimOptions::default()
    };
    let options = ServeOptions {
        simulation: simulation.clone(),
        shell: "xdma:h2c=3,c2h=2".parse().unwrap(),
        ..ServeOptions::default()
    };
    let bench = Bench::with("told", options);
    validate(&bench.open());
    let socket = bench.served.as_ref().unwrap().socket();
    let client = vfio_user::Client::connect(socket, vfio_user::Timeouts::default()).unwrap();
    let word = |region, offset: u32| {
        let mut bytes = [0; 4];
        client.read(region, offset.into(), &mut bytes).unwrap();
        u32::from_le_bytes(bytes)
    };
    let clock = word(vfio_user::BAR0_REGION, card_shell::identity::REG_CLOCK_MHZ);
    assert_eq!(clock, 125);
    let channels = |direction: u32| {
        let identifiers = (0..4).map(|index| direction + 0x100 * index);
        let there = identifiers.filter(|&offset| word(vfio_user::BAR1_REGION, offset) != 0);
        there.count()
    };
    let target = (xdma::registers::target::H2C, xdma::registers::target::C2H);
    assert_eq!((channels(target.0), channels(target.1)), (3, 2));
    // A card of this process alone is clocked like that, too.
    let options = OpenOptions {
        simulation,
        ..bench.options()
    };
    let card = Card::open_with(CardId::Simulated(0), &options).unwrap();
    validate(&card);
    assert_eq!(card.simulated_time().unwrap().period_ps, 8000);
}

/// Names the state folder of the process that serves a card.
const FOLDER: &str = "FPGA_TEST_FOLDER";

/// A process that serves a card named `hung`.
struct Serving(Child);

impl Serving {
    fn start(folder: &std::path::Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "serving", "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = said.map_while(Result::ok);
        assert!(said.any(|line| line.contains("it is served")), "no card");
        Self(child)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Has all its threads stand still.
    fn stop(&self) {
        self.signal(Signal::STOP);
        let stopped = waitpid(Some(Pid::from_child(&self.0)), WaitOptions::UNTRACED);
        assert!(stopped.unwrap().unwrap().1.stopped());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "the process that a_server_that_hangs_is_waited_for_once stops"]
fn serving() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let options = ServeOptions {
        image: Some(Image::default_image().unwrap()),
        state_folder: Some(folder.into()),
        ..ServeOptions::default()
    };
    let _served = ServedCard::start("hung".parse().unwrap(), &options).unwrap();
    println!("it is served");
    // Until the other process ends, too.
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn a_server_that_hangs_is_waited_for_once() {
    let state = tempfile::tempdir().unwrap();
    let serving = Serving::start(state.path());
    let options = OpenOptions {
        state_folder: Some(state.path().to_owned()),
        answer_timeout: Some(Duration::from_secs(1)),
        ..OpenOptions::default()
    };
    let id = CardId::Served("hung".parse().unwrap());
    let card = Card::open_with(id, &options).unwrap();
    validate(&card);
    serving.stop();
    let mut answers = (0..50).map(|_| card.reset().unwrap_err());
    let first = answers.next().unwrap();
    assert!(matches!(first, Error::DeviceLost { .. }), "{first}");
    assert!(first.to_string().contains("within 1s"), "{first}");
    assert!(answers.all(|error| error.to_string() == first.to_string()));
    card.allocate(0, 4096).unwrap_err();
    drop(card);
    serving.signal(Signal::CONT);
    validate(&Card::open_with(id, &options).unwrap());
}
