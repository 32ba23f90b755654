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
    let answer = run(path, script_arguments, SECONDS)?;
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
    packaged.kernel_xml = script.kernel_xml;
    packaged
}

fn run(path: &Path, arguments: &[String], seconds: u32) -> Result<String, LinkError> {
    let io = |error| LinkError::io("write", Path::new("recorder.tcl"), error);
    let mut recorder = tempfile::NamedTempFile::new().map_err(io)?;
    recorder.write_all(RECORDER.as_bytes()).map_err(io)?;
    let output = Command::new("tclsh")
        .arg(recorder.path())
        .arg(seconds.to_string())
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
            ["kernel_xml_text", text] => recorded.packaged.kernel_xml = Some(text.to_owned()),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder like that of a public example: `scripts/`, `src/hdl/` and the script given.
    fn example(script: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for place in ["scripts", "src/hdl"] {
            std::fs::create_dir_all(folder.path().join(place)).expect("the folder is made");
        }
        for name in ["scale.v", "scale_pkg.sv"] {
            std::fs::write(folder.path().join("src/hdl").join(name), "").expect("it is written");
        }
        let path = folder.path().join("scripts/package_kernel.tcl");
        std::fs::write(&path, script).expect("it is written");
        (folder, path)
    }

    fn described(packaged: &Packaged) -> Vec<(&str, Option<&str>, u64, u64)> {
        let arguments = packaged.toml.args.iter();
        let row = |a: &super::super::TomlArgument| (a.offset.unwrap_or(0), a.size.unwrap_or(0));
        arguments
            .map(|a| (a.name.as_str(), a.port.as_deref(), row(a).0, row(a).1))
            .collect()
    }

    fn refused(script: &str, arguments: &[String]) -> String {
        let (_folder, path) = example(script);
        read(&path, arguments)
            .expect_err("it cannot be used")
            .to_string()
    }

    const EXPECTED: [(&str, Option<&str>, u64, u64); 2] = [
        ("from", Some("m_axi_gmem"), 0x10, 8),
        ("factor", None, 0x1c, 4),
    ];

    #[test]
    fn handles_of_added_registers_lead_to_offset_size_and_master() {
        let (folder, path) = example(
            r#"
            set hdl ./src/hdl
            create_project -force pack ./tmp_$suffix
            add_files -norecurse [glob $hdl/*.v $hdl/*.sv]
            add_files -fileset constrs_1 pins.xdc
            ipx::package_project -root_dir ./packaged -import_files
            set core [ipx::current_core]
            foreach up [ipx::get_user_parameters] { ipx::remove_user_parameter $up $core }
            set block [::ipx::add_address_block -quiet "reg0" [::ipx::add_memory_map "s_axi_control" $core]]
            set reg [::ipx::add_register "CTRL" $block]
              set_property address_offset 0x000 $reg
              set_property size 32 $reg
            set reg [::ipx::add_register -quiet "from" $block]
              set_property address_offset 0x010 $reg
              set_property size [expr {8*8}] $reg
              set parameter [::ipx::add_register_parameter -quiet {ASSOCIATED_BUSIF} $reg]
              set_property value m_axi_gmem $parameter
            set reg [::ipx::add_register "factor" $block]
              set_property -dict {address_offset 0x01C size 32} $reg
            package_xo -ctrl_protocol ap_ctrl_chain -xo_path a.xo -kernel_name scale -ip_directory ./packaged
            "#,
        );
        let packaged = read(&path, &[]).expect("the script describes a kernel");
        assert_eq!(described(&packaged), EXPECTED);
        let hdl = folder.path().join("src/hdl").canonicalize().unwrap();
        assert_eq!(
            packaged.toml.sources,
            [hdl.join("scale.v"), hdl.join("scale_pkg.sv")]
        );
        assert_eq!(packaged.toml.name.as_deref(), Some("scale"));
        assert_eq!(packaged.toml.control.as_deref(), Some("ap_ctrl_chain"));
    }

    #[test]
    fn a_kernel_xml_that_the_script_writes_and_parameters_that_it_sets_are_told() {
        let (folder, path) = example(
            r#"
            set text [read [open src/hdl/scale.v]]
            set channel [open ./work/kernel.xml w]
            puts $channel "<root>$text"
            puts -nonewline $channel "</root>"
            close $channel
            puts "written"
            set_property value 7 [ipx::get_user_parameters WIDTH -of_objects core]
            set_property value 128 [ipx::get_hdl_parameters WIDTH -of_objects core]
            package_xo -kernel_name scale -kernel_xml ./work/kernel.xml
            "#,
        );
        let packaged = read(&path, &[]).expect("the script describes a kernel");
        assert_eq!(packaged.kernel_xml.as_deref(), Some("<root>\n</root>"));
        let parameters = packaged.toml.parameters;
        assert_eq!(parameters.len(), 1);
        assert_eq!(parameters["WIDTH"], toml::Value::from(128));
        // Remembered, not written.
        assert!(!folder.path().join("work").exists());
    }

    #[test]
    fn registers_that_are_looked_up_by_name_in_loops_and_procedures_are_the_same_ones() {
        let (_folder, path) = example(
            r#"
            set block [ipx::get_address_blocks reg0 -of_objects [ipx::get_memory_maps s -of_objects [ipx::current_core]]]
            proc place {name offset size block} {
                ipx::add_register $name $block
                set_property address_offset $offset [ipx::get_registers $name -of_objects $block]
                set_property Size $size [ipx::get_registers $name -of_objects $block]
            }
            foreach {name offset size} {from 16 64 factor 28 32} { place $name $offset $size $block }
            dict for {name master} {from m_axi_gmem} {
                set register [ipx::get_registers $name -of_objects $block]
                ipx::add_register_parameter ASSOCIATED_BUSIF $register
                set_property value $master [ipx::get_register_parameters ASSOCIATED_BUSIF -of_objects $register]
            }
            set_property top scale_top [current_fileset]
            "#,
        );
        let packaged = read(&path, &[]).expect("the script describes a kernel");
        assert_eq!(described(&packaged), EXPECTED);
        assert_eq!(packaged.toml.top.as_deref(), Some("scale_top"));
    }

    #[test]
    fn a_wizards_script_that_only_defines_procedures_is_called() {
        let (_folder, path) = example(
            r#"
            proc edit_core {core} {
                set reg [::ipx::add_register "from" [::ipx::add_address_block -quiet "reg0" map]]
                set_property address_offset 0x010 $reg
                set_property size [expr {8*8}] $reg
                set_property value m_axi_gmem [::ipx::add_register_parameter -quiet {ASSOCIATED_BUSIF} $reg]
            }
            proc package_project {path vendor library} { edit_core [ipx::package_project -root_dir $path] }
            "#,
        );
        let packaged = read(&path, &[]).expect("the script describes a kernel");
        assert_eq!(described(&packaged), EXPECTED[..1]);
    }

    #[test]
    fn arguments_that_are_not_given_are_supplied_and_name_no_kernel() {
        let script = r#"
            if { $::argc != 3 } { puts "needs 3 arguments"; exit }
            ipx::add_register from block
            set_property address_offset 0x10 [ipx::get_registers from]
            package_xo -xo_path [lindex $::argv 0] -kernel_name [lindex $::argv 1] -ip_directory x
        "#;
        let (_folder, path) = example(script);
        let alone = read(&path, &[]).expect("arguments are supplied");
        assert_eq!((alone.toml.name, alone.toml.args.len()), (None, 1));
        let given = ["a.xo", "scale", "hw"].map(str::to_owned);
        let told = read(&path, &given).expect("the arguments are enough");
        assert_eq!(told.toml.name.as_deref(), Some("scale"));
        let problem = refused(script, &given[..1]);
        assert!(problem.contains("needs 3 arguments"), "{problem}");
    }

    #[test]
    fn another_script_is_sourced_from_the_folder_that_the_makefile_runs_in() {
        let (folder, path) =
            example("source -notrace ./scripts/registers.tcl\npackage_xo -kernel_name scale");
        let other = folder.path().join("scripts/registers.tcl");
        std::fs::write(
            other,
            "set_property address_offset 0x10 [ipx::add_register a b]",
        )
        .unwrap();
        assert_eq!(read(&path, &[]).expect("both are read").toml.args.len(), 1);
    }

    #[test]
    fn a_script_changes_no_file_and_starts_no_program() {
        let (folder, path) = example("");
        let (victim, made) = (
            folder.path().join("src/hdl/scale.v"),
            folder.path().join("made"),
        );
        let script = format!(
            "catch {{ exec touch {made} }}\ncatch {{ file delete -force {victim} }}\n\
             catch {{ set c [open {made} w]; puts $c x; close $c }}\ncatch {{ open \"|touch {made}\" }}\n\
             catch {{ file mkdir {made} }}\npackage_xo -kernel_name scale",
            made = made.display(),
            victim = victim.display()
        );
        std::fs::write(&path, script).unwrap();
        read(&path, &[]).expect("it packages a kernel");
        assert!(victim.exists() && !made.exists());
    }

    #[test]
    fn what_stops_a_script_is_told_with_its_line() {
        for (script, said) in [
            (
                "set a 1\nerror {no such part}\n",
                "package_kernel.tcl:2: no such part",
            ),
            ("add_files [glob $here/*.v]\n", "expects others to set here"),
            (
                "puts {PLATFORM is not set}\nexit\n",
                "it ends with \"PLATFORM is not set\"",
            ),
            ("set a 1\n", "it packages nothing"),
            (
                "create_ip -name rtl_kernel_wizard -module_name m\n",
                "rtl_kernel_wizard generates them",
            ),
            (
                "set_property address_offset here [ipx::add_register a b]\n",
                "the offset of register `a` is `here`",
            ),
        ] {
            let problem = refused(script, &[]);
            assert!(problem.contains(said), "{script}: {problem}");
        }
    }

    #[test]
    fn a_script_that_does_not_end_is_stopped() {
        let (_folder, path) = example("while 1 {}");
        let answer = run(&path, &[], 1).expect("it is started");
        let failed = parse(&answer).expect("it is answered").failed;
        assert!(
            failed.is_some_and(|problem| problem.contains("time limit")),
            "{answer}"
        );
    }
}
