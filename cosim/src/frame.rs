//! The flat buffer that a model and the engine exchange once per clock, as Rust structures.
//!
//! The mirror of `cpp/cosim_model.h`: both sides check the layout at compile time. Signals are named from
//! the kernel's point of view, and payload is only meaningful while its channel's valid signal is high.

use std::mem::{offset_of, size_of};

/// The layout's version; a model built with another one is refused.
pub const ABI_VERSION: u32 = 2;
/// Alignment of the frame and of the structures in it, in bytes.
pub const FRAME_ALIGN: usize = 64;
/// Widest data bus, in bytes (1024 bits, the AXI4 maximum).
pub const MAX_DATA_BYTES: usize = 128;

/// When the two evaluations of the next clock happen; first structure of each frame.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct FrameHeader {
    /// Time of the rising edge in picoseconds.
    pub rise_ps: u64,
    /// Time of the falling edge in picoseconds.
    pub fall_ps: u64,
}

/// What a kernel drives on an AXI4 master port.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "each field is the AXI4 signal of its name")]
pub struct AxiMasterOut {
    pub araddr: u64,
    pub awaddr: u64,
    pub arid: u32,
    pub awid: u32,
    pub arvalid: u8,
    pub arlen: u8,
    pub arsize: u8,
    pub arburst: u8,
    pub awvalid: u8,
    pub awlen: u8,
    pub awsize: u8,
    pub awburst: u8,
    pub wvalid: u8,
    pub wlast: u8,
    pub rready: u8,
    pub bready: u8,
    reserved: [u8; 28],
    pub wstrb: [u64; 2],
    reserved2: [u8; 48],
    pub wdata: [u8; MAX_DATA_BYTES],
}

/// What the engine drives on an AXI4 master port.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "each field is the AXI4 signal of its name")]
pub struct AxiMasterIn {
    pub arready: u8,
    pub awready: u8,
    pub wready: u8,
    pub rvalid: u8,
    pub rlast: u8,
    pub rresp: u8,
    pub bvalid: u8,
    pub bresp: u8,
    pub rid: u32,
    pub bid: u32,
    reserved: [u8; 48],
    pub rdata: [u8; MAX_DATA_BYTES],
}

/// An AXI4 master port of a kernel.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy)]
pub struct AxiMaster {
    /// Driven by the kernel.
    pub out: AxiMasterOut,
    /// Driven by the engine.
    pub input: AxiMasterIn,
}

/// What the engine drives on an AXI4-Lite slave port.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[allow(
    missing_docs,
    reason = "each field is the AXI4-Lite signal of its name"
)]
pub struct AxiLiteIn {
    pub araddr: u64,
    pub awaddr: u64,
    pub wdata: u64,
    pub arvalid: u8,
    pub awvalid: u8,
    pub wvalid: u8,
    pub wstrb: u8,
    pub rready: u8,
    pub bready: u8,
    /// 0 while all of this is as in the last clock, and need not be applied.
    pub changed: u8,
    reserved: [u8; 33],
}

/// What a kernel drives on an AXI4-Lite slave port.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[allow(
    missing_docs,
    reason = "each field is the AXI4-Lite signal of its name"
)]
pub struct AxiLiteOut {
    pub rdata: u64,
    pub arready: u8,
    pub awready: u8,
    pub wready: u8,
    pub rvalid: u8,
    pub rresp: u8,
    pub bvalid: u8,
    pub bresp: u8,
    reserved: [u8; 49],
}

/// An AXI4-Lite slave port of a kernel.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy)]
pub struct AxiLite {
    /// Driven by the engine.
    pub input: AxiLiteIn,
    /// Driven by the kernel.
    pub out: AxiLiteOut,
}

/// An AXI4-Stream port; whichever side sends drives all but `tready`.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy)]
#[allow(
    missing_docs,
    reason = "each field is the AXI4-Stream signal of its name"
)]
pub struct AxiStream {
    pub tvalid: u8,
    pub tlast: u8,
    reserved: [u8; 6],
    pub tid: u64,
    pub tdest: u64,
    pub tuser: u64,
    pub tkeep: [u64; 2],
    pub tstrb: [u64; 2],
    pub tdata: [u8; MAX_DATA_BYTES],
    pub tready: u8,
    reserved2: [u8; 63],
}

// The same figures as the static_asserts of cosim_model.h.
const _: () = {
    assert!(size_of::<FrameHeader>() == 16);
    assert!(size_of::<AxiMasterOut>() == 256);
    assert!(offset_of!(AxiMasterOut, wstrb) == 64);
    assert!(offset_of!(AxiMasterOut, wdata) == 128);
    assert!(size_of::<AxiMasterIn>() == 192);
    assert!(offset_of!(AxiMasterIn, rdata) == 64);
    assert!(size_of::<AxiMaster>() == 448);
    assert!(offset_of!(AxiMaster, input) == 256);
    assert!(size_of::<AxiLite>() == 128);
    assert!(offset_of!(AxiLite, out) == 64);
    assert!(size_of::<AxiStream>() == 256);
    assert!(offset_of!(AxiStream, tdata) == 64);
    assert!(offset_of!(AxiStream, tready) == 192);
};
