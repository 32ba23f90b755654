//! How this process rings its queue pairs: stores to a mapped page that the card looks at, a message only when the card
//! sleeps or the page cannot be mapped. What has been taken over is written back to this process' memory.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::{Duration, Instant};

use card_shell::bypass::{self, DoorbellWord};
use card_shell::identity as id;
use parking_lot::Mutex;
use rustix::event::{EventfdFlags, eventfd};
use vfio_user::{BAR0_REGION, BAR2_REGION};

use super::PAUSE;
use super::error::PcieError;
use super::transport::{DmaBuffer, DmaSpace, Mapped, Transport};
use crate::queue::Submission;

/// The pairs of one opening of a card.
#[derive(Debug)]
pub(super) struct Doorbells {
    transport: Arc<dyn Transport>,
    page: Arc<Mapped>,
    /// The bypass BAR; `None` where it cannot be mapped.
    bypass: Option<Mapped>,
    write_back: DmaBuffer,
    events: Mutex<BTreeMap<u32, Arc<OwnedFd>>>,
    /// What the pairs of this process are used for.
    pub(super) users: Mutex<BTreeMap<u32, String>>,
    /// The card was closed.
    pub(super) closed: AtomicBool,
}

impl Doorbells {
    pub(super) fn new(
        transport: &Arc<dyn Transport>,
        page: &Arc<Mapped>,
        space: &Arc<DmaSpace>,
    ) -> Result<Self, PcieError> {
        let write_back =
            space.allocate((bypass::PAIRS as u64 * bypass::DOORBELL_STRIDE) as usize)?;
        for (offset, word) in [(0, write_back.address()), (4, write_back.address() >> 32)] {
            let register = id::REG_WRITE_BACK + offset;
            transport.write(BAR0_REGION, register.into(), word as u32)?;
        }
        Ok(Self {
            bypass: transport.map_writable(BAR2_REGION, bypass::MAPPABLE as usize)?,
            transport: Arc::clone(transport),
            page: Arc::clone(page),
            write_back,
            events: Mutex::default(),
            users: Mutex::default(),
            closed: AtomicBool::new(false),
        })
    }

    /// A register of the identity block that can be mapped.
    pub(super) fn status(&self, register: u32) -> u32 {
        self.page.word(register)
    }

    /// Whether nothing is to be heard of the card any more.
    pub(super) fn is_lost(&self) -> bool {
        self.transport.is_lost()
    }

    /// Stores a pair's word, and sees to it that the card looks. What else was stored before is seen by the card then.
    pub(super) fn ring(
        &self,
        pair: u32,
        before: DoorbellWord,
        word: DoorbellWord,
    ) -> Result<(), PcieError> {
        let offset = u64::from(pair) * bypass::DOORBELL_STRIDE;
        let Some(map) = &self.bypass else {
            for shift in [0, 32] {
                let half = (word.0 >> shift) as u32;
                if half != (before.0 >> shift) as u32 {
                    let offset = offset + shift / 8;
                    self.transport.write(BAR2_REGION, offset, half)?;
                }
            }
            return Ok(());
        };
        map.store(offset as usize, word.0);
        // The card says that it sleeps and then looks once more; this looks whether it sleeps after it has stored.
        fence(Ordering::SeqCst);
        if self.status(id::REG_ASLEEP) != 0 {
            self.take_over()?;
        }
        Ok(())
    }

    /// Has the card take over all that was rung; it has when this returns.
    pub(super) fn take_over(&self) -> Result<(), PcieError> {
        self.transport.write(BAR0_REGION, id::REG_RING.into(), 1)
    }

    /// Stores a push. It counts once the word says so.
    pub(super) fn push(
        &self,
        pair: u32,
        push: u16,
        submissions: &[Submission; 2],
    ) -> Result<(), PcieError> {
        let place = u64::from(push % bypass::PUSH_PLACES) * bypass::PUSH_BYTES;
        let offset = bypass::PUSHES + u64::from(pair) * bypass::PUSH_STRIDE + place;
        let bytes: &[u8] = bytemuck::bytes_of(submissions);
        for (index, chunk) in bytes.chunks_exact(8).enumerate() {
            let offset = offset + 8 * index as u64;
            let word = u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
            match &self.bypass {
                Some(map) => map.store(offset as usize, word),
                None => {
                    self.transport.write(BAR2_REGION, offset, word as u32)?;
                    let high = (word >> 32) as u32;
                    self.transport.write(BAR2_REGION, offset + 4, high)?;
                }
            }
        }
        Ok(())
    }

    /// The word of a pair that the card has taken over last.
    pub(super) fn taken(&self, pair: u32) -> DoorbellWord {
        let word = self
            .write_back
            .word64((u64::from(pair) * bypass::DOORBELL_STRIDE) as usize);
        DoorbellWord(u64::from_le(word.load(Ordering::Acquire)))
    }

    /// Forgets what was written back for a pair that is new.
    pub(super) fn begin(&self, pair: u32) {
        let word = self
            .write_back
            .word64((u64::from(pair) * bypass::DOORBELL_STRIDE) as usize);
        word.store(0, Ordering::Release);
    }

    /// What a pair's interrupt signals.
    pub(super) fn event(&self, pair: u32) -> Result<Arc<OwnedFd>, PcieError> {
        let vector = bypass::FIRST_PAIR_VECTOR + pair % bypass::PAIR_VECTORS;
        let mut events = self.events.lock();
        if let Some(event) = events.get(&vector) {
            return Ok(Arc::clone(event));
        }
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|errno| PcieError::HostMemory(errno.into()))?;
        self.transport.set_interrupt(vector, event.as_fd())?;
        let event = Arc::new(event);
        events.insert(vector, Arc::clone(&event));
        Ok(event)
    }

    /// Gives a pair back, once nothing of it is under way.
    pub(super) fn give_back(&self, pair: u32) -> Result<(), PcieError> {
        let register = id::REG_PAIR + 4 * pair;
        let own = self.status(id::REG_CLIENT);
        self.transport.write(BAR0_REGION, register.into(), own)
    }

    /// As [`give_back`](Self::give_back), and says whether the pair came to rest.
    pub(super) fn give_back_for_good(&self, pair: u32) -> Result<bool, PcieError> {
        self.give_back(pair)?;
        let register = u64::from(id::REG_PAIR + 4 * pair);
        let own = self.status(id::REG_CLIENT);
        // Who reads a free pair has taken it; one that does not come to rest is kept from everybody under the old name.
        match self.transport.read(BAR0_REGION, register)? {
            0 => self.give_back(pair).map(|()| true),
            u32::MAX => Err(PcieError::Removed),
            holder => Ok(holder != own),
        }
    }

    /// Holds a compute unit alone among all users of the card, until what this answers is dropped.
    pub(super) fn hold_unit(
        &self,
        unit: u32,
        timeout: Duration,
    ) -> Result<HeldUnit<'_>, PcieError> {
        let register = u64::from(id::REG_HOLDER + 4 * unit);
        let begin = Instant::now();
        while self.transport.read(BAR0_REGION, register)? != 0 {
            if begin.elapsed() >= timeout {
                return Err(PcieError::TimedOut {
                    what: "become free to be set up",
                    after: timeout,
                });
            }
            std::thread::sleep(PAUSE);
        }
        Ok(HeldUnit {
            doorbells: self,
            register,
        })
    }
}

/// See [`Doorbells::hold_unit`].
pub(super) struct HeldUnit<'a> {
    doorbells: &'a Doorbells,
    register: u64,
}

impl Drop for HeldUnit<'_> {
    fn drop(&mut self) {
        let own = self.doorbells.status(id::REG_CLIENT);
        let transport = &self.doorbells.transport;
        if let Err(error) = transport.write(BAR0_REGION, self.register, own) {
            tracing::debug!(%error, "a compute unit was not given back");
        }
    }
}
