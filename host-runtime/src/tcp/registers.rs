//! Registers of the `tcp_validator` kernel, as docs/registers.md lists them. Byte offsets.

/// `ap_ctrl_hs` control: bit 0 ap_start, 1 ap_done, 2 ap_idle, 3 ap_ready, 7 auto_restart.
pub const CONTROL: u32 = 0x000;
/// Global interrupt enable, bit 0.
pub const GLOBAL_INTERRUPT_ENABLE: u32 = 0x004;
/// Interrupt enable: bit 0 ap_done, bit 1 ap_ready.
pub const INTERRUPT_ENABLE: u32 = 0x008;
/// Interrupt status, toggled by writing ones.
pub const INTERRUPT_STATUS: u32 = 0x00C;
/// Address of the descriptors, 64 bits.
pub const DESCRIPTORS: u32 = 0x010;
/// Address of the verdicts, 64 bits.
pub const VERDICTS: u32 = 0x01C;
/// Number of descriptors.
pub const COUNT: u32 = 0x028;
/// Options word.
pub const OPTIONS: u32 = 0x030;
/// Status of the last run.
pub const STATUS: u32 = 0x040;
/// First address that failed, 64 bits.
pub const FAIL_ADDRESS: u32 = 0x048;
/// Identity, [`IDENTITY_VALUE`].
pub const IDENTITY: u32 = 0x0F0;
/// "TCPV".
pub const IDENTITY_VALUE: u32 = 0x5650_4354;
/// Interface version, [`INTERFACE_VERSION_VALUE`].
pub const INTERFACE_VERSION: u32 = 0x0F4;
/// The interface described here.
pub const INTERFACE_VERSION_VALUE: u32 = 1;
/// Data bus width, bits.
pub const DATA_WIDTH: u32 = 0x0F8;
/// Sixteen 64-bit counters.
pub const COUNTERS: u32 = 0x100;
/// Number of counters.
pub const COUNTER_COUNT: u32 = 16;
/// Sixteen policy slots.
pub const POLICY: u32 = 0x400;
/// Bytes of a policy slot.
pub const POLICY_STRIDE: u32 = 32;

/// What the status register says of a run.
pub const fn status_meaning(status: u32) -> &'static str {
    match status {
        0 => "ok",
        1 => "bad options word",
        2 => "misaligned address",
        3 => "the memory answered a read with an error",
        4 => "the memory answered a write with an error",
        _ => "unknown status",
    }
}

/// Whether the fail address says something for that status.
pub const fn status_has_address(status: u32) -> bool {
    matches!(status, 3 | 4)
}
