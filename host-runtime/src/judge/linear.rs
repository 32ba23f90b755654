//! The CRCs as linear maps. Magic and version of a well-formed descriptor are constants, so a CRC over 22 bytes is a
//! constant exclusive-or'ed with a linear function of 16 bytes: one table, or one bit matrix, for each of them.

use crate::tcp::Checksum;

/// The bytes of a descriptor that differ between well-formed ones, the checksum itself left out.
pub(super) const VARIABLE: std::ops::Range<usize> = 6..22;

/// How many those are.
pub(super) const POSITIONS: usize = VARIABLE.end - VARIABLE.start;

/// What each value of each variable byte contributes to a CRC, low 16 bits.
pub(super) struct Linear([[u16; 256]; POSITIONS]);

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
        Self(tables)
    }

    /// The contribution of all variable bytes.
    #[inline(always)]
    pub(super) fn sum(&self, bytes: &[u8; POSITIONS]) -> u16 {
        let mut sum = 0;
        for (table, byte) in self.0.iter().zip(bytes) {
            sum ^= table[usize::from(*byte)];
        }
        sum
    }

    /// For each position, the 8x8 bit matrices of the low and the high byte of the contribution, as the GFNI affine
    /// instructions take them: byte `7 - i` is the row of output bit `i`.
    pub(super) fn matrices(&self) -> [[u64; 2]; POSITIONS] {
        self.0.each_ref().map(|table| {
            let mut halves = [[0; 8]; 2];
            for (out, row) in halves.as_flattened_mut().iter_mut().enumerate() {
                for bit in 0..8 {
                    *row |= ((table[1 << bit] >> out & 1) as u8) << bit;
                }
            }
            // Row i of a half is its output bit i, which belongs into byte 7 - i.
            halves.map(u64::from_be_bytes)
        })
    }

    /// For each position, four tables of 16: by the low nibble, the contribution's low and high byte, then by the high
    /// nibble.
    pub(super) fn nibbles(&self) -> [[[u8; 16]; 4]; POSITIONS] {
        self.0.each_ref().map(|table| {
            let mut nibbles = [[0; 16]; 4];
            for nibble in 0..16 {
                [nibbles[0][nibble], nibbles[1][nibble]] = table[nibble].to_le_bytes();
                [nibbles[2][nibble], nibbles[3][nibble]] = table[nibble << 4].to_le_bytes();
            }
            nibbles
        })
    }
}
