//! Finds the ports of a kernel in the header that Verilator generates for it, whose `VL_IN*` and `VL_OUT*`
//! macros carry name, direction and width (the XML and JSON outputs differ between versions).

use super::BuildError;
use crate::interface::Direction;

/// A port of the top module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VerilatedPort {
    /// Name in the Verilog.
    pub(super) name: String,
    /// Name of the member in the generated class.
    pub(super) member: String,
    pub(super) direction: Direction,
    pub(super) width: u32,
}

/// All ports in the header's text, in its order.
pub(super) fn parse(header: &str) -> Result<Vec<VerilatedPort>, BuildError> {
    let mut ports = Vec::new();
    for line in header.lines() {
        let line = line.trim();
        let Some((kind, rest)) = line.strip_prefix("VL_").and_then(|l| l.split_once('(')) else {
            continue;
        };
        let direction = match kind.trim_end_matches(|c: char| c.is_ascii_digit() || c == 'W') {
            "IN" => Direction::Input,
            "OUT" => Direction::Output,
            "INOUT" => {
                return Err(BuildError::UnsupportedPort {
                    port: decode(member(rest)),
                    reason: "kernels have no bidirectional ports; split it into an input and an output",
                });
            }
            _ => continue,
        };
        let name = member(rest);
        let unsupported = |reason| BuildError::UnsupportedPort {
            port: decode(name),
            reason,
        };
        if rest.contains('[') {
            return Err(unsupported(
                "it is an unpacked array; make it a packed vector",
            ));
        }
        let mut numbers = rest
            .split(&[',', ')'])
            .skip(1)
            .map(|number| number.trim().parse::<u32>());
        let (Some(Ok(msb)), Some(Ok(lsb))) = (numbers.next(), numbers.next()) else {
            return Err(unsupported("its width cannot be told"));
        };
        ports.push(VerilatedPort {
            name: decode(name),
            member: name.to_owned(),
            direction,
            width: msb.abs_diff(lsb) + 1,
        });
    }
    Ok(ports)
}

/// The member's name out of a macro's arguments, as `&ap_clk,0,0);` or `(&data)[4],7,0);`.
fn member(arguments: &str) -> &str {
    let start = arguments.trim_start_matches(['&', '(']);
    let end = start
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(start.len());
    &start[..end]
}

/// Undoes Verilator's encoding: `__SYM__` before C++ words, `__0xx` for a character in hex (so `___05F`
/// stands for a doubled underscore).
fn decode(member: &str) -> String {
    let mut rest = member.strip_prefix("__SYM__").unwrap_or(member);
    let mut name = String::new();
    while let Some(at) = rest.find("__0") {
        let hex = rest
            .get(at + 3..at + 5)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let Some(code) = hex else { break };
        name.push_str(&rest[..at]);
        name.push(char::from(code));
        rest = &rest[at + 5..];
    }
    name + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_with_name_direction_and_width() {
        let header = "  public:\n    VL_IN8(&ap_clk,0,0);\n    VL_OUT8(&__SYM__interrupt,0,0);\n    \
                      VL_OUT8(&my___05Fport,3,0);\n    VL_INW(&d,511,0,16);\n    VL_IN64(&a40,39,0);\n";
        let ports = parse(header).expect("a header of Verilator 5.006");
        let seen: Vec<_> = ports
            .iter()
            .map(|p| (p.name.as_str(), p.member.as_str(), p.direction, p.width))
            .collect();
        assert_eq!(
            seen,
            [
                ("ap_clk", "ap_clk", Direction::Input, 1),
                ("interrupt", "__SYM__interrupt", Direction::Output, 1),
                ("my__port", "my___05Fport", Direction::Output, 4),
                ("d", "d", Direction::Input, 512),
                ("a40", "a40", Direction::Input, 40),
            ]
        );
    }

    #[test]
    fn arrays_and_bidirectional_ports_are_refused_by_name() {
        for (text, name) in [
            ("VL_IN8((&lanes)[4],7,0);", "lanes"),
            ("VL_INOUT8(&pad,0,0);", "pad"),
        ] {
            let error = parse(text).expect_err("unsupported").to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
