//! The interrupt block: requests of the card's user logic and of the channels, let through and turned into messages.

use parking_lot::Mutex;

use crate::registers::irq;

/// Registers of vector numbers hold four of eight bits each.
const VECTORS_PER_REGISTER: usize = 4;
const VECTOR_BITS: u32 = 0x1F;

#[derive(Debug, Default)]
struct Requests {
    enable: u32,
    request: u32,
    vectors: [u8; 16],
    /// Those for which a message has been sent and that have been pending since.
    told: u32,
}

impl Requests {
    fn pending(&self) -> u32 {
        self.enable & self.request
    }

    /// Vectors of what became pending since the last call.
    fn take_new(&mut self) -> Vec<u32> {
        let new = self.pending() & !self.told;
        self.told = self.pending();
        let vectors = self.vectors.iter().enumerate();
        vectors
            .filter(|(line, _)| new >> line & 1 != 0)
            .map(|(_, &vector)| u32::from(vector))
            .collect()
    }

    fn vector_register(&self, index: usize) -> u32 {
        let vectors = self.vectors.chunks(VECTORS_PER_REGISTER).nth(index);
        let bytes = vectors
            .and_then(|four| four.try_into().ok())
            .unwrap_or([0; 4]);
        u32::from_le_bytes(bytes)
    }

    fn set_vector_register(&mut self, index: usize, value: u32) {
        let four = self.vectors.chunks_mut(VECTORS_PER_REGISTER).nth(index);
        four.into_iter()
            .flatten()
            .zip(value.to_le_bytes())
            .for_each(|(vector, byte)| {
                *vector = byte & VECTOR_BITS as u8;
            });
    }
}

#[derive(Debug, Default)]
struct Block {
    user: Requests,
    channel: Requests,
}

/// The registers of [`irq`], and which messages to send.
#[derive(Debug, Default)]
pub(crate) struct Interrupts(Mutex<Block>);

impl Interrupts {
    pub(crate) fn read(&self, offset: u32) -> u32 {
        let block = self.0.lock();
        match offset {
            irq::USER_ENABLE => block.user.enable,
            irq::CHANNEL_ENABLE => block.channel.enable,
            irq::USER_REQUEST => block.user.request,
            irq::CHANNEL_REQUEST => block.channel.request,
            irq::USER_PENDING => block.user.pending(),
            irq::CHANNEL_PENDING => block.channel.pending(),
            irq::USER_VECTOR..0x90 => block
                .user
                .vector_register((offset - irq::USER_VECTOR) as usize / 4),
            irq::CHANNEL_VECTOR..0xA8 => block
                .channel
                .vector_register((offset - irq::CHANNEL_VECTOR) as usize / 4),
            _ => 0,
        }
    }

    /// Vectors of the messages that the write causes.
    pub(crate) fn write(&self, offset: u32, value: u32) -> Vec<u32> {
        let mut block = self.0.lock();
        let block = &mut *block;
        let (user, channel) = (&mut block.user, &mut block.channel);
        match offset {
            irq::USER_ENABLE => user.enable = value & 0xFFFF,
            irq::USER_ENABLE_SET => user.enable |= value & 0xFFFF,
            irq::USER_ENABLE_CLEAR => user.enable &= !value,
            irq::CHANNEL_ENABLE => channel.enable = value & 0xFF,
            irq::CHANNEL_ENABLE_SET => channel.enable |= value & 0xFF,
            irq::CHANNEL_ENABLE_CLEAR => channel.enable &= !value,
            irq::USER_VECTOR..0x90 => {
                user.set_vector_register((offset - irq::USER_VECTOR) as usize / 4, value);
            }
            irq::CHANNEL_VECTOR..0xA8 => {
                channel.set_vector_register((offset - irq::CHANNEL_VECTOR) as usize / 4, value);
            }
            _ => {}
        }
        let mut vectors = user.take_new();
        vectors.extend(channel.take_new());
        vectors
    }

    /// Raises or lowers a line of the user logic; vectors of the messages to send.
    pub(crate) fn set_user(&self, line: usize, level: bool) -> Vec<u32> {
        let mut block = self.0.lock();
        set_bit(&mut block.user.request, line, level);
        block.user.take_new()
    }

    /// Raises or lowers the line of a channel; vectors of the messages to send.
    pub(crate) fn set_channel(&self, line: usize, level: bool) -> Vec<u32> {
        let mut block = self.0.lock();
        set_bit(&mut block.channel.request, line, level);
        block.channel.take_new()
    }

    pub(crate) fn reset(&self) {
        *self.0.lock() = Block::default();
    }
}

fn set_bit(word: &mut u32, bit: usize, level: bool) {
    *word = *word & !(1 << bit) | u32::from(level) << bit;
}
