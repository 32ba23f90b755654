//! A DMA descriptor: one contiguous transfer, and where the next descriptor is (PG195, "Descriptors").

use bytemuck::{Pod, Zeroable};

/// Bytes of a DMA descriptor; its address is a multiple of this.
pub const DESCRIPTOR_BYTES: usize = size_of::<DmaDescriptor>();

/// A DMA descriptor as it lies in the host's memory. Little-endian, as all hosts are that are supported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DmaDescriptor {
    /// Magic number, number of adjacent descriptors, and the bits below.
    pub control: u32,
    /// Bytes to transfer, bits 27:0.
    pub length: u32,
    /// Low and high word of the address to read from.
    pub source: [u32; 2],
    /// Low and high word of the address to write to.
    pub destination: [u32; 2],
    /// Low and high word of the next descriptor's address.
    pub next: [u32; 2],
}

impl DmaDescriptor {
    /// Bits 31:16 of [`DmaDescriptor::control`].
    pub const MAGIC: u32 = 0xAD4B << 16;
    /// The engine stops after this one.
    pub const STOP: u32 = 1 << 0;
    /// The engine tells of the completion of this one: status, interrupt, write-back.
    pub const COMPLETED: u32 = 1 << 1;
    /// Longest transfer.
    pub const MAX_LENGTH: u32 = (1 << 28) - 1;
    /// Most adjacent descriptors that the field can say.
    pub const MAX_ADJACENT: u32 = 63;

    /// A transfer; `flags` are [`DmaDescriptor::STOP`] and [`DmaDescriptor::COMPLETED`]. The next descriptor is to be
    /// linked by [`DmaDescriptor::followed_by`].
    pub fn new(source: u64, destination: u64, length: u32, flags: u32) -> Self {
        Self {
            control: Self::MAGIC | flags,
            length: length & Self::MAX_LENGTH,
            source: split(source),
            destination: split(destination),
            next: [0; 2],
        }
    }

    /// With the next descriptor at `address`, and `adjacent` more right behind that one.
    #[must_use]
    pub fn followed_by(self, address: u64, adjacent: u32) -> Self {
        Self {
            control: self.control & !(Self::MAX_ADJACENT << 8)
                | adjacent.min(Self::MAX_ADJACENT) << 8,
            next: split(address),
            ..self
        }
    }

    /// Whether it has the magic number.
    pub fn is_valid(&self) -> bool {
        self.control & 0xFFFF_0000 == Self::MAGIC
    }

    /// How many more descriptors lie right behind the next one.
    pub fn adjacent(&self) -> u32 {
        self.control >> 8 & Self::MAX_ADJACENT
    }

    /// Bytes to transfer.
    pub fn bytes(&self) -> u32 {
        self.length & Self::MAX_LENGTH
    }

    /// Address to read from.
    pub fn source_address(&self) -> u64 {
        join(self.source)
    }

    /// Address to write to.
    pub fn destination_address(&self) -> u64 {
        join(self.destination)
    }

    /// Address of the next descriptor.
    pub fn next_address(&self) -> u64 {
        join(self.next)
    }
}

fn split(address: u64) -> [u32; 2] {
    [address as u32, (address >> 32) as u32]
}

fn join([low, high]: [u32; 2]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}
