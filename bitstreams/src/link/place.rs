//! From kernels and a configuration to compute units: their names, register addresses, banks and streams.

use xclbin::{ComputeUnit, KernelDescription, MODEL_APERTURE, PortMode, StreamConnection};

use super::config::{Config, Item};
use super::error::LinkError;
use super::memory::Memories;

/// Where the registers of the first compute unit are, as Vitis' shells have them.
const FIRST_BASE: u64 = 0x180_0000;

/// Beats that a stream holds unless told: two pass one beat a clock.
const DEFAULT_DEPTH: u32 = 2;

/// A kernel with its compute units.
pub(super) type Placed = (KernelDescription, Vec<ComputeUnit>);

/// The compute units of `kernels` with their banks.
pub(super) fn units(
    kernels: Vec<KernelDescription>,
    config: &Config,
    memories: &Memories,
) -> Result<Vec<Placed>, LinkError> {
    for line in &config.units {
        if !kernels.iter().any(|kernel| kernel.name == line.says.kernel) {
            let names: Vec<_> = kernels.iter().map(|kernel| kernel.name.as_str()).collect();
            let problem = format!(
                "there is no kernel `{}` among those given: {}",
                line.says.kernel,
                names.join(", ")
            );
            return Err(config.error(line.line, problem));
        }
    }
    let mut base = FIRST_BASE;
    let mut placed = Vec::new();
    for kernel in kernels {
        let window = kernel.control_port().and_then(|port| port.range);
        let window = window.unwrap_or(0).max(MODEL_APERTURE).next_power_of_two();
        let units = names(&kernel, config)
            .into_iter()
            .map(|name| {
                base = base.next_multiple_of(window);
                let unit = ComputeUnit {
                    connections: Vec::new(),
                    base_address: base,
                    name,
                };
                base += window;
                unit
            })
            .collect();
        placed.push((kernel, units));
    }
    connect(&mut placed, config, memories)?;
    Ok(placed)
}

fn names(kernel: &KernelDescription, config: &Config) -> Vec<String> {
    let mut names = Vec::new();
    let mut lines = config
        .units
        .iter()
        .filter(|line| line.says.kernel == kernel.name)
        .peekable();
    if lines.peek().is_none() {
        return vec![format!("{}_1", kernel.name)];
    }
    for line in lines {
        if line.says.names.is_empty() {
            let first = names.len() as u32 + 1;
            names.extend((first..first + line.says.count).map(|n| format!("{}_{n}", kernel.name)));
        } else {
            names.extend(line.says.names.iter().cloned());
        }
    }
    names
}

fn connect(placed: &mut [Placed], config: &Config, memories: &Memories) -> Result<(), LinkError> {
    for line in &config.memories {
        let of = &line.says.of;
        let (kernel, unit) =
            find(placed, of).map_err(|problem| config.error(line.line, problem))?;
        let ids: Vec<u32> = placed[kernel]
            .0
            .pointers()
            .filter(|argument| {
                argument.name == of.name || argument.port.eq_ignore_ascii_case(&of.name)
            })
            .filter_map(|argument| argument.id)
            .collect();
        if ids.is_empty() {
            let pointers: Vec<_> = placed[kernel]
                .0
                .pointers()
                .map(|argument| format!("{} ({})", argument.name, argument.port))
                .collect();
            let problem = format!(
                "`{}` has no pointer argument or AXI4 master `{}`; it has: {}",
                of.unit,
                of.name,
                if pointers.is_empty() {
                    "none".to_owned()
                } else {
                    pointers.join(", ")
                }
            );
            return Err(config.error(line.line, problem));
        }
        let connections = &mut placed[kernel].1[unit].connections;
        for id in ids {
            for bank in memories.positions(&line.says.banks) {
                connections.push((id, bank));
            }
        }
    }
    // What nothing was said of.
    let default = memories.default_position();
    for (kernel, units) in placed {
        for unit in units {
            for id in kernel.pointers().filter_map(|argument| argument.id) {
                if !unit.connections.iter().any(|(known, _)| *known == id) {
                    unit.connections.push((id, default));
                }
            }
        }
    }
    Ok(())
}

/// The positions of a unit's kernel and of the unit in it.
fn find(placed: &[Placed], item: &Item) -> Result<(usize, usize), String> {
    let units = || {
        placed.iter().enumerate().flat_map(|(kernel, (_, units))| {
            units
                .iter()
                .enumerate()
                .map(move |(unit, found)| (kernel, unit, &found.name))
        })
    };
    match units().find(|(.., name)| **name == item.unit) {
        Some((kernel, unit, _)) => Ok((kernel, unit)),
        None => {
            let names: Vec<_> = units().map(|(.., name)| name.as_str()).collect();
            Err(format!(
                "there is no compute unit `{}`; there are: {}",
                item.unit,
                names.join(", ")
            ))
        }
    }
}

/// The streams between the units; every stream port must have one.
pub(super) fn streams(
    placed: &[Placed],
    config: &Config,
) -> Result<Vec<StreamConnection>, LinkError> {
    let mut streams: Vec<StreamConnection> = Vec::new();
    for line in &config.streams {
        let fail = |problem| config.error(line.line, problem);
        let port = |item: &Item, mode: PortMode| {
            let (kernel, _) = find(placed, item)?;
            let kernel = &placed[kernel].0;
            let ports = || kernel.ports.iter().filter(|port| port.mode == mode);
            match ports().find(|port| port.name.eq_ignore_ascii_case(&item.name)) {
                Some(port) => Ok((port.name.clone(), port.data_width)),
                None => {
                    let names: Vec<_> = ports().map(|port| port.name.as_str()).collect();
                    Err(format!(
                        "`{}` has no stream port `{}` {}; it has: {}",
                        item.unit,
                        item.name,
                        if mode == PortMode::WriteOnly {
                            "that sends"
                        } else {
                            "that receives"
                        },
                        if names.is_empty() {
                            "none".to_owned()
                        } else {
                            names.join(", ")
                        }
                    ))
                }
            }
        };
        let says = &line.says;
        let (from_port, from_width) = port(&says.from, PortMode::WriteOnly).map_err(fail)?;
        let (to_port, to_width) = port(&says.to, PortMode::ReadOnly).map_err(fail)?;
        if from_width != to_width {
            return Err(fail(format!(
                "`{}.{from_port}` has {from_width} data bits, but `{}.{to_port}` has {to_width}",
                says.from.unit, says.to.unit
            )));
        }
        streams.push(StreamConnection {
            from_unit: says.from.unit.clone(),
            from_port,
            to_unit: says.to.unit.clone(),
            to_port,
            depth: says.depth.unwrap_or(DEFAULT_DEPTH),
        });
    }
    for (kernel, units) in placed {
        for port in kernel.ports.iter().filter(|port| port.mode.is_stream()) {
            for unit in units {
                let connected = streams.iter().any(|stream| {
                    (&stream.from_unit, &stream.from_port) == (&unit.name, &port.name)
                        || (&stream.to_unit, &stream.to_port) == (&unit.name, &port.name)
                });
                if !connected {
                    return Err(LinkError::Request(format!(
                        "stream port `{}.{}` is connected to nothing; add stream_connect= to the configuration",
                        unit.name, port.name
                    )));
                }
            }
        }
    }
    Ok(streams)
}
