//! What a host must know of a kernel: its ports, and where each argument lies among its registers.
//! Read from `kernel.xml` as Vitis writes it (UG1393, "Kernel description XML") and from the kernel
//! elements of an image, which hold the same attributes one level up.

use std::fmt;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::xml::Element;

/// A kernel, without the compute units that instantiate it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KernelDescription {
    /// Name; of the top module in an RTL kernel.
    pub name: String,
    /// `ip_c` for RTL, `c` for HLS.
    pub language: String,
    /// Vendor, library, name, version of the IP; empty if unknown.
    pub vlnv: String,
    /// How it is started and how it reports.
    pub control: ControlProtocol,
    /// Whether it has an interrupt output.
    pub interrupt: bool,
    /// Bus ports.
    pub ports: Vec<Port>,
    /// Arguments in the order of the description, which need not be that of the ids.
    pub arguments: Vec<Argument>,
}

/// A bus port of a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Name. HLS images spell it in capitals where the RTL does not: compare without case.
    pub name: String,
    /// Direction and bus.
    pub mode: PortMode,
    /// Bytes of address space: of the register window of a slave, of what a master reaches.
    pub range: Option<u64>,
    /// Width of the data, bits.
    pub data_width: u32,
    /// First address, usually 0.
    pub base: Option<u64>,
}

/// Bus of a port (`mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortMode {
    /// AXI4 master: the kernel reaches memory.
    Master,
    /// AXI4-Lite slave: the host reaches the registers.
    Slave,
    /// AXI4-Stream into the kernel.
    ReadOnly,
    /// AXI4-Stream out of the kernel.
    WriteOnly,
}

impl PortMode {
    fn text(self) -> &'static str {
        match self {
            PortMode::Master => "master",
            PortMode::Slave => "slave",
            PortMode::ReadOnly => "read_only",
            PortMode::WriteOnly => "write_only",
        }
    }

    /// Whether the port is an AXI4-Stream.
    pub fn is_stream(self) -> bool {
        matches!(self, PortMode::ReadOnly | PortMode::WriteOnly)
    }
}

/// An argument of a kernel. Offsets and sizes are bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Argument {
    /// Position in the call; `None` for those that a host does not set.
    pub id: Option<u32>,
    /// Name.
    pub name: String,
    /// What is passed.
    pub qualifier: AddressQualifier,
    /// Name of the port it goes through: for a pointer, the one that dereferences it.
    pub port: String,
    /// Size of the register.
    pub size: u64,
    /// Offset of the register in the kernel's window.
    pub offset: u64,
    /// Offset in the host's value, 0 unless the argument is in several parts.
    pub host_offset: u64,
    /// Size of the host's value.
    pub host_size: u64,
    /// Type as C spells it.
    pub type_name: String,
}

impl Argument {
    /// Whether the argument is an address in card memory, so that it needs a buffer and a bank.
    pub fn is_pointer(&self) -> bool {
        matches!(
            self.qualifier,
            AddressQualifier::Global | AddressQualifier::Constant
        )
    }
}

/// What an argument passes (`addressQualifier`, OpenCL's address spaces).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressQualifier {
    /// 0: a value.
    Scalar,
    /// 1: an address in card memory.
    Global,
    /// 2: an address in card memory that is only read.
    Constant,
    /// 3: memory inside the kernel.
    Local,
    /// 4: a stream.
    Stream,
}

impl AddressQualifier {
    fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Scalar,
            1 => Self::Global,
            2 => Self::Constant,
            3 => Self::Local,
            4 => Self::Stream,
            _ => return None,
        })
    }
}

/// `enum IP_CONTROL`: how a kernel is started and how it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlProtocol {
    /// Start, done: one run at a time.
    ApCtrlHs,
    /// As `ap_ctrl_hs`, with an acknowledgement, so that runs overlap.
    ApCtrlChain,
    /// No control register: runs freely, or the user drives it (`user_managed`).
    ApCtrlNone,
    /// `AP_CTRL_ME`.
    ApCtrlMe,
    /// `ACCEL_ADAPTER`.
    AccelAdapter,
    /// `FAST_ADAPTER`.
    FastAdapter,
}

impl ControlProtocol {
    const ALL: [(ControlProtocol, &'static str); 6] = [
        (Self::ApCtrlHs, "ap_ctrl_hs"),
        (Self::ApCtrlChain, "ap_ctrl_chain"),
        (Self::ApCtrlNone, "ap_ctrl_none"),
        (Self::ApCtrlMe, "ap_ctrl_me"),
        (Self::AccelAdapter, "accel_adapter"),
        (Self::FastAdapter, "fast_adapter"),
    ];

    /// The number of the protocol in `IP_LAYOUT`.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .map(|entry| entry.0)
            .find(|protocol| u32::from(protocol.number()) == number)
    }

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "user_managed" => Some(Self::ApCtrlNone),
            _ => Self::ALL
                .into_iter()
                .find(|entry| entry.1 == text)
                .map(|entry| entry.0),
        }
    }
}

impl fmt::Display for ControlProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::ALL[usize::from(self.number())].1)
    }
}

impl KernelDescription {
    /// Reads a `kernel.xml` and checks it (see [`KernelDescription::check`]).
    ///
    /// # Errors
    /// [`Error::KernelDescription`], which names the element and what was expected.
    pub fn from_xml(text: &str) -> Result<Self> {
        let root = Element::parse(text, "root")?;
        let kernel = Self::from_element(root.expect("kernel")?)?;
        kernel.check()?;
        Ok(kernel)
    }

    /// The port of that name, compared without case.
    pub fn port(&self, name: &str) -> Option<&Port> {
        self.ports
            .iter()
            .find(|port| port.name.eq_ignore_ascii_case(name))
    }

    /// The AXI4-Lite slave that holds the registers, if there is one.
    pub fn control_port(&self) -> Option<&Port> {
        self.ports.iter().find(|port| port.mode == PortMode::Slave)
    }

    /// The argument at that position of the call.
    pub fn argument(&self, id: u32) -> Option<&Argument> {
        self.arguments
            .iter()
            .find(|argument| argument.id == Some(id))
    }

    /// Arguments that pass an address in card memory.
    pub fn pointers(&self) -> impl Iterator<Item = &Argument> {
        self.arguments
            .iter()
            .filter(|argument| argument.is_pointer())
    }

    /// Checks what a simulated card needs: ids 0, 1, 2… once each, every argument at a port that
    /// fits what it passes, and registers that lie in the window and do not overlap.
    ///
    /// Images from other tools are read without it: HLS arguments may be in several parts.
    ///
    /// # Errors
    /// [`Error::KernelDescription`], which names the argument.
    pub fn check(&self) -> Result<()> {
        if self.name.is_empty()
            || !self
                .name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            return Err(self.problem("name", "must be a Verilog identifier"));
        }
        let mut ids: Vec<_> = self
            .arguments
            .iter()
            .filter_map(|argument| argument.id)
            .collect();
        ids.sort_unstable();
        if let Some((expected, id)) = (0..).zip(&ids).find(|(expected, id)| expected != *id) {
            return Err(self.problem(
                "argument ids",
                format!("must count 0, 1, 2… without gaps or repeats, but {id} stands where {expected} should"),
            ));
        }
        for argument in &self.arguments {
            self.check_port(argument)?;
        }
        self.check_registers()
    }

    fn check_port(&self, argument: &Argument) -> Result<()> {
        let item = format!("argument {}", argument.name);
        let Some(port) = self.port(&argument.port) else {
            return Err(self.problem(
                item,
                format!("its port {} is not among the ports", argument.port),
            ));
        };
        let (fits, expected) = match argument.qualifier {
            AddressQualifier::Scalar => (port.mode == PortMode::Slave, "the slave port"),
            AddressQualifier::Stream => (port.mode.is_stream(), "a stream port"),
            _ => (port.mode == PortMode::Master, "a master port"),
        };
        if !fits {
            return Err(self.problem(
                item,
                format!(
                    "must go through {expected}, but {} is {}",
                    port.name,
                    port.mode.text()
                ),
            ));
        }
        if argument.is_pointer() && argument.size != 8 {
            return Err(self.problem(
                item,
                format!("a pointer has 8 bytes, not {}", argument.size),
            ));
        }
        Ok(())
    }

    fn check_registers(&self) -> Result<()> {
        let mut registers: Vec<_> = self
            .arguments
            .iter()
            .filter(|argument| argument.qualifier != AddressQualifier::Stream)
            .collect();
        registers.sort_by_key(|argument| argument.offset);
        if registers.is_empty() {
            return Ok(());
        }
        let Some(window) = self.control_port().and_then(|port| port.range) else {
            return Err(self.problem(
                "ports",
                "has arguments in registers, but no slave port with a range",
            ));
        };
        let mut previous: Option<(&Argument, u64)> = None;
        for argument in registers {
            let item = format!("argument {}", argument.name);
            let end = argument
                .offset
                .checked_add(argument.size)
                .filter(|&end| end <= window);
            let Some(end) = end.filter(|_| argument.size > 0 && argument.offset % 4 == 0) else {
                return Err(self.problem(
                    item,
                    format!(
                        "its register at {:#x}, {} bytes, must start at a multiple of 4 and end within the \
                         {window:#x} bytes of the slave port",
                        argument.offset, argument.size
                    ),
                ));
            };
            if let Some((other, _)) = previous.filter(|(_, other_end)| *other_end > argument.offset)
            {
                return Err(self.problem(
                    item,
                    format!(
                        "its register at {:#x} overlaps that of {}",
                        argument.offset, other.name
                    ),
                ));
            }
            previous = Some((argument, end));
        }
        Ok(())
    }

    fn problem(&self, item: impl fmt::Display, problem: impl Into<String>) -> Error {
        Error::KernelDescription {
            place: format!("kernel {}, {item}", self.name),
            problem: problem.into(),
        }
    }

    /// Reads a `<kernel>`: ports and arguments may stand in it, or in `<ports>` and `<args>`.
    pub(crate) fn from_element(kernel: &Element) -> Result<Self> {
        let control = match kernel.attribute("hwControlProtocol") {
            None | Some("") => ControlProtocol::ApCtrlHs,
            Some(text) => ControlProtocol::from_text(text).ok_or_else(|| {
                kernel.unknown(
                    "hwControlProtocol",
                    "ap_ctrl_hs, ap_ctrl_chain, ap_ctrl_none or user_managed",
                )
            })?,
        };
        let ports = kernel
            .children("ports")
            .flat_map(|list| list.children("port"));
        let arguments = kernel
            .children("args")
            .flat_map(|list| list.children("arg"));
        Ok(KernelDescription {
            name: kernel.required("name")?.to_owned(),
            language: kernel.attribute("language").unwrap_or_default().to_owned(),
            vlnv: kernel.attribute("vlnv").unwrap_or_default().to_owned(),
            control,
            interrupt: matches!(kernel.attribute("interrupt"), Some("true" | "1")),
            ports: ports
                .chain(kernel.children("port"))
                .map(Port::from_element)
                .collect::<Result<_>>()?,
            arguments: arguments
                .chain(kernel.children("arg"))
                .map(Argument::from_element)
                .collect::<Result<_>>()?,
        })
    }

    /// The `<kernel>` as images hold it.
    pub(crate) fn to_element(&self) -> Element {
        Element::new("kernel")
            .with("name", &self.name)
            .with("language", &self.language)
            .with("vlnv", &self.vlnv)
            .with("attributes", "")
            .with("preferredWorkGroupSizeMultiple", 0)
            .with("workGroupSize", 1)
            .with("interrupt", self.interrupt)
            .with("hwControlProtocol", self.control)
            .extend(self.ports.iter().map(Port::to_element))
            .extend(self.arguments.iter().map(Argument::to_element))
    }
}

impl Port {
    fn from_element(port: &Element) -> Result<Self> {
        let mode = match port.required("mode")? {
            "master" => PortMode::Master,
            "slave" => PortMode::Slave,
            "read_only" => PortMode::ReadOnly,
            "write_only" => PortMode::WriteOnly,
            _ => return Err(port.unknown("mode", "master, slave, read_only or write_only")),
        };
        let width = port.number("dataWidth")?.unwrap_or(0);
        Ok(Port {
            name: port.required("name")?.to_owned(),
            mode,
            range: port.number("range")?,
            data_width: u32::try_from(width)
                .map_err(|_| port.unknown("dataWidth", "a number of bits"))?,
            base: port.number("base")?,
        })
    }

    fn to_element(&self) -> Element {
        let hex =
            |number: Option<u64>| number.map_or(String::new(), |number| format!("{number:#x}"));
        Element::new("port")
            .with("name", &self.name)
            .with("mode", self.mode.text())
            .with("range", hex(self.range))
            .with("dataWidth", self.data_width)
            .with(
                "portType",
                if self.mode.is_stream() {
                    "stream"
                } else {
                    "addressable"
                },
            )
            .with("base", hex(self.base))
    }
}

impl Argument {
    fn from_element(argument: &Element) -> Result<Self> {
        let qualifier = argument.required_number("addressQualifier")?;
        let id = argument
            .number("id")?
            .map(|id| u32::try_from(id).map_err(|_| argument.unknown("id", "a number below 2^32")))
            .transpose()?;
        Ok(Argument {
            id,
            name: argument.required("name")?.to_owned(),
            qualifier: AddressQualifier::from_number(qualifier)
                .ok_or_else(|| argument.unknown("addressQualifier", "a number from 0 to 4"))?,
            port: argument.attribute("port").unwrap_or_default().to_owned(),
            size: argument.required_number("size")?,
            offset: argument.required_number("offset")?,
            host_offset: argument.number("hostOffset")?.unwrap_or(0),
            host_size: argument.number("hostSize")?.unwrap_or(0),
            type_name: argument.attribute("type").unwrap_or_default().to_owned(),
        })
    }

    fn to_element(&self) -> Element {
        Element::new("arg")
            .with("name", &self.name)
            .with("addressQualifier", self.qualifier as u8)
            .with("id", self.id.map_or(String::new(), |id| id.to_string()))
            .with("port", &self.port)
            .with("size", format_args!("{:#x}", self.size))
            .with("offset", format_args!("{:#x}", self.offset))
            .with("hostOffset", format_args!("{:#x}", self.host_offset))
            .with("hostSize", format_args!("{:#x}", self.host_size))
            .with("type", &self.type_name)
    }
}

#[cfg(test)]
#[path = "kernel_tests.rs"]
mod tests;
