//! Serving a simulated card as a PCIe device of its own, which many processes and virtual machines attach to.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use card_shell::{Layout as ShellLayout, ShellKind};

pub use crate::backend::sim::MemoryBanks;
use crate::card::SimOptions;
use crate::card_id::CardId;
use crate::card_name::ServedName;
use crate::image::Image;
use crate::lease::CardResources;
use crate::store;
use crate::trust::TrustOptions;
use crate::{Error, Result};

/// How a card is served.
#[derive(Debug, Clone, Default)]
pub struct ServeOptions {
    /// What the card is programmed with at first; `None`: nothing.
    pub image: Option<Arc<Image>>,
    /// Folder of the cards' state; `None`: the user's.
    pub state_folder: Option<PathBuf>,
    /// Whose images may run in the server.
    pub trust: TrustOptions,
    /// Seed, memory timing, checkers, waves.
    pub simulation: SimOptions,
    /// The card's own memory; `None`: what the image says.
    pub banks: Option<MemoryBanks>,
    /// The shell in front of it.
    pub shell: ShellKind,
    /// What size the card says it has; `None`: [`CardResources::SIMULATED`].
    pub resources: Option<CardResources>,
}

/// A simulated card that is served until this is dropped.
#[derive(Debug)]
pub struct ServedCard {
    id: CardId,
    shell: card_shell::Shell,
    /// Held by the living server of this name.
    _lock: File,
}

impl ServedCard {
    /// Serves a card under a name: programs open it as [`CardId::Served`], `pcie:NAME`.
    ///
    /// # Errors
    /// [`Error::CardBusy`] if one of that name is served already, [`Error::StateFolder`], or why the image cannot be
    /// loaded.
    pub fn start(name: ServedName, options: &ServeOptions) -> Result<Self> {
        let id = CardId::Served(name);
        let socket = store::served_socket(name, options.state_folder.as_deref())?;
        let folder = socket.parent().unwrap_or(Path::new("."));
        let failed = |action, path: &Path, source| Error::StateFolder {
            card: id,
            action,
            path: path.to_owned(),
            source,
            advice: "set FPGA_STATE_DIR to a folder on a local disk that is yours, with a short path",
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| failed("create the folder", folder, source))?;
        let lock_path = folder.join(format!("{name}.lock"));
        let lock = File::create(&lock_path)
            .map_err(|source| failed("open the lock", &lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::CardBusy {
                    card: id,
                    holders: "another process that serves a card of this name".to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock", &lock_path, source)),
        }
        // Whatever became of the one of this name before: this is another card.
        if let Some(health) = store::health(id, options.state_folder.as_deref())? {
            health.set_well();
        }
        let card = crate::backend::sim::ServedSim::start(
            id,
            options.simulation.clone(),
            options.trust.clone(),
            options.banks,
            size_of(&options.resources.unwrap_or(CardResources::SIMULATED)),
        )?;
        if let Some(image) = &options.image {
            card.load(image)?;
        }
        let shell =
            card_shell::Shell::serve(&socket, Arc::new(card), options.shell, Default::default());
        let shell = shell.map_err(|source| Error::Pcie {
            card: id,
            action: "be served",
            source: source.into(),
        })?;
        Ok(Self {
            id,
            shell,
            _lock: lock,
        })
    }

    /// By what name programs open it.
    pub fn id(&self) -> CardId {
        self.id
    }

    /// The Unix socket, for other vfio-user clients: QEMU's `vfio-user-pci`.
    pub fn socket(&self) -> &Path {
        self.shell.path()
    }

    /// How many clients are attached.
    pub fn clients(&self) -> usize {
        self.shell.clients()
    }
}

/// As the shell tells it; what is more than its registers hold is cut.
fn size_of(resources: &CardResources) -> card_shell::CardSize {
    let word = |number: Option<u64>| u32::try_from(number.unwrap_or(0)).unwrap_or(u32::MAX);
    card_shell::CardSize {
        memory: resources.memory.unwrap_or(0),
        luts: word(resources.luts),
        dsps: word(resources.dsps),
    }
}
