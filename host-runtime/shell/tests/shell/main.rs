//! A card behind the shell, as a driver finds it: a plain card, and the vfio-user client.

mod dma;
mod driver;
mod pairs;
mod plain_card;
#[path = "../../../vfio-user/tests/wire/raw.rs"]
mod raw;
mod registers;
mod sharing;
mod vanished;
