//! A card under test: how it is made, put to work, counted, and opened again when it was lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cosim::EngineConfig;

use super::cases::{EventCounts, Stage, Suffering};
use crate::faults::{Event, Fault, FaultInjector, FaultKind, FaultPlan};
use crate::tcp::random::{self, RandomDescriptors};
use crate::tcp::{Descriptor, Options, PolicySlot, Profile, golden};
use crate::{
    Card, CardId, Error, Image, Inventory, OpenOptions, PolicyChoice, Recovery, Result,
    ServeOptions, ServedCard, SimOptions, Validator,
};

/// Clocks without progress after which an in-process card gives up: a few milliseconds, many times what a run takes.
const WATCHDOG: u64 = 20_000;

/// Longest that a run may take while a fault is in force: hundreds of times what it takes.
pub(super) const TIMEOUT: Duration = Duration::from_millis(400);

/// Longest that one may take on a card that is well.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pause between looks at what others do.
const PAUSE: Duration = Duration::from_millis(5);

/// The slot that `PolicyChoice::Given` uses; the golden model does not care.
const SLOT: u32 = 15;

/// Descriptors with what the golden model says of them.
pub(super) struct Work {
    descriptors: Vec<Descriptor>,
    options: Options,
    profile: Profile,
    policy: crate::tcp::Policy,
    expected: Vec<u8>,
}

impl Work {
    pub(super) fn random(seed: u64) -> Self {
        let profile = Profile::ALL[(seed % 2) as usize];
        let policy = random::policy(seed);
        let options = Options {
            checksum: profile.checksum(),
            layout: profile.layout(),
            slot: PolicySlot::new(SLOT).expect("a slot of the card"),
            ..random::options(seed)
        };
        let count = 200 + (seed >> 8) as usize % 1300;
        let descriptors = RandomDescriptors::new(seed, options, &policy);
        let descriptors: Vec<Descriptor> = descriptors.take(count).collect();
        let words = descriptors
            .iter()
            .map(|one| golden::evaluate(one, options, &policy));
        let expected = words
            .flat_map(|word| match options.output {
                crate::tcp::Output::Verdicts => vec![word.verdict().0],
                crate::tcp::Output::Details => word.to_word().to_le_bytes().to_vec(),
            })
            .collect();
        Self {
            descriptors,
            options,
            profile,
            policy,
            expected,
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.descriptors.len() as u64
    }

    /// Has the card judge the descriptors; whether every answer is the golden model's.
    fn done_by(&self, card: &Card, timeout: Duration) -> Result<bool> {
        let mut validator = Validator::new(card)?
            .profile(self.profile)
            .policy(PolicyChoice::Given(self.policy))
            .output(self.options.output)
            .timeout(timeout)
            // What a fault is found by shows before anything is done about it.
            .recovery(Recovery::NONE);
        Ok(validator.validate(&self.descriptors)?.answers == self.expected)
    }
}

/// A card that suffers.
pub(super) struct Target {
    pub(super) suffering: Suffering,
    pub(super) faults: FaultInjector,
    card: Option<Card>,
    image: Arc<Image>,
    state: PathBuf,
    served: Option<ServedCard>,
    /// Events of one validation, and of loading the image and one validation.
    counts: (EventCounts, EventCounts),
}

impl Target {
    pub(super) fn new(suffering: Suffering, state: &Path) -> Result<Self> {
        let faults = FaultInjector::default();
        let image = Image::default_image()?;
        let served = match suffering {
            Suffering::InProcess => None,
            Suffering::Served => Some(ServedCard::start(
                "campaign".parse().expect("a name"),
                &ServeOptions {
                    image: Some(Arc::clone(&image)),
                    state_folder: Some(state.to_owned()),
                    simulation: simulation(&faults),
                    ..ServeOptions::default()
                },
            )?),
        };
        let mut target = Self {
            suffering,
            faults,
            card: None,
            image,
            state: state.to_owned(),
            served,
            counts: Default::default(),
        };
        target.counts = target.count_events()?;
        Ok(target)
    }

    fn id(&self) -> CardId {
        let served = self.served.as_ref().map(ServedCard::id);
        served.unwrap_or(CardId::Simulated(0))
    }

    /// The card, opened if it is not.
    pub(super) fn card(&mut self) -> Result<Card> {
        if let Some(card) = &self.card {
            return Ok(card.clone());
        }
        let options = OpenOptions {
            purpose: "a campaign of faults".to_owned(),
            state_folder: Some(self.state.clone()),
            simulation: simulation(&self.faults),
            ..OpenOptions::default()
        };
        let card = Card::open_with(self.id(), &options)?;
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

    /// What a stage's faults strike: work, after the image was loaded where it is that stage. Whether all answers are right.
    pub(super) fn use_card(
        &mut self,
        stage: Stage,
        work: &Work,
        timeout: Duration,
    ) -> Result<bool> {
        if stage == Stage::Programming {
            self.program()?;
        }
        let card = self.card()?;
        work.done_by(&card, timeout)
    }

    /// Loads the image anew.
    pub(super) fn program(&mut self) -> Result<()> {
        let card = self.card()?;
        card.program(&self.image)
    }

    /// Whether the card works: all answers to these descriptors are right.
    pub(super) fn works(&mut self, work: &Work) -> Result<bool> {
        let card = self.card()?;
        work.done_by(&card, PATIENCE)
    }

    pub(super) fn counts(&self, stage: Stage) -> EventCounts {
        match stage {
            Stage::Programming => self.counts.1.clone(),
            _ => self.counts.0.clone(),
        }
    }

    /// Counts the events of healthy use, by faults that never strike.
    fn count_events(&mut self) -> Result<(EventCounts, EventCounts)> {
        let work = Work::random(1);
        self.works(&work)?;
        let in_work = self.count(|target| target.works(&work).map(|_| ()))?;
        let mut in_programming = self.count(|target| target.program())?;
        // Until the first piece is copied, programming a card in the process has no DMA.
        in_programming.retain(|_, seen| *seen > 0);
        Ok((in_work, in_programming))
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
