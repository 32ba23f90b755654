//! How a device is made from an image: banks, compute units, ports and streams as the image connects them, and what becomes of it
//! as a whole: reset, saved, restored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bitstreams::ControlProtocol;
use cosim::engine::{ClockRatio, PcieLink, StreamEnd, UnitOptions};
use cosim::{DeviceMemory, Engine, EngineConfig, EngineError, ModelLibrary};

use super::{SimConfig, SimDevice};
use crate::backend::residency::Device;
use crate::backend::sim::Waves;
use crate::backend::sim::board::used_banks;
use crate::backend::sim::queues::Queues;
use crate::backend::sim::unit::UnitRuns;
use crate::card_id::CardId;
use crate::image::Image;
use crate::{Error, Result};

/// An end of a stream; the image names compute units without their kernel.
fn stream_end(card: CardId, image: &Image, unit: &str, port: &str) -> Result<StreamEnd> {
    let named = |name: &str| name.split_once(':').is_some_and(|(_, name)| name == unit);
    match image.units().iter().position(|info| named(&info.name)) {
        Some(index) => Ok(StreamEnd {
            unit: index,
            port: port.to_owned(),
        }),
        None => Err(Error::ImageForAnotherCard {
            card,
            platform: image.platform().to_owned(),
            reason: format!("its streams name the compute unit {unit}, which it does not have"),
            advice: "build the image again".to_owned(),
        }),
    }
}

/// `waves.fst` for the second unit is `waves.2.fst`.
fn numbered(path: &Path, unit: usize) -> PathBuf {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().into_owned());
    path.with_extension(match extension {
        Some(extension) => format!("{}.{extension}", unit + 1),
        None => (unit + 1).to_string(),
    })
}

impl Device for SimDevice {
    type Config = SimConfig;

    fn new(card: CardId, config: &SimConfig, image: &Arc<Image>) -> Result<Self> {
        // Nothing of the model is mapped before this says so.
        let model = config.trust.admit(card, image)?;
        let library =
            ModelLibrary::from_bytes(model).map_err(|source| Error::Model { card, source })?;
        let simulation = |source| Error::Simulation { card, source };

        // The container may list banks that the card does not use; the engine knows the used ones only.
        let used: Vec<usize> = (0..image.banks().len())
            .filter(|&bank| image.banks()[bank].size > 0)
            .collect();
        let banks = used_banks(card, image, config.banks)?;
        let memory = DeviceMemory::new(&banks).map_err(|source| simulation(source.into()))?;
        let memory = Arc::new(memory);

        let is_host = |&position: &usize| image.banks()[used[position]].is_host();
        let link = config.options.engine.link.clone().map(|link| PcieLink {
            host_banks: (0..used.len()).filter(is_host).collect(),
            ..link
        });
        let settings = EngineConfig {
            link,
            clock_period_ps: config.options.period_ps(image),
            injector: config.options.faults.bus(),
            second_clock: image.second_clock_mhz().map(|mhz| ClockRatio {
                second: mhz.into(),
                first: config.options.clock_of(image).into(),
            }),
            ..config.options.engine.clone()
        };
        let mut engine = Engine::new(settings, Arc::clone(&memory));
        let mut units = Vec::new();
        for unit in image.units() {
            let kernel = &image.kernels()[unit.kernel];
            let mut ports: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for argument in kernel.pointers() {
                let connected = argument
                    .id
                    .and_then(|id| unit.banks.get(id as usize))
                    .into_iter()
                    .flatten();
                let positions =
                    connected.filter_map(|bank| used.iter().position(|used| used == bank));
                let port = ports.entry(argument.port.clone()).or_default();
                port.extend(positions);
                port.sort_unstable();
                port.dedup();
            }
            let options = UnitOptions {
                name: Some(unit.name.clone()),
                banks: ports,
            };
            engine
                .add(&library, &kernel.name, options)
                .map_err(simulation)?;
            units.push(UnitRuns::new(
                unit.name.clone(),
                // Of a kernel that has no runs, the interrupt is its user's.
                kernel.interrupt && kernel.control != ControlProtocol::ApCtrlNone,
                kernel.control == ControlProtocol::ApCtrlChain,
            ));
        }
        for stream in image.streams() {
            let end = |unit: &str, port: &str| stream_end(card, image, unit, port);
            engine
                .connect_streams(
                    &end(&stream.from_unit, &stream.from_port)?,
                    &end(&stream.to_unit, &stream.to_port)?,
                    stream.depth as usize,
                )
                .map_err(simulation)?;
        }
        let faults = &config.options.faults;
        faults
            .check_ports(image, &engine)
            .map_err(|source| Error::Fault { card, source })?;
        let earlier = config.clocks.load(Ordering::Relaxed);
        let mut device = Self {
            card,
            queues: Queues::new(image, &engine, faults).map_err(simulation)?,
            watches_queue: false,
            engine,
            units,
            earlier,
            broken: false,
            faults: faults.clone(),
            clocks: Arc::clone(&config.clocks),
            clocking: Arc::clone(&config.clocking),
        };
        if let Some(waves) = &config.options.waves {
            device.record_waves(waves).map_err(simulation)?;
        }
        device.reset()?;
        *config.memory.lock() = Some(memory);
        Ok(device)
    }

    fn reset(&mut self) -> Result<()> {
        let card = self.card;
        self.queues.retire();
        self.watches_queue = false;
        self.engine
            .reset()
            .and_then(|()| self.prepare_units())
            .map_err(|source| Error::Simulation { card, source })?;
        self.broken = false;
        self.publish_clocks();
        Ok(())
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        self.engine
            .restore_kernels(saved)
            .map(|_| ())
            .map_err(|source| Error::Simulation {
                card: self.card,
                source,
            })
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        self.engine.save().map_err(|source| Error::Simulation {
            card: self.card,
            source,
        })
    }

    fn is_tied(&self) -> bool {
        self.queues.is_used()
    }

    fn is_quiet(&self) -> bool {
        !self.broken
            && self
                .units
                .iter()
                .all(|unit| !unit.is_active() && !unit.has_queued())
    }
}

impl SimDevice {
    fn record_waves(&mut self, waves: &Waves) -> Result<(), EngineError> {
        for unit in 0..self.units.len() {
            let path = if unit == 0 {
                waves.path.clone()
            } else {
                numbered(&waves.path, unit)
            };
            self.engine
                .record_waves(unit, &path, waves.from, waves.to)?;
        }
        Ok(())
    }

    /// Runs need interrupts enabled where there are some.
    fn prepare_units(&mut self) -> Result<(), EngineError> {
        for index in 0..self.units.len() {
            self.units[index].prepare(&mut self.engine, index)?;
        }
        Ok(())
    }
}
