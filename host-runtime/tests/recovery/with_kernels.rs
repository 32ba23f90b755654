//! Cards with two compute units that hang as told, `kernels/hang.sv`.

use std::time::Duration;

use host_runtime::cosim::EngineConfig;
use host_runtime::{
    Card, CardId, OpenOptions, Recovery, Run, ServeOptions, ServedCard, SimOptions,
};

use crate::common::Bench;

/// Long enough for a run that ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Clocks without an end.
pub(crate) const FOR_EVER: u64 = 0;

/// A card, and what serves it if it is served.
pub(crate) struct Hospital {
    bench: Bench,
    served: Option<ServedCard>,
    id: CardId,
    watchdog: u64,
}

impl Hospital {
    /// A simulated card in this process. No watchdog ends its runs.
    pub(crate) fn simulated() -> Self {
        let hospital = Self {
            bench: Bench::new(),
            served: None,
            id: CardId::Simulated(0),
            watchdog: u64::MAX,
        };
        let card = hospital.open(Recovery::NONE);
        card.program(&hospital.bench.hang_image()).unwrap();
        card.close().unwrap();
        hospital
    }

    pub(crate) fn served(name: &str) -> Self {
        let mut hospital = Self {
            bench: Bench::new(),
            id: CardId::Served(name.parse().unwrap()),
            served: None,
            watchdog: u64::MAX,
        };
        hospital.serve_again();
        hospital
    }

    /// A server of the card's name begins.
    pub(crate) fn serve_again(&mut self) {
        let CardId::Served(name) = self.id else {
            panic!("{} is not served", self.id);
        };
        let options = ServeOptions {
            image: Some(self.bench.hang_image()),
            state_folder: self.bench.options().state_folder,
            trust: self.bench.options().trust,
            ..ServeOptions::default()
        };
        self.served = Some(ServedCard::start(name, &options).unwrap());
    }

    pub(crate) fn with_watchdog(self, clocks: u64) -> Self {
        Self {
            watchdog: clocks,
            ..self
        }
    }

    pub(crate) fn id(&self) -> CardId {
        self.id
    }

    /// The card's server ends.
    pub(crate) fn end_server(&mut self) {
        self.served = None;
    }

    pub(crate) fn options(&self, recovery: Recovery) -> OpenOptions {
        OpenOptions {
            recovery,
            simulation: SimOptions {
                engine: EngineConfig {
                    watchdog: self.watchdog,
                    ..EngineConfig::default()
                },
                ..SimOptions::default()
            },
            ..self.bench.options()
        }
    }

    pub(crate) fn open(&self, recovery: Recovery) -> Card {
        Card::open_with(self.id, &self.options(recovery)).unwrap()
    }
}

/// Starts a run of so many clocks on a unit that so many resets leave as it is.
pub(crate) fn start(card: &Card, unit: &str, clocks: u64, wedged: u64) -> Run {
    let mut run = card.kernel(unit).unwrap().run();
    run.set_scalar(0, clocks).unwrap();
    run.set_scalar(1, wedged).unwrap();
    run.start().unwrap();
    run
}

/// Both units work.
pub(crate) fn works(card: &Card) {
    for unit in ["hang:hang_1", "hang:hang_2"] {
        start(card, unit, 50, 0).wait(PATIENCE).unwrap();
    }
}
