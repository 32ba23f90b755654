//! Memory of a card as the host sees it: which pieces of a bank are free, and buffers with a side on the host
//! and a side on the card.

mod allocator;
mod buffer;
mod device_buffer;
mod host_side;
mod mapped;

pub(crate) use allocator::BankAllocator;
pub use buffer::{Buffer, Direction};
pub use device_buffer::DeviceBuffer;
pub use mapped::MappedMemory;
