//! Kernels of the loaded image, and their registers.

use std::ops::Range;
use std::sync::Arc;

use crate::card::CardCore;
use crate::card_id::CardId;
use crate::image::Image;
use crate::run::Run;
use crate::{Error, Result};

/// A kernel, by its compute units.
#[derive(Debug, Clone)]
pub struct Kernel {
    card: Arc<CardCore>,
    image: Arc<Image>,
    generation: u64,
    name: String,
    /// Indices of its compute units in the image; at least one.
    units: Vec<usize>,
}

impl Kernel {
    pub(crate) fn find(card: Arc<CardCore>, name: &str) -> Result<Self> {
        let generation = card.backend().generation();
        let image = card.image()?;
        let units: Vec<usize> = (0..image.units().len())
            .filter(|&unit| {
                let info = &image.units()[unit];
                info.name == name || image.kernels()[info.kernel].name == name
            })
            .collect();
        if units.is_empty() {
            return Err(Error::KernelMissing {
                card: card.id(),
                kernel: name.to_owned(),
                available: image.kernel_names(),
            });
        }
        Ok(Self {
            card,
            image,
            generation,
            name: name.to_owned(),
            units,
        })
    }

    /// The name it was asked for by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The card it is on.
    pub fn card(&self) -> CardId {
        self.card.id()
    }

    /// Names of its compute units, `kernel:instance`.
    pub fn units(&self) -> impl Iterator<Item = &str> {
        self.units
            .iter()
            .map(|&unit| self.image.units()[unit].name.as_str())
    }

    /// The bank that argument `id` of its first compute unit is connected to: where to allocate a buffer for it.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is no such argument or it takes no buffer.
    pub fn bank_of(&self, id: usize) -> Result<usize> {
        let unit = self.units[0];
        let argument = self.argument(unit, id)?;
        self.image.units()[unit]
            .banks
            .get(id)
            .and_then(|banks| banks.first())
            .copied()
            .ok_or_else(|| Error::Argument {
                kernel: self.name.clone(),
                argument: argument.name.clone(),
                reason: "takes no buffer".to_owned(),
            })
    }

    /// A run of the kernel on its first compute unit, to give arguments to and to start.
    pub fn run(&self) -> Run {
        Run::new(self.clone(), self.units[0])
    }

    /// Reads a register of the first compute unit.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Argument`] for an offset outside its registers, [`Error::Bus`].
    pub fn read_register(&self, offset: u32) -> Result<u32> {
        self.check_current()?;
        self.check_offset(offset)?;
        self.card.backend().read_register(self.units[0], offset)
    }

    /// Writes a register of the first compute unit.
    ///
    /// # Errors
    /// As [`Kernel::read_register`].
    pub fn write_register(&self, offset: u32, value: u32) -> Result<()> {
        self.check_current()?;
        self.check_offset(offset)?;
        self.card
            .backend()
            .write_register(self.units[0], offset, value)
    }

    pub(crate) fn first_unit(&self) -> usize {
        self.units[0]
    }

    pub(crate) fn core(&self) -> &Arc<CardCore> {
        &self.card
    }

    pub(crate) fn image(&self) -> &Arc<Image> {
        &self.image
    }

    pub(crate) fn check_current(&self) -> Result<()> {
        self.card.check_generation(self.generation, "kernel")
    }

    pub(crate) fn argument(&self, unit: usize, id: usize) -> Result<&bitstreams::Argument> {
        self.image
            .argument(unit, id)
            .ok_or_else(|| Error::Argument {
                kernel: self.name.clone(),
                argument: id.to_string(),
                reason: format!(
                    "does not exist; it has {}",
                    self.image.kernels()[self.image.units()[unit].kernel]
                        .arguments
                        .len()
                ),
            })
    }

    fn check_offset(&self, offset: u32) -> Result<()> {
        let window = self.register_window();
        if offset.is_multiple_of(4) && window.contains(&u64::from(offset)) {
            return Ok(());
        }
        Err(Error::Argument {
            kernel: self.name.clone(),
            argument: format!("register {offset:#x}"),
            reason: format!(
                "does not exist; registers are words below {:#x}",
                window.end
            ),
        })
    }

    fn register_window(&self) -> Range<u64> {
        0..self.image.register_window(self.units[0])
    }
}
