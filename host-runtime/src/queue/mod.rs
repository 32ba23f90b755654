//! Queues: decisions asked for and answered through rings in memory, without a run for each batch. The formats are those
//! of the kernel `tcp_queue` (docs/queue.md), on every kind of card.

mod entry;

pub use entry::{Completion, Refusal, Submission};
