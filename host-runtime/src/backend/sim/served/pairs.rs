//! The queue pairs of a served card: what clients ring goes to the kernels, what the kernels raise goes to the clients.

use card_shell::{CardEvents, Doorbell};

use crate::Result;
use crate::backend::sim::device::SimDevice;
use crate::backend::sim::pair::{pair_register, stop_pair};
use crate::backend::sim::queues::{Place, Posted};
use crate::card_id::CardId;
use crate::queue::Submission;
use crate::queue::driver::count_pairs;
use crate::queue::registers as reg;

/// Completions for which a client is woken although there are more to come: waking takes longer than as many clocks.
const MANY: u16 = 512;

/// The pairs of the loaded image. They are counted over all units.
#[derive(Default)]
pub(super) struct Pairs {
    units: Vec<Unit>,
    pairs: Vec<Pair>,
}

struct Unit {
    /// Its position in the engine.
    unit: usize,
    /// Pairs whose clients want an interrupt, a bit for each.
    enabled: u32,
}

#[derive(Clone, Default)]
struct Pair {
    /// Where it is, while a client holds it.
    place: Option<Place>,
    /// It was enabled, and nobody has been told that it stopped.
    watched: bool,
    /// Submission tail, submissions pushed, and the completion head when an interrupt was asked for.
    tail: u16,
    pushed: u16,
    head: u16,
}

impl Pair {
    /// Whether its client is told now: all that it submitted is answered, or a good part of it.
    fn is_worth_waking(&self, unit: usize, place: Place, device: &mut SimDevice) -> Result<bool> {
        let indices = pair_register(place, reg::COMPLETION_INDICES);
        let tail = device.read_register(unit, indices)? as u16;
        let submitted = self.tail.wrapping_add(self.pushed);
        Ok(tail == submitted || tail.wrapping_sub(self.head) >= MANY)
    }
}

impl Pairs {
    /// What a device that was just made or reset has; nobody holds any.
    pub(super) fn new(card: CardId, device: &mut SimDevice) -> Result<Self> {
        let mut counts = Vec::new();
        let units = device.queues.units();
        for &unit in &units {
            counts.push(count_pairs(card, |offset| {
                device.read_register(unit, offset)
            })?);
        }
        device.queues.set_pairs(&counts);
        Ok(Self {
            units: units
                .into_iter()
                .map(|unit| Unit { unit, enabled: 0 })
                .collect(),
            pairs: vec![Pair::default(); counts.iter().sum()],
        })
    }

    /// The kernels were reset: nobody holds any.
    pub(super) fn forget(&mut self) {
        self.pairs.fill(Pair::default());
        self.units.iter_mut().for_each(|unit| unit.enabled = 0);
    }

    pub(super) fn count(&self) -> u32 {
        self.pairs.len() as u32
    }

    /// Whether a compute unit has queue pairs.
    pub(super) fn are_of(&self, unit: usize) -> bool {
        self.units.iter().any(|queue| queue.unit == unit)
    }

    pub(super) fn take(&mut self, pair: u32, device: &mut SimDevice) {
        if let Some(state) = self.pairs.get_mut(pair as usize) {
            let user = Some(format!("pair {pair}"));
            *state = Pair {
                place: Some(device.queues.take(pair as usize, user)),
                ..Pair::default()
            };
        }
    }

    /// Stops a pair; whether it came to rest.
    pub(super) fn give_back(&mut self, pair: u32, device: &mut SimDevice) -> Result<bool> {
        let Some(state) = self.pairs.get_mut(pair as usize) else {
            return Ok(true);
        };
        let Some(place) = state.place.take() else {
            return Ok(true);
        };
        self.enable_interrupt(place, false, device)?;
        stop_pair(device, place)
    }

    /// Sends what was rung to the kernels.
    pub(super) fn deliver(
        &mut self,
        rung: &mut Vec<(u32, Doorbell)>,
        device: &mut SimDevice,
        events: &dyn CardEvents,
    ) -> Result<()> {
        let mut heads = device.queues.awaits_registers();
        for (pair, doorbell) in rung.drain(..) {
            let Some(state) = self.pairs.get_mut(pair as usize) else {
                continue;
            };
            let Some(place) = state.place else {
                continue;
            };
            let posted = match doorbell {
                Doorbell::Interrupt(head) => {
                    state.head = head;
                    if self.want_interrupt(place, head, device)? {
                        events.pair_interrupt(pair);
                    }
                    continue;
                }
                Doorbell::Head(head) => {
                    heads = true;
                    Posted::Head(head)
                }
                Doorbell::Push(bytes) => {
                    // It goes by another bus, and must not overtake the head that made room for it.
                    if std::mem::take(&mut heads) {
                        device.let_registers_settle()?;
                    }
                    let push: [Submission; 2] = bytemuck::pod_read_unaligned(&bytes);
                    let counts = push.iter().filter(|half| !half.is_none());
                    state.pushed = state.pushed.wrapping_add(counts.count() as u16);
                    Posted::Push(push)
                }
                Doorbell::Tail(tail) => {
                    state.tail = tail;
                    Posted::Tail(tail)
                }
            };
            device.queues.mailbox().post(place, [posted]);
        }
        Ok(())
    }

    /// Has a pair interrupt with its next completion; says if one is there that its client does not know of.
    fn want_interrupt(&mut self, place: Place, head: u16, device: &mut SimDevice) -> Result<bool> {
        let unit = device.queues.unit_of(place);
        // Cleared first: what is answered from here on sets it again.
        device.write_register(unit, reg::INTERRUPT_PENDING, 1 << place.pair)?;
        let indices = pair_register(place, reg::COMPLETION_INDICES);
        let tail = device.read_register(unit, indices)? as u16;
        self.enable_interrupt(place, tail == head, device)?;
        Ok(tail != head)
    }

    fn enable_interrupt(
        &mut self,
        place: Place,
        wanted: bool,
        device: &mut SimDevice,
    ) -> Result<()> {
        let position = device.queues.unit_of(place);
        let Some(unit) = self.units.iter_mut().find(|unit| unit.unit == position) else {
            return Ok(());
        };
        let before = unit.enabled;
        unit.enabled = before & !(1 << place.pair) | u32::from(wanted) << place.pair;
        if unit.enabled != before {
            let enabled = unit.enabled;
            device.write_register(position, reg::INTERRUPT_ENABLE, enabled)?;
            device.write_register(position, reg::INTERRUPTS, u32::from(enabled != 0))?;
        }
        Ok(())
    }

    /// Tells the clients whose pairs interrupt.
    pub(super) fn tell_interrupts(
        &mut self,
        device: &mut SimDevice,
        events: &dyn CardEvents,
    ) -> Result<()> {
        for unit in &mut self.units {
            if unit.enabled == 0 || !device.interrupt(unit.unit) {
                continue;
            }
            let pending = device.read_register(unit.unit, reg::INTERRUPT_PENDING)? & unit.enabled;
            // Cleared first: what is answered from here on sets it again.
            device.write_register(unit.unit, reg::INTERRUPT_PENDING, pending)?;
            for (index, pair) in self.pairs.iter().enumerate() {
                let raised = |place: &Place| {
                    device.queues.unit_of(*place) == unit.unit && pending >> place.pair & 1 != 0
                };
                if let Some(place) = pair.place.filter(raised)
                    && pair.is_worth_waking(unit.unit, place, device)?
                {
                    // It was asked for once.
                    unit.enabled &= !(1 << place.pair);
                    events.pair_interrupt(index as u32);
                }
            }
            device.write_register(unit.unit, reg::INTERRUPT_ENABLE, unit.enabled)?;
        }
        Ok(())
    }

    /// A register of a unit is written: it may be the one that enables a pair.
    pub(super) fn sees_write(&mut self, device: &SimDevice, unit: usize, offset: u32, value: u32) {
        if value & reg::ENABLE == 0 || offset < reg::PAIR {
            return;
        }
        for pair in &mut self.pairs {
            let enables = |place: Place| {
                device.queues.unit_of(place) == unit && offset == pair_register(place, reg::CONTROL)
            };
            pair.watched |= pair.place.is_some_and(enables);
        }
    }

    /// Tells the clients whose pairs the card has stopped.
    pub(super) fn tell_stopped(
        &mut self,
        device: &mut SimDevice,
        events: &dyn CardEvents,
    ) -> Result<()> {
        for (index, pair) in self.pairs.iter_mut().enumerate() {
            let Some(place) = pair.place.filter(|_| pair.watched) else {
                continue;
            };
            let unit = device.queues.unit_of(place);
            let control = device.read_register(unit, pair_register(place, reg::CONTROL))?;
            if control & (reg::ENABLED | reg::UNDER_WAY) == 0 {
                pair.watched = false;
                events.pair_stopped(index as u32, reg::stop_code(control));
            }
        }
        Ok(())
    }
}
