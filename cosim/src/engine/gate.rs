//! What is seen of a kernel's interrupt while faults may strike it: nothing of one that is lost, and a late one later.

use super::inject::Site;
use super::interconnect::Interconnect;

#[derive(Debug, Default)]
pub(super) struct InterruptGate {
    level: bool,
    /// The clock in which a rising edge is to be seen.
    due: Option<u64>,
    seen: bool,
}

impl InterruptGate {
    pub(super) fn is_seen(&self) -> bool {
        self.seen
    }

    /// Takes in the level after a clock of the compute unit `unit`. Whether the kernel's end is to be hidden from now on.
    pub(super) fn step(&mut self, level: bool, unit: &str, fabric: &Interconnect) -> bool {
        let mut withheld = false;
        if level && !self.level {
            let name = format!("{unit}.interrupt");
            let strike = fabric.strike(Site::Interrupt, &name, 0, 1);
            let strike = strike.unwrap_or_default();
            let due = fabric.now.saturating_add(strike.delay);
            self.due = (!strike.lost).then_some(due);
            withheld = strike.withheld;
        }
        self.level = level;
        // A late pulse is over at the kernel, and is seen as one none the less.
        let arrives = self.due.take_if(|due| *due <= fabric.now).is_some();
        self.seen = arrives || self.seen && level;
        withheld
    }
}
