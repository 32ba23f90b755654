//! The CRCs as linear maps. Magic and version of a well-formed descriptor are constants, so a CRC over 22 bytes is a
//! constant exclusive-or'ed with a linear function of 16 bytes: one table, or one bit matrix, for each of them.

use crate::tcp::Checksum;

/// The bytes of a descriptor that differ between well-formed ones, the checksum itself left out.
pub(super) const VARIABLE: std::ops::Range<usize> = 6..22;

/// How many those are.
pub(super) const POSITIONS: usize = VARIABLE.end - VARIABLE.start;

/// What each variable byte contributes to a CRC, low 16 bits, in the forms that instruction sets take. All of it is
/// computed by the compiler: a batch of a few descriptors has no time for that.
pub(super) struct Linear {
    /// By the value of the byte.
    contributions: [[u16; 256]; POSITIONS],
    /// The low byte, then the high one.
    pub(super) matrices: [[Matrix; 2]; POSITIONS],
    /// By the low nibble, the low byte and the high one; then by the high nibble.
    pub(super) nibbles: [[Nibbles; 4]; POSITIONS],
}

/// An 8x8 bit matrix as the GFNI affine instructions take it: byte `7 - i` is the row of output bit `i`. Repeated as
/// often as the longest vector needs.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub(super) struct Matrix(pub(super) [u64; 8]);

/// A table by nibbles, for each of the two halves of a vector.
#[repr(C, align(32))]
#[derive(Clone, Copy)]
pub(super) struct Nibbles(pub(super) [[u8; 16]; 2]);

/// CRC-32 (IEEE 802.3), polynomial reflected.
static CRC32: Linear = Linear::new(0xEDB8_8320);

/// CRC-16/MODBUS, polynomial 0x8005 reflected.
static MODBUS: Linear = Linear::new(0xA001);

impl Linear {
    /// The map of a checksum; `None` for the byte sum, which is not linear over bits.
    pub(super) fn of(checksum: Checksum) -> Option<&'static Self> {
        match checksum {
            Checksum::Crc32 => Some(&CRC32),
            Checksum::Modbus => Some(&MODBUS),
            Checksum::Sum => None,
        }
    }

    const fn new(polynomial: u32) -> Self {
        let contributions = contributions(polynomial);
        let mut matrices = [[Matrix([0; 8]); 2]; POSITIONS];
        let mut nibbles = [[Nibbles([[0; 16]; 2]); 4]; POSITIONS];
        let mut position = 0;
        while position < POSITIONS {
            matrices[position] = self::matrices(&contributions[position]);
            nibbles[position] = self::nibbles(&contributions[position]);
            position += 1;
        }
        Self {
            contributions,
            matrices,
            nibbles,
        }
    }

    /// The contribution of all variable bytes.
    #[inline(always)]
    pub(super) fn sum(&self, bytes: &[u8; POSITIONS]) -> u16 {
        let mut sum = 0;
        for (table, byte) in self.contributions.iter().zip(bytes) {
            sum ^= table[usize::from(*byte)];
        }
        sum
    }
}

const fn contributions(polynomial: u32) -> [[u16; 256]; POSITIONS] {
    let mut last = [0; 256];
    let mut value = 0;
    while value < 256 {
        let mut register = value as u32;
        let mut bit = 0;
        while bit < 8 {
            register = (register >> 1) ^ (polynomial * (register & 1));
            bit += 1;
        }
        last[value] = register;
        value += 1;
    }
    // A byte further from the end is followed by one more zero byte.
    let mut tables = [[0; 256]; POSITIONS];
    let mut registers = last;
    let mut position = POSITIONS;
    while position > 0 {
        position -= 1;
        let mut value = 0;
        while value < 256 {
            let register = registers[value];
            tables[position][value] = register as u16;
            registers[value] = (register >> 8) ^ last[(register & 0xff) as usize];
            value += 1;
        }
    }
    tables
}

const fn matrices(contributions: &[u16; 256]) -> [Matrix; 2] {
    let mut matrices = [[0; 8]; 2];
    let mut out = 0;
    while out < 16 {
        let mut bit = 0;
        while bit < 8 {
            // The row of output bit i belongs into byte 7 - i.
            let row = &mut matrices[out / 8][7 - out % 8];
            *row |= ((contributions[1 << bit] >> out & 1) as u8) << bit;
            bit += 1;
        }
        out += 1;
    }
    let [low, high] = matrices;
    [
        Matrix([u64::from_le_bytes(low); 8]),
        Matrix([u64::from_le_bytes(high); 8]),
    ]
}

const fn nibbles(contributions: &[u16; 256]) -> [Nibbles; 4] {
    let mut tables = [[0; 16]; 4];
    let mut nibble = 0;
    while nibble < 16 {
        [tables[0][nibble], tables[1][nibble]] = contributions[nibble].to_le_bytes();
        [tables[2][nibble], tables[3][nibble]] = contributions[nibble << 4].to_le_bytes();
        nibble += 1;
    }
    let [a, b, c, d] = tables;
    [
        Nibbles([a; 2]),
        Nibbles([b; 2]),
        Nibbles([c; 2]),
        Nibbles([d; 2]),
    ]
}
