//! The configuration space of the card's function: what it is, and what of it the host may change.
//!
//! Offsets and bits are of the PCI Local Bus Specification 3.0 and the PCI Express Base Specification 4.0; the names of
//! both are those of Linux's `<linux/pci_regs.h>`.

use xdma::registers::{BAR_BYTES, MSIX_PENDING, MSIX_VECTORS, target};

/// Bytes of a PCI Express function's configuration space.
pub const CONFIG_BYTES: usize = 4096;

/// AMD (Xilinx).
pub const VENDOR: u16 = 0x10EE;
/// XDMA's default for PCIe generation 3 with 16 lanes.
pub const DEVICE: u16 = 0x903F;
/// Subsystem of the cards that this shell makes.
pub const SUBSYSTEM: u16 = 0x5443;

/// BAR that reaches the kernels' registers, behind the identity block.
pub const USER_BAR: u32 = 0;
/// BAR of the DMA subsystem.
pub const DMA_BAR: u32 = 1;
/// BAR of doorbells and push windows: see [`bypass`](crate::bypass).
pub const BYPASS_BAR: u32 = 2;
/// Bytes of [`USER_BAR`].
pub const USER_BAR_BYTES: u64 = 32 << 20;
/// The vendor-specific extended capability by which a driver knows this shell: its identifier and revision.
pub const VSEC_ID: u16 = 0x5443;
/// See [`VSEC_ID`].
pub const VSEC_REVISION: u8 = 1;
/// Where the capability is.
pub const VSEC: usize = 0x100;

const BARS: [(usize, u64); 3] = [
    (0x10, USER_BAR_BYTES),
    (0x14, BAR_BYTES),
    (0x18, crate::bypass::BYTES),
];

const POWER_MANAGEMENT: usize = 0x40;
const MSIX: usize = 0x60;
const EXPRESS: usize = 0x70;

/// The upper byte of the device control register, and its bit that starts a function level reset; it reads 0.
const DEVICE_CONTROL_HIGH: usize = EXPRESS + 9;
const FUNCTION_LEVEL_RESET: u8 = 1 << 7;

/// The bytes, and which bits of them the host may change.
#[derive(Debug, Clone)]
pub struct ConfigSpace {
    bytes: Vec<u8>,
    writable: Vec<u8>,
}

impl Default for ConfigSpace {
    fn default() -> Self {
        Self::new()
    }
}

impl ConfigSpace {
    /// As after reset.
    pub fn new() -> Self {
        let mut space = Self {
            bytes: vec![0; CONFIG_BYTES],
            writable: vec![0; CONFIG_BYTES],
        };
        space.set16(0x00, VENDOR, 0);
        space.set16(0x02, DEVICE, 0);
        // Command: memory space, bus master, parity and system errors, no INTx.
        space.set16(0x04, 0, 0x0546);
        // Status: there are capabilities.
        space.set16(0x06, 1 << 4, 0);
        // Class: a processing accelerator.
        space.set32(0x08, 0x1200_0000, 0);
        for (offset, bytes) in BARS {
            // Memory, 32 bits, not prefetchable; as many low bits as the size has are 0.
            space.set32(offset, 0, !(bytes as u32 - 1));
        }
        space.set16(0x2C, VENDOR, 0);
        space.set16(0x2E, SUBSYSTEM, 0);
        space.set16(0x34, POWER_MANAGEMENT as u16, 0);
        // Interrupt line, for the host's own use; no interrupt pin.
        space.set16(0x3C, 0, 0x00FF);

        // Power management 1.2, states D0 and D3hot.
        space.set16(POWER_MANAGEMENT, 0x01 | (MSIX as u16) << 8, 0);
        space.set16(POWER_MANAGEMENT + 2, 3, 0);
        space.set16(POWER_MANAGEMENT + 4, 0, 0x0003);

        space.set16(MSIX, 0x11 | (EXPRESS as u16) << 8, 0);
        // Enable and mask; the number of vectors, less one.
        space.set16(MSIX + 2, MSIX_VECTORS as u16 - 1, 0xC000);
        space.set32(MSIX + 4, target::MSIX | DMA_BAR, 0);
        space.set32(MSIX + 8, MSIX_PENDING | DMA_BAR, 0);

        // PCI Express, version 2, an endpoint.
        space.set16(EXPRESS, 0x10, 0);
        space.set16(EXPRESS + 2, 0x0002, 0);
        // Device: payloads of up to 512 bytes, function level reset.
        space.set32(EXPRESS + 4, 2 | 1 << 28, 0);
        space.set16(EXPRESS + 8, 0x2810, 0x7FFF);
        // Link: 8 GT/s, 16 lanes; so it is trained.
        space.set32(EXPRESS + 12, 3 | 16 << 4, 0);
        space.set16(EXPRESS + 16, 0, 0x0FFF);
        space.set16(EXPRESS + 18, 3 | 16 << 4, 0);
        // Link 2: the speeds that it can do.
        space.set32(EXPRESS + 44, 0b111 << 1, 0);
        space.set16(EXPRESS + 48, 3, 0);

        // Vendor-specific extended capability, version 1, the last one: identifier, revision, length; then where the
        // identity block is.
        space.set32(VSEC, 0x000B | 1 << 16, 0);
        space.set32(
            VSEC + 4,
            u32::from(VSEC_ID) | u32::from(VSEC_REVISION) << 16 | 16 << 20,
            0,
        );
        space.set32(VSEC + 8, USER_BAR, 0);
        space.set32(VSEC + 12, 0, 0);
        space
    }

    /// Reads bytes; what is past the end reads 0.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) {
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = self.bytes.get(offset + index).copied().unwrap_or(0);
        }
    }

    /// Writes bytes, as far as they may be changed.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            if let Some(mask) = self.writable.get(offset + index) {
                let old = &mut self.bytes[offset + index];
                *old = *old & !mask | byte & mask;
            }
        }
    }

    /// Whether a write of these bytes starts a function level reset (PCI Express Base Specification 4.0, 6.6.2). Linux does
    /// so whenever VFIO gives the function to a process, and when it takes it back.
    pub fn starts_reset(&self, offset: usize, bytes: &[u8]) -> bool {
        let index = DEVICE_CONTROL_HIGH.checked_sub(offset);
        let byte = index.and_then(|index| bytes.get(index));
        byte.is_some_and(|byte| byte & FUNCTION_LEVEL_RESET != 0)
    }

    /// Whether the function may access the host's memory and send messages.
    pub fn is_bus_master(&self) -> bool {
        self.bytes[4] & 1 << 2 != 0
    }

    fn set16(&mut self, offset: usize, value: u16, writable: u16) {
        self.bytes[offset..offset + 2].copy_from_slice(&value.to_le_bytes());
        self.writable[offset..offset + 2].copy_from_slice(&writable.to_le_bytes());
    }

    fn set32(&mut self, offset: usize, value: u32, writable: u32) {
        self.bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
        self.writable[offset..offset + 4].copy_from_slice(&writable.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(space: &ConfigSpace, offset: usize) -> u32 {
        let mut bytes = [0; 4];
        space.read(offset, &mut bytes);
        u32::from_le_bytes(bytes)
    }

    #[test]
    fn bars_tell_their_size_and_keep_their_address() {
        let mut space = ConfigSpace::new();
        for (offset, bytes) in BARS {
            space.write(offset, &[0xFF; 4]);
            assert_eq!(u64::from(!(word(&space, offset) & !0xF)) + 1, bytes);
            space.write(offset, &0xFEDC_BA98u32.to_le_bytes());
            assert_eq!(word(&space, offset), 0xFEDC_BA98 & !(bytes as u32 - 1));
        }
        space.write(0x1C, &[0xFF; 4]);
        assert_eq!(word(&space, 0x1C), 0, "there is no fourth");
    }

    #[test]
    fn the_list_of_capabilities_ends() {
        let space = ConfigSpace::new();
        let mut found = Vec::new();
        let mut at = word(&space, 0x34) as usize & 0xFF;
        while at != 0 && found.len() < 48 {
            found.push(word(&space, at) & 0xFF);
            at = word(&space, at) as usize >> 8 & 0xFF;
        }
        assert_eq!(found, [0x01, 0x11, 0x10]);
        assert_eq!(word(&space, VSEC) & 0xFFFF, 0x000B);
        assert_eq!(word(&space, VSEC) >> 20, 0);
    }

    #[test]
    fn one_bit_of_the_device_control_register_starts_a_reset_however_it_is_written() {
        let space = ConfigSpace::new();
        let control = EXPRESS + 8;
        assert!(space.starts_reset(control, &0x8000u16.to_le_bytes()));
        assert!(space.starts_reset(control, &0x0000_A810u32.to_le_bytes()));
        assert!(space.starts_reset(control + 1, &[0x80]));
        assert!(!space.starts_reset(control, &0x7FFFu16.to_le_bytes()));
        assert!(!space.starts_reset(control, &[0x80]));
        assert!(!space.starts_reset(control + 2, &[0x80, 0x80]));
        assert!(!space.starts_reset(4, &[0xFF; 2]));
    }

    #[test]
    fn identity_is_not_writable_and_the_command_is() {
        let mut space = ConfigSpace::new();
        space.write(0, &[0xFF; 8]);
        assert_eq!(word(&space, 0), u32::from(VENDOR) | u32::from(DEVICE) << 16);
        assert_eq!(word(&space, 4), 0x0010_0546);
        assert!(space.is_bus_master());
        space.write(CONFIG_BYTES - 1, &[1, 2, 3]);
        let mut past = [9; 3];
        space.read(CONFIG_BYTES - 1, &mut past);
        assert_eq!(past, [0; 3]);
    }
}
