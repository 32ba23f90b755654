//! Checks that a kernel's description and its RTL say the same, port by port and argument by argument, and takes
//! over the RTL's spelling.

use cosim::interface::{Direction, Interfaces};
use xclbin::{AddressQualifier, ControlProtocol, KernelDescription, Port, PortMode};

use super::error::LinkError;

/// Control and interrupt registers come before the arguments (UG1393).
const FIRST_REGISTER: u64 = 0x10;

/// A bus port of the RTL: name, mode, data bits.
type Found<'a> = (&'a str, PortMode, u32);

fn found(rtl: &Interfaces) -> Vec<Found<'_>> {
    let masters = rtl
        .masters
        .iter()
        .map(|port| (port.name.as_str(), PortMode::Master, port.data_width));
    let slaves = rtl
        .lites
        .iter()
        .map(|port| (port.name.as_str(), PortMode::Slave, port.data_width));
    let streams = rtl.streams.iter().map(|port| {
        let mode = match port.direction {
            Direction::Input => PortMode::ReadOnly,
            Direction::Output => PortMode::WriteOnly,
        };
        (port.name.as_str(), mode, port.data_width)
    });
    masters.chain(slaves).chain(streams).collect()
}

/// How a mode is called in a message.
fn kind(mode: PortMode) -> &'static str {
    match mode {
        PortMode::Master => "an AXI4 master",
        PortMode::Slave => "an AXI4-Lite slave",
        PortMode::ReadOnly => "a stream into the kernel",
        PortMode::WriteOnly => "a stream out of the kernel",
    }
}

/// Checks `kernel` against its RTL.
pub(super) fn check(kernel: &mut KernelDescription, rtl: &Interfaces) -> Result<(), LinkError> {
    let name = kernel.name.clone();
    let fail = |problem: String| LinkError::kernel(&name, problem);
    let ports = found(rtl);
    for port in &mut kernel.ports {
        let spelled = check_port(port, &ports).map_err(fail)?;
        let old = std::mem::replace(&mut port.name, spelled.clone());
        for argument in &mut kernel.arguments {
            if argument.port.eq_ignore_ascii_case(&old) {
                argument.port.clone_from(&spelled);
            }
        }
    }
    for (port, mode, _) in &ports {
        if kernel.port(port).is_none() {
            return Err(fail(format!(
                "the RTL has {} `{port}`, which its description lacks; add it there",
                kind(*mode)
            )));
        }
    }
    if kernel.interrupt && rtl.port("interrupt").is_none() {
        return Err(fail(
            "its description says that it has an interrupt, but the RTL has no port `interrupt`; \
             set interrupt=\"false\" or add the port"
                .to_owned(),
        ));
    }
    let controlled = kernel.control != ControlProtocol::ApCtrlNone;
    if controlled && rtl.lites.is_empty() {
        return Err(fail(format!(
            "it is started by {}, which needs an AXI4-Lite slave port, and the RTL has none; \
             add one or describe it as ap_ctrl_none",
            kernel.control
        )));
    }
    for argument in &kernel.arguments {
        if argument.qualifier == AddressQualifier::Stream {
            continue;
        }
        let item = &argument.name;
        if controlled && argument.offset < FIRST_REGISTER {
            return Err(fail(format!(
                "argument `{item}` has no register: {:#x} is one of the control registers, which end at \
                 {FIRST_REGISTER:#x}; set its offset",
                argument.offset
            )));
        }
        let Some(slave) = rtl.lites.first() else {
            return Err(fail(format!(
                "argument `{item}` needs a register, but the RTL has no AXI4-Lite slave port"
            )));
        };
        let end = argument.offset.saturating_add(argument.size);
        if slave.address_width < 64 && end > 1 << slave.address_width {
            return Err(fail(format!(
                "argument `{item}` has no register: its offset {:#x} is beyond what the {} address bits of `{}` \
                 reach",
                argument.offset, slave.address_width, slave.name
            )));
        }
    }
    Ok(kernel.check()?)
}

/// The RTL's name of a described port.
fn check_port(port: &Port, ports: &[Found<'_>]) -> Result<String, String> {
    let same = ports
        .iter()
        .find(|(name, ..)| name.eq_ignore_ascii_case(&port.name));
    let Some((name, mode, width)) = same else {
        let names: Vec<_> = ports.iter().map(|(name, ..)| *name).collect();
        return Err(format!(
            "its description has the port `{}`, which the RTL lacks; the RTL has: {}",
            port.name,
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        ));
    };
    if *mode != port.mode {
        return Err(format!(
            "port `{name}` is {} in its description, but {} in the RTL",
            kind(port.mode),
            kind(*mode)
        ));
    }
    if *width != port.data_width {
        return Err(format!(
            "port `{name}` has {} data bits in its description, but {width} in the RTL; make dataWidth or a \
             parameter (-G) fit",
            port.data_width
        ));
    }
    Ok((*name).to_owned())
}
