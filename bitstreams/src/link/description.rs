//! What is known of a kernel before its RTL is looked at: a `kernel.xml`, what a packaging script or packaged IP says,
//! or a short TOML file where there is none of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cosim::Cache;
use cosim::interface::{Direction, Interfaces};
use serde::{Deserialize, Serialize};
use xclbin::{AddressQualifier, Argument, ControlProtocol, KernelDescription, Port, PortMode};

use super::error::{LinkError, read};
use super::package;

/// First register after control and interrupts (UG1393).
const FIRST_REGISTER: u64 = 0x10;
/// Registers are followed by a reserved word, as Vitis lays them out.
const RESERVED: u64 = 4;
/// Most of a register window that is given to a kernel whose address bus would reach further, bytes.
const MAX_WINDOW_BITS: u32 = 16;

/// A description as it was written.
#[derive(Debug, Clone)]
pub(super) enum Description {
    Xml(Box<KernelDescription>),
    Toml(Box<Toml>),
    /// Nothing was written: enough for a kernel that only has streams.
    None,
}

/// A kernel in TOML. Paths are relative to the file.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Toml {
    pub(super) name: Option<String>,
    pub(super) top: Option<String>,
    /// A `kernel.xml` that describes the arguments.
    pub(super) kernel_xml: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) sources: Vec<PathBuf>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) include: Vec<PathBuf>,
    pub(super) control: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parameters: BTreeMap<String, toml::Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) defines: BTreeMap<String, toml::Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) args: Vec<TomlArgument>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TomlArgument {
    pub(super) name: String,
    /// The AXI master a pointer goes through, or the stream that is passed; none for a value.
    pub(super) port: Option<String>,
    pub(super) offset: Option<u64>,
    pub(super) size: Option<u64>,
    #[serde(rename = "type")]
    pub(super) type_name: Option<String>,
}

/// A description file and what it says of the sources.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) description: Description,
    /// Sources and settings of a TOML file, its paths made relative to the working folder.
    pub(super) extra: Option<Toml>,
    /// Modules that Vivado would generate, and from which IP.
    pub(super) generated: Vec<(String, String)>,
}

impl Described {
    /// Reads a description; `arguments` are those of a packaging script.
    pub(super) fn read(
        path: Option<&Path>,
        arguments: &[String],
        cache: &Cache,
    ) -> Result<Self, LinkError> {
        let Some(path) = path else {
            return Ok(Self::plain(Description::None));
        };
        if package::is_package(path)? {
            let packaged = package::read(path, arguments, cache)?;
            let mut described = Self::written(path, packaged.toml)?;
            if let Some(text) = packaged.kernel_xml {
                described.description = parsed(path, &text)?;
            }
            described.generated = packaged.generated;
            return Ok(described);
        }
        if path.extension().is_some_and(|e| e == "xml") {
            return Ok(Self::plain(xml(path)?));
        }
        let mut toml: Toml =
            toml::from_str(&read(path)?).map_err(|error| LinkError::Description {
                path: path.to_owned(),
                problem: error.to_string(),
            })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for place in toml.sources.iter_mut().chain(&mut toml.include) {
            *place = folder.join(&*place);
        }
        if let Some(place) = &mut toml.kernel_xml {
            *place = folder.join(&*place);
        }
        Self::written(path, toml)
    }

    fn plain(description: Description) -> Self {
        Self {
            description,
            extra: None,
            generated: Vec::new(),
        }
    }

    /// What `path` says in the form of TOML.
    fn written(path: &Path, toml: Toml) -> Result<Self, LinkError> {
        let description = match &toml.kernel_xml {
            Some(place) => xml(place)?,
            None => {
                if let Some(text) = &toml.control {
                    control(text).ok_or_else(|| LinkError::Description {
                        path: path.to_owned(),
                        problem: format!(
                            "control = \"{text}\" is not ap_ctrl_hs, ap_ctrl_chain, ap_ctrl_none or user_managed"
                        ),
                    })?;
                }
                Description::Toml(Box::new(toml.clone()))
            }
        };
        Ok(Self {
            description,
            extra: Some(toml),
            generated: Vec::new(),
        })
    }

    /// The kernel's name, if anything says it.
    pub(super) fn name(&self) -> Option<&str> {
        let written = self.extra.as_ref().and_then(|toml| toml.name.as_deref());
        match &self.description {
            Description::Xml(kernel) => Some(&kernel.name),
            _ => written,
        }
    }
}

fn xml(path: &Path) -> Result<Description, LinkError> {
    parsed(path, &read(path)?)
}

/// The `kernel.xml` with that text, which is in `path`, or written by it.
fn parsed(path: &Path, text: &str) -> Result<Description, LinkError> {
    let kernel = KernelDescription::from_xml(text).map_err(|source| LinkError::Xml {
        path: path.to_owned(),
        source,
    })?;
    Ok(Description::Xml(Box::new(kernel)))
}

fn control(text: &str) -> Option<ControlProtocol> {
    Some(match text {
        "ap_ctrl_hs" => ControlProtocol::ApCtrlHs,
        "ap_ctrl_chain" => ControlProtocol::ApCtrlChain,
        "ap_ctrl_none" | "user_managed" => ControlProtocol::ApCtrlNone,
        _ => return None,
    })
}

/// The full description of kernel `name` from what TOML says (or nothing) and what the RTL has.
pub(super) fn complete(
    name: &str,
    toml: Option<&Toml>,
    rtl: &Interfaces,
) -> Result<KernelDescription, LinkError> {
    let driven = toml
        .and_then(|toml| toml.control.as_deref())
        .and_then(control)
        == Some(ControlProtocol::ApCtrlNone);
    let unnamed = match toml {
        None => !(rtl.lites.is_empty() && rtl.masters.is_empty()),
        // What reaches memory is told where; only a kernel that its user drives may do without.
        Some(toml) => toml.args.is_empty() && !rtl.masters.is_empty() && !driven,
    };
    if unnamed {
        return Err(LinkError::kernel(name, undescribed(rtl)));
    }
    let slave = rtl.lites.first().map(|port| port.name.clone());
    let mut arguments = Vec::new();
    let mut next = FIRST_REGISTER;
    let none = Vec::new();
    for (id, argument) in (0..).zip(toml.map_or(&none, |toml| &toml.args)) {
        let stream = rtl.streams.iter().any(|stream| {
            let port = argument.port.as_deref();
            port.is_some_and(|port| port.eq_ignore_ascii_case(&stream.name))
        });
        let qualifier = match argument.port {
            Some(_) if stream => AddressQualifier::Stream,
            Some(_) => AddressQualifier::Global,
            None => AddressQualifier::Scalar,
        };
        let pointer = qualifier == AddressQualifier::Global;
        let size = argument.size.unwrap_or(if pointer { 8 } else { 4 });
        let offset = match qualifier {
            // A position in the call, without a register.
            AddressQualifier::Stream => 0,
            _ => {
                let offset = argument.offset.unwrap_or(next);
                next = offset.saturating_add(size).next_multiple_of(4) + RESERVED;
                offset
            }
        };
        let port = argument.port.clone().or_else(|| slave.clone());
        arguments.push(Argument {
            id: Some(id),
            name: argument.name.clone(),
            qualifier,
            port: port.ok_or_else(|| {
                let problem = format!(
                    "argument {} needs a register, but the RTL has no AXI4-Lite port",
                    argument.name
                );
                LinkError::kernel(name, problem)
            })?,
            size,
            offset,
            host_offset: 0,
            host_size: size,
            type_name: argument
                .type_name
                .clone()
                .unwrap_or_else(|| default_type(qualifier).to_owned()),
        });
    }
    let default = if rtl.lites.is_empty() {
        ControlProtocol::ApCtrlNone
    } else {
        ControlProtocol::ApCtrlHs
    };
    let written = toml.and_then(|toml| toml.control.as_deref());
    Ok(KernelDescription {
        name: name.to_owned(),
        language: "ip_c".to_owned(),
        vlnv: String::new(),
        control: written.and_then(control).unwrap_or(default),
        interrupt: rtl.port("interrupt").is_some(),
        ports: ports(rtl),
        arguments,
    })
}

/// What to say where no argument is described: with a description to start from.
fn undescribed(rtl: &Interfaces) -> String {
    let mut text = "its arguments are not described; give its kernel.xml, or a TOML file with an [[args]] for each, \
                    in the order of the call:\n"
        .to_owned();
    for master in &rtl.masters {
        let _ = write!(
            text,
            "\n[[args]]\nname = \"...\"\nport = \"{}\"\noffset = 0x10   # of its register\n",
            master.name
        );
    }
    text += "\n[[args]]\nname = \"...\"    # a value\noffset = 0x1c\nsize = 4";
    text
}

/// The type of an argument whose type is not told.
fn default_type(qualifier: AddressQualifier) -> &'static str {
    match qualifier {
        AddressQualifier::Scalar => "uint",
        AddressQualifier::Stream => "stream",
        _ => "void*",
    }
}

/// The bus ports of the RTL, as a `kernel.xml` lists them.
fn ports(rtl: &Interfaces) -> Vec<Port> {
    let port = |name: &str, mode, range, data_width| Port {
        name: name.to_owned(),
        mode,
        range,
        data_width,
        base: Some(0),
    };
    let window = |bits: u32| 1 << bits.min(MAX_WINDOW_BITS);
    let slaves = rtl.lites.iter().map(|lite| {
        let range = window(lite.address_width);
        port(&lite.name, PortMode::Slave, Some(range), lite.data_width)
    });
    let masters = rtl.masters.iter().map(|master| {
        port(
            &master.name,
            PortMode::Master,
            Some(u64::MAX),
            master.data_width,
        )
    });
    let streams = rtl.streams.iter().map(|stream| {
        let mode = match stream.direction {
            Direction::Input => PortMode::ReadOnly,
            Direction::Output => PortMode::WriteOnly,
        };
        port(&stream.name, mode, None, stream.data_width)
    });
    slaves.chain(masters).chain(streams).collect()
}
