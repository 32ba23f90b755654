//! Groups the ports of a kernel into interfaces by their AXI names, and gives each its place in the frame.
//!
//! The signals of each kind of interface are tables; what an interface lacks or has in the wrong width is
//! reported by the port's name.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::size_of;

use super::BuildError;
use super::ports::VerilatedPort;
use crate::frame;
use crate::interface::{
    Direction, Interfaces, LiteInterface, MasterInterface, Port, SlaveInterface, StreamInterface,
};

/// A kernel's layout and the ports behind it.
pub(super) struct Binding {
    pub(super) layout: Interfaces,
    pub(super) ports: Vec<VerilatedPort>,
    /// By interface, in the order of the layout: signal name in lower case to port.
    pub(super) masters: Vec<Signals>,
    pub(super) slaves: Vec<Signals>,
    pub(super) lites: Vec<Signals>,
    pub(super) streams: Vec<Signals>,
    /// In the order of the layout's `ports`.
    pub(super) others: Vec<VerilatedPort>,
    /// In the order of the layout's `clocks`; an absent `ap_clk` is an error.
    pub(super) clocks: Vec<VerilatedPort>,
}

/// The signals of one interface.
pub(super) type Signals = BTreeMap<&'static str, VerilatedPort>;

/// Width that a signal must have.
#[derive(Clone, Copy)]
enum Width {
    Exactly(u32),
    UpTo(u32),
    /// The interface's data width, found on its first data signal.
    Data,
    /// One bit a byte of data.
    Strobe,
}

/// One row of an interface's table.
struct Signal {
    name: &'static str,
    /// `Output` if a master (or the sender of a stream) drives it.
    direction: Direction,
    width: Width,
    need: Need,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Always,
    /// If the port reads, or writes, at all.
    Reading,
    Writing,
    Never,
}

const fn signal(name: &'static str, direction: Direction, width: Width, need: Need) -> Signal {
    Signal {
        name,
        direction,
        width,
        need,
    }
}

use Direction::{Input as In, Output as Out};
use Need::{Always, Never, Reading, Writing};
use Width::{Data, Exactly, Strobe, UpTo};

/// AXI4 (IHI 0022, A2); optional is what UG1393 lets a kernel leave out.
const AXI: &[Signal] = &[
    signal("araddr", Out, UpTo(64), Reading),
    signal("arvalid", Out, Exactly(1), Reading),
    signal("arready", In, Exactly(1), Reading),
    signal("arlen", Out, Exactly(8), Reading),
    signal("arsize", Out, Exactly(3), Never),
    signal("arburst", Out, Exactly(2), Never),
    signal("arid", Out, UpTo(32), Never),
    signal("rdata", In, Data, Reading),
    signal("rvalid", In, Exactly(1), Reading),
    signal("rready", Out, Exactly(1), Reading),
    signal("rlast", In, Exactly(1), Never),
    signal("rresp", In, Exactly(2), Never),
    signal("rid", In, UpTo(32), Never),
    signal("awaddr", Out, UpTo(64), Writing),
    signal("awvalid", Out, Exactly(1), Writing),
    signal("awready", In, Exactly(1), Writing),
    signal("awlen", Out, Exactly(8), Writing),
    signal("awsize", Out, Exactly(3), Never),
    signal("awburst", Out, Exactly(2), Never),
    signal("awid", Out, UpTo(32), Never),
    signal("wdata", Out, Data, Writing),
    signal("wstrb", Out, Strobe, Writing),
    signal("wlast", Out, Exactly(1), Writing),
    signal("wvalid", Out, Exactly(1), Writing),
    signal("wready", In, Exactly(1), Writing),
    signal("bvalid", In, Exactly(1), Writing),
    signal("bready", Out, Exactly(1), Writing),
    signal("bresp", In, Exactly(2), Never),
    signal("bid", In, UpTo(32), Never),
];

/// AXI4-Lite (IHI 0022, B1).
const LITE: &[Signal] = &[
    signal("awaddr", Out, UpTo(64), Always),
    signal("awvalid", Out, Exactly(1), Always),
    signal("awready", In, Exactly(1), Always),
    signal("wdata", Out, Data, Always),
    signal("wstrb", Out, Strobe, Always),
    signal("wvalid", Out, Exactly(1), Always),
    signal("wready", In, Exactly(1), Always),
    signal("bvalid", In, Exactly(1), Always),
    signal("bready", Out, Exactly(1), Always),
    signal("bresp", In, Exactly(2), Never),
    signal("araddr", Out, UpTo(64), Always),
    signal("arvalid", Out, Exactly(1), Always),
    signal("arready", In, Exactly(1), Always),
    signal("rdata", In, Data, Always),
    signal("rvalid", In, Exactly(1), Always),
    signal("rready", Out, Exactly(1), Always),
    signal("rresp", In, Exactly(2), Never),
];

/// AXI4-Stream (IHI 0051, 2.2).
const STREAM: &[Signal] = &[
    signal("tvalid", Out, Exactly(1), Always),
    signal("tready", In, Exactly(1), Always),
    signal("tdata", Out, Data, Never),
    signal("tkeep", Out, Strobe, Never),
    signal("tstrb", Out, Strobe, Never),
    signal("tlast", Out, Exactly(1), Never),
    signal("tid", Out, UpTo(64), Never),
    signal("tdest", Out, UpTo(64), Never),
    signal("tuser", Out, UpTo(64), Never),
];

/// Signals of a memory-mapped interface that carry nothing here and are tied to 0.
const IGNORED: &[&str] = &[
    "arlock", "arcache", "arprot", "arqos", "arregion", "aruser", "ruser", "awlock", "awcache",
    "awprot", "awqos", "awregion", "awuser", "wid", "wuser", "buser",
];

/// Endings that betray an interface; any one of them suffices, so that a missing one can be named.
const MAPPED_MARKS: &[&str] = &[
    "arvalid", "arready", "araddr", "awvalid", "awready", "awaddr",
];
const STREAM_MARKS: &[&str] = &["tvalid", "tready", "tdata"];

/// Binds the ports of kernel `kernel`.
pub(super) fn bind(kernel: &str, ports: &[VerilatedPort]) -> Result<Binding, BuildError> {
    let mut binder = Binder {
        kernel,
        free: ports.iter().map(|p| (p.name.as_str(), p)).collect(),
        offset: size_of::<frame::FrameHeader>().next_multiple_of(frame::FRAME_ALIGN),
    };
    let mut binding = Binding {
        layout: Interfaces {
            kernel: kernel.to_owned(),
            frame_size: 0,
            clocks: Vec::new(),
            masters: Vec::new(),
            slaves: Vec::new(),
            lites: Vec::new(),
            streams: Vec::new(),
            ports: Vec::new(),
            traced: false,
            savable: false,
            coverage: false,
            fingerprint: String::new(),
        },
        ports: ports.to_vec(),
        masters: Vec::new(),
        slaves: Vec::new(),
        lites: Vec::new(),
        streams: Vec::new(),
        others: Vec::new(),
        clocks: Vec::new(),
    };
    for name in ["ap_clk", "ap_clk_2"] {
        if let Some(port) = binder.free.remove(name) {
            binding.layout.clocks.push(name.to_owned());
            binding.clocks.push(port.clone());
        } else if name == "ap_clk" {
            return Err(binder.missing("clock", name, "every RTL kernel is clocked by it"));
        }
    }
    for prefix in binder.prefixes(MAPPED_MARKS) {
        binder.mapped(&prefix, &mut binding)?;
    }
    for prefix in binder.prefixes(STREAM_MARKS) {
        binder.stream(&prefix, &mut binding)?;
    }
    let rest: Vec<VerilatedPort> = binder.free.values().map(|port| (*port).clone()).collect();
    for port in rest {
        let words = port.width.div_ceil(64) as usize;
        binding.layout.ports.push(Port {
            name: port.name.clone(),
            direction: port.direction,
            width: port.width,
            offset: binder.place(words * 8, 8),
        });
        binding.others.push(port);
    }
    binding.layout.frame_size = binder.place(0, frame::FRAME_ALIGN);
    Ok(binding)
}

/// An interface's name: its prefix without the `_` before the signal, so that a name may itself end in one.
fn interface_name(prefix: &str) -> &str {
    prefix.strip_suffix('_').unwrap_or(prefix)
}

struct Binder<'a> {
    kernel: &'a str,
    /// Ports that belong to no interface yet.
    free: BTreeMap<&'a str, &'a VerilatedPort>,
    offset: usize,
}

impl Binder<'_> {
    /// Reserves `size` bytes of the frame.
    fn place(&mut self, size: usize, align: usize) -> usize {
        let at = self.offset.next_multiple_of(align);
        self.offset = at + size;
        at
    }

    /// Prefixes (with their `_`) of the ports that end in one of `marks`, in either case.
    fn prefixes(&self, marks: &[&str]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for name in self.free.keys() {
            for mark in marks {
                let Some(at) = name.len().checked_sub(mark.len()) else {
                    continue;
                };
                if name.is_char_boundary(at)
                    && name[at..].eq_ignore_ascii_case(mark)
                    && name[..at].ends_with('_')
                {
                    found.insert(name[..at].to_owned());
                }
            }
        }
        found
    }

    fn find(&self, prefix: &str, signal: &str) -> Option<&VerilatedPort> {
        let name = |signal: &str| self.free.get(format!("{prefix}{signal}").as_str()).copied();
        name(signal).or_else(|| name(&signal.to_ascii_uppercase()))
    }

    fn take(&mut self, prefix: &str, signal: &str) {
        for name in [signal.to_owned(), signal.to_ascii_uppercase()] {
            self.free.remove(format!("{prefix}{name}").as_str());
        }
    }

    fn missing(&self, interface: &str, port: &str, reason: &'static str) -> BuildError {
        BuildError::MissingPort {
            kernel: self.kernel.to_owned(),
            interface: interface.to_owned(),
            port: port.to_owned(),
            reason,
        }
    }

    fn mapped(&mut self, prefix: &str, binding: &mut Binding) -> Result<(), BuildError> {
        let name = interface_name(prefix).to_owned();
        // Who drives the address channels tells a master from a slave; a ready runs the other way.
        let master = MAPPED_MARKS.iter().find_map(|mark| {
            let port = self.find(prefix, mark)?;
            Some((port.direction == Out) != mark.ends_with("ready"))
        });
        if master == Some(true) {
            let has = |signals: &[&str]| {
                signals
                    .iter()
                    .any(|signal| self.find(prefix, signal).is_some())
            };
            let reads = has(&["arvalid", "arready", "araddr"]);
            let writes = has(&["awvalid", "awready", "awaddr"]);
            let signals = self.collect(prefix, AXI, Out, |need| match need {
                Always => true,
                Reading => reads,
                Writing => writes,
                Never => false,
            })?;
            let data_width = self.bus_width(&signals, &["rdata", "wdata"], 32..=1024)?;
            let width = |names: [&str; 2]| {
                names
                    .iter()
                    .find_map(|n| signals.get(n))
                    .map_or(0, |p| p.width)
            };
            binding.layout.masters.push(MasterInterface {
                name,
                offset: self.place(size_of::<frame::AxiMaster>(), frame::FRAME_ALIGN),
                data_width,
                address_width: width(["araddr", "awaddr"]),
                id_width: width(["arid", "awid"]),
                reads,
                writes,
            });
            binding.masters.push(signals);
        } else if let Some(port) = self.find(prefix, "arlen") {
            return Err(BuildError::UnsupportedPort {
                port: port.name.clone(),
                reason: "a slave port that takes bursts takes writes only here; remove its read channels, or make it AXI4-Lite",
            });
        } else if self.find(prefix, "awlen").is_some() {
            let signals = self.collect(prefix, AXI, In, |need| matches!(need, Always | Writing))?;
            let data_width = self.bus_width(&signals, &["wdata"], 32..=1024)?;
            binding.layout.slaves.push(SlaveInterface {
                name,
                offset: self.place(size_of::<frame::AxiMaster>(), frame::FRAME_ALIGN),
                data_width,
                address_width: signals["awaddr"].width,
            });
            binding.slaves.push(signals);
        } else {
            let signals = self.collect(prefix, LITE, In, |need| need == Always)?;
            let data_width = self.bus_width(&signals, &["wdata", "rdata"], 32..=64)?;
            binding.layout.lites.push(LiteInterface {
                name,
                offset: self.place(size_of::<frame::AxiLite>(), frame::FRAME_ALIGN),
                data_width,
                address_width: signals["awaddr"].width,
            });
            binding.lites.push(signals);
        }
        for signal in IGNORED {
            self.take(prefix, signal);
        }
        Ok(())
    }

    fn stream(&mut self, prefix: &str, binding: &mut Binding) -> Result<(), BuildError> {
        let direction = STREAM_MARKS
            .iter()
            .find_map(|mark| {
                let port = self.find(prefix, mark)?;
                Some(if (port.direction == Out) != mark.ends_with("ready") {
                    Out
                } else {
                    In
                })
            })
            .expect("a prefix is found by one of the marks");
        let signals = self.collect(prefix, STREAM, direction, |need| need == Always)?;
        binding.layout.streams.push(StreamInterface {
            name: interface_name(prefix).to_owned(),
            offset: self.place(size_of::<frame::AxiStream>(), frame::FRAME_ALIGN),
            data_width: signals.get("tdata").map_or(0, |port| port.width),
            keep: signals.contains_key("tkeep"),
            strobe: signals.contains_key("tstrb"),
            direction,
        });
        binding.streams.push(signals);
        Ok(())
    }

    /// Takes the signals of `table` that belong to `prefix`; `sender` is the direction of what a master or
    /// sender drives, seen from this kernel.
    fn collect(
        &mut self,
        prefix: &str,
        table: &[Signal],
        sender: Direction,
        needed: impl Fn(Need) -> bool,
    ) -> Result<Signals, BuildError> {
        let interface = interface_name(prefix);
        let mut signals = Signals::new();
        for row in table {
            match self.find(prefix, row.name) {
                Some(port) => {
                    if (port.direction == sender) != (row.direction == Out) {
                        return Err(BuildError::PortDirection {
                            kernel: self.kernel.to_owned(),
                            interface: interface.to_owned(),
                            port: port.name.clone(),
                            found: if port.direction == In {
                                "input"
                            } else {
                                "output"
                            },
                        });
                    }
                    signals.insert(row.name, port.clone());
                }
                None if needed(row.need) => {
                    let reason = "AXI requires it of this kind of interface";
                    return Err(self.missing(interface, &format!("{prefix}{}", row.name), reason));
                }
                None => {}
            }
        }
        let data = table
            .iter()
            .filter(|row| matches!(row.width, Data))
            .find_map(|row| signals.get(row.name))
            .map(|port| (port.name.clone(), port.width));
        for row in table {
            let Some(port) = signals.get(row.name) else {
                continue;
            };
            let (fits, expected) = match (row.width, &data) {
                (Exactly(bits), _) => (port.width == bits, bits.to_string()),
                (UpTo(bits), _) => (port.width <= bits, format!("at most {bits}")),
                (Data, Some((name, bits))) => (port.width == *bits, format!("{bits}, as `{name}`")),
                (Strobe, Some((name, bits))) => (
                    port.width == bits.div_ceil(8),
                    format!("{}, one a byte of `{name}`", bits.div_ceil(8)),
                ),
                (Data | Strobe, None) => (true, String::new()),
            };
            if !fits {
                return Err(self.width(port, expected));
            }
            self.take(prefix, row.name);
        }
        if let Some((name, bits)) = data
            && bits as usize > frame::MAX_DATA_BYTES * 8
        {
            let port = signals
                .values()
                .find(|port| port.name == name)
                .expect("just found");
            return Err(self.width(port, format!("at most {}", frame::MAX_DATA_BYTES * 8)));
        }
        Ok(signals)
    }

    /// Width of the data bus, which must be a power of two in `range`.
    fn bus_width(
        &self,
        signals: &Signals,
        names: &[&str],
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<u32, BuildError> {
        let port = names
            .iter()
            .find_map(|name| signals.get(name))
            .expect("required above");
        if port.width.is_power_of_two() && range.contains(&port.width) {
            return Ok(port.width);
        }
        Err(self.width(
            port,
            format!("a power of two from {} to {}", range.start(), range.end()),
        ))
    }

    fn width(&self, port: &VerilatedPort, expected: String) -> BuildError {
        BuildError::PortWidth {
            kernel: self.kernel.to_owned(),
            port: port.name.clone(),
            found: port.width,
            expected,
        }
    }
}
