//! What ports a kernel has and where each lies in the frame: written by the builder, carried inside the
//! model as JSON, read by the engine.

use serde::{Deserialize, Serialize};

/// Direction of a port, seen from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Driven by the engine.
    Input,
    /// Driven by the kernel.
    Output,
}

/// A top-level port that belongs to no bus: resets, `interrupt`, anything else.
///
/// In the frame its value takes whole 64-bit words, least significant first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Name in the Verilog.
    pub name: String,
    /// Who drives it.
    pub direction: Direction,
    /// Width in bits.
    pub width: u32,
    /// Bytes from the start of the frame.
    pub offset: usize,
}

/// An AXI4 master port (`m_axi_*`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterInterface {
    /// Common prefix of its signals, as `m_axi_gmem0`.
    pub name: String,
    /// Bytes from the start of the frame to its [`frame::AxiMaster`](crate::frame::AxiMaster).
    pub offset: usize,
    /// Data bits: a power of two from 32 to 1024.
    pub data_width: u32,
    /// Address bits, up to 64.
    pub address_width: u32,
    /// Bits of the transaction ids; 0 where the port has none.
    pub id_width: u32,
    /// It has the channels AR and R.
    pub reads: bool,
    /// It has the channels AW, W and B.
    pub writes: bool,
}

/// An AXI4 slave port (`s_axi_*`) that takes bursts; write channels only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaveInterface {
    /// Common prefix of its signals, as `s_axi_push`.
    pub name: String,
    /// Bytes from the start of the frame to its [`frame::AxiMaster`](crate::frame::AxiMaster), whose `out` half the
    /// engine drives here, and whose `input` half the kernel.
    pub offset: usize,
    /// Data bits: a power of two from 32 to 1024.
    pub data_width: u32,
    /// Address bits, up to 64.
    pub address_width: u32,
}

/// An AXI4-Lite slave port (`s_axi_*`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiteInterface {
    /// Common prefix of its signals, as `s_axi_control`.
    pub name: String,
    /// Bytes from the start of the frame to its [`frame::AxiLite`](crate::frame::AxiLite).
    pub offset: usize,
    /// Data bits: 32 or 64.
    pub data_width: u32,
    /// Address bits.
    pub address_width: u32,
}

/// An AXI4-Stream port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamInterface {
    /// Common prefix of its signals, as `axis_out`.
    pub name: String,
    /// Bytes from the start of the frame to its [`frame::AxiStream`](crate::frame::AxiStream).
    pub offset: usize,
    /// Data bits, up to 1024; 0 where the port has no `tdata`.
    pub data_width: u32,
    /// It has `tkeep`.
    pub keep: bool,
    /// It has `tstrb`.
    pub strobe: bool,
    /// `Output` where the kernel sends.
    pub direction: Direction,
}

/// Everything a kernel shows at its boundary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interfaces {
    /// Name of the kernel: its top module.
    pub kernel: String,
    /// Size of the frame in bytes.
    pub frame_size: usize,
    /// Clock ports; the position is the bit in the edge mask of a clock call.
    pub clocks: Vec<String>,
    /// AXI4 masters, by name.
    pub masters: Vec<MasterInterface>,
    /// AXI4 slaves, by name.
    #[serde(default)]
    pub slaves: Vec<SlaveInterface>,
    /// AXI4-Lite slaves, by name.
    pub lites: Vec<LiteInterface>,
    /// AXI4-Stream ports, by name.
    pub streams: Vec<StreamInterface>,
    /// All others but the clocks, by name.
    pub ports: Vec<Port>,
    /// Waves can be recorded.
    pub traced: bool,
    /// Its state can be saved and restored.
    pub savable: bool,
    /// Coverage can be written.
    pub coverage: bool,
    /// SHA-256 of everything the model was built from, in hex.
    pub fingerprint: String,
}

impl Interfaces {
    /// The port of that name, if the kernel has it.
    pub fn port(&self, name: &str) -> Option<&Port> {
        self.ports.iter().find(|port| port.name == name)
    }
}
