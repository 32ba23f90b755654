//! A card without Verilog, and the shell in front of it.

use std::sync::Arc;

use card_shell::{AxiError, Card, CardError, CardEvents, CardStatus, Doorbell, Shell, ShellKind};
use parking_lot::Mutex;
use vfio_user::ServerOptions;

use crate::driver::Driver;

pub(crate) const KERNEL: u64 = 0x180_0000;
pub(crate) const BANK: usize = 0x10_0000;

#[derive(Default)]
pub(crate) struct PlainCard {
    pub(crate) register: Mutex<u32>,
    pub(crate) memory: Mutex<Vec<u8>>,
    pub(crate) image: Mutex<Option<Vec<u8>>>,
    pub(crate) generation: Mutex<u32>,
    /// What the shell told of units.
    pub(crate) told: Mutex<Vec<String>>,
    pub(crate) events: Mutex<Option<Arc<dyn CardEvents>>>,
    pub(crate) rung: Mutex<Vec<(u32, Doorbell)>>,
}

impl Card for PlainCard {
    fn status(&self) -> CardStatus {
        let generation = *self.generation.lock();
        let image = self.image.lock();
        CardStatus {
            sequence: generation.into(),
            image: image.as_ref().map(|_| *b"0123456789abcdef"),
            image_bytes: image.as_ref().map_or(0, |image| image.len() as u32),
            generation,
            clock_mhz: 300,
            units: 1,
            pairs: 4,
            ..CardStatus::default()
        }
    }

    fn read_register(&self, address: u64) -> Result<u32, AxiError> {
        if address != KERNEL {
            return Err(AxiError::Decode);
        }
        Ok(*self.register.lock())
    }

    fn write_register(&self, address: u64, value: u32) -> Result<(), AxiError> {
        if address != KERNEL {
            return Err(AxiError::Decode);
        }
        *self.register.lock() = value;
        Ok(())
    }

    fn memory(
        &self,
        address: u64,
        len: usize,
        access: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), AxiError> {
        let start = usize::try_from(address).map_err(|_| AxiError::Decode)?;
        let mut memory = self.memory.lock();
        memory.resize(BANK, 0);
        let end = start.checked_add(len).ok_or(AxiError::Decode)?;
        access(memory.get_mut(start..end).ok_or(AxiError::Decode)?);
        Ok(())
    }

    fn image(&self) -> Option<Arc<[u8]>> {
        self.image.lock().clone().map(Into::into)
    }

    fn program(&self, image: Vec<u8>) -> Result<(), CardError> {
        if !image.starts_with(b"good") {
            return Err(CardError("it is no good".to_owned()));
        }
        *self.image.lock() = Some(image);
        *self.generation.lock() += 1;
        self.events().status_changed(&self.status());
        Ok(())
    }

    fn unload(&self) -> Result<(), CardError> {
        *self.image.lock() = None;
        *self.generation.lock() += 1;
        self.events().status_changed(&self.status());
        Ok(())
    }

    fn reset(&self) -> Result<(), CardError> {
        *self.generation.lock() += 1;
        self.events().status_changed(&self.status());
        Ok(())
    }

    fn reset_unit(&self, unit: u32) -> Result<(), CardError> {
        match unit {
            0 => Ok(()),
            _ => Err(CardError(format!("there is no unit {unit}"))),
        }
    }

    fn allocate(&self, client: u32, bank: u32, bytes: u64, host: u64) -> Option<u64> {
        self.told.lock().push(format!(
            "{bytes:#x} in bank {bank} for {client}, to {host:#x}"
        ));
        (bank == 0).then_some(0x1_2345_6000)
    }

    fn release(&self, client: u32, address: u64) {
        self.told
            .lock()
            .push(format!("{address:#x} of {client} released"));
    }

    fn release_all(&self, client: u32) {
        self.told.lock().push(format!("all of {client} released"));
    }

    fn taken(&self, unit: u32) {
        self.told.lock().push(format!("{unit} taken"));
    }

    fn given_back(&self, unit: u32, left: bool) {
        self.told.lock().push(format!(
            "{unit} given back{}",
            if left { " by leaving" } else { "" }
        ));
    }

    fn pair_taken(&self, pair: u32) {
        self.told.lock().push(format!("pair {pair} taken"));
    }

    fn pair_given_back(&self, pair: u32) -> bool {
        self.told.lock().push(format!("pair {pair} given back"));
        // One that does not come to rest.
        pair != 3
    }

    fn ring(&self, pair: u32, doorbell: Doorbell) {
        self.rung.lock().push((pair, doorbell));
    }

    fn wake(&self) {}

    fn connect(&self, events: Arc<dyn CardEvents>) {
        *self.events.lock() = Some(events);
    }
}

impl PlainCard {
    pub(crate) fn events(&self) -> Arc<dyn CardEvents> {
        self.events.lock().clone().unwrap()
    }
}

pub(crate) struct Bench {
    pub(crate) card: Arc<PlainCard>,
    pub(crate) shell: Shell,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::behind(ShellKind::default())
    }

    pub(crate) fn behind(kind: ShellKind) -> Self {
        Self::with(kind, ServerOptions::default())
    }

    pub(crate) fn with(kind: ShellKind, options: ServerOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let card = Arc::new(PlainCard::default());
        let path = folder.path().join("card");
        let shell = Shell::serve(&path, Arc::clone(&card) as _, kind, options).unwrap();
        Self {
            card,
            shell,
            _folder: folder,
        }
    }

    pub(crate) fn driver(&self) -> Driver {
        Driver::attach(self.shell.path())
    }
}
