//! Packaging scripts for Vivado (`package_kernel.tcl`, `gen_xo.tcl`), run by the Tcl interpreter with the packager's
//! commands recorded instead of obeyed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::description::Toml;
use super::super::error::LinkError;
use super::{Packaged, Register, arguments, component, number};

const RECORDER: &str = include_str!("recorder.tcl");

/// Most seconds that a script may run. Those that only describe a kernel take milliseconds.
const SECONDS: u32 = 20;

/// Separators of the recorder's answer.
const RECORD: char = '\x1e';
const FIELD: char = '\x1f';

/// What the recorder's answer says.
#[derive(Debug, Default)]
struct Recorded {
    packaged: Packaged,
    registers: Vec<Register>,
    /// Folder of an IP that was packaged before.
    ip: Option<PathBuf>,
    /// Variables and arguments that the script expects others to set, and got names for.
    supplied: Vec<String>,
    failed: Option<String>,
    complete: bool,
}

/// Runs a script and brings what it packages into the form of a description.
pub(super) fn read(path: &Path, script_arguments: &[String]) -> Result<Packaged, LinkError> {
    let fail = |problem: String| LinkError::Description {
        path: path.to_owned(),
        problem,
    };
    if !path.is_file() {
        let missing = std::io::ErrorKind::NotFound.into();
        return Err(LinkError::io("read", path, missing));
    }
    let answer = run(path, script_arguments)?;
    let recorded = parse(&answer).map_err(fail)?;
    if !recorded.complete {
        return Err(fail(format!(
            "the Tcl interpreter did not run it to its end: {}",
            answer.trim()
        )));
    }
    let mut packaged = recorded.packaged;
    if let Some((module, ip)) = packaged
        .generated
        .iter()
        .find(|generated| generated.1.contains("rtl_kernel_wizard"))
    {
        return Err(fail(format!(
            "the sources of `{module}` are not here: Vivado's {ip} generates them; give generated or own ones, \
             with a description"
        )));
    }
    if let Some(problem) = recorded.failed {
        let supplied = if recorded.supplied.is_empty() {
            String::new()
        } else {
            format!(
                "; it expects others to set {}, which stood for themselves: give its arguments with --tclargs",
                recorded.supplied.join(", ")
            )
        };
        return Err(fail(format!("{problem}{supplied}")));
    }
    packaged.toml.args = arguments(recorded.registers);
    // A name made from what was not given is none.
    let stands_in = |name: &String| recorded.supplied.iter().any(|known| name.contains(known));
    let toml = &mut packaged.toml;
    toml.name = toml
        .name
        .take()
        .filter(|name| !name.is_empty() && !stands_in(name));

    if let Some(folder) = recorded.ip.filter(|_| toml.sources.is_empty()) {
        let written = folder.join("component.xml");
        if written.is_file() {
            return Ok(with_component(packaged, component::read(&written)?));
        }
    }
    Ok(packaged)
}

/// What `script` says, before what the IP that it packages says.
fn with_component(script: Packaged, component: Packaged) -> Packaged {
    let Toml {
        name,
        top,
        kernel_xml,
        control,
        args,
        ..
    } = script.toml;
    let mut packaged = component;
    let toml = &mut packaged.toml;
    toml.name = name.or(toml.name.take());
    toml.top = top.or(toml.top.take());
    toml.kernel_xml = kernel_xml.or(toml.kernel_xml.take());
    toml.control = control.or(toml.control.take());
    if !args.is_empty() {
        toml.args = args;
    }
    packaged.generated.extend(script.generated);
    packaged
}

fn run(path: &Path, arguments: &[String]) -> Result<String, LinkError> {
    let io = |error| LinkError::io("write", Path::new("recorder.tcl"), error);
    let mut recorder = tempfile::NamedTempFile::new().map_err(io)?;
    recorder.write_all(RECORDER.as_bytes()).map_err(io)?;
    let output = Command::new("tclsh")
        .arg(recorder.path())
        .arg(SECONDS.to_string())
        .arg(path)
        .args(arguments)
        .output();
    let output = match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(LinkError::Request(format!(
                "{}: a script needs the Tcl interpreter, and there is no tclsh; install it with \
                 `apt-get install tcl`, or describe the kernel in TOML",
                path.display()
            )));
        }
        output => output.map_err(|error| LinkError::io("run tclsh on", path, error))?,
    };
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        text += &String::from_utf8_lossy(&output.stderr);
    }
    Ok(text)
}

fn parse(answer: &str) -> Result<Recorded, String> {
    let mut recorded = Recorded::default();
    for record in answer.split(RECORD) {
        let fields: Vec<&str> = record.split(FIELD).collect();
        let toml = &mut recorded.packaged.toml;
        match fields[..] {
            ["supplied", name] => recorded.supplied.push(name.to_owned()),
            ["failed", problem] => recorded.failed = Some(problem.to_owned()),
            ["source", path] => files(Path::new(path), &mut toml.sources),
            ["include", path] => toml.include.push(path.into()),
            ["top", name] => toml.top = Some(name.to_owned()),
            ["name", name] => toml.name = Some(name.to_owned()),
            ["control", name] => toml.control = Some(name.to_owned()),
            ["kernel_xml", path] => toml.kernel_xml = Some(path.into()),
            ["ip", path] => recorded.ip = Some(path.into()),
            ["ip", module, name, vlnv] => {
                let from = if name.is_empty() { vlnv } else { name };
                let made = (module.to_owned(), from.to_owned());
                recorded.packaged.generated.push(made);
            }
            ["define", text] => {
                let (name, value) = text.split_once('=').unwrap_or((text, "1"));
                toml.defines
                    .insert(name.to_owned(), value.to_owned().into());
            }
            ["parameter", text] => {
                if let Some((name, value)) = text.split_once('=') {
                    let value = value
                        .parse::<i64>()
                        .map_or_else(|_| value.to_owned().into(), toml::Value::from);
                    toml.parameters.insert(name.to_owned(), value);
                }
            }
            ["register", name, offset, bits, master] => {
                // One without an offset was looked up, and never described.
                if offset.is_empty() {
                    continue;
                }
                let value = |what, text: &str| {
                    number(text).ok_or_else(|| {
                        format!("the {what} of register `{name}` is `{text}`, which is no number")
                    })
                };
                recorded.registers.push(Register {
                    name: name.to_owned(),
                    offset: value("offset", offset)?,
                    bits: value("size", if bits.is_empty() { "32" } else { bits })?,
                    master: Some(master.to_owned()).filter(|master| !master.is_empty()),
                });
            }
            ["end"] => recorded.complete = true,
            _ => {}
        }
    }
    Ok(recorded)
}

/// A file, or the sources below a folder.
fn files(path: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(path) else {
        into.push(path.to_owned());
        return;
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, into);
        } else if matches!(
            super::extension(&path).as_str(),
            "v" | "sv" | "vh" | "svh" | "vhd" | "xci"
        ) {
            into.push(path);
        }
    }
}
