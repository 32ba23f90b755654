//! The linking configuration in the form of Vitis' `v++ --config` (UG1393): which kernels there are how often, which
//! memory each argument reaches, and which streams join them.
//!
//! Understood are `nk`, `sp`, `slr` (a card's layout, which a simulation has not: read and dropped) and
//! `stream_connect` (also as `sc`) in `[connectivity]`, and `kernel_frequency` and `[clock] defaultFreqHz`. Keys of
//! other sections tune Vivado, profiling or packaging, and are dropped.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::error::{LinkError, read};

/// A linking configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    path: PathBuf,
    /// `nk=`: compute units by kernel.
    pub(super) units: Vec<Line<Units>>,
    /// `sp=`: memory by argument or port.
    pub(super) memories: Vec<Line<Memory>>,
    /// `stream_connect=`.
    pub(super) streams: Vec<Line<Stream>>,
    /// Frequency of `ap_clk`, MHz.
    pub(super) clock: Option<u16>,
    /// Frequency of `ap_clk_2`, MHz.
    pub(super) second_clock: Option<u16>,
}

/// Something said in a line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<T> {
    pub(super) line: usize,
    pub(super) says: T,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Units {
    pub(super) kernel: String,
    pub(super) count: u32,
    pub(super) names: Vec<String>,
}

/// A compute unit and something of it, `unit.item`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) unit: String,
    pub(super) name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) of: Item,
    pub(super) banks: BankRange,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) from: Item,
    pub(super) to: Item,
    pub(super) depth: Option<u32>,
}

/// Banks of one kind, as `DDR[0]`, `HBM[0:3]` or `DDR` (its first).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankRange {
    /// Name before the bracket, in capitals.
    pub(super) kind: String,
    pub(super) indices: RangeInclusive<u32>,
}

/// Most compute units of a kernel, as IP_LAYOUT numbers their interrupts.
const MAX_UNITS: u32 = 128;

impl std::str::FromStr for BankRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem =
            || format!("`{text}` is no memory; write it as DDR[0], HBM[0:3], PLRAM[0] or HOST[0]");
        let (kind, indices) = match text.trim().split_once('[') {
            None => (text.trim(), 0..=0),
            Some((kind, rest)) => {
                let inside = rest.strip_suffix(']').ok_or_else(problem)?;
                let (first, last) = inside.split_once(':').unwrap_or((inside, inside));
                let number = |text: &str| text.trim().parse::<u32>().map_err(|_| problem());
                (kind, number(first)?..=number(last)?)
            }
        };
        let named = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !named || indices.is_empty() {
            return Err(problem());
        }
        Ok(Self {
            kind: kind.to_ascii_uppercase(),
            indices,
        })
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`LinkError::Config`], which names the line.
    pub fn read(path: &Path) -> Result<Self, LinkError> {
        Self::parse(path, &read(path)?)
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, LinkError> {
        let mut config = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        let mut section = String::new();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let line = line.split(['#', ';']).next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let fail = |problem: String| LinkError::Config {
                path: path.to_owned(),
                line: line_number,
                problem,
            };
            if let Some(rest) = line.strip_prefix('[') {
                let name = rest
                    .strip_suffix(']')
                    .ok_or_else(|| fail("a section's name ends with `]`".to_owned()))?;
                section = name.trim().to_ascii_lowercase();
                continue;
            }
            let (key, value) = match line.split_once('=') {
                Some((key, value)) => (key.trim(), value.trim()),
                None if section == "connectivity" => {
                    return Err(fail(format!("`{line}` is not of the form key=value")));
                }
                None => (line, ""),
            };
            config
                .take(line_number, &section, key, value)
                .map_err(fail)?;
        }
        Ok(config)
    }

    fn take(&mut self, line: usize, section: &str, key: &str, value: &str) -> Result<(), String> {
        match (section, key) {
            ("connectivity", "nk") => self.units.push(Line {
                line,
                says: units(value)?,
            }),
            ("connectivity", "sp") => self.memories.push(Line {
                line,
                says: memory(value)?,
            }),
            ("connectivity", "stream_connect" | "sc") => self.streams.push(Line {
                line,
                says: stream(value)?,
            }),
            ("connectivity", "slr" | "connect") => {}
            ("connectivity", _) => {
                return Err(format!(
                    "`{key}` is no key of [connectivity]; it has nk, sp, slr and stream_connect"
                ));
            }
            ("", "nk" | "sp" | "stream_connect" | "sc") => {
                return Err(format!("`{key}` belongs below a line [connectivity]"));
            }
            ("", "kernel_frequency") => self.frequency(value)?,
            ("clock", "defaultFreqHz") => self.clock = Some(hertz(value)?),
            _ => {}
        }
        Ok(())
    }

    /// `300`, or `0:300|1:500` by clock.
    fn frequency(&mut self, value: &str) -> Result<(), String> {
        for part in value.split('|') {
            let (clock, mhz) = part.split_once(':').unwrap_or(("0", part));
            let mhz = mhz.trim().parse().ok().filter(|mhz| *mhz > 0);
            let mhz = mhz
                .ok_or_else(|| format!("`{part}` is no frequency in MHz from 1 to {}", u16::MAX))?;
            match clock.trim() {
                "0" => self.clock = Some(mhz),
                "1" => self.second_clock = Some(mhz),
                other => return Err(format!("kernels have the clocks 0 and 1, not {other}")),
            }
        }
        Ok(())
    }

    pub(super) fn error(&self, line: usize, problem: impl Into<String>) -> LinkError {
        LinkError::Config {
            path: self.path.clone(),
            line,
            problem: problem.into(),
        }
    }
}

/// `kernel:2` or `kernel:2:a.b`; Vitis separates names by `.`, older ones by `,`.
fn units(value: &str) -> Result<Units, String> {
    let mut parts = value.split(':').map(str::trim);
    let kernel = parts.next().unwrap_or_default().to_owned();
    let count = parts.next().unwrap_or("1");
    let count: u32 = count
        .parse()
        .ok()
        .filter(|count| (1..=MAX_UNITS).contains(count))
        .ok_or_else(|| format!("`{count}` is no number of compute units from 1 to {MAX_UNITS}"))?;
    let names: Vec<String> = parts
        .next()
        .map(|names| {
            names
                .split(['.', ','])
                .map(|n| n.trim().to_owned())
                .collect()
        })
        .unwrap_or_default();
    if parts.next().is_some() || kernel.is_empty() {
        return Err(format!(
            "`{value}` is not of the form KERNEL:COUNT[:NAME.NAME...]"
        ));
    }
    if !names.is_empty() && names.len() != count as usize {
        return Err(format!("{count} compute units have {} names", names.len()));
    }
    Ok(Units {
        kernel,
        count,
        names,
    })
}

fn item(value: &str) -> Result<Item, String> {
    match value.trim().split_once('.') {
        Some((unit, name)) if !unit.is_empty() && !name.is_empty() => Ok(Item {
            unit: unit.to_owned(),
            name: name.to_owned(),
        }),
        _ => Err(format!("`{value}` is not of the form UNIT.NAME")),
    }
}

fn memory(value: &str) -> Result<Memory, String> {
    let (of, banks) = value
        .split_once(':')
        .ok_or_else(|| format!("`{value}` is not of the form UNIT.ARGUMENT:MEMORY"))?;
    Ok(Memory {
        of: item(of)?,
        banks: banks.parse()?,
    })
}

fn stream(value: &str) -> Result<Stream, String> {
    let parts: Vec<&str> = value.split(':').collect();
    let (from, to, depth) = match parts[..] {
        [from, to] => (from, to, None),
        [from, to, depth] => (from, to, Some(depth)),
        _ => {
            return Err(format!(
                "`{value}` is not of the form UNIT.PORT:UNIT.PORT[:DEPTH]"
            ));
        }
    };
    let depth = depth
        .map(|depth| {
            let number = depth
                .trim()
                .parse()
                .ok()
                .filter(|n| (1..=1 << 20).contains(n));
            number.ok_or_else(|| format!("`{depth}` is no depth from 1 to {}", 1 << 20))
        })
        .transpose()?;
    Ok(Stream {
        from: item(from)?,
        to: item(to)?,
        depth,
    })
}

fn hertz(value: &str) -> Result<u16, String> {
    let hertz: Option<u64> = value.parse().ok();
    hertz
        .and_then(|hertz| u16::try_from(hertz / 1_000_000).ok())
        .filter(|mhz| *mhz > 0)
        .ok_or_else(|| format!("`{value}` is no frequency in Hz of 1 MHz or more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("a.cfg"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_configuration_is_read_whole() {
        let config = parse(
            "kernel_frequency=0:150|1:250\ndebug=1\nsave-temps\n# a comment\n[connectivity]\n nk = add:2:one.two # two\n\
             nk=out:1\nsp=one.a:DDR[1]\nsp=two.m_axi_gmem:HBM[0:3]\nslr=one:SLR0\n\
             stream_connect=one.o:out_1.i:16\nsc=two.o:out_1.j\n[vivado]\nprop=run.x=y\n",
        )
        .unwrap();
        assert_eq!((config.clock, config.second_clock), (Some(150), Some(250)));
        assert_eq!(config.units[0].says.names, ["one", "two"]);
        assert_eq!((config.units[1].line, config.units[1].says.count), (7, 1));
        assert_eq!(config.memories[1].says.banks.indices, 0..=3);
        assert_eq!(config.streams[0].says.depth, Some(16));
        assert_eq!(config.streams[1].says.to.name, "j");
    }

    #[test]
    fn what_cannot_be_understood_is_named_with_its_line() {
        for (text, part) in [
            (
                "[connectivity]\nnk=add:0",
                "a.cfg:2: `0` is no number of compute units",
            ),
            (
                "[connectivity]\nnk=add:2:one",
                "a.cfg:2: 2 compute units have 1 names",
            ),
            (
                "\n[connectivity]\nsp=add_1.a",
                "a.cfg:3: `add_1.a` is not of the form",
            ),
            ("[connectivity]\nsp=add_1.a:DDR[x]", "`DDR[x]` is no memory"),
            (
                "[connectivity]\nsp=add_1.a:DDR[3:1]",
                "`DDR[3:1]` is no memory",
            ),
            (
                "[connectivity]\nsp=add:DDR[0]",
                "`add` is not of the form UNIT.NAME",
            ),
            (
                "[connectivity]\nstream_connect=a.o:b.i:x",
                "`x` is no depth",
            ),
            ("[connectivity]\nwires=3", "`wires` is no key"),
            ("[connectivity]\nnonsense", "not of the form key=value"),
            ("nk=add:1", "below a line [connectivity]"),
            ("[connectivity", "ends with `]`"),
            ("kernel_frequency=fast", "no frequency"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
