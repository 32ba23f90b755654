//! Writes the C++ that copies a kernel's ports from and to the frame; all else is in `cpp/cosim_kernel.h`.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::bind::{Binding, Signals};
use super::ports::VerilatedPort;
use crate::interface::Direction;

/// Raised when the generated text changes for the same kernel, so that cached models are rebuilt.
pub(super) const VERSION: u32 = 3;

/// The glue of one kernel, `prefix` being the generated class and `description` the JSON it carries.
pub(super) fn source(kernel: &str, prefix: &str, binding: &Binding, description: &str) -> String {
    let mut outputs = String::new();
    let mut inputs = String::new();
    let layout = &binding.layout;
    for (interface, signals) in layout.masters.iter().zip(&binding.masters) {
        let bytes = interface.data_width / 8;
        let mut out = Block::new(
            &mut outputs,
            "cosim::AxiMaster",
            interface.offset,
            "out",
            signals,
        );
        for (valid, address, size, burst) in [
            ("arvalid", ["araddr", "arid", "arlen"], "arsize", "arburst"),
            ("awvalid", ["awaddr", "awid", "awlen"], "awsize", "awburst"),
        ] {
            out.guarded(valid, |out| {
                for name in address {
                    out.scalar_out(name, 0);
                }
                // A kernel without these ports makes full-width incrementing bursts.
                out.scalar_out(size, bytes.ilog2());
                out.scalar_out(burst, 1);
            });
        }
        out.guarded("wvalid", |out| {
            out.scalar_out("wlast", 0);
            out.bytes_out("wstrb");
            out.bytes_out("wdata");
        });
        out.scalar_out("rready", 0);
        out.scalar_out("bready", 0);
        out.close();

        let mut into = Block::new(
            &mut inputs,
            "const cosim::AxiMaster",
            interface.offset,
            "in",
            signals,
        );
        for name in [
            "arready", "awready", "wready", "rvalid", "bvalid", "bresp", "bid",
        ] {
            into.scalar_in(name);
        }
        into.guarded("rvalid", |into| {
            for name in ["rlast", "rresp", "rid"] {
                into.scalar_in(name);
            }
            into.bytes_in("rdata");
        });
        into.close();
    }
    for (interface, signals) in layout.slaves.iter().zip(&binding.slaves) {
        let mut out = Block::new(
            &mut outputs,
            "cosim::AxiMaster",
            interface.offset,
            "in",
            signals,
        );
        for name in ["awready", "wready"] {
            out.scalar_out(name, 0);
        }
        out.guarded("bvalid", |out| {
            out.scalar_out("bresp", 0);
            out.scalar_out("bid", 0);
        });
        out.close();
        let mut into = Block::new(
            &mut inputs,
            "const cosim::AxiMaster",
            interface.offset,
            "out",
            signals,
        );
        for name in ["awvalid", "wvalid", "bready"] {
            into.scalar_in(name);
        }
        into.guarded("awvalid", |into| {
            for name in ["awaddr", "awid", "awlen", "awsize", "awburst"] {
                into.scalar_in(name);
            }
        });
        into.guarded("wvalid", |into| {
            into.scalar_in("wlast");
            into.bytes_in("wstrb");
            into.bytes_in("wdata");
        });
        into.close();
    }
    for (interface, signals) in layout.lites.iter().zip(&binding.lites) {
        let mut out = Block::new(
            &mut outputs,
            "cosim::AxiLite",
            interface.offset,
            "out",
            signals,
        );
        for name in ["arready", "awready", "wready"] {
            out.scalar_out(name, 0);
        }
        out.guarded("rvalid", |out| {
            out.scalar_out("rdata", 0);
            out.scalar_out("rresp", 0);
        });
        out.guarded("bvalid", |out| out.scalar_out("bresp", 0));
        out.close();
        let mut into = Block::new(
            &mut inputs,
            "const cosim::AxiLite",
            interface.offset,
            "in",
            signals,
        );
        into.open_if("changed");
        for name in [
            "arvalid", "araddr", "awvalid", "awaddr", "wvalid", "wdata", "wstrb", "rready",
            "bready",
        ] {
            into.scalar_in(name);
        }
        line(into.text, "}");
        into.close();
    }
    for (interface, signals) in layout.streams.iter().zip(&binding.streams) {
        let sends = interface.direction == Direction::Output;
        let mut out = Block::new(
            &mut outputs,
            "cosim::AxiStream",
            interface.offset,
            "",
            signals,
        );
        if sends {
            out.guarded("tvalid", |out| {
                out.scalar_out("tlast", 0);
                for name in ["tid", "tdest", "tuser"] {
                    out.scalar_out(name, 0);
                }
                for name in ["tkeep", "tstrb", "tdata"] {
                    out.bytes_out(name);
                }
            });
        } else {
            out.scalar_out("tready", 0);
        }
        out.close();
        let mut into = Block::new(
            &mut inputs,
            "const cosim::AxiStream",
            interface.offset,
            "",
            signals,
        );
        if sends {
            into.scalar_in("tready");
        } else {
            for name in ["tvalid", "tlast", "tid", "tdest", "tuser"] {
                into.scalar_in(name);
            }
            for name in ["tkeep", "tstrb", "tdata"] {
                into.bytes_in(name);
            }
        }
        into.close();
    }
    for (port, verilated) in layout.ports.iter().zip(&binding.others) {
        let (member, offset) = (&verilated.member, port.offset);
        let statement = match port.direction {
            Direction::Output => &mut outputs,
            Direction::Input => &mut inputs,
        };
        let (to, from) = match port.direction {
            Direction::Output => (format!("f + {offset}"), format!("&m.{member}")),
            Direction::Input => (format!("&m.{member}"), format!("f + {offset}")),
        };
        line(
            statement,
            &format!("std::memcpy({to}, {from}, sizeof(m.{member}));"),
        );
    }
    let mut clocks = String::new();
    for (bit, clock) in binding.clocks.iter().enumerate() {
        line(
            &mut clocks,
            &format!("if (edges & {}) m.{} = level;", 1 << bit, clock.member),
        );
    }
    let mut tie = String::new();
    for port in binding
        .ports
        .iter()
        .filter(|port| port.direction == Direction::Input)
    {
        line(
            &mut tie,
            &format!("std::memset(&m.{0}, 0, sizeof(m.{0}));", port.member),
        );
    }
    format!(
        "// Generated by cosim: how the ports of `{kernel}` lie in the frame.\n\
         #include \"cosim_kernel.h\"\n\
         #include \"{prefix}.h\"\n\n\
         namespace {{\n\
         struct Ports {{\n    \
             using Verilated_ = {prefix};\n    \
             static constexpr const char* NAME = \"{kernel}\";\n    \
             static constexpr const char* DESCRIPTION = {};\n    \
             static void tie({prefix}& m) {{\n{tie}    }}\n    \
             static void clocks({prefix}& m, uint32_t edges, uint8_t level) {{\n{clocks}    }}\n    \
             static void inputs({prefix}& m, const uint8_t* f) {{\n{inputs}    }}\n    \
             static void outputs(const {prefix}& m, uint8_t* f) {{\n{outputs}    }}\n\
         }};\n\
         }}  // namespace\n\n\
         cosim::Model* create_{prefix}(const cosim::Options& options) {{ return cosim::create<Ports>(options); }}\n",
        literal(description)
    )
}

/// The C++ table of an object's kernels: (name, prefix of the generated class).
pub(super) fn table<'a>(kernels: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> String {
    let mut text =
        "// Generated by cosim: the kernels of this object.\n#include \"cosim_kernel.h\"\n\n"
            .to_owned();
    for (_, prefix) in kernels.clone() {
        let _ = writeln!(
            text,
            "cosim::Model* create_{prefix}(const cosim::Options& options);"
        );
    }
    text += "\nconst cosim::KernelEntry cosim::KERNELS[] = {\n";
    let mut count = 0;
    for (kernel, prefix) in kernels {
        let _ = writeln!(text, "    {{\"{kernel}\", &create_{prefix}}},");
        count += 1;
    }
    let _ = write!(text, "}};\nconst size_t cosim::KERNEL_COUNT = {count};\n");
    text
}

/// The C++ table of the files that kernels open: (name, file with the content).
pub(super) fn files(files: &[(&str, PathBuf)]) -> String {
    let mut content = String::new();
    let mut rows = String::new();
    for (index, (name, path)) in files.iter().enumerate() {
        let symbol = format!("cosim_data_{index}");
        let _ = writeln!(
            content,
            "asm(R\"json(.pushsection .rodata\n{symbol}: .incbin {path:?}\n{symbol}_end: .popsection)json\");\n\
             extern \"C\" __attribute__((visibility(\"hidden\"))) const char {symbol}[], {symbol}_end[];"
        );
        let _ = writeln!(rows, "    {{{}, {symbol}, {symbol}_end}},", literal(name));
    }
    // C++ has no arrays of no elements.
    format!(
        "#include \"cosim_files.h\"\n\n{content}\nconst cosim::DataFile cosim::DATA_FILES[] = {{\n{rows}    {{}},\n}};\n\
         const size_t cosim::DATA_FILE_COUNT = {};\n",
        files.len()
    )
}

/// A C++ literal of any length (raw literals are limited to 64 KiB by some compilers, adjacent ones not).
fn literal(text: &str) -> String {
    let chunks: Vec<&str> = text
        .as_bytes()
        .chunks(8192)
        .map(|chunk| std::str::from_utf8(chunk).expect("Verilog names and digits are ASCII"))
        .collect();
    if chunks.is_empty() {
        return "\"\"".to_owned();
    }
    chunks
        .iter()
        .map(|chunk| format!("R\"json({chunk})json\""))
        .collect::<Vec<_>>()
        .join("\n        ")
}

fn line(text: &mut String, statement: &str) {
    let _ = writeln!(text, "        {statement}");
}

/// The statements for one half of one interface, `p` being its structure in the frame.
struct Block<'a> {
    text: &'a mut String,
    half: &'static str,
    signals: &'a Signals,
}

impl<'a> Block<'a> {
    fn new(
        text: &'a mut String,
        structure: &str,
        offset: usize,
        half: &'static str,
        signals: &'a Signals,
    ) -> Self {
        line(text, "{");
        line(
            text,
            &format!("auto& p = *reinterpret_cast<{structure}*>(f + {offset});"),
        );
        let half = match half {
            "" => "p",
            "in" => "p.in",
            _ => "p.out",
        };
        Self {
            text,
            half,
            signals,
        }
    }

    fn port(&self, name: &str) -> Option<&'a VerilatedPort> {
        self.signals.get(name)
    }

    /// Copies the valid signal `name`, and the rest only while it is high; nothing if the port lacks it.
    fn guarded(&mut self, name: &'static str, rest: impl FnOnce(&mut Self)) {
        let Some(port) = self.port(name) else { return };
        if port.direction == Direction::Output {
            self.scalar_out(name, 0);
        }
        self.open_if(name);
        rest(self);
        line(self.text, "}");
    }

    fn open_if(&mut self, field: &str) {
        line(self.text, &format!("if ({}.{field}) {{", self.half));
    }

    fn scalar_out(&mut self, name: &str, default: u32) {
        let half = self.half;
        let value = self
            .port(name)
            .map_or_else(|| default.to_string(), |port| format!("m.{}", port.member));
        line(self.text, &format!("{half}.{name} = {value};"));
    }

    fn scalar_in(&mut self, name: &str) {
        let half = self.half;
        if let Some(port) = self.port(name) {
            let member = &port.member;
            let mask = match port.width {
                64 => String::new(),
                width => format!(" & {:#x}ull", (1u64 << width) - 1),
            };
            line(self.text, &format!("m.{member} = {half}.{name}{mask};"));
        }
    }

    fn bytes_out(&mut self, name: &str) {
        let half = self.half;
        if let Some(port) = self.port(name) {
            let member = &port.member;
            line(
                self.text,
                &format!("std::memcpy(&{half}.{name}, &m.{member}, sizeof(m.{member}));"),
            );
        }
    }

    fn bytes_in(&mut self, name: &str) {
        let half = self.half;
        if let Some(port) = self.port(name) {
            let member = &port.member;
            line(
                self.text,
                &format!("std::memcpy(&m.{member}, &{half}.{name}, sizeof(m.{member}));"),
            );
        }
    }

    fn close(self) {
        line(self.text, "}");
    }
}
