//! The software device: `tcp_validator`'s registers and memory without RTL. A [`Judge`] computes, as fast as the CPU can;
//! a run ends before its submission returns.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapMut, MmapOptions};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::backend::pair::Pair;
use crate::backend::residency::{Device, Residency};
use crate::backend::{
    Backend, BusError, EndedRun, Patience, RunId, RunOutcome, RunRequest, SimulatedTime, Waited,
};
use crate::card::CardCore;
use crate::card_id::CardId;
use crate::image::{BankInfo, Image};
use crate::judge::{Judge, JudgeSettings};
use crate::memory::MappedMemory;
use crate::queue::QueueOptions;
use crate::store::CardStore;
use crate::tcp::registers as reg;
use crate::tcp::{Descriptor, Options, Output, Policy, PolicySlot};
use crate::{Error, Result};

mod queues;
#[cfg(test)]
mod tests;

use queues::Queues;

/// What the device is called where an image names its platform.
const PLATFORM: &str = "tcp_software_1";

/// The kernel it knows.
const KERNEL: &str = "tcp_validator";

/// Memory banks, as on the default simulated card.
const BANKS: u64 = 2;
const BANK_BYTES: u64 = 16 << 30;

/// How many finished runs wait to be asked for before the oldest are forgotten.
const KEPT_OUTCOMES: usize = 4096;

/// The image that describes the device itself: there is nothing to load.
fn own_image() -> Result<Arc<Image>> {
    let kernel = bitstreams::KernelDescription::from_xml(include_str!("../../../hdl/kernel.xml"))?;
    let unit = bitstreams::ComputeUnit {
        name: format!("{KERNEL}_1"),
        base_address: 0x180_0000,
        connections: vec![(0, 0), (1, 1)],
    };
    let mut builder =
        bitstreams::ImageBuilder::without_model(PLATFORM, b"software device".to_vec());
    for bank in 0..BANKS {
        builder = builder.bank(bitstreams::Bank {
            tag: format!("HOST[{bank}]"),
            kind: bitstreams::MemType::Dram,
            used: true,
            size_kib: BANK_BYTES / 1024,
            base_address: bank * BANK_BYTES,
        });
    }
    Image::new(builder.kernel(kernel, vec![unit]).build()?)
}

/// The software device behind the backend line.
#[derive(Debug)]
pub(crate) struct SoftwareBackend {
    residency: Arc<Residency<SoftwareDevice>>,
    settings: JudgeSettings,
    /// Those since the last reset.
    queues: Mutex<Arc<Queues>>,
    next_run: AtomicU64,
    outcomes: Mutex<Outcomes>,
}

#[derive(Debug, Default)]
struct Outcomes {
    by_run: HashMap<RunId, RunOutcome>,
    order: VecDeque<RunId>,
}

impl SoftwareBackend {
    pub(crate) fn open(id: CardId, store: CardStore) -> Result<Self> {
        let settings = JudgeSettings::from_environment().map_err(|error| Error::CardUnusable {
            card: id,
            reason: error.to_string(),
            advice: "unset the variable to have the best chosen".to_owned(),
        })?;
        let residency = Residency::open(id, store, settings)?;
        if residency.image().is_none() {
            residency.sit()?.program_empty(own_image()?)?;
        }
        Ok(Self {
            residency,
            settings,
            queues: Mutex::new(Queues::new(id, settings)),
            next_run: AtomicU64::new(0),
            outcomes: Mutex::default(),
        })
    }
}

impl SoftwareBackend {
    /// Ends all queues; those opened from now on are new.
    fn retire_queues(&self) {
        let fresh = Queues::new(self.residency.id(), self.settings);
        let retired = std::mem::replace(&mut *self.queues.lock(), fresh);
        retired.retire();
    }
}

impl Drop for SoftwareBackend {
    fn drop(&mut self) {
        self.queues.get_mut().retire();
        self.residency.close_on_drop();
    }
}

impl Backend for SoftwareBackend {
    fn image(&self) -> Option<Arc<Image>> {
        self.residency.image()
    }

    fn generation(&self) -> u64 {
        self.residency.generation()
    }

    fn program(&self, image: Arc<Image>) -> Result<()> {
        self.residency.sit()?.program(image)?;
        self.retire_queues();
        Ok(())
    }

    fn program_empty(&self, image: Arc<Image>) -> Result<()> {
        self.residency.sit()?.program_empty(image)
    }

    fn reset(&self) -> Result<()> {
        self.residency.sit()?.reset()?;
        self.retire_queues();
        Ok(())
    }

    fn reset_unit(&self, _unit: usize) -> Result<()> {
        self.residency.sit()?.device()?.reset()
    }

    fn renew(&self) -> Result<()> {
        self.residency.sit_to_renew()?.renew()?;
        self.retire_queues();
        Ok(())
    }

    fn lives_here(&self) -> bool {
        true
    }

    fn commit(&self) -> Result<()> {
        self.residency.sit()?.store()
    }

    fn write_memory(&self, address: u64, bytes: &[u8]) -> Result<()> {
        let card = self.residency.id();
        self.residency
            .sit()?
            .device()?
            .memory(card, address, bytes.len())?
            .copy_from_slice(bytes);
        Ok(())
    }

    fn read_memory(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        let card = self.residency.id();
        bytes.copy_from_slice(self.residency.sit()?.device()?.memory(
            card,
            address,
            bytes.len(),
        )?);
        Ok(())
    }

    fn copy_memory(&self, from: u64, to: u64, len: usize) -> Result<()> {
        let card = self.residency.id();
        let mut seat = self.residency.sit()?;
        let device = seat.device()?;
        let bytes = device.memory(card, from, len)?.to_vec();
        device.memory(card, to, len)?.copy_from_slice(&bytes);
        Ok(())
    }

    fn map_memory(&self, _address: u64, _len: usize) -> Result<Option<MappedMemory>> {
        // Its memory is replaced by programming, so nobody may hold on to it.
        Ok(None)
    }

    fn read_register(&self, _unit: usize, offset: u32) -> Result<u32> {
        Ok(self.residency.sit()?.device()?.registers.read(offset))
    }

    fn write_register(&self, _unit: usize, offset: u32, value: u32) -> Result<()> {
        let mut seat = self.residency.sit()?;
        let device = seat.device()?;
        device.registers.write(offset, value);
        if offset == reg::CONTROL && value & 1 != 0 {
            device.run();
        }
        Ok(())
    }

    fn submit(&self, request: RunRequest) -> Result<RunId> {
        let outcome = {
            let mut seat = self.residency.sit()?;
            let device = seat.device()?;
            let snapshot = |device: &SoftwareDevice| {
                request
                    .snapshot
                    .iter()
                    .map(|&offset| device.registers.peek(offset))
                    .collect()
            };
            let before = snapshot(device);
            let preserved: Vec<_> = request
                .preserve
                .iter()
                .map(|&offset| (offset, device.registers.peek(offset)))
                .collect();
            for &(offset, value) in &request.registers {
                device.registers.write(offset, value);
            }
            device.run();
            for (offset, value) in preserved {
                device.registers.write(offset, value);
            }
            let outcome = RunOutcome {
                before,
                after: snapshot(device),
            };
            if seat.is_wanted() {
                seat.hand_on()?;
            }
            outcome
        };
        let run = RunId(self.next_run.fetch_add(1, Ordering::Relaxed));
        let mut outcomes = self.outcomes.lock();
        outcomes.by_run.insert(run, outcome);
        outcomes.order.push_back(run);
        if outcomes.order.len() > KEPT_OUTCOMES
            && let Some(oldest) = outcomes.order.pop_front()
        {
            outcomes.by_run.remove(&oldest);
        }
        Ok(run)
    }

    fn wait(&self, run: RunId, _patience: &Patience) -> Result<Waited> {
        let mut outcomes = self.outcomes.lock();
        match outcomes.by_run.remove(&run) {
            Some(outcome) => {
                outcomes.order.retain(|&kept| kept != run);
                Ok(Waited::Done(outcome))
            }
            None => Err(Error::WrongState {
                card: self.residency.id(),
                reason: "that run is not known, or ended too long ago".to_owned(),
            }),
        }
    }

    fn wait_any(
        &self,
        runs: &dyn Fn() -> Vec<RunId>,
        patience: &Patience,
    ) -> Result<Vec<EndedRun>> {
        runs()
            .into_iter()
            .map(|run| match self.wait(run, patience)? {
                Waited::Done(outcome) => Ok((run, Ok(outcome))),
                Waited::Pending(_) => unreachable!("runs end before their submission returns"),
            })
            .collect()
    }

    fn abort(&self, run: RunId) -> Result<()> {
        // It ended before its submission returned.
        self.outcomes.lock().by_run.remove(&run);
        Ok(())
    }

    fn simulated_time(&self) -> Option<SimulatedTime> {
        None
    }

    fn open_pair(&self, _core: &Arc<CardCore>, options: &QueueOptions) -> Result<Box<dyn Pair>> {
        let queues = Arc::clone(&self.queues.lock());
        queues.open(options)
    }

    fn close(&self, keep: bool) -> Result<()> {
        self.queues.lock().retire();
        self.residency.close(keep)
    }
}

/// Registers, as the kernel has them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Registers {
    done: bool,
    auto_restart: bool,
    global_interrupt_enable: bool,
    interrupt_enable: u32,
    interrupt_status: u32,
    descriptors: u64,
    verdicts: u64,
    count: u32,
    options: u32,
    status: u32,
    fail_address: u64,
    counters: [u64; reg::COUNTER_COUNT as usize],
    policies: [[u32; Policy::WORDS]; PolicySlot::COUNT],
}

impl Default for Registers {
    fn default() -> Self {
        Self {
            done: false,
            auto_restart: false,
            global_interrupt_enable: false,
            interrupt_enable: 0,
            interrupt_status: 0,
            descriptors: 0,
            verdicts: 0,
            count: 0,
            options: 0,
            status: 0,
            fail_address: 0,
            counters: [0; reg::COUNTER_COUNT as usize],
            policies: [Policy::reset_default().to_words(); PolicySlot::COUNT],
        }
    }
}

/// Low word at `base`, high word after it.
fn half(value: u64, offset: u32, base: u32) -> u32 {
    (value >> (8 * (offset - base))) as u32
}

fn set_half(value: &mut u64, offset: u32, base: u32, word: u32) {
    let shift = 8 * (offset - base);
    *value = (*value & !(0xFFFF_FFFF << shift)) | (u64::from(word) << shift);
}

impl Registers {
    /// A host's read, which clears ap_done.
    fn read(&mut self, offset: u32) -> u32 {
        let value = self.peek(offset);
        if offset == reg::CONTROL {
            self.done = false;
        }
        value
    }

    fn peek(&self, offset: u32) -> u32 {
        const COUNTERS_END: u32 = reg::COUNTERS + 8 * reg::COUNTER_COUNT;
        const POLICY_END: u32 = reg::POLICY + reg::POLICY_STRIDE * PolicySlot::COUNT as u32;
        match offset {
            // Always idle; ap_done and ap_ready rise together.
            reg::CONTROL => {
                0b100 | (u32::from(self.done) * 0b1010) | (u32::from(self.auto_restart) << 7)
            }
            reg::GLOBAL_INTERRUPT_ENABLE => u32::from(self.global_interrupt_enable),
            reg::INTERRUPT_ENABLE => self.interrupt_enable,
            reg::INTERRUPT_STATUS => self.interrupt_status,
            0x010 | 0x014 => half(self.descriptors, offset, reg::DESCRIPTORS),
            0x01C | 0x020 => half(self.verdicts, offset, reg::VERDICTS),
            reg::COUNT => self.count,
            reg::OPTIONS => self.options,
            reg::STATUS => self.status,
            0x048 | 0x04C => half(self.fail_address, offset, reg::FAIL_ADDRESS),
            reg::IDENTITY => reg::IDENTITY_VALUE,
            reg::INTERFACE_VERSION => reg::INTERFACE_VERSION_VALUE,
            // No bus; the width says so.
            reg::DATA_WIDTH => 0,
            reg::COUNTERS..COUNTERS_END => half(
                self.counters[((offset - reg::COUNTERS) / 8) as usize],
                offset & 7,
                0,
            ),
            reg::POLICY..POLICY_END => {
                let word = ((offset - reg::POLICY) / 4) as usize;
                self.policies[word / Policy::WORDS][word % Policy::WORDS]
            }
            _ => 0,
        }
    }

    fn write(&mut self, offset: u32, value: u32) {
        const POLICY_END: u32 = reg::POLICY + reg::POLICY_STRIDE * PolicySlot::COUNT as u32;
        match offset {
            reg::CONTROL => self.auto_restart = value & (1 << 7) != 0,
            reg::GLOBAL_INTERRUPT_ENABLE => self.global_interrupt_enable = value & 1 != 0,
            reg::INTERRUPT_ENABLE => self.interrupt_enable = value & 3,
            reg::INTERRUPT_STATUS => self.interrupt_status ^= value & 3,
            0x010 | 0x014 => set_half(&mut self.descriptors, offset, reg::DESCRIPTORS, value),
            0x01C | 0x020 => set_half(&mut self.verdicts, offset, reg::VERDICTS, value),
            reg::COUNT => self.count = value,
            reg::OPTIONS => self.options = value,
            reg::POLICY..POLICY_END => {
                let word = ((offset - reg::POLICY) / 4) as usize;
                self.policies[word / Policy::WORDS][word % Policy::WORDS] = value;
            }
            _ => {}
        }
    }

    /// The policy of a slot as the hardware reads it: undefined bits mean nothing.
    fn policy(&self, slot: PolicySlot) -> Policy {
        let mut words = self.policies[slot.index()];
        words[0] &= 0x3FF;
        words[6] &= 0x3;
        words[7] = 0;
        Policy::from_words(words).expect("only defined bits are left")
    }
}

pub(crate) struct SoftwareDevice {
    registers: Registers,
    banks: Vec<(BankInfo, MmapMut)>,
    settings: JudgeSettings,
}

impl SoftwareDevice {
    /// `len` bytes of memory at `address`.
    fn memory(&mut self, card: CardId, address: u64, len: usize) -> Result<&mut [u8]> {
        self.find(address, len).ok_or(Error::Bus {
            card,
            source: BusError::Memory { address, len },
        })
    }

    fn find(&mut self, address: u64, len: usize) -> Option<&mut [u8]> {
        self.banks.iter_mut().find_map(|(bank, memory)| {
            let start = usize::try_from(address.checked_sub(bank.base)?).ok()?;
            memory.get_mut(start..start.checked_add(len)?)
        })
    }

    /// The memory at two addresses, each with its length; `None` unless both are there and apart.
    fn find_both(&mut self, from: (u64, usize), to: (u64, usize)) -> Option<(&[u8], &mut [u8])> {
        let place = |(address, len): (u64, usize)| {
            self.banks
                .iter()
                .enumerate()
                .find_map(|(index, (bank, memory))| {
                    let start = usize::try_from(address.checked_sub(bank.base)?).ok()?;
                    let range = start..start.checked_add(len)?;
                    memory.get(range.clone()).map(|_| (index, range))
                })
        };
        let ((from_bank, from), (to_bank, to)) = (place(from)?, place(to)?);
        if from_bank == to_bank {
            let memory = &mut self.banks[from_bank].1;
            let [from, to] = memory.get_disjoint_mut([from, to]).ok()?;
            return Some((from, to));
        }
        let banks = self.banks.get_disjoint_mut([from_bank, to_bank]).ok()?;
        let [(_, from_memory), (_, to_memory)] = banks;
        Some((&from_memory[from], &mut to_memory[to]))
    }

    /// What `ap_start` does, until it is done.
    fn run(&mut self) {
        let (status, fail_address) = match self.evaluate() {
            Ok(()) => (0, 0),
            Err(failure) => failure,
        };
        let registers = &mut self.registers;
        registers.status = status;
        registers.fail_address = fail_address;
        registers.done = true;
        registers.interrupt_status |= registers.interrupt_enable;
    }

    fn evaluate(&mut self) -> Result<(), (u32, u64)> {
        let Registers {
            descriptors,
            verdicts,
            count,
            options,
            ..
        } = self.registers;
        let options = Options::try_from(options).map_err(|_| (1, 0))?;
        if descriptors % 64 != 0 || verdicts % 64 != 0 {
            return Err((2, 0));
        }
        if count == 0 {
            return Ok(());
        }
        let policy = self.registers.policy(options.slot);
        let judge = Judge::new(options, &policy)
            .with(&self.settings)
            .expect("opening the card checked the settings");
        let input = (descriptors, count as usize * Descriptor::SIZE);
        let output = (
            verdicts,
            count as usize * options.output.bytes_per_descriptor(),
        );
        let run = |descriptors: &[u8], answers: &mut [u8]| {
            let descriptors = bytemuck::cast_slice(descriptors);
            match options.output {
                Output::Verdicts => judge.verdicts(descriptors, bytemuck::cast_slice_mut(answers)),
                Output::Details => judge.details(descriptors, bytemuck::cast_slice_mut(answers)),
            }
        };
        let counted = if let Some((descriptors, answers)) = self.find_both(input, output) {
            run(descriptors, answers)
        } else {
            // One is missing, or they overlap: the hardware reads ahead, this reads first.
            let descriptors = self.find(input.0, input.1).ok_or((3, input.0))?.to_vec();
            let answers = self.find(output.0, output.1).ok_or((4, output.0))?;
            run(&descriptors, answers)
        };
        let counted = counted.to_counters();
        for (counter, count) in self.registers.counters.iter_mut().zip(counted) {
            *counter = counter.wrapping_add(count);
        }
        Ok(())
    }
}

impl Device for SoftwareDevice {
    type Config = JudgeSettings;

    fn new(id: CardId, settings: &JudgeSettings, image: &Arc<Image>) -> Result<Self> {
        if image.platform() != PLATFORM && image.model().is_none() {
            return Err(Error::ImageForAnotherCard {
                card: id,
                platform: image.platform().to_owned(),
                reason: "it holds bits for an FPGA".to_owned(),
                advice: "program it on a card of that platform".to_owned(),
            });
        }
        if image.kernels().iter().any(|kernel| kernel.name != KERNEL) || image.units().is_empty() {
            return Err(Error::ImageForAnotherCard {
                card: id,
                platform: image.platform().to_owned(),
                reason: format!(
                    "the software device computes {KERNEL} only, the image has {}",
                    image.kernel_names()
                ),
                advice: "program it on a simulated card (sim:0)".to_owned(),
            });
        }
        let banks = image
            .banks()
            .iter()
            .map(|bank| {
                // Pages take no host memory until they are touched.
                let len = usize::try_from(bank.size).unwrap_or(usize::MAX).max(1);
                let memory = MmapOptions::new().len(len).no_reserve_swap().map_anon();
                memory
                    .map(|memory| (bank.clone(), memory))
                    .map_err(|source| Error::HostMemory { asked: len, source })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            registers: Registers::default(),
            banks,
            settings: *settings,
        })
    }

    fn reset(&mut self) -> Result<()> {
        self.registers = Registers::default();
        Ok(())
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        self.registers = serde_json::from_slice(saved).map_err(|error| {
            Error::Input(format!(
                "the software device's stored registers cannot be read: {error}"
            ))
        })?;
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(&self.registers).expect("plain data"))
    }

    fn is_quiet(&self) -> bool {
        true
    }
}
