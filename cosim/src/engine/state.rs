//! Saving and restoring an engine: a header that says what it belongs to, then the state of each model.

use serde::{Deserialize, Serialize};

use super::{Engine, EngineError};

/// Marks a saved state and its version.
const MAGIC: &[u8; 8] = b"COSIMST1";

#[derive(Serialize, Deserialize)]
struct Header {
    clock: u64,
    units: Vec<UnitHeader>,
    /// Bytes that each stream connection holds.
    #[serde(default)]
    streams: Vec<usize>,
}

#[derive(Serialize, Deserialize)]
struct UnitHeader {
    name: String,
    fingerprint: String,
    size: usize,
}

impl Engine {
    /// The state of all compute units and the clock count; not the memory, the configuration or the waves.
    ///
    /// # Errors
    ///
    /// [`EngineError::NotQuiet`] while transfers are under way; a model built without save and restore.
    pub fn save(&mut self) -> Result<Vec<u8>, EngineError> {
        if let Some(reason) = &self.halted {
            return Err(EngineError::Halted(reason.clone()));
        }
        let mut units = Vec::new();
        let mut states = Vec::new();
        for unit in &mut self.units {
            if let Some(port) = unit.busy_port() {
                return Err(EngineError::NotQuiet { port });
            }
            let state = unit.model.save()?;
            units.push(UnitHeader {
                name: unit.name.clone(),
                fingerprint: unit.model.interfaces().fingerprint.clone(),
                size: state.len(),
            });
            states.extend(state);
        }
        let header = Header {
            clock: self.fabric.now,
            units,
            streams: self
                .links
                .iter()
                .map(|link| {
                    let beats = link.save();
                    states.extend_from_slice(&beats);
                    beats.len()
                })
                .collect(),
        };
        let header = serde_json::to_vec(&header).expect("plain data");
        let mut bytes = MAGIC.to_vec();
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header);
        bytes.extend(states);
        Ok(bytes)
    }

    /// Goes on from a state saved by an engine with the same compute units, at the clock it was saved at.
    ///
    /// # Errors
    ///
    /// [`EngineError::State`] if the bytes are damaged or belong to other models; nothing has changed then.
    /// A model that rejects its part leaves the engine halted.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        let clock = self.restore_kernels(bytes)?;
        self.fabric.now = clock;
        self.fabric.last_progress = clock;
        Ok(())
    }

    /// Takes over the kernels' state and keeps this engine's own clock, by which stalls are drawn and waves are
    /// windowed: what follows then depends on the state and on this engine's seed and use, not on how long the
    /// engine that saved it had been running. Answers the clock it was saved at.
    ///
    /// # Errors
    ///
    /// As [`restore`](Self::restore).
    pub fn restore_kernels(&mut self, bytes: &[u8]) -> Result<u64, EngineError> {
        let state = |reason: &str| EngineError::State {
            reason: reason.to_owned(),
        };
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or_else(|| state("it is no saved state of this version"))?;
        let (size, rest) = rest
            .split_first_chunk()
            .ok_or_else(|| state("it is cut short"))?;
        let (header, mut rest) = usize::try_from(u64::from_le_bytes(*size))
            .ok()
            .and_then(|size| rest.split_at_checked(size))
            .ok_or_else(|| state("it is cut short"))?;
        let header: Header = serde_json::from_slice(header)
            .map_err(|error| state(&format!("its header is damaged: {error}")))?;
        if header.units.len() != self.units.len() {
            let (saved, here) = (header.units.len(), self.units.len());
            return Err(state(&format!(
                "it has {saved} compute units, this engine {here}"
            )));
        }
        let mut parts = Vec::new();
        for (saved, unit) in header.units.iter().zip(&self.units) {
            if saved.fingerprint != unit.model.interfaces().fingerprint {
                return Err(state(&format!(
                    "`{}` was saved from another model than `{}`",
                    saved.name, unit.name
                )));
            }
            let (part, after) = rest
                .split_at_checked(saved.size)
                .ok_or_else(|| state("it is cut short"))?;
            parts.push(part);
            rest = after;
        }
        if header.streams.len() != self.links.len() {
            return Err(state("it has other stream connections than this engine"));
        }
        let mut beats = Vec::new();
        for size in &header.streams {
            let (part, after) = rest
                .split_at_checked(*size)
                .ok_or_else(|| state("it is cut short"))?;
            beats.push(part);
            rest = after;
        }
        if !rest.is_empty() {
            return Err(state("it is too long"));
        }
        for (unit, part) in self.units.iter_mut().zip(parts) {
            if let Err(error) = unit.restore(part) {
                return Err(self.halt(error));
            }
        }
        for (link, part) in self.links.iter_mut().zip(beats) {
            if !link.restore(part) {
                let error = state("what its streams hold is damaged");
                return Err(self.halt(error));
            }
        }
        self.halted = None;
        self.running = false;
        self.fabric.last_progress = self.fabric.now;
        Ok(header.clock)
    }
}
