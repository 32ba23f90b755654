//! The switch of a card's faults: armed by whoever holds a handle of it, asked by every layer of the card.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use cosim::Engine;
use cosim::engine::{Effect, Injection, Injector, Site, random};
use parking_lot::Mutex;
use serde::Serialize;

use super::{ErrorResponse, Event, Fault, FaultError, FaultKind, FaultPlan};
use crate::image::Image;

/// How a card's link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It works.
    Up,
    /// It is down: reads give all ones, writes are lost.
    Lost,
    /// The card is gone.
    Removed,
}

/// What a fault of a plan has done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultTally {
    /// The fault.
    pub fault: Fault,
    /// Events that it waited for.
    pub seen: u64,
    /// Those that were struck.
    pub struck: u64,
}

/// A piece of DMA that may be struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transfer {
    pub(crate) to_card: bool,
    /// The card's address.
    pub(crate) address: u64,
    pub(crate) len: usize,
}

/// What strikes a piece of DMA.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TransferStrike {
    /// The card's memory answers so.
    pub(crate) response: Option<ErrorResponse>,
    /// Half of it is moved.
    pub(crate) short: bool,
    /// The engine does not end.
    pub(crate) hang: bool,
    /// Bits flip on the way; whether sending it again helps.
    pub(crate) flip: Option<bool>,
    /// So many bits of a word flip in memory before.
    pub(crate) upset: u32,
    /// Which word, which bits.
    pub(crate) random: u64,
}

/// The faults in force on one simulated card. Clones are the same switch: give one to the card that is opened or served
/// ([`SimOptions::faults`](crate::SimOptions::faults)), keep another to arm it anew at any time.
#[derive(Clone, Default)]
pub struct FaultInjector(Arc<Shared>);

#[derive(Default)]
struct Shared {
    bus: Arc<Injector>,
    state: Mutex<State>,
    /// There are faults of transfers or doorbells.
    off_bus: AtomicBool,
    link: AtomicU8,
    /// The kernels are to be reset.
    reset: AtomicBool,
    /// Packets of the link that were sent again.
    replays: AtomicU64,
    /// Whom to tell of the link.
    observer: Mutex<Option<Observer>>,
}

type Observer = Box<dyn Fn(LinkState) + Send + Sync>;

#[derive(Default)]
struct State {
    plan: FaultPlan,
    /// Which fault of the plan each injection of the engine stands for.
    on_bus: Vec<usize>,
    /// Events and strikes of the others.
    tallies: Vec<(u64, u64)>,
}

impl fmt::Debug for FaultInjector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultInjector")
            .field("plan", &self.0.state.lock().plan)
            .finish_non_exhaustive()
    }
}

impl FaultInjector {
    /// With a plan in force from the beginning.
    pub fn new(plan: FaultPlan) -> Self {
        let injector = Self::default();
        injector.arm(plan);
        injector
    }

    /// Replaces the plan, and begins to count events anew. What the earlier plan did to the link stays.
    pub fn arm(&self, plan: FaultPlan) {
        let mut injections = Vec::new();
        let mut on_bus = Vec::new();
        let mut now = Vec::new();
        let mut off_bus = false;
        for (index, fault) in plan.faults.iter().enumerate() {
            match site(fault.event) {
                Some(site) => {
                    on_bus.push(index);
                    injections.push(injection(fault, site));
                }
                None if fault.event == Event::Now => now.push(index),
                None => off_bus = true,
            }
        }
        let kinds: Vec<FaultKind> = now.iter().map(|&index| plan.faults[index].kind).collect();
        {
            let mut state = self.0.state.lock();
            let mut tallies = vec![(0, 0); plan.faults.len()];
            now.into_iter().for_each(|index| tallies[index] = (1, 1));
            // The state stays locked until both halves have the new plan.
            self.0.bus.arm(plan.seed, injections);
            *state = State {
                plan,
                on_bus,
                tallies,
            };
            self.0.off_bus.store(off_bus, Ordering::Release);
        }
        kinds.into_iter().for_each(|kind| self.befall(kind));
    }

    /// Strikes nothing any more. The link stays as it is.
    pub fn disarm(&self) {
        self.arm(FaultPlan::default());
    }

    /// What each fault of the plan has done since it was armed.
    pub fn tally(&self) -> Vec<FaultTally> {
        let state = self.0.state.lock();
        let mut counts = state.tallies.clone();
        for (&index, tally) in state.on_bus.iter().zip(self.0.bus.tally()) {
            counts[index] = (tally.seen, tally.struck);
        }
        let faults = state.plan.faults.iter().cloned();
        faults
            .zip(counts)
            .map(|(fault, (seen, struck))| FaultTally {
                fault,
                seen,
                struck,
            })
            .collect()
    }

    /// Whether the plan in force names only ports that the kernels of an image have.
    pub(crate) fn check_ports(&self, image: &Image, engine: &Engine) -> Result<(), FaultError> {
        self.0.state.lock().plan.check_ports(image, engine)
    }

    /// How the link is.
    pub fn link(&self) -> LinkState {
        match self.0.link.load(Ordering::Acquire) {
            0 => LinkState::Up,
            1 => LinkState::Lost,
            _ => LinkState::Removed,
        }
    }

    /// Has the link come up again after it was lost, or the card put back after it was removed.
    pub fn restore_link(&self) {
        self.set_link(LinkState::Up);
    }

    /// Packets of the link that were damaged, found by its CRC, and sent again.
    pub fn replays(&self) -> u64 {
        self.0.replays.load(Ordering::Relaxed)
    }

    /// What the engine asks.
    pub(crate) fn bus(&self) -> Arc<Injector> {
        Arc::clone(&self.0.bus)
    }

    /// Has somebody told of the link from now on.
    pub(crate) fn observe(&self, observer: impl Fn(LinkState) + Send + Sync + 'static) {
        *self.0.observer.lock() = Some(Box::new(observer));
    }

    /// Whether something on the buses may be struck, so that the engine is looked at often.
    pub(crate) fn watches_bus(&self) -> bool {
        self.0.bus.is_armed()
    }

    /// Does to link and kernels what events on the buses asked for. Whether the kernels are to be reset now.
    pub(crate) fn take_reset(&self) -> bool {
        let told = self.0.bus.take_told();
        if !told.is_empty() {
            let kinds: Vec<FaultKind> = {
                let state = self.0.state.lock();
                let faults = told.iter().filter_map(|&told| state.on_bus.get(told));
                faults.map(|&index| state.plan.faults[index].kind).collect()
            };
            kinds.into_iter().for_each(|kind| self.befall(kind));
        }
        self.0.reset.load(Ordering::Acquire) && self.0.reset.swap(false, Ordering::AcqRel)
    }

    /// What strikes a piece of DMA; `None` for nearly all.
    pub(crate) fn transfer(&self, transfer: Transfer) -> Option<TransferStrike> {
        if !self.0.off_bus.load(Ordering::Acquire) {
            return None;
        }
        let (strike, kinds) = self.draw(|fault| waits_for(fault, transfer));
        kinds.into_iter().for_each(|kind| self.befall(kind));
        strike
    }

    /// Whether a doorbell is lost on its way to the kernel.
    pub(crate) fn loses_doorbell(&self) -> bool {
        if !self.0.off_bus.load(Ordering::Acquire) {
            return false;
        }
        let (_, mut kinds) = self.draw(|fault| fault.event == Event::Doorbell);
        let before = kinds.len();
        kinds.retain(|kind| *kind != FaultKind::DoorbellLost);
        let lost = kinds.len() < before;
        kinds.into_iter().for_each(|kind| self.befall(kind));
        lost
    }

    /// Counts an event, and says what strikes it.
    fn draw(
        &self,
        is_waited_for: impl Fn(&Fault) -> bool,
    ) -> (Option<TransferStrike>, Vec<FaultKind>) {
        let mut state = self.0.state.lock();
        let State { plan, tallies, .. } = &mut *state;
        let mut strike: Option<TransferStrike> = None;
        let mut kinds = Vec::new();
        for (index, (fault, (seen, struck))) in plan.faults.iter().zip(tallies).enumerate() {
            if !is_waited_for(fault) {
                continue;
            }
            *seen += 1;
            let key = random(plan.seed, index as u64);
            if !fault.trigger.strikes(key, *seen, *struck) {
                continue;
            }
            *struck += 1;
            tracing::debug!(%fault, event = *seen, "a fault strikes");
            let strike = strike.get_or_insert_default();
            strike.random = random(!key, *seen);
            match fault.kind {
                FaultKind::DmaError(response) => strike.response = Some(response),
                FaultKind::DmaShort => strike.short = true,
                FaultKind::DmaHang => strike.hang = true,
                FaultKind::DmaFlip { replayed } => {
                    strike.flip = Some(replayed);
                    self.0.replays.fetch_add(1, Ordering::Relaxed);
                }
                FaultKind::MemoryFlip(bits) => strike.upset = bits,
                kind => kinds.push(kind),
            }
        }
        (strike, kinds)
    }

    /// What befalls the card as a whole.
    fn befall(&self, kind: FaultKind) {
        match kind {
            FaultKind::LinkLoss => self.set_link(LinkState::Lost),
            FaultKind::Removal => self.set_link(LinkState::Removed),
            FaultKind::Reset => self.0.reset.store(true, Ordering::Release),
            _ => {}
        }
    }

    fn set_link(&self, link: LinkState) {
        let word = match link {
            LinkState::Up => 0,
            LinkState::Lost => 1,
            LinkState::Removed => 2,
        };
        if self.0.link.swap(word, Ordering::AcqRel) != word
            && let Some(observer) = &*self.0.observer.lock()
        {
            observer(link);
        }
    }
}

/// Where on the buses an event is; `None` for those that are elsewhere.
fn site(event: Event) -> Option<Site> {
    Some(match event {
        Event::Read => Site::Read,
        Event::Write => Site::Write,
        Event::Burst => Site::Burst,
        Event::RegisterRead => Site::RegisterRead,
        Event::RegisterWrite => Site::RegisterWrite,
        Event::Register => Site::Register,
        Event::Interrupt => Site::Interrupt,
        Event::ToCard | Event::FromCard | Event::Transfer | Event::Doorbell | Event::Now => {
            return None;
        }
    })
}

fn injection(fault: &Fault, site: Site) -> Injection {
    Injection {
        site,
        port: fault.port.clone(),
        range: fault.range.clone(),
        trigger: fault.trigger,
        effect: match fault.kind {
            FaultKind::AxiError(response) | FaultKind::RegisterError(response) => {
                Effect::Respond(response)
            }
            FaultKind::AxiFlip => Effect::Flip,
            FaultKind::Hang => Effect::Hang,
            FaultKind::Slow(clocks) | FaultKind::InterruptLate(clocks) => Effect::Delay(clocks),
            FaultKind::MemoryFlip(bits) => Effect::Upset(bits),
            FaultKind::InterruptLost => Effect::Lose,
            FaultKind::DoneWithheld => Effect::Withhold,
            // Of link and kernels; and what never waits for a bus.
            _ => Effect::Tell,
        },
    }
}

fn waits_for(fault: &Fault, transfer: Transfer) -> bool {
    let direction = match fault.event {
        Event::Transfer => true,
        Event::ToCard => transfer.to_card,
        Event::FromCard => !transfer.to_card,
        _ => false,
    };
    let end = transfer.address.saturating_add(transfer.len as u64);
    let touched = fault
        .range
        .as_ref()
        .is_none_or(|range| transfer.address < range.end && range.start < end);
    direction && touched
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(to_card: bool, address: u64) -> Transfer {
        Transfer {
            to_card,
            address,
            len: 4096,
        }
    }

    #[test]
    fn transfers_are_counted_by_direction_and_address() {
        let faults: Vec<Fault> = [
            "dma-error:on=to-card,at=2,range=0x1000..0x3000",
            "dma-short",
        ]
        .iter()
        .map(|text| text.parse().expect("a fault"))
        .collect();
        let injector = FaultInjector::new(FaultPlan { seed: 1, faults });
        assert!(injector.transfer(piece(false, 0)).expect("short").short);
        assert!(injector.transfer(piece(true, 0x1000)).is_none());
        assert!(injector.transfer(piece(true, 0x8000)).is_none());
        let strike = injector.transfer(piece(true, 0x2000)).expect("the second");
        assert_eq!(strike.response, Some(ErrorResponse::Slverr));
        let counts: Vec<_> = injector
            .tally()
            .iter()
            .map(|tally| (tally.seen, tally.struck))
            .collect();
        assert_eq!(counts, [(2, 1), (4, 1)]);
        injector.disarm();
        assert!(injector.transfer(piece(true, 0x2000)).is_none());
    }

    #[test]
    fn a_doorbell_is_lost_by_its_number_and_is_no_transfer() {
        let fault = "doorbell-lost:at=2".parse().expect("a fault");
        let injector = FaultInjector::new(FaultPlan::of(1, fault));
        assert!(injector.transfer(piece(true, 0)).is_none());
        let lost: Vec<bool> = (0..4).map(|_| injector.loses_doorbell()).collect();
        assert_eq!(lost, [false, true, false, false]);
        assert_eq!(injector.tally()[0].seen, 4);
    }

    #[test]
    fn the_link_goes_down_at_once_or_at_its_event_and_comes_back() {
        let injector = FaultInjector::default();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let of_observer = Arc::clone(&seen);
        injector.observe(move |link| of_observer.lock().push(link));
        let plan = |text: &str| FaultPlan::of(1, text.parse().expect("a fault"));
        injector.arm(plan("link-loss"));
        assert_eq!(injector.link(), LinkState::Lost);
        injector.restore_link();
        injector.arm(plan("removal:on=from-card,at=2"));
        injector.transfer(piece(false, 0));
        assert_eq!(injector.link(), LinkState::Up);
        injector.transfer(piece(false, 0));
        let expected = [LinkState::Lost, LinkState::Up, LinkState::Removed];
        assert_eq!(*seen.lock(), expected);
    }

    #[test]
    fn a_reset_is_due_once() {
        let injector = FaultInjector::new(FaultPlan::of(1, Fault::new(FaultKind::Reset)));
        assert!(injector.take_reset());
        assert!(!injector.take_reset());
    }
}
