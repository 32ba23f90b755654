//! Who holds which compute unit, and which queue pair: semaphores in hardware, given back when a client leaves.

use parking_lot::Mutex;

/// Semaphores of a card, for all its clients. 0 is nobody.
#[derive(Debug)]
pub(crate) struct Holders(Mutex<Vec<u32>>);

impl Holders {
    pub(crate) fn new(count: u32) -> Self {
        Self(Mutex::new(vec![0; count as usize]))
    }

    /// Takes a unit if nobody has it; who had it before: 0 means that the client has it now.
    pub(crate) fn take(&self, unit: u32, client: u32) -> u32 {
        let mut holders = self.0.lock();
        match holders.get_mut(unit as usize) {
            Some(holder) if *holder == 0 => std::mem::replace(holder, client),
            Some(holder) => *holder,
            None => u32::MAX,
        }
    }

    /// Gives a unit back, if it is the client's; whether it was.
    pub(crate) fn give_back(&self, unit: u32, client: u32) -> bool {
        match self.0.lock().get_mut(unit as usize) {
            Some(holder) if *holder == client => {
                *holder = 0;
                true
            }
            _ => false,
        }
    }

    /// What a client holds.
    pub(crate) fn held_by(&self, client: u32) -> Vec<u32> {
        let holders = self.0.lock();
        let units = (0..).zip(holders.iter());
        let held = units.filter(|(_, holder)| **holder == client);
        held.map(|(unit, _)| unit).collect()
    }

    /// Who holds a unit.
    pub(crate) fn holder(&self, unit: u32) -> u32 {
        self.0.lock().get(unit as usize).copied().unwrap_or(0)
    }
}
