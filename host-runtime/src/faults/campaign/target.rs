//! A card under test: how it is made, leased, put to work, counted, and opened again when it was lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cosim::EngineConfig;

use super::cases::{EventCounts, Stage, Suffering, Usage};
use super::tenancy::{Tenancy, Tenant};
use super::work::{Done, Work};
use crate::faults::{Event, Fault, FaultInjector, FaultKind, FaultPlan};
use crate::{
    Card, CardId, Error, Image, Inventory, OpenOptions, Result, ServeOptions, ServedCard,
    SimOptions,
};

/// Clocks without progress after which an in-process card gives up: a few milliseconds, many times what a run takes.
const WATCHDOG: u64 = 20_000;

/// Longest that a run may take while a fault is in force: hundreds of times what it takes.
pub(super) const TIMEOUT: Duration = Duration::from_millis(400);

/// Longest that a served card may take for an answer or a piece of DMA: likewise, on a machine that is busy.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Longest that one may take on a card that is well.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pause between looks at what others do.
const PAUSE: Duration = Duration::from_millis(5);

/// A card that suffers.
pub(super) struct Target {
    pub(super) suffering: Suffering,
    usage: Usage,
    pub(super) faults: FaultInjector,
    // Closed before the lease ends.
    card: Option<Card>,
    tenant: Tenant,
    image: Arc<Image>,
    state: PathBuf,
    served: Option<ServedCard>,
    /// Events of one use, and of what comes before it: loading the image, or opening a queue.
    counts: (EventCounts, EventCounts),
}

impl Target {
    pub(super) fn new(suffering: Suffering, usage: Usage, state: &Path) -> Result<Self> {
        let faults = FaultInjector::default();
        let (image, name, card) = match usage {
            Usage::Runs => (Image::default_image()?, "campaign", CardId::Simulated(0)),
            Usage::Queue => (
                Image::queue_image()?,
                "campaign-queue",
                CardId::Simulated(1),
            ),
        };
        let served = match suffering {
            Suffering::InProcess => None,
            Suffering::Served => Some(ServedCard::start(
                name.parse().expect("a name"),
                &ServeOptions {
                    image: Some(Arc::clone(&image)),
                    state_folder: Some(state.to_owned()),
                    simulation: simulation(&faults),
                    ..ServeOptions::default()
                },
            )?),
        };
        let id = served.as_ref().map_or(card, ServedCard::id);
        let mut target = Self {
            suffering,
            usage,
            faults,
            tenant: Tenant::new(id, state),
            card: None,
            image,
            state: state.to_owned(),
            served,
            counts: Default::default(),
        };
        target.counts = target.count_events()?;
        Ok(target)
    }

    pub(super) fn id(&self) -> CardId {
        self.tenant.card()
    }

    /// Has the card held under such a lease from now on. What is wrong with how the last one ended, if anything is.
    pub(super) fn move_in(&mut self, tenancy: Tenancy) -> Result<Option<String>> {
        if self.tenant.tenancy() == tenancy {
            return Ok(None);
        }
        let before = self.tenant.tenancy();
        self.card = None;
        if let Some(wrong) = self.tenant.move_in(tenancy)? {
            return Ok(Some(wrong));
        }
        // Nobody but who had the lease alone was here.
        if before != Tenancy::None {
            let held = Card::open_with(self.id(), &self.options())?.image();
            if let Some(image) = held {
                let image = image.uuid();
                return Ok(Some(format!(
                    "the card holds {image} after a lease on it has ended"
                )));
            }
        }
        self.card().map(|_| None)
    }

    /// Ends the lease there is, opens the card anew and uses it once, so that all is there that a use brings along: a model
    /// with its thread. What is wrong meanwhile, if anything is.
    pub(super) fn move_out(&mut self) -> Result<Option<String>> {
        self.card = None;
        if let Some(wrong) = self.move_in(Tenancy::None)? {
            return Ok(Some(wrong));
        }
        let done = self.works(&Work::random(1))?;
        Ok((done != Done::Right).then(|| format!("{} is used, and that ends {done:?}", self.id())))
    }

    /// What is wrong with the leases on the card, if anything is.
    pub(super) fn leases_left(&self) -> Option<String> {
        self.tenant.left()
    }

    fn options(&self) -> OpenOptions {
        OpenOptions {
            purpose: "a campaign of faults".to_owned(),
            state_folder: Some(self.state.clone()),
            answer_timeout: Some(ANSWER_TIMEOUT),
            simulation: simulation(&self.faults),
            ..OpenOptions::default()
        }
    }

    /// The card, opened if it is not.
    pub(super) fn card(&mut self) -> Result<Card> {
        if let Some(card) = &self.card {
            return Ok(card.clone());
        }
        let card = Card::open_with(self.id(), &self.options())?;
        if card.image().is_none() {
            card.program(&self.image)?;
        }
        self.card = Some(card.clone());
        Ok(card)
    }

    /// Puts a lost card back, and opens it again.
    pub(super) fn open_again(&mut self) -> Result<()> {
        self.card = None;
        self.faults.restore_link();
        self.card().map(|_| ())
    }

    /// What a stage's faults strike: work, after the image was loaded where it is that stage.
    pub(super) fn use_card(
        &mut self,
        stage: Stage,
        work: &Work,
        timeout: Duration,
    ) -> Result<Done> {
        if stage == Stage::Programming {
            self.program()?;
        }
        let card = self.card()?;
        match self.usage {
            Usage::Runs => work.done_by_runs(&card, timeout),
            Usage::Queue => work.done_by_queue(&card, timeout),
        }
    }

    /// Loads the image anew.
    pub(super) fn program(&mut self) -> Result<()> {
        let card = self.card()?;
        card.program(&self.image)
    }

    /// How work ends on a card that ought to work.
    pub(super) fn works(&mut self, work: &Work) -> Result<Done> {
        self.use_card(Stage::Idle, work, PATIENCE)
    }

    pub(super) fn counts(&self, stage: Stage) -> EventCounts {
        match stage {
            Stage::Programming | Stage::QueueOpening => self.counts.1.clone(),
            _ => self.counts.0.clone(),
        }
    }

    /// Counts the events of healthy use, by faults that never strike.
    fn count_events(&mut self) -> Result<(EventCounts, EventCounts)> {
        let work = Work::random(1);
        self.works(&work)?;
        let in_use = self.count(|target| target.works(&work).map(|_| ()))?;
        let mut before = match self.usage {
            Usage::Runs => self.count(Self::program)?,
            Usage::Queue => self.count(|target| {
                let card = target.card()?;
                card.open_queue(&work.queue_options()).map(|_| ())
            })?,
        };
        // Until the first piece is copied, programming a card in the process has no DMA.
        before.retain(|_, seen| *seen > 0);
        Ok((in_use, before))
    }

    fn count(&mut self, use_it: impl FnOnce(&mut Self) -> Result<()>) -> Result<EventCounts> {
        let events: Vec<Event> = Event::ALL
            .into_iter()
            .filter(|event| *event != Event::Now)
            .collect();
        let never = |event: &Event| {
            Fault::new(FaultKind::Reset)
                .on(*event)
                .map(|fault| fault.at(u64::MAX))
        };
        let faults = events
            .iter()
            .map(|event| never(event).expect("a reset strikes all events"));
        self.faults.arm(FaultPlan {
            seed: 0,
            faults: faults.collect(),
        });
        let used = use_it(self);
        let tallies = self.faults.tally();
        self.faults.disarm();
        used?;
        Ok(events
            .into_iter()
            .zip(tallies.iter().map(|tally| tally.seen))
            .collect())
    }

    /// Whether nothing is left of what earlier work took: all memory of the card can be taken, and this program holds it once.
    pub(super) fn nothing_left(&mut self) -> Result<Option<String>> {
        let card = self.card()?;
        let image = card
            .image()
            .ok_or(Error::NotProgrammed { card: card.id() })?;
        for (index, bank) in image
            .banks()
            .iter()
            .enumerate()
            .filter(|(_, bank)| bank.size > 0)
        {
            if let Err(error) = card.allocate_device(index, bank.size as usize) {
                return Ok(Some(format!(
                    "not all memory of {} is free: {error}",
                    bank.name
                )));
            }
        }
        if let Some(left) = self.leases_left() {
            return Ok(Some(left));
        }
        // A server learns of a client that has left when it gets to it.
        let begin = Instant::now();
        loop {
            let clients = self.served.as_ref().map_or(1, ServedCard::clients);
            let holders = self.holders(card.id());
            if clients == 1 && holders == 1 {
                return Ok(None);
            }
            if begin.elapsed() >= PATIENCE {
                let id = card.id();
                return Ok(Some(format!(
                    "{id} is held {holders} times and has {clients} clients"
                )));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// How often the card is held.
    fn holders(&self, id: CardId) -> usize {
        let cards = Inventory::scan_with(Some(&self.state)).cards;
        let entry = cards.into_iter().find(|entry| entry.card == id);
        entry.map_or(0, |entry| entry.holders.len())
    }
}

fn simulation(faults: &FaultInjector) -> SimOptions {
    SimOptions {
        engine: EngineConfig {
            watchdog: WATCHDOG,
            ..EngineConfig::default()
        },
        faults: faults.clone(),
        ..SimOptions::default()
    }
}
