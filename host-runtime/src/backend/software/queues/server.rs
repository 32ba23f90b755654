//! The thread that serves the queues of a software device, all of them in turn. While there is work it spins; without work
//! it spins a little longer the more often work came while it did, and then sleeps until somebody submits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::thread::{JoinHandle, Thread};

use parking_lot::Mutex;

use super::judging::{BATCH, Judging};
use super::rings::{Padded, Rings};
use crate::queue::{Completion, Submission};

/// Looks at all pairs in vain before the thread sleeps: some ten microseconds at least, a few milliseconds at most.
const LEAST_SPINS: u32 = 1 << 9;
const MOST_SPINS: u32 = 1 << 16;

/// What submitters and the server share.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// The server sleeps, or is about to.
    sleeping: Padded<AtomicBool>,
    /// It shall end.
    closed: AtomicBool,
    /// Counts changes of `pairs`.
    changes: AtomicU64,
    pairs: Mutex<Vec<Arc<Rings>>>,
    server: Mutex<Option<(Thread, JoinHandle<()>)>>,
}

impl Desk {
    /// Has a pair served; starts the server if it is the first.
    pub(super) fn join(
        self: &Arc<Self>,
        name: &str,
        rings: Arc<Rings>,
        judging: impl FnOnce() -> Judging,
    ) -> std::io::Result<Thread> {
        let mut server = self.server.lock();
        let thread = match &*server {
            Some((thread, _)) => thread.clone(),
            None => {
                let desk = Arc::clone(self);
                let judging = judging();
                let handle = std::thread::Builder::new()
                    .name(name.to_owned())
                    .spawn(move || Server::new(desk, judging).run())?;
                let thread = handle.thread().clone();
                *server = Some((thread.clone(), handle));
                thread
            }
        };
        self.pairs.lock().push(rings);
        self.changes.fetch_add(1, Ordering::Release);
        self.wake(&thread);
        Ok(thread)
    }

    /// Has a pair served no more.
    pub(super) fn leave(&self, rings: &Arc<Rings>) {
        self.pairs.lock().retain(|pair| !Arc::ptr_eq(pair, rings));
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Wakes the server if it sleeps: to be called after whatever it shall see.
    #[inline]
    pub(super) fn wake(&self, server: &Thread) {
        // Either the server's last look sees what was done before this, or this sees that it sleeps.
        fence(Ordering::SeqCst);
        if self.sleeping.0.load(Ordering::Relaxed) {
            self.wake_server(server);
        }
    }

    #[cold]
    fn wake_server(&self, server: &Thread) {
        if self.sleeping.0.swap(false, Ordering::Relaxed) {
            server.unpark();
        }
    }

    /// Ends the server and waits for its end, which is at hand: it looks after each batch.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        if let Some((thread, handle)) = self.server.lock().take() {
            thread.unpark();
            let _ = handle.join();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    #[cfg(test)]
    pub(super) fn is_sleeping(&self) -> bool {
        self.sleeping.0.load(Ordering::Relaxed)
    }
}

struct Served {
    rings: Arc<Rings>,
    /// The next submission, and so the next completion.
    next: usize,
}

struct Server {
    desk: Arc<Desk>,
    judging: Judging,
    pairs: Vec<Served>,
    changes: u64,
    submissions: Box<[Submission; BATCH]>,
    completions: Box<[Completion; BATCH]>,
}

impl Server {
    fn new(desk: Arc<Desk>, judging: Judging) -> Self {
        Self {
            desk,
            judging,
            pairs: Vec::new(),
            changes: 0,
            submissions: Box::new(bytemuck::Zeroable::zeroed()),
            completions: Box::new([Completion::default(); BATCH]),
        }
    }

    fn run(mut self) {
        let mut budget = LEAST_SPINS;
        let mut spins = 0;
        while !self.desk.is_closed() {
            if self.serve() {
                if spins > budget / 2 {
                    budget = (budget * 2).min(MOST_SPINS);
                }
                spins = 0;
            } else if spins < budget {
                spins += 1;
                std::hint::spin_loop();
            } else {
                budget = (budget / 2).max(LEAST_SPINS);
                spins = 0;
                self.sleep();
            }
        }
    }

    /// Sleeps unless there is work.
    fn sleep(&mut self) {
        self.desk.sleeping.0.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !self.serve() && !self.desk.is_closed() {
            std::thread::park();
        }
        self.desk.sleeping.0.store(false, Ordering::Relaxed);
    }

    /// Answers what there is of each pair, up to a batch; whether there was anything.
    #[inline]
    fn serve(&mut self) -> bool {
        if self.desk.changes.load(Ordering::Acquire) != self.changes {
            self.follow();
        }
        let mut served = false;
        for pair in &mut self.pairs {
            let mut count = 0;
            while count < BATCH
                && let Some(submission) = pair.rings.submitted(pair.next.wrapping_add(count))
            {
                self.submissions[count] = submission;
                count += 1;
            }
            if count == 0 {
                continue;
            }
            let completions = &mut self.completions[..count];
            self.judging.judge(&self.submissions[..count], completions);
            pair.rings.complete(pair.next, completions);
            pair.next = pair.next.wrapping_add(count);
            pair.rings.wake();
            served = true;
        }
        served
    }

    /// Takes over pairs that joined, and lets go of those that left.
    #[cold]
    fn follow(&mut self) {
        let pairs = self.desk.pairs.lock();
        self.changes = self.desk.changes.load(Ordering::Acquire);
        self.pairs
            .retain(|served| pairs.iter().any(|pair| Arc::ptr_eq(pair, &served.rings)));
        for rings in pairs.iter() {
            let known = |served: &Served| Arc::ptr_eq(rings, &served.rings);
            if !self.pairs.iter().any(known) {
                self.pairs.push(Served {
                    rings: Arc::clone(rings),
                    next: 0,
                });
            }
        }
    }
}
