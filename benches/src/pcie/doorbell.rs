//! A doorbell and its first answer, without a kernel: the shell takes the word over and writes it back to the host's
//! memory by DMA, and signals the pair's interrupt if the word asks for that. By the bare protocol, as any driver could.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use card_shell::bypass::{self, DoorbellWord};
use card_shell::identity as id;
use memmap2::{MmapOptions, MmapRaw};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use vfio_user::{BAR0_REGION, BAR2_REGION, CONFIG_REGION, Client, DmaAccess, MSIX_IRQ, Timeouts};

/// Where the card sees the host's memory.
const HOST: u64 = 1 << 32;

/// The word's bit that changes with each trip and means nothing to the card.
const TRIP: u64 = 1 << 56;

/// How long a card looks at doorbells that do not change, and more.
const FALLS_ASLEEP: Duration = Duration::from_millis(4);

pub(super) struct Doorbell {
    bypass: MmapRaw,
    page: MmapRaw,
    memory: MmapRaw,
    event: OwnedFd,
    pair: u32,
    word: std::cell::Cell<u64>,
    client: Client,
}

impl Doorbell {
    pub(super) fn open(socket: &Path) -> Result<Self> {
        let client = Client::connect(socket, Timeouts::default())?;
        // Memory space and bus master.
        client.write(CONFIG_REGION, 4, &6_u16.to_le_bytes())?;
        let memory = memfd_create("host", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&memory, 4096)?;
        fcntl_add_seals(&memory, SealFlags::SHRINK)?;
        client.map_dma(HOST, 4096, DmaAccess::BOTH, memory.as_fd(), 0)?;
        client.write(BAR0_REGION, id::REG_WRITE_BACK.into(), &HOST.to_le_bytes())?;
        let map = |region: u32, bytes: usize, write: bool| -> Result<MmapRaw> {
            let (file, offset) = client.region_info(region)?.file.context("a file to map")?;
            let mut options = MmapOptions::new();
            options.offset(offset).len(bytes);
            Ok(match write {
                true => options.map_raw(&file)?,
                false => options.map_raw_read_only(&file)?,
            })
        };
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let pair = 0;
        let mut holder = [0; 4];
        client.read(BAR0_REGION, (id::REG_PAIR + 4 * pair).into(), &mut holder)?;
        ensure!(holder == [0; 4], "pair {pair} is held by another");
        let vector = bypass::FIRST_PAIR_VECTOR + pair % bypass::PAIR_VECTORS;
        client.set_interrupts(MSIX_IRQ, vector, &[event.as_fd()])?;
        Ok(Self {
            bypass: map(BAR2_REGION, bypass::MAPPABLE as usize, true)?,
            page: map(BAR0_REGION, id::PAGE as usize, false)?,
            memory: MmapOptions::new().len(4096).map_raw(&memory)?,
            event,
            pair,
            word: std::cell::Cell::new(0),
            client,
        })
    }

    fn word(map: &MmapRaw, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= map.len());
        // SAFETY: aligned and inside the map, as just checked; the card's side accesses it by words as well.
        unsafe { AtomicU64::from_ptr(map.as_mut_ptr().add(offset).cast()) }
    }

    fn place(&self) -> usize {
        self.pair as usize * bypass::DOORBELL_STRIDE as usize
    }

    /// Rings, and wakes the card if it sleeps.
    fn ring(&self, flags: u64) -> Result<u64> {
        let word = (self.word.get() & !DoorbellWord::ANSWER ^ TRIP) | flags;
        self.word.set(word);
        Self::word(&self.bypass, self.place()).store(word, Ordering::Release);
        std::sync::atomic::fence(Ordering::SeqCst);
        let asleep = Self::word(&self.page, id::REG_ASLEEP as usize / 8 * 8);
        // The upper half of an aligned pair of registers.
        if asleep.load(Ordering::Acquire) >> 32 != 0 {
            let ring = 1_u32.to_le_bytes();
            self.client.write(BAR0_REGION, id::REG_RING.into(), &ring)?;
        }
        Ok(word)
    }

    /// Trips that end when the answer is seen in memory.
    pub(super) fn polled(&self, trips: usize) -> Result<Vec<Duration>> {
        let answer = Self::word(&self.memory, self.place());
        let mut samples = Vec::with_capacity(trips);
        for _ in 0..trips {
            let begin = Instant::now();
            let word = self.ring(0)?;
            while answer.load(Ordering::Acquire) != word {}
            samples.push(begin.elapsed());
        }
        Ok(samples)
    }

    fn answered_by_interrupt(&self) -> Result<Duration> {
        let begin = Instant::now();
        self.ring(DoorbellWord::ANSWER)?;
        let mut files = [PollFd::new(&self.event, PollFlags::IN)];
        poll(&mut files, None)?;
        rustix::io::read(&self.event, &mut [0; 8])?;
        Ok(begin.elapsed())
    }

    /// Trips that end when a thread that sleeps is woken by the answer's interrupt.
    pub(super) fn blocked(&self, trips: usize) -> Result<Vec<Duration>> {
        (0..trips).map(|_| self.answered_by_interrupt()).collect()
    }

    /// The same with a card that sleeps at first.
    pub(super) fn asleep(&self, trips: usize) -> Result<Vec<Duration>> {
        let trip = |_| {
            std::thread::sleep(FALLS_ASLEEP);
            self.answered_by_interrupt()
        };
        (0..trips).map(trip).collect()
    }
}
