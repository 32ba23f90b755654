//! AXI4-Stream from one compute unit to another: a FIFO between them, and the checks of the sender's side.
//!
//! Both ends move before any kernel is clocked, so that what happens does not depend on the order of the units.

use std::collections::VecDeque;

use super::error::{Channel, EngineError, Rule, Violation};
use super::interconnect::Interconnect;
use super::stall::{StallSource, TREADY, TVALID};
use super::unit::{Unit, no_such};
use crate::frame::AxiStream;
use crate::interface::{Direction, StreamInterface};

/// Fewest beats that a connection holds: two pass one beat a clock.
const MIN_DEPTH: usize = 2;

/// One end of a connection: a compute unit and the name of its stream port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEnd {
    /// Position of the unit in the engine.
    pub unit: usize,
    /// Name of the port; compared without case.
    pub port: String,
}

/// Where an end lies.
struct Place {
    unit: usize,
    offset: usize,
}

/// A stream between two ports.
pub(super) struct Link {
    /// Unit and port that send.
    name: String,
    from: Place,
    to: Place,
    /// What a sender without these signals means.
    tkeep: Option<[u64; 2]>,
    tstrb: bool,
    depth: usize,
    stalls: StallSource,
    fifo: VecDeque<AxiStream>,
    /// A beat that waits for the sender's TREADY.
    held: Option<AxiStream>,
}

impl Link {
    /// Connects `from` to `to` through a FIFO of `depth` beats (at least two).
    pub(super) fn new(
        units: &mut [Unit],
        from: &StreamEnd,
        to: &StreamEnd,
        depth: usize,
        stalls: StallSource,
    ) -> Result<Self, EngineError> {
        let (sender, from_unit) = find(units, from, Direction::Output)?;
        let (receiver, to_unit) = find(units, to, Direction::Input)?;
        let name = format!("{}.{}", units[from.unit].name, sender.name);
        if sender.data_width != receiver.data_width {
            return Err(EngineError::Unsupported {
                unit: units[to.unit].name.clone(),
                what: format!(
                    "stream port `{}` has {} data bits, but `{name}`, which feeds it, has {}",
                    receiver.name, receiver.data_width, sender.data_width
                ),
            });
        }
        for (place, port) in [(&from_unit, &sender.name), (&to_unit, &receiver.name)] {
            let unit = &mut units[place.unit];
            if !unit.open_streams.remove(port) {
                return Err(EngineError::Unsupported {
                    unit: unit.name.clone(),
                    what: format!("stream port `{port}` is connected twice"),
                });
            }
        }
        let bytes = sender.data_width / 8;
        let all = |low: u32| match bytes.saturating_sub(low) {
            0 => 0,
            64.. => u64::MAX,
            count => (1 << count) - 1,
        };
        Ok(Self {
            name,
            from: from_unit,
            to: to_unit,
            tkeep: (!sender.keep).then(|| [all(0), all(64)]),
            tstrb: sender.strobe,
            depth: depth.max(MIN_DEPTH),
            stalls,
            fifo: VecDeque::new(),
            held: None,
        })
    }

    /// One clock, before any unit is clocked.
    pub(super) fn step<const CHECK: bool>(
        &mut self,
        units: &mut [Unit],
        fabric: &mut Interconnect,
    ) -> Result<(), EngineError> {
        let stalled = self.stalls.draw(fabric.now);
        // SAFETY: the model checked that the structure lies in the frame, aligned and apart; nothing else refers to
        // it now.
        let sender = unsafe { stream(&mut units[self.from.unit], self.from.offset).as_mut() };
        if CHECK {
            self.check(sender, fabric.now)?;
        }
        let arrived = sender.tvalid & sender.tready != 0;
        if arrived {
            fabric.progress();
            self.fifo.push_back(self.complete(*sender));
        }
        sender.tready = u8::from(self.fifo.len() < self.depth && stalled & TREADY == 0);
        // SAFETY: as above; the sender's structure is not used any more.
        let receiver = unsafe { stream(&mut units[self.to.unit], self.to.offset).as_mut() };
        if receiver.tvalid & receiver.tready != 0 {
            fabric.progress();
            receiver.tvalid = 0;
        }
        // What is offered stays so.
        if receiver.tvalid == 0
            && stalled & TVALID == 0
            && let Some(beat) = self.fifo.pop_front()
        {
            let tready = receiver.tready;
            *receiver = beat;
            receiver.tvalid = 1;
            receiver.tready = tready;
        }
        Ok(())
    }

    /// A beat with what its sender leaves out: without TKEEP all bytes count, without TSTRB those of TKEEP.
    fn complete(&self, mut beat: AxiStream) -> AxiStream {
        if let Some(keep) = self.tkeep {
            beat.tkeep = keep;
        }
        if !self.tstrb {
            beat.tstrb = beat.tkeep;
        }
        beat
    }

    fn check(&mut self, axi: &AxiStream, now: u64) -> Result<(), EngineError> {
        let violation = |rule| {
            EngineError::Protocol(Violation {
                rule,
                port: self.name.clone(),
                channel: Channel::T,
                clock: now,
                detail: String::new(),
            })
        };
        if let Some(held) = &self.held {
            if axi.tvalid == 0 {
                return Err(violation(Rule::ValidDropped));
            }
            let payload =
                |s: &AxiStream| (s.tlast, s.tid, s.tdest, s.tuser, s.tkeep, s.tstrb, s.tdata);
            if payload(held) != payload(axi) {
                return Err(violation(Rule::PayloadChanged));
            }
        }
        self.held = (axi.tvalid != 0 && axi.tready == 0).then_some(*axi);
        Ok(())
    }

    /// Forgets what is under way; the frames are those of units in reset.
    pub(super) fn reset(&mut self, units: &mut [Unit]) {
        self.fifo.clear();
        self.held = None;
        for place in [&self.from, &self.to] {
            // SAFETY: as in `step`.
            let axi = unsafe { stream(&mut units[place.unit], place.offset).as_mut() };
            axi.tready = 0;
            axi.tvalid = 0;
        }
    }

    /// A unit that was reset alone may take back what it offered.
    pub(super) fn sender_was_reset(&mut self, unit: usize) {
        if self.from.unit == unit {
            self.held = None;
        }
    }

    /// A sender that asserts TVALID while in reset.
    pub(super) fn check_reset(&self, units: &mut [Unit], clock: u64) -> Result<(), EngineError> {
        let unit = &mut units[self.from.unit];
        // SAFETY: as in `step`.
        let valid = unsafe { stream(unit, self.from.offset).as_ref() }.tvalid;
        if valid == 0 || !unit.has_reset() {
            return Ok(());
        }
        Err(EngineError::Protocol(Violation {
            rule: Rule::ValidInReset,
            port: self.name.clone(),
            channel: Channel::T,
            clock,
            detail: String::new(),
        }))
    }

    /// What the two ends wait for, for the watchdog.
    pub(super) fn waiting(&self, units: &mut [Unit]) -> String {
        let mut ends = [&self.from, &self.to].map(|place| {
            // SAFETY: as in `step`.
            let axi = unsafe { stream(&mut units[place.unit], place.offset).as_ref() };
            (axi.tvalid, axi.tready)
        });
        let [(sent, ready), (offered, taken)] = &mut ends;
        format!(
            "  {}: VALID {sent} READY {ready}, {} of {} beats held, to {}: VALID {offered} READY {taken}\n",
            self.name,
            self.fifo.len(),
            self.depth,
            units[self.to.unit].name,
        )
    }

    /// The beats it holds, as bytes.
    pub(super) fn save(&self) -> Vec<u8> {
        self.fifo
            .iter()
            .flat_map(|beat| {
                // SAFETY: plain integers without padding (the asserts of `frame` account for every byte).
                let bytes: [u8; size_of::<AxiStream>()] = unsafe { std::mem::transmute(*beat) };
                bytes
            })
            .collect()
    }

    /// Takes back what `save` gave; false if it is no whole number of beats.
    pub(super) fn restore(&mut self, bytes: &[u8]) -> bool {
        let (beats, rest) = bytes.as_chunks::<{ size_of::<AxiStream>() }>();
        self.held = None;
        // SAFETY: any bytes are a value of plain integers.
        let beat = |bytes: &[u8; size_of::<AxiStream>()]| unsafe { std::mem::transmute(*bytes) };
        self.fifo = beats.iter().map(beat).collect();
        rest.is_empty()
    }
}

/// The structure of a stream port.
fn stream(unit: &mut Unit, offset: usize) -> std::ptr::NonNull<AxiStream> {
    // SAFETY: the offset is that of the unit's own description, inside its frame.
    unsafe { unit.model.frame().add(offset).cast::<AxiStream>() }
}

fn find(
    units: &[Unit],
    end: &StreamEnd,
    direction: Direction,
) -> Result<(StreamInterface, Place), EngineError> {
    let unit = units
        .get(end.unit)
        .ok_or(EngineError::NoSuchUnit(end.unit))?;
    let ports = || {
        let streams = unit.model.interfaces().streams.iter();
        streams.filter(|port| port.direction == direction)
    };
    match ports().find(|port| port.name.eq_ignore_ascii_case(&end.port)) {
        Some(port) => Ok((
            port.clone(),
            Place {
                unit: end.unit,
                offset: port.offset,
            },
        )),
        None => {
            let names: Vec<_> = ports().map(|port| port.name.as_str()).collect();
            let kind = match direction {
                Direction::Output => "sending stream port",
                Direction::Input => "receiving stream port",
            };
            Err(no_such(&unit.name, kind, &end.port, &names))
        }
    }
}
