//! Whether a card has the ports that its faults name: a name that was mistyped would strike nothing, and nobody would know.

use cosim::Engine;
use cosim::engine::names_port;

use super::{Event, FaultError, FaultPlan, names};
use crate::image::Image;

impl FaultPlan {
    /// Compares with the ports of an image's compute units in an engine.
    pub(super) fn check_ports(&self, image: &Image, engine: &Engine) -> Result<(), FaultError> {
        for fault in &self.faults {
            let Some(port) = &fault.port else {
                continue;
            };
            let known = ports_of(fault.event, image, engine);
            if !known.iter().any(|name| names_port(name, port)) {
                return Err(FaultError::Port {
                    fault: fault.to_string(),
                    port: port.clone(),
                    event: fault.event.name(),
                    available: names(known.iter().map(String::as_str)),
                });
            }
        }
        Ok(())
    }
}

/// The ports by which an event comes, each with its compute unit.
fn ports_of(event: Event, image: &Image, engine: &Engine) -> Vec<String> {
    let mut ports = Vec::new();
    for (index, unit) in image.units().iter().enumerate() {
        let Ok(interfaces) = engine.interfaces(index) else {
            continue;
        };
        let masters = interfaces.masters.iter().map(|port| &*port.name);
        let lites = interfaces.lites.iter().map(|port| &*port.name);
        let of_unit: Vec<&str> = match event {
            Event::Read | Event::Write | Event::Burst => masters.collect(),
            Event::Register | Event::RegisterRead | Event::RegisterWrite => lites.collect(),
            Event::Interrupt => vec!["interrupt"],
            _ => Vec::new(),
        };
        ports.extend(of_unit.iter().map(|port| format!("{}.{port}", unit.name)));
    }
    ports
}
