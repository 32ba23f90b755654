//! Registers of the `tcp_queue` kernel, as docs/queue.md lists them. Byte offsets. Identity and policy slots lie where
//! `tcp_validator` has them.

/// Identity: "TCPQ".
pub(crate) const IDENTITY_VALUE: u32 = 0x5150_4354;
/// The interface described here.
pub(crate) const INTERFACE_VERSION_VALUE: u32 = 1;
/// Global interrupt enable, interrupt enable and pending (a bit for each pair; write 1 to clear).
pub(crate) const INTERRUPTS: u32 = 0x004;
pub(crate) const INTERRUPT_ENABLE: u32 = 0x008;
pub(crate) const INTERRUPT_PENDING: u32 = 0x00C;
/// Number of pairs.
pub(crate) const PAIRS: u32 = 0x0FC;
/// Version of policy slot 0; any write puts the shadow in force. Slots are words apart.
pub(crate) const POLICY_VERSION: u32 = 0x600;
/// Doorbells of pair 0: submission tail, completion head.
pub(crate) const DOORBELL_TAIL: u32 = 0x700;
pub(crate) const DOORBELL_HEAD: u32 = 0x704;
/// Bytes from one pair's doorbells to the next.
pub(crate) const DOORBELL_STRIDE: u32 = 8;
/// Registers of pair 0, and bytes to the next.
pub(crate) const PAIR: u32 = 0x800;
pub(crate) const PAIR_STRIDE: u32 = 64;
/// In a pair: control, sizes, and the addresses of both rings.
pub(crate) const CONTROL: u32 = 0x00;
pub(crate) const SIZES: u32 = 0x04;
pub(crate) const SUBMISSIONS: u32 = 0x08;
pub(crate) const COMPLETIONS: u32 = 0x10;

/// In a pair: completion tail in the low half, and the head that it knows.
pub(crate) const COMPLETION_INDICES: u32 = 0x1C;

/// Control: write 1 to enable.
pub(crate) const ENABLE: u32 = 1;
/// Control: enabled, and something accepted is not answered.
pub(crate) const ENABLED: u32 = 1 << 0;
pub(crate) const UNDER_WAY: u32 = 1 << 1;

/// Why a pair stopped, from its control register.
pub(crate) const fn stop_code(control: u32) -> u8 {
    (control >> 4 & 0xF) as u8
}

/// The AXI4 slave port that takes pushes, and bytes of its window for each pair.
pub(crate) const PUSH_PORT: &str = "s_axi_push";
pub(crate) const PUSH_WINDOW: u64 = 4096;
