//! Faults that strike the buses of an engine: which, and at which of their events. What a struck event does is the bus
//! models' business; who asks for it, and why, is nobody's here.
//!
//! Whether an event is struck is a function of the seed, the injection and the event's number among those that the
//! injection waits for, so the same calls are struck again with the same seed.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::interconnect::ErrorResponse;
use super::stall::mix;

/// What an injection waits for, and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// Read bursts of memory ports.
    Read,
    /// Write bursts of memory ports.
    Write,
    /// Bursts of memory ports, both ways.
    Burst,
    /// Reads on register ports.
    RegisterRead,
    /// Writes on register ports.
    RegisterWrite,
    /// Accesses of register ports, both ways.
    Register,
    /// Rising edges of interrupts.
    Interrupt,
}

impl Site {
    fn covers(self, event: Self) -> bool {
        match self {
            Self::Burst => matches!(event, Self::Read | Self::Write),
            Self::Register => matches!(event, Self::RegisterRead | Self::RegisterWrite),
            site => site == event,
        }
    }
}

/// What becomes of a struck event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It is answered with an error: a burst on one of its beats, and what that beat would have written is not. A
    /// register is not accessed.
    Respond(ErrorResponse),
    /// A bit of one of its beats flips on the way. The buses carry a parity bit for each byte (IHI 0022 calls them check
    /// signals), so the beat is refused where it arrives: SLVERR, and nothing is written.
    Flip,
    /// So many bits (1 or 2) of a 64-bit word that it reads flip in the memory before it does. What follows is the
    /// memory's error correction's business.
    Upset(u32),
    /// It is never answered.
    Hang,
    /// It comes so many clocks later.
    Delay(u64),
    /// Nobody sees it; only an interrupt can be lost.
    Lose,
    /// Of an interrupt: nobody sees it, and the control register reads as that of a kernel at work until it is reset.
    Withhold,
    /// Nothing; [`Injector::take_told`] tells of it.
    Tell,
}

/// Which of the events that an injection waits for are struck.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trigger {
    /// The first that can be; the very first is 1.
    pub from: u64,
    /// How many at most.
    pub times: u64,
    /// How likely each is, from 0 to 1.
    pub chance: f64,
}

impl Trigger {
    /// The event of that number, and no other.
    pub fn nth(number: u64) -> Self {
        Self {
            from: number,
            times: 1,
            chance: 1.0,
        }
    }

    /// Whether the event of that number is struck after `struck` others were. `key` tells apart what shares a seed.
    pub fn strikes(&self, key: u64, number: u64, struck: u64) -> bool {
        if number < self.from || struck >= self.times {
            return false;
        }
        // 53 bits, as many as a float holds.
        let drawn = (random(key, number) >> 11) as f64 / (1u64 << 53) as f64;
        drawn < self.chance
    }
}

/// A random number for an event.
pub fn random(key: u64, number: u64) -> u64 {
    mix(mix(key).wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// One fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Injection {
    /// What it waits for.
    pub site: Site,
    /// The port, as `m_axi_gmem0` or with its compute unit before it, as `copy_1.m_axi_gmem0`; for an interrupt
    /// `copy_1.interrupt`. `None`: any.
    pub port: Option<String>,
    /// Addresses, or byte offsets of registers, of which an event must touch one; `None`: any.
    pub range: Option<Range<u64>>,
    /// Which of the events.
    pub trigger: Trigger,
    /// What becomes of them.
    pub effect: Effect,
}

/// What an injection has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InjectionTally {
    /// Events that it waited for.
    pub seen: u64,
    /// Those that were struck.
    pub struck: u64,
    /// Clock of the last one.
    pub clock: u64,
}

/// An event that may be struck.
pub(super) struct Occurrence<'a> {
    pub(super) site: Site,
    /// Compute unit and port.
    pub(super) port: &'a str,
    pub(super) first: u64,
    pub(super) bytes: u64,
    pub(super) clock: u64,
}

/// What strikes one event, all injections together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Strike {
    /// The error response; 0 for none.
    pub(super) response: u8,
    /// Clocks that it comes later; `u64::MAX`: never.
    pub(super) delay: u64,
    /// Bits to flip in memory.
    pub(super) upset: u32,
    pub(super) lost: bool,
    /// The kernel's end is hidden.
    pub(super) withheld: bool,
    /// For what is to be chosen: a beat, a word, bits.
    pub(super) random: u64,
}

/// The injections of an engine. It may be armed and asked from other threads than the engine's.
#[derive(Debug, Default)]
pub struct Injector {
    /// There are injections. Kept apart, so that an engine without any pays for one load a burst.
    armed: AtomicBool,
    /// Some of them wait for interrupts.
    interrupts: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    seed: u64,
    injections: Vec<(Injection, InjectionTally)>,
    /// Injections that struck and only tell.
    told: Vec<usize>,
}

impl Injector {
    /// Replaces the injections, and begins to count anew.
    pub fn arm(&self, seed: u64, injections: Vec<Injection>) {
        let mut state = self.lock();
        self.interrupts.store(
            injections
                .iter()
                .any(|injection| injection.site == Site::Interrupt),
            Ordering::Relaxed,
        );
        self.armed.store(!injections.is_empty(), Ordering::Relaxed);
        *state = State {
            seed,
            injections: injections
                .into_iter()
                .map(|injection| (injection, InjectionTally::default()))
                .collect(),
            told: Vec::new(),
        };
    }

    /// What each injection has done since they were armed.
    pub fn tally(&self) -> Vec<InjectionTally> {
        self.lock()
            .injections
            .iter()
            .map(|&(_, tally)| tally)
            .collect()
    }

    /// Positions of injections with [`Effect::Tell`] that struck since the last call.
    pub fn take_told(&self) -> Vec<usize> {
        if self.is_armed() {
            std::mem::take(&mut self.lock().told)
        } else {
            Vec::new()
        }
    }

    /// Whether there are injections.
    #[inline]
    pub fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn watches_interrupts(&self) -> bool {
        self.interrupts.load(Ordering::Relaxed)
    }

    /// What strikes an event; `None` for nearly all.
    #[inline]
    pub(super) fn strike(&self, event: &Occurrence<'_>) -> Option<Strike> {
        if self.is_armed() {
            self.strike_armed(event)
        } else {
            None
        }
    }

    #[cold]
    fn strike_armed(&self, event: &Occurrence<'_>) -> Option<Strike> {
        let state = &mut *self.lock();
        let mut strike: Option<Strike> = None;
        for (index, (injection, tally)) in state.injections.iter_mut().enumerate() {
            if !injection.waits_for(event) {
                continue;
            }
            tally.seen += 1;
            let key = mix(state.seed).wrapping_add(index as u64);
            if !injection.trigger.strikes(key, tally.seen, tally.struck) {
                continue;
            }
            tally.struck += 1;
            tally.clock = event.clock;
            let strike = strike.get_or_insert_default();
            // Another one than that by which the trigger was drawn.
            strike.random = random(!key, tally.seen);
            match injection.effect {
                Effect::Respond(response) => strike.response = response.code(),
                Effect::Flip => strike.response = ErrorResponse::Slverr.code(),
                Effect::Upset(bits) => strike.upset = bits,
                Effect::Hang => strike.delay = u64::MAX,
                Effect::Delay(clocks) => strike.delay = strike.delay.saturating_add(clocks),
                Effect::Lose => strike.lost = true,
                Effect::Withhold => (strike.lost, strike.withheld) = (true, true),
                Effect::Tell => state.told.push(index),
            }
        }
        strike
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Injection {
    fn waits_for(&self, event: &Occurrence<'_>) -> bool {
        self.site.covers(event.site)
            && self
                .port
                .as_deref()
                .is_none_or(|port| names_port(event.port, port))
            && self.range.as_ref().is_none_or(|range| {
                event.first < range.end && range.start < event.first.saturating_add(event.bytes)
            })
    }
}

/// Whether `port` is the end of `name`, which is `kernel:unit.port` or `kernel.port`: what [`Injection::port`] goes by.
pub fn names_port(name: &str, port: &str) -> bool {
    name.strip_suffix(port)
        .is_some_and(|before| before.is_empty() || before.ends_with(['.', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(site: Site, port: &str, first: u64) -> Occurrence<'_> {
        Occurrence {
            site,
            port,
            first,
            bytes: 64,
            clock: 7,
        }
    }

    fn armed(injection: Injection) -> Injector {
        let injector = Injector::default();
        injector.arm(3, vec![injection]);
        injector
    }

    fn refusal(trigger: Trigger) -> Injection {
        Injection {
            site: Site::Read,
            port: None,
            range: None,
            trigger,
            effect: Effect::Respond(ErrorResponse::Decerr),
        }
    }

    #[test]
    fn the_nth_event_is_struck_and_no_other() {
        let injector = armed(refusal(Trigger::nth(3)));
        let struck: Vec<bool> = (0..6)
            .map(|_| injector.strike(&event(Site::Read, "u.p", 0)).is_some())
            .collect();
        assert_eq!(struck, [false, false, true, false, false, false]);
        let tally = InjectionTally {
            seen: 6,
            struck: 1,
            clock: 7,
        };
        assert_eq!(injector.tally(), [tally]);
    }

    #[test]
    fn chances_are_met_and_repeat_with_the_seed() {
        let trigger = Trigger {
            from: 1,
            times: u64::MAX,
            chance: 0.25,
        };
        let draw = || -> Vec<bool> {
            let injector = armed(refusal(trigger));
            (0..10_000)
                .map(|_| injector.strike(&event(Site::Read, "u.p", 0)).is_some())
                .collect()
        };
        let struck = draw();
        let count = struck.iter().filter(|struck| **struck).count();
        assert!((2300..2700).contains(&count), "{count}");
        assert_eq!(struck, draw());
    }

    #[test]
    fn only_the_named_port_range_and_direction_count() {
        let injection = Injection {
            port: Some("u_1.m0".to_owned()),
            range: Some(100..200),
            ..refusal(Trigger::nth(1))
        };
        for (site, port, first, hit) in [
            (Site::Write, "k:u_1.m0", 128, false),
            (Site::Read, "k:u_1.m1", 128, false),
            (Site::Read, "k:xu_1.m0", 128, false),
            (Site::Read, "k:u_1.m0", 200, false),
            (Site::Read, "k:u_1.m0", 36, false),
            (Site::Read, "k:u_1.m0", 37, true),
            (Site::Read, "u_1.m0", 199, true),
        ] {
            let struck = armed(injection.clone()).strike(&event(site, port, first));
            assert_eq!(struck.is_some(), hit, "{site:?} {port} {first}");
        }
    }
}
