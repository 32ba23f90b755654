//! What a card says of itself.

use std::ffi::{CStr, c_char, c_void};

use super::buffers::check_pointer;
use super::{Handle, status};
use crate::error::{Error, Result};
use crate::{registry, report};

/// The platform's name before an image says it.
const PLATFORM: &str = "tcp_sim_2ddr_202610_1";
/// `mMagic` of `struct xclDeviceInfo2`.
const MAGIC: u32 = 0x586C_0C6C;
/// AMD/Xilinx.
const VENDOR: u16 = 0x10EE;
/// Bytes that buffers are aligned to.
const ALIGNMENT: usize = 4096;
/// Smallest transfer of XRT's drivers, bytes.
const SMALLEST_TRANSFER: usize = 32;

/// `struct xclDeviceInfo2`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DeviceInfo {
    magic: u32,
    name: [u8; 256],
    hal_major_version: u16,
    hal_minor_version: u16,
    vendor_id: u16,
    device_id: u16,
    subsystem_id: u16,
    subsystem_vendor_id: u16,
    device_version: u16,
    ddr_size: usize,
    data_alignment: usize,
    ddr_free_size: usize,
    min_transfer_size: usize,
    ddr_bank_count: u16,
    ocl_frequency: [u16; 4],
    pcie_link_width: u16,
    pcie_link_speed: u16,
    dma_threads: u16,
    /// Temperatures and voltages: `mOnChipTemp` to `mVBram`.
    sensors: [u16; 5],
    current: f32,
    num_clocks: u16,
    fan_speed: u16,
    mig_calib: bool,
    xmc_version: u64,
    mb_version: u64,
    /// `m12VPex`, `m12VAux`.
    supply: [u16; 2],
    /// `mPexCurr`, `mAuxCurr`.
    currents: [u64; 2],
    /// `mFanRpm` to `m1v2Bottom`.
    more_sensors: [u16; 21],
    driver_version: u64,
    pci_slot: u32,
    is_xpr: bool,
    timestamp: u64,
    fpga: [u8; 256],
    pcie_link_width_max: u16,
    pcie_link_speed_max: u16,
    vcc_int_voltage: u16,
    vcc_int_current: u16,
    cdma_count: u16,
}

/// Fills in what is known of the card.
///
/// # Safety
/// `info` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclGetDeviceInfo2(handle: Handle, info: *mut DeviceInfo) -> i32 {
    status("xclGetDeviceInfo2", || {
        check_pointer(info)?;
        let told = device_info(handle)?;
        // SAFETY: as the caller promises.
        unsafe { info.write(told) };
        Ok(())
    })
}

fn device_info(handle: Handle) -> Result<DeviceInfo> {
    // SAFETY: plain numbers, for which zero is "unknown".
    let mut info: DeviceInfo = unsafe { std::mem::zeroed() };
    let image = registry::device(handle)?.card().image();
    let (platform, clock, banks) = match &image {
        Some(image) => (image.platform(), image.clock_mhz(), image.banks()),
        None => (PLATFORM, 300, &[][..]),
    };
    info.magic = MAGIC;
    let platform = &platform.as_bytes()[..platform.len().min(255)];
    info.name[..platform.len()].copy_from_slice(platform);
    info.hal_major_version = 2;
    info.hal_minor_version = 1;
    info.vendor_id = VENDOR;
    info.ddr_size = banks.iter().map(|bank| bank.size as usize).sum();
    info.ddr_free_size = info.ddr_size;
    info.data_alignment = ALIGNMENT;
    info.min_transfer_size = SMALLEST_TRANSFER;
    info.ddr_bank_count = banks.len() as u16;
    info.ocl_frequency = [clock, clock, 0, 0];
    info.num_clocks = 2;
    info.dma_threads = 2;
    info.mig_calib = true;
    // Copies within the card are a command of their own, so there is a unit that does them.
    info.cdma_count = 1;
    Ok(info)
}

/// The interface's version: 2, or what XRT calls legacy.
#[unsafe(no_mangle)]
pub extern "C" fn xclVersion() -> u32 {
    2
}

/// The index of a compute unit by its name, `kernel:instance`; a negative error number if there is none.
///
/// # Safety
/// `name` is null or a text that ends with a null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclIPName2Index(handle: Handle, name: *const c_char) -> i32 {
    let index = report::answer("xclIPName2Index", || {
        check_pointer(name)?;
        // SAFETY: as the caller promises.
        let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
        registry::device(handle)?.unit_named(&name)
    });
    index.map_or_else(|number| -number, |index| index as i32)
}

/// Copies a section of the loaded image; with a null `section` only its size.
///
/// # Safety
/// `size` is null or may be read and written; `section` is null or `*size` bytes at it may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclGetSectionInfo(
    handle: Handle,
    section: *mut c_void,
    size: *mut usize,
    kind: u32,
    index: i32,
) -> i32 {
    status("xclGetSectionInfo", || {
        check_pointer(size)?;
        let image = registry::device(handle)?.card().image();
        let image = image.ok_or_else(|| Error::Invalid("no xclbin is loaded".to_owned()))?;
        let bytes = section_bytes(image.xclbin().as_bytes(), kind, index)
            .ok_or_else(|| Error::Invalid(format!("the xclbin has no section {kind} ({index})")))?;
        if !section.is_null() {
            // SAFETY: as the caller promises.
            let room = unsafe { size.read() };
            if room < bytes.len() {
                return Err(Error::Invalid(format!(
                    "the section has {} bytes, and there is room for {room}",
                    bytes.len()
                )));
            }
            // SAFETY: as the caller promises, for at least that many bytes.
            unsafe {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), section.cast(), bytes.len());
            }
        }
        // SAFETY: as the caller promises.
        unsafe { size.write(bytes.len()) };
        Ok(())
    })
}

/// The `index`-th section of a kind, from the header's table: kind u32, name, offset u64 and size u64, 40 bytes each.
fn section_bytes(axlf: &[u8], kind: u32, index: i32) -> Option<&[u8]> {
    const TABLE: usize = 456;
    const ENTRY: usize = 40;
    let word = |at: usize| {
        let bytes = axlf.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let long = |at: usize| {
        let bytes = axlf.get(at..at + 8)?;
        usize::try_from(u64::from_le_bytes(bytes.try_into().ok()?)).ok()
    };
    let count = word(TABLE - 8)? as usize;
    let entry = (0..count)
        .map(|entry| TABLE + entry * ENTRY)
        .filter(|&at| word(at) == Some(kind))
        .nth(usize::try_from(index).ok()?)?;
    let offset = long(entry + 24)?;
    axlf.get(offset..offset.checked_add(long(entry + 32)?)?)
}

/// Simulated nanoseconds since the card was opened; 0 where time is real.
#[unsafe(no_mangle)]
pub extern "C" fn xclGetDeviceTimestamp(handle: Handle) -> usize {
    let time = registry::device(handle)
        .ok()
        .and_then(|device| device.card().simulated_time());
    time.map_or(0, |time| (time.clocks * time.period_ps / 1000) as usize)
}

/// Frequency of the kernels' clock, MHz.
#[unsafe(no_mangle)]
pub extern "C" fn xclGetDeviceClockFreqMHz(handle: Handle) -> f64 {
    let image = registry::device(handle)
        .ok()
        .and_then(|device| device.card().image());
    image.map_or(0.0, |image| f64::from(image.clock_mhz()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_runtime::Image;

    #[test]
    fn the_device_info_has_the_layout_of_the_header() {
        // From a C program against XRT 2.13's xrt.h, x86-64.
        assert_eq!(std::mem::size_of::<DeviceInfo>(), 736);
        assert_eq!(std::mem::offset_of!(DeviceInfo, ddr_size), 280);
        assert_eq!(std::mem::offset_of!(DeviceInfo, ocl_frequency), 314);
        assert_eq!(std::mem::offset_of!(DeviceInfo, driver_version), 440);
        assert_eq!(std::mem::offset_of!(DeviceInfo, cdma_count), 728);
    }

    #[test]
    fn sections_are_found_by_kind_and_index() {
        let image = Image::default_image().unwrap();
        let bytes = image.xclbin().as_bytes();
        // MEM_TOPOLOGY: two banks.
        let topology = section_bytes(bytes, 6, 0).unwrap();
        assert_eq!(topology[..4], [2, 0, 0, 0]);
        assert_eq!(section_bytes(bytes, 6, 1), None);
        assert_eq!(section_bytes(bytes, 6, -1), None);
        assert_eq!(section_bytes(&bytes[..460], 6, 0), None);
    }
}
