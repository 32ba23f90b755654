//! What the host asks of an engine's compute units: register accesses, and bursts into their slave ports.

use super::Engine;
use super::error::EngineError;
use super::inject::Site;
use super::lite::{RegisterAccess, RegisterResult};
use super::slave::{BurstResult, BurstWrite};
use super::unit::no_such;

impl Engine {
    /// Queues a register access on the first AXI4-Lite port of a compute unit; its result comes out of
    /// [`register_result`](Self::register_result) some clocks later, in order.
    ///
    /// # Errors
    ///
    /// If there is no such unit or it has no such port.
    pub fn submit_register(
        &mut self,
        unit: usize,
        access: RegisterAccess,
    ) -> Result<(), EngineError> {
        let Self { units, fabric, .. } = self;
        let unit = units.get_mut(unit).ok_or(EngineError::NoSuchUnit(unit))?;
        match unit.lites.first_mut() {
            Some(port) => {
                let (site, address) = match access {
                    RegisterAccess::Read { address } => (Site::RegisterRead, address),
                    RegisterAccess::Write { address, .. } => (Site::RegisterWrite, address),
                };
                let strike = fabric.strike(site, &port.name, address, 1);
                port.submit(access, fabric.now, strike);
                Ok(())
            }
            None => Err(no_such(&unit.name, "AXI4-Lite port", "s_axi_control", &[])),
        }
    }

    /// The oldest finished access of [`submit_register`](Self::submit_register).
    ///
    /// # Errors
    ///
    /// [`EngineError::NoSuchUnit`].
    pub fn register_result(&mut self, unit: usize) -> Result<Option<RegisterResult>, EngineError> {
        let now = self.fabric.now;
        Ok(self.unit_mut(unit)?.take_register(now))
    }

    /// Reads a register, stepping until it is answered.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step); [`EngineError::Register`] for an error response,
    /// [`EngineError::RegisterTimeout`] for none.
    pub fn read_register(&mut self, unit: usize, address: u64) -> Result<u64, EngineError> {
        self.access_register(unit, RegisterAccess::Read { address })
    }

    /// Writes a register, stepping until it is answered.
    ///
    /// # Errors
    ///
    /// As [`read_register`](Self::read_register).
    pub fn write_register(
        &mut self,
        unit: usize,
        address: u64,
        data: u64,
    ) -> Result<(), EngineError> {
        self.access_register(unit, RegisterAccess::Write { address, data })
            .map(|_| ())
    }

    fn access_register(&mut self, unit: usize, access: RegisterAccess) -> Result<u64, EngineError> {
        self.submit_register(unit, access)?;
        let (kind, address) = match access {
            RegisterAccess::Read { address } => ("read", address),
            RegisterAccess::Write { address, .. } => ("write", address),
        };
        let clocks = self.config.register_timeout;
        for _ in 0..clocks {
            self.step()?;
            let Some(result) = self.register_result(unit)? else {
                continue;
            };
            return match result.response {
                0 => Ok(result.data),
                code => Err(EngineError::Register {
                    access: kind,
                    address,
                    port: self.units[unit].lites[0].name.clone(),
                    response: if code == 2 { "SLVERR" } else { "DECERR" },
                }),
            };
        }
        let error = EngineError::RegisterTimeout {
            access: kind,
            address,
            port: self.units[unit].lites[0].name.clone(),
            clocks,
        };
        Err(self.halt(error))
    }

    /// Queues a burst on the AXI4 slave port `port` of a compute unit; its result comes out of
    /// [`burst_result`](Self::burst_result) some clocks later, in order. Bursts do not wait for each other's results.
    ///
    /// # Errors
    ///
    /// If there is no such unit or port, or the burst is not one that AXI4 allows on it.
    pub fn submit_burst(
        &mut self,
        unit: usize,
        port: &str,
        burst: &BurstWrite,
    ) -> Result<(), EngineError> {
        let now = self.fabric.now;
        let owner = self.unit_mut(unit)?;
        let position = owner.slave(port)?;
        let slave = &mut owner.slaves[position];
        slave
            .submit(burst, now)
            .map_err(|what| EngineError::Unsupported {
                unit: owner.name.clone(),
                what,
            })
    }

    /// The oldest finished burst of [`submit_burst`](Self::submit_burst) on `port`.
    ///
    /// # Errors
    ///
    /// If there is no such unit or port.
    pub fn burst_result(
        &mut self,
        unit: usize,
        port: &str,
    ) -> Result<Option<BurstResult>, EngineError> {
        let owner = self.unit_mut(unit)?;
        let position = owner.slave(port)?;
        Ok(owner.slaves[position].take_result())
    }
}
