//! The shell of one card, for all its clients.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::Mutex;
use vfio_user::{
    Attachment, BAR0_REGION, BAR1_REGION, BAR2_REGION, CONFIG_REGION, Device, IrqType, Link,
    MSIX_IRQ, Mappable, PCI_IRQS, PCI_REGIONS, Region, Server, ServerOptions,
};
use xdma::registers::{BAR_BYTES, MSIX_VECTORS};

use crate::bypass;
use crate::card::{Card, CardEvents, CardStatus, HostMemory};
use crate::config_space::{CONFIG_BYTES, USER_BAR_BYTES};
use crate::function::{CardFunction, Client};
use crate::holders::Holders;
use crate::identity::{self as id, PAGE};
use crate::kind::ShellKind;
use crate::link::LinkState;
use crate::pairs::Pairs;

/// A card that is served to clients until this is dropped.
#[derive(Debug)]
pub struct Shell {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    card: Arc<dyn Card>,
    kind: ShellKind,
    holders: Arc<Holders>,
    pairs: Arc<Pairs>,
    /// The card does not look at doorbells.
    asleep: AtomicBool,
    /// Of the status that was told last.
    generation: AtomicU32,
    clients: Arc<Mutex<Vec<Arc<Client>>>>,
    link: Mutex<LinkState>,
    next: AtomicU32,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared with {} clients", self.clients.lock().len())
    }
}

impl Shell {
    /// Serves a card on a Unix socket, behind a shell of this kind.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn serve(
        path: &Path,
        card: Arc<dyn Card>,
        kind: ShellKind,
        options: ServerOptions,
    ) -> vfio_user::Result<Self> {
        let shared = Arc::new(Shared {
            pairs: Arc::new(Pairs::new(Arc::clone(&card))),
            card,
            kind,
            holders: Arc::new(Holders::new(id::HOLDERS)),
            asleep: AtomicBool::new(false),
            generation: AtomicU32::new(0),
            clients: Arc::default(),
            link: Mutex::new(LinkState::Up),
            next: AtomicU32::new(1),
        });
        shared.card.connect(Arc::clone(&shared) as _);
        let server = Server::start(path, Arc::clone(&shared) as _, options)?;
        Ok(Self { server, shared })
    }

    /// Where it is served.
    pub fn path(&self) -> &Path {
        self.server.path()
    }

    /// How many clients it has.
    pub fn clients(&self) -> usize {
        self.shared.clients.lock().len()
    }
}

impl CardEvents for Shared {
    fn status_changed(&self, status: &CardStatus) {
        let before = self.generation.swap(status.generation, Ordering::Relaxed);
        if before != status.generation {
            self.pairs.find_lost();
        }
        let clients = self.clients.lock();
        clients
            .iter()
            .for_each(|client| client.page().publish(status));
    }

    /// Tells who holds the compute unit; nobody else.
    fn interrupt(&self, unit: u32, level: bool) {
        let holder = self.holders.holder(unit);
        let clients = self.clients.lock();
        if let Some(client) = clients.iter().find(|client| client.number() == holder) {
            client.user_interrupt(unit as usize % xdma::registers::irq::USERS, level);
        }
    }

    fn link_changed(&self, link: LinkState) {
        let mut now = self.link.lock();
        *now = link;
        let clients = self.clients.lock();
        clients.iter().for_each(|client| client.set_link(link));
    }

    fn host_memory(&self, client: u32) -> Option<Arc<dyn HostMemory>> {
        let clients = self.clients.lock();
        let found = clients.iter().find(|other| other.number() == client)?;
        Some(Arc::clone(found) as _)
    }

    fn poll_doorbells(&self) -> bool {
        self.pairs.poll()
    }

    fn has_pairs(&self) -> bool {
        self.pairs.are_held()
    }

    fn set_asleep(&self, asleep: bool) {
        self.asleep.store(asleep, Ordering::SeqCst);
        let clients = self.clients.lock();
        clients.iter().for_each(|client| self.show_asleep(client));
        // What is rung from here on is seen, or its ringer sees this.
        std::sync::atomic::fence(Ordering::SeqCst);
    }

    fn pair_interrupt(&self, pair: u32) {
        self.pairs
            .with_holder(pair, |client| client.pair_interrupt(pair));
    }

    fn pair_stopped(&self, pair: u32, cause: u8) {
        self.pairs.with_holder(pair, |client| {
            let state = id::PAIR_STOPPED | u32::from(cause);
            client.page().set(id::REG_PAIR_STATE + 4 * pair, state);
            client.pair_interrupt(pair);
        });
    }
}

impl Shared {
    fn show_asleep(&self, client: &Client) {
        let asleep = self.asleep.load(Ordering::SeqCst);
        client.page().set(id::REG_ASLEEP, asleep.into());
    }
}

impl Device for Shared {
    fn attach(&self, link: Arc<Link>) -> Result<Attachment, String> {
        if *self.link.lock() == LinkState::Removed {
            return Err("the card was removed".to_owned());
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let clients = Arc::clone(&self.clients);
        let left = move |number| clients.lock().retain(|client| client.number() != number);
        let (function, client) = CardFunction::new(
            number,
            link,
            self.kind,
            Arc::clone(&self.card),
            Arc::clone(&self.holders),
            Arc::clone(&self.pairs),
            Box::new(left),
        )
        .map_err(|error| format!("no thread could be started for a client: {error}"))?;
        let page = client.page().file();
        let page = page.map_err(|error| format!("no handle of a client's page: {error}"))?;
        let pages = client.pages().file();
        let pages = pages.map_err(|error| format!("no handle of a client's pages: {error}"))?;
        self.clients.lock().push(Arc::clone(&client));
        self.show_asleep(&client);
        // After that, so that no change of the status passes it by.
        client.page().publish(&self.card.status());
        client.set_link(*self.link.lock());
        let mut regions: Vec<_> = (0..PCI_REGIONS).map(|_| Region::default()).collect();
        regions[BAR0_REGION as usize] = Region {
            size: USER_BAR_BYTES,
            mappable: Some(Mappable {
                file: page,
                offset: 0,
                areas: vec![(0, PAGE.into())],
            }),
        };
        regions[BAR1_REGION as usize].size = BAR_BYTES;
        regions[BAR2_REGION as usize] = Region {
            size: bypass::BYTES,
            mappable: Some(Mappable {
                file: pages,
                offset: 0,
                areas: vec![(0, bypass::MAPPABLE)],
            }),
        };
        regions[CONFIG_REGION as usize].size = CONFIG_BYTES as u64;
        let mut irqs = vec![IrqType::default(); PCI_IRQS as usize];
        irqs[MSIX_IRQ as usize] = IrqType {
            count: MSIX_VECTORS,
            maskable: false,
        };
        Ok(Attachment {
            regions,
            irqs,
            function: Box::new(function),
        })
    }
}
