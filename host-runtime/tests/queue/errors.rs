//! What goes wrong stops its own pair, with the cause, and no other.

use cosim::engine::{Access, ErrorResponse, Fault};
use host_runtime::cosim;

use crate::host::{COMPLETION_BYTES, Pair, SUBMISSION_BYTES, Submission};
use crate::random::Traffic;
use crate::rig::{
    DOORBELL_HEAD, DOORBELL_TAIL, INTERRUPT_PENDING, PAIR_SUBMISSION_INDICES, Rig, Stop, config,
    seed,
};

const SLVERR: u8 = 2;

/// The pair under test, and one that must not notice.
const VICTIM: usize = 6;
const OTHER: usize = 11;

struct Scene {
    rig: Rig,
    victim: Pair,
    other: Pair,
    traffic: Traffic,
}

impl Scene {
    fn new(stall: f64) -> Self {
        let seed = seed(17);
        let mut rig = Rig::new(config(seed, stall));
        let victim = rig.enable(VICTIM, 6, 6);
        let other = rig.enable(OTHER, 6, 6);
        Self {
            rig,
            victim,
            other,
            traffic: Traffic::new(seed),
        }
    }

    fn submit(&mut self, count: usize) {
        for _ in 0..count {
            let next = self.traffic.next();
            self.victim.submit(&self.rig.memory, next);
            let next = self.traffic.next();
            self.other.submit(&self.rig.memory, next);
        }
        self.rig.ring_tail(&self.victim);
        self.rig.ring_tail(&self.other);
    }

    /// The victim stopped for `cause` with an interrupt, `lost` of its completions missing and all others right; the
    /// other pair goes on; the victim can be enabled again.
    fn assert_stopped(mut self, cause: Stop, lost: std::ops::RangeInclusive<usize>) {
        assert_eq!(self.rig.stopped(VICTIM), cause as u32);
        let pending = self.rig.read(INTERRUPT_PENDING);
        assert_ne!(pending & 1 << VICTIM, 0, "told by interrupt");
        self.rig.poll(&mut self.victim);
        assert!(
            lost.contains(&self.victim.outstanding()),
            "{} lost",
            self.victim.outstanding()
        );
        self.victim.assert_untouched_around(&self.rig.memory);

        self.rig.engine.set_faults(Vec::new());
        self.rig.finish(&mut self.other);
        let mut again = self.rig.enable(VICTIM, 5, 4);
        for _ in 0..100 {
            while again.space() > 0 {
                again.submit(&self.rig.memory, self.traffic.next());
            }
            self.rig.ring_tail(&again);
            let next = self.traffic.next();
            self.other.submit(&self.rig.memory, next);
            self.rig.ring_tail(&self.other);
            self.rig.finish(&mut again);
            self.rig.finish(&mut self.other);
        }
        again.assert_untouched_around(&self.rig.memory);
        self.other.assert_untouched_around(&self.rig.memory);
        assert_eq!(self.rig.drained(OTHER), 0);
    }
}

#[test]
fn a_tail_past_the_ring_or_backwards_stops_the_pair() {
    for (submitted, tail) in [(10, 75), (0, 65), (0, 0xFFFF), (10, 5)] {
        let mut scene = Scene::new(0.1);
        scene.submit(submitted);
        scene.rig.write(DOORBELL_TAIL + 8 * VICTIM as u32, tail);
        // What was claimed before the bad doorbell is answered, the rest is not.
        scene.assert_stopped(Stop::BadTail, 0..=submitted);
    }
}

#[test]
fn a_head_past_the_completions_stops_the_pair() {
    for head in [11, 0x8000, 0xFFFF] {
        let mut scene = Scene::new(0.1);
        scene.submit(10);
        scene.rig.engine.run(1_000).unwrap();
        scene.rig.write(DOORBELL_HEAD + 8 * VICTIM as u32, head);
        scene.assert_stopped(Stop::BadHead, 0..=0);
    }
}

#[test]
fn a_read_error_loses_the_rest_of_its_ring_only() {
    for (entry, stall) in [(0, 0.0), (0, 0.3), (13, 0.0), (40, 0.3), (62, 0.1)] {
        for response in [ErrorResponse::Slverr, ErrorResponse::Decerr] {
            let mut scene = Scene::new(stall);
            let at = scene.victim.submission_base + entry * SUBMISSION_BYTES as u64;
            scene.rig.engine.set_faults(vec![Fault {
                range: at..at + 1,
                access: Access::Read,
                response,
            }]);
            scene.submit(64);
            let lost = 64 - (entry as usize & !1);
            scene.assert_stopped(Stop::ReadError, lost..=lost);
        }
    }
}

#[test]
fn a_write_error_leaves_no_completion_behind_the_gap() {
    for (entry, stall) in [(0, 0.0), (13, 0.0), (40, 0.3), (63, 0.1)] {
        let mut scene = Scene::new(stall);
        let at = scene.victim.completion_base + entry * COMPLETION_BYTES as u64;
        scene.rig.engine.set_faults(vec![Fault {
            range: at..at + 1,
            access: Access::Write,
            response: ErrorResponse::Slverr,
        }]);
        scene.submit(64);
        let gap = 64 - (entry as usize & !7);
        scene.assert_stopped(Stop::WriteError, 1..=gap);
    }
}

#[test]
fn a_push_without_a_place_stops_its_pair_and_is_not_answered() {
    let mut scene = Scene::new(0.2);
    scene.submit(63);
    scene.rig.engine.run(2_000).unwrap();
    let two = [scene.traffic.next(), scene.traffic.next()];
    scene.rig.push(&mut scene.victim, &two, 0);
    assert_eq!(scene.rig.push_result(), SLVERR);
    scene.victim.refused(2);
    assert_eq!(scene.rig.counter(2), 1);
    scene.assert_stopped(Stop::PushOverrun, 0..=0);
}

#[test]
fn a_push_in_pieces_stops_its_pair_and_is_not_taken() {
    for strobes in [0x0000_FFFF, 0xFFFF_FFFF_7FFF_FFFF, 1 << 63] {
        let mut scene = Scene::new(0.2);
        let data = vec![0; 64];
        scene.rig.push_bytes(VICTIM, 0, data, vec![strobes]);
        assert_eq!(scene.rig.push_result(), SLVERR);
        scene.submit(20);
        scene.victim = Pair::new(&scene.rig.memory, VICTIM, 6, 6);
        scene.assert_stopped(Stop::PushTorn, 0..=0);
    }
}

#[test]
fn halves_with_clear_strobes_and_padding_are_no_submissions_and_bursts_are_many_pushes() {
    let mut rig = Rig::new(config(8, 0.2));
    let mut pair = rig.enable(15, 1, 6);
    let mut traffic = Traffic::new(8);
    let (first, second) = (traffic.next(), traffic.next());
    let both = [first.bytes(), second.bytes()].concat();
    pair.expect_pushed(&[second]);
    rig.push_bytes(15, 64, both.clone(), vec![!0 << 32]);
    rig.push_bytes(15, 64, both.clone(), vec![0]);
    let padding = Submission::none().bytes();
    rig.push_bytes(15, 0, [padding, padding].concat(), vec![]);
    pair.expect_pushed(&[first, first, second]);
    let burst = [first.bytes(), padding, first.bytes(), second.bytes()].concat();
    rig.push_bytes(15, 0xF80, burst, vec![]);
    for _ in 0..4 {
        assert_eq!(rig.push_result(), 0);
    }
    rig.finish(&mut pair);
    rig.engine.run(500).unwrap();
    pair.assert_untouched_around(&rig.memory);
    assert_eq!(rig.counter(1), 4);
}

#[test]
fn a_pair_that_is_not_enabled_takes_nothing() {
    let mut rig = Rig::new(config(9, 0.1));
    rig.push_bytes(2, 0, vec![0; 64], vec![]);
    assert_eq!(rig.push_result(), SLVERR);
    rig.write(DOORBELL_TAIL + 8 * 2, 1);
    rig.write(DOORBELL_HEAD + 8 * 2, 1);
    assert_eq!(rig.drained(2), 0, "no cause");
    assert_eq!(rig.read_pair(2, PAIR_SUBMISSION_INDICES), 0);
    assert_eq!(rig.counter(0), 0);
}

#[test]
fn a_host_that_goes_away_stops_its_own_pair_and_loses_nothing() {
    let mut rig = Rig::new(config(10, 0.1));
    let mut away = rig.enable(0, 8, 4);
    let mut here = rig.enable(1, 4, 4);
    let mut traffic = Traffic::new(10);
    for _ in 0..200 {
        away.submit(&rig.memory, traffic.next());
    }
    rig.ring_tail(&away);
    for _ in 0..50 {
        while here.space() > 0 {
            here.submit(&rig.memory, traffic.next());
        }
        rig.ring_tail(&here);
        rig.finish(&mut here);
    }
    // Exactly a ring of completions was written, the rest waits as submissions.
    assert_eq!(rig.read_pair(0, PAIR_SUBMISSION_INDICES) & 0xFFFF, 16);
    assert_eq!(rig.drained(0), 0);
    away.assert_written(&rig.memory, 16);
    rig.finish(&mut away);
    away.assert_untouched_around(&rig.memory);
}

#[test]
fn a_pair_that_the_host_stops_drains_and_starts_afresh() {
    let mut rig = Rig::new(config(11, 0.2));
    let mut traffic = Traffic::new(11);
    for round in 0..20 {
        let mut pair = rig.enable(3, 6, 6);
        for _ in 0..64 {
            pair.submit(&rig.memory, traffic.next());
        }
        rig.ring_tail(&pair);
        rig.engine.run(10 * round).unwrap();
        rig.write_pair(3, 0, 0);
        assert_eq!(rig.drained(3), 0);
        let claimed = rig.read_pair(3, PAIR_SUBMISSION_INDICES) & 0xFFFF;
        assert_eq!(
            rig.poll(&mut pair),
            claimed as usize,
            "round {round}: what was asked for is completed"
        );
        pair.assert_untouched_around(&rig.memory);
    }
}

/// The entries between are submitted and not asked for, because the completion ring has no place: a tail among them is
/// behind the one before, though not behind the head.
#[test]
fn a_tail_that_takes_submissions_back_stops_the_pair() {
    let mut rig = Rig::new(config(12, 0.1));
    let mut traffic = Traffic::new(12);
    let mut pair = rig.enable(4, 6, 3);
    for _ in 0..20 {
        pair.submit(&rig.memory, traffic.next());
    }
    rig.ring_tail(&pair);
    assert_eq!(rig.drained(4), 0);
    rig.write(DOORBELL_TAIL + 8 * 4, 19);
    assert_eq!(rig.drained(4), Stop::BadTail as u32);
    assert_eq!(rig.poll(&mut pair), 8);
    pair.assert_untouched_around(&rig.memory);
}

#[test]
fn the_first_cause_is_kept() {
    let mut rig = Rig::new(config(13, 0.0));
    let mut traffic = Traffic::new(13);
    let mut pair = rig.enable(7, 4, 4);
    let ring = pair.completion_base..pair.completion_base + 128;
    rig.engine.set_faults(vec![Fault {
        range: ring,
        access: Access::Write,
        response: ErrorResponse::Slverr,
    }]);
    for _ in 0..16 {
        pair.submit(&rig.memory, traffic.next());
    }
    rig.ring_tail(&pair);
    // After the burst was asked for, and before its completions are written.
    rig.engine.run(8).unwrap();
    rig.write(DOORBELL_TAIL + 8 * 7, 0x100);
    let bursts = rig.counter(5);
    assert_eq!(rig.drained(7), Stop::BadTail as u32);
    assert!(rig.counter(5) > bursts, "the write failed afterwards");
}

/// A push may take the places that a burst was planned with, whatever the clock in which it comes.
#[test]
fn a_push_while_a_burst_is_planned_never_makes_more_completions_than_places() {
    for delay in 0..24 {
        let mut rig = Rig::new(config(14, 0.0));
        let mut traffic = Traffic::new(14);
        let mut pair = rig.enable(1, 5, 3);
        for _ in 0..16 {
            pair.submit(&rig.memory, traffic.next());
        }
        let tail = cosim::engine::RegisterAccess::Write {
            address: u64::from(DOORBELL_TAIL) + 8,
            data: 16,
        };
        rig.engine.submit_register(0, tail).unwrap();
        rig.engine.run(delay).unwrap();
        let two = [traffic.next(), traffic.next()];
        rig.push(&mut pair, &two, 0);
        if rig.push_result() != 0 {
            pair.refused(2);
        }
        while rig.engine.register_result(0).unwrap().is_none() {
            rig.engine.step().unwrap();
        }
        rig.engine.run(1_000).unwrap();
        rig.drained(1);
        let completions = rig.read_pair(1, crate::rig::PAIR_COMPLETION_INDICES);
        assert_eq!(completions, 8, "delay {delay}");
        assert_eq!(rig.poll(&mut pair), 8);
        pair.assert_untouched_around(&rig.memory);
    }
}

/// What a ring's failed reads keep from being answered must not touch pushes to other pairs.
#[test]
fn pushes_are_answered_after_the_reads_of_another_pair_failed() {
    let mut rig = Rig::new(config(15, 0.0));
    let mut traffic = Traffic::new(15);
    let mut failing = rig.enable(VICTIM, 6, 6);
    let mut pushed = rig.enable(OTHER, 6, 6);
    // All that the kernel remembers of bursts is of this pair.
    for _ in 0..70 {
        failing.submit(&rig.memory, traffic.next());
        rig.ring_tail(&failing);
        rig.finish(&mut failing);
    }
    let ring = failing.submission_base..failing.submission_base + 64 * SUBMISSION_BYTES as u64;
    rig.engine.set_faults(vec![Fault {
        range: ring,
        access: Access::Read,
        response: ErrorResponse::Slverr,
    }]);
    failing.submit(&rig.memory, traffic.next());
    rig.ring_tail(&failing);
    rig.engine.run(500).unwrap();
    assert_eq!(rig.drained(VICTIM), Stop::ReadError as u32);
    for _ in 0..20 {
        let two = [traffic.next(), traffic.next()];
        rig.push(&mut pushed, &two, 0);
        assert_eq!(rig.push_result(), 0);
        rig.finish(&mut pushed);
    }
}
