//! A queue pair worked by hand, with rings wherever a client likes.

use card_shell::bypass;
use card_shell::identity as id;
use host_runtime::Image;
use host_runtime::queue::{KERNEL, Submission};
use host_runtime::tcp::{Descriptor, Options};
use vfio_user::{BAR0_REGION, BAR2_REGION};

use crate::attacked::until;
use crate::driver::Driver;
use crate::endless::memory_in;

/// Bytes of the submission ring, and where behind it the completion ring begins; both fit a page.
pub(crate) const PAGE: u64 = 0x1000;
/// Entries of the submission ring, and twice as many completions.
const ENTRIES_LOG: u32 = 6;

/// Registers of a pair (docs/queue.md).
const PAIRS: u64 = 0x0FC;
const PAIR: u64 = 0x800;
const PAIR_STRIDE: u64 = 64;
const CONTROL: u64 = 0x00;
const SIZES: u64 = 0x04;
const SUBMISSIONS: u64 = 0x08;
const COMPLETIONS: u64 = 0x10;
const COMPLETION_INDICES: u64 = 0x1C;

/// The host's memory answered a read with an error.
pub(crate) const READ_ERROR: u32 = 5;

/// A pair that is enabled.
pub(crate) struct Ring<'a> {
    driver: &'a Driver,
    registers: u64,
    pair: u32,
}

/// The entries that [`Ring`] has the card read: as many as the ring has, of one page.
pub(crate) fn entries() -> Vec<u8> {
    let submission = Submission::new(Descriptor([0; 24]), 7, Options::default());
    let entries = vec![submission; 1 << ENTRIES_LOG];
    bytemuck::cast_slice(&entries).to_vec()
}

impl<'a> Ring<'a> {
    /// Takes a pair and enables it with rings at `host`, as the card is to see the client's memory.
    pub(crate) fn new(driver: &'a Driver, host: u64) -> Self {
        let image = Image::queue_image().unwrap();
        let unit = image.units().iter();
        let mut unit = unit.filter(|unit| image.kernels()[unit.kernel].name == KERNEL);
        let base = unit.next().unwrap().base;
        let mut banks = image.banks().iter();
        let bank = banks
            .position(|bank| bank.name.starts_with("HOST"))
            .unwrap();
        let pairs = driver.read(BAR0_REGION, base + PAIRS);
        let semaphore = |pair: u32| u64::from(id::REG_PAIR + 4 * pair);
        let mut free = (0..pairs).filter(|&pair| driver.read(BAR0_REGION, semaphore(pair)) == 0);
        let pair = free.next().expect("a pair is free");
        let registers = base + PAIR + PAIR_STRIDE * u64::from(pair);
        let window = memory_in(driver, bank as u32, 2 * PAGE, host);
        let write = |register, value| driver.write(BAR0_REGION, registers + register, value);
        write(SIZES, ENTRIES_LOG | (ENTRIES_LOG + 1) << 8);
        for (register, address) in [(SUBMISSIONS, window), (COMPLETIONS, window + PAGE)] {
            write(register, address as u32);
            write(register + 4, (address >> 32) as u32);
        }
        write(CONTROL, 1);
        Self {
            driver,
            registers,
            pair,
        }
    }

    /// Rings with these indices.
    pub(crate) fn ring(&self, tail: u16, head: u16) {
        let place = u64::from(self.pair) * bypass::DOORBELL_STRIDE;
        let word = u32::from(tail) | u32::from(head) << 16;
        self.driver.write(BAR2_REGION, place, word);
    }

    /// How many completions the card has written.
    pub(crate) fn completed(&self) -> u16 {
        self.driver
            .read(BAR0_REGION, self.registers + COMPLETION_INDICES) as u16
    }

    /// Waits until the card has stopped it; the cause.
    pub(crate) fn stopped(&self) -> u32 {
        let mut state = 0;
        until("the pair stops", || {
            let register = id::REG_PAIR_STATE + 4 * self.pair;
            state = self.driver.read(BAR0_REGION, register.into());
            state & id::PAIR_STOPPED != 0
        });
        state & !id::PAIR_STOPPED
    }

    /// Accesses of kernels to this client's memory that failed.
    pub(crate) fn faults(&self) -> u32 {
        self.driver.read(BAR0_REGION, id::REG_HOST_FAULTS.into())
    }

    /// Gives it back.
    pub(crate) fn give_back(self) {
        let own = self.driver.read(BAR0_REGION, id::REG_CLIENT.into());
        let semaphore = u64::from(id::REG_PAIR + 4 * self.pair);
        self.driver.write(BAR0_REGION, semaphore, own);
        // It is free, or another's by now: one that does not come to rest stays its holder's.
        let holder = self.driver.read(BAR0_REGION, semaphore);
        assert_ne!(holder, own, "it is lost");
        self.driver.write(BAR0_REGION, semaphore, own);
    }
}
