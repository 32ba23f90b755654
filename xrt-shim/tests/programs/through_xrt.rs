//! The runtime as a program that uses XRT: its card `xrt:0` is what the shim below XRT makes of the runtime's `sim:0`.

use std::path::Path;
use std::time::Duration;

use host_runtime::bitstreams::Xclbin;
use host_runtime::tcp::random::RandomDescriptors;
use host_runtime::tcp::{Descriptor, Options, Output, Policy, PolicySlot, Profile, registers};
use host_runtime::{
    Card, CardId, Direction, Error, Image, KERNEL, PolicyChoice, RunState, Validator,
};

/// Names the folder with the images, for the process that does what is here.
pub(crate) const FOLDER_VARIABLE: &str = "FPGA_TEST_THROUGH_XRT";

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(folder: &Path) {
    let image = |name: &str| Image::new(Xclbin::read(folder.join(name)).unwrap()).unwrap();
    let (one, two) = (image("one_unit.xclbin"), image("two_units.xclbin"));

    let card = Card::open(CardId::Xrt(0)).unwrap();
    assert!(card.image().is_none());
    card.program(&two).unwrap();
    validates(&card);
    memory_has_two_sides(&card);
    runs_queue_up_and_can_be_withdrawn(&card);
    let refused = card.reset().unwrap_err().to_string();
    assert!(refused.contains("program the card again"), "{refused}");

    // What was made for the image before is stale, and the units are free to be another image's.
    let mut buffer = card.allocate(0, 64).unwrap();
    let generation = card.generation();
    card.program(&one).unwrap();
    assert!(card.generation() > generation);
    let stale = buffer.sync(Direction::ToDevice).unwrap_err();
    assert!(matches!(stale, Error::Stale { .. }), "{stale}");
    drop(buffer);
    validates(&card);
    card.close().unwrap();

    // The next opening knows what the card holds.
    let card = Card::open(CardId::Xrt(0)).unwrap();
    assert_eq!(card.image().unwrap().uuid(), one.uuid());
    validates(&card);
}

/// With the policy of a slot, and with one that another slot holds for the length of the runs; all answers are checked
/// against the golden model.
fn validates(card: &Card) {
    let descriptors = {
        let mut descriptors = vec![Descriptor([0; 24]); 5000];
        let options = Options {
            checksum: Profile::Wide.checksum(),
            layout: Profile::Wide.layout(),
            ..Options::default()
        };
        RandomDescriptors::new(7, options, &Policy::reset_default()).fill(&mut descriptors);
        descriptors
    };
    for choice in [
        PolicyChoice::Slot(PolicySlot::new(3).unwrap()),
        PolicyChoice::Given(host_runtime::tcp::random::policy(11)),
    ] {
        let report = Validator::new(card)
            .unwrap()
            .profile(Profile::Wide)
            .policy(choice)
            .output(Output::Details)
            .check(true)
            .validate(&descriptors)
            .unwrap();
        let judged = report.summary.tally.verdicts.descriptors;
        assert_eq!(judged, descriptors.len() as u64);
    }
    let kernel = card.kernel(KERNEL).unwrap();
    let (tally, _) = kernel.counters().unwrap();
    assert!(tally.verdicts.descriptors >= 2 * descriptors.len() as u64);
}

fn memory_has_two_sides(card: &Card) {
    let mut buffer = card.allocate(1, 4096).unwrap();
    assert_eq!(buffer.bank(), 1);
    buffer.map_mut().fill(0x5A);
    buffer.sync(Direction::ToDevice).unwrap();
    buffer.map_mut().fill(0);
    buffer.sync_range(Direction::FromDevice, 100..200).unwrap();
    assert!(buffer.map()[..100].iter().all(|&byte| byte == 0));
    assert!(buffer.map()[100..200].iter().all(|&byte| byte == 0x5A));
    assert!(buffer.map()[200..].iter().all(|&byte| byte == 0));

    let mut bytes = [0; 8];
    card.read_memory(buffer.address() + 4088, &mut bytes)
        .unwrap();
    assert_eq!(bytes, [0x5A; 8]);
    let outside = card
        .read_memory(buffer.address() + 4092, &mut bytes)
        .unwrap_err();
    assert!(matches!(outside, Error::Bus { .. }), "{outside}");

    let source = card.allocate_device(0, 256).unwrap();
    source.write(0, &[7; 256]).unwrap();
    let target = card.allocate_device(1, 256).unwrap();
    target.copy_from(128, &source, 0, 64).unwrap();
    target.read(128, &mut bytes).unwrap();
    assert_eq!(bytes, [7; 8]);

    let full = card.allocate(0, 1 << 40).unwrap_err();
    assert!(
        matches!(full, Error::OutOfMemory { .. } | Error::HostMemory { .. }),
        "{full}"
    );
    let missing = card.allocate(9, 64).unwrap_err();
    assert!(matches!(missing, Error::BankMissing { .. }), "{missing}");
}

fn runs_queue_up_and_can_be_withdrawn(card: &Card) {
    let kernel = card.kernel(KERNEL).unwrap();
    let count = 64;
    let descriptors = card
        .allocate(kernel.bank_of(0).unwrap(), count * 24)
        .unwrap();
    let answers = card.allocate(kernel.bank_of(1).unwrap(), count).unwrap();
    let judged = || kernel.counters().unwrap().0.verdicts.descriptors;
    let before = judged();
    let mut runs: Vec<_> = (0..3)
        .map(|_| {
            let mut run = kernel.run();
            run.set_buffer(0, &descriptors).unwrap();
            run.set_buffer(1, &answers).unwrap();
            run.set_scalar(2, count as u64).unwrap();
            run.start().unwrap();
            run
        })
        .collect();
    runs[1].abort().unwrap();
    assert_eq!(runs[1].state(), RunState::Aborted);
    runs[2].wait(PATIENCE).unwrap();
    runs[0].wait(PATIENCE).unwrap();
    assert_eq!(judged() - before, 2 * count as u64);
    let identity = kernel.read_register(registers::IDENTITY).unwrap();
    assert_eq!(identity, registers::IDENTITY_VALUE);
}
