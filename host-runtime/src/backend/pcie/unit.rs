//! A compute unit of a shared card: held by its semaphore while this process has runs for it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use card_shell::identity as id;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use vfio_user::{BAR0_REGION, BAR1_REGION};
use xdma::registers::{irq, target};

use super::error::PcieError;
use super::refusals::Refusals;
use super::transport::Transport;
use crate::backend::polled_unit::{PolledUnit, Registers};
use crate::backend::{RunId, RunOutcome, RunRequest};
use crate::image::Image;

/// MSI-X vector of all compute units: whoever wakes looks at each.
const VECTOR: u32 = 2;

/// Longest sleep: an interrupt may have gone to another thread, or the kernel may have none.
const NAP: Duration = Duration::from_millis(1);

/// The interrupt of this process' compute units.
#[derive(Debug)]
pub(super) struct Doorbell(OwnedFd);

impl Doorbell {
    pub(super) fn new(transport: &dyn Transport) -> Result<Self, PcieError> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|errno| PcieError::HostMemory(errno.into()))?;
        transport.set_interrupt(VECTOR, event.as_fd())?;
        let vectors = VECTOR * 0x0101_0101;
        for register in 0..irq::USERS as u32 / 4 {
            let offset = target::IRQ + irq::USER_VECTOR + 4 * register;
            transport.write(BAR1_REGION, offset.into(), vectors)?;
        }
        let enable = target::IRQ + irq::USER_ENABLE;
        transport.write(BAR1_REGION, enable.into(), 0xFFFF)?;
        Ok(Self(event))
    }

    /// Waits for an interrupt, for a moment at most.
    pub(super) fn wait(&self, left: Duration) {
        let bound = Timespec {
            tv_sec: 0,
            tv_nsec: left.min(NAP).as_nanos() as i64,
        };
        let mut files = [PollFd::new(&self.0, PollFlags::IN)];
        if poll(&mut files, Some(&bound)) == Ok(1) {
            let _ = rustix::io::read(&self.0, &mut [0; 8]);
        }
    }
}

/// Registers at their place in the user BAR.
#[derive(Debug)]
struct UserRegisters {
    transport: Arc<dyn Transport>,
    refusals: Arc<Refusals>,
    base: u64,
}

impl Registers for UserRegisters {
    fn read(&self, offset: u32) -> io::Result<u32> {
        let address = self.base + u64::from(offset);
        let word = self.transport.read(BAR0_REGION, address)?;
        self.refusals.check(address)?;
        if word == u32::MAX {
            super::presence::check_presence(&*self.transport)?;
        }
        Ok(word)
    }

    fn write(&self, offset: u32, value: u32) -> io::Result<()> {
        let address = self.base + u64::from(offset);
        self.transport.write(BAR0_REGION, address, value)?;
        Ok(self.refusals.check(address)?)
    }
}

/// A compute unit, and this process' runs for it.
#[derive(Debug)]
pub(super) struct Unit {
    name: String,
    transport: Arc<dyn Transport>,
    semaphore: u64,
    registers: PolledUnit<UserRegisters>,
    held: bool,
    /// It is being reset: nothing begins.
    stopped: bool,
    /// Runs that wait for the semaphore.
    waiting: VecDeque<(RunId, RunRequest)>,
}

impl Unit {
    pub(super) fn new(
        index: usize,
        transport: &Arc<dyn Transport>,
        refusals: &Arc<Refusals>,
        image: &Image,
    ) -> Self {
        let info = &image.units()[index];
        let registers = UserRegisters {
            transport: Arc::clone(transport),
            refusals: Arc::clone(refusals),
            base: info.base,
        };
        let interrupts = image.kernels()[info.kernel].interrupt;
        Self {
            name: info.name.clone(),
            transport: Arc::clone(transport),
            semaphore: u64::from(id::REG_HOLDER) + 4 * index as u64,
            registers: PolledUnit::new(registers, image.control(index), interrupts),
            held: false,
            stopped: false,
            waiting: VecDeque::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    pub(super) fn submit(&mut self, run: RunId, request: RunRequest) {
        self.waiting.push_back((run, request));
    }

    /// Takes the unit if there is something to do, and gives it back when there is nothing more; the runs that ended.
    pub(super) fn advance(&mut self, client: u32) -> io::Result<Vec<(RunId, RunOutcome)>> {
        if self.stopped {
            return Ok(Vec::new());
        }
        if !self.held && !self.waiting.is_empty() {
            let holder = self.transport.read(BAR0_REGION, self.semaphore)?;
            // Its own number: it was given up while it was held.
            self.held = holder == 0 || holder == client;
        }
        if !self.held {
            return Ok(Vec::new());
        }
        while let Some((run, request)) = self.waiting.pop_front() {
            self.registers.submit(run, request)?;
        }
        let mut ended = Vec::new();
        loop {
            match self.registers.poll() {
                Ok(Some(run)) => ended.push(run),
                Ok(None) => break,
                // What has ended is told first; the next look meets the error again, or has begun the next run.
                Err(_) if !ended.is_empty() => return Ok(ended),
                Err(error) => return Err(error),
            }
        }
        if self.registers.is_idle() {
            self.let_go(client)?;
        }
        Ok(ended)
    }

    /// Takes a run back that was not begun; whether it was.
    pub(super) fn withdraw(&mut self, run: RunId) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != run);
        self.waiting.len() < before
            || !self.registers.is_running(run) && self.registers.withdraw(run)
    }

    /// Forgets all runs, and names them. The unit stays held.
    pub(super) fn give_up(&mut self) -> Vec<RunId> {
        let waiting = self.waiting.drain(..).map(|(run, _)| run);
        let mut runs: Vec<RunId> = waiting.collect();
        runs.extend(self.registers.give_up());
        runs
    }

    /// Has nothing begin on the unit until [`Unit::go_on`]; whether it is held.
    pub(super) fn stop_for_reset(&mut self) -> bool {
        self.stopped = true;
        self.held
    }

    /// After a reset.
    pub(super) fn go_on(&mut self, client: u32) -> io::Result<()> {
        self.stopped = false;
        self.let_go(client)
    }

    /// Gives the unit back.
    pub(super) fn let_go(&mut self, client: u32) -> io::Result<()> {
        if std::mem::take(&mut self.held) {
            self.transport.write(BAR0_REGION, self.semaphore, client)?;
        }
        Ok(())
    }
}
