//! Runs `gen_xo.tcl` in a plain Tcl interpreter that notes every command of Vivado, with its arguments.

use std::fs;
use std::path::Path;
use std::process::Command;

use host_runtime::bitstreams::KernelDescription;

/// Notes what Tcl does not know. A port is an input, and no bus was found by itself, so that the script does all it can.
const NOTES: &str = r#"
proc unknown {args} {
    puts stderr [join $args \x1f]
    switch -- [lindex $args 0] {
        ipx::get_bus_interfaces { return {} }
        ipx::get_hdl_parameters { return "hdl [lindex $args 1]" }
        ipx::add_register_parameter { return "[lindex $args end] master" }
        get_property { return in }
        default { return [lindex $args [expr {[lindex $args 1] eq "-quiet" ? 2 : 1}]] }
    }
}
set script [lindex $argv 0]
set argv [lrange $argv 1 end]
set argc [llength $argv]
source $script
"#;

/// What the script told Vivado.
pub(crate) struct Told {
    commands: Vec<Vec<String>>,
    /// The `kernel.xml` that it wrote.
    pub(crate) kernel_xml: KernelDescription,
    pub(crate) kernel_xml_text: String,
}

/// Runs the script of `hdl`.
pub(crate) fn run(hdl: &Path, kernel: &str, width: u32) -> Result<Told, String> {
    let work = tempfile::tempdir().unwrap();
    let notes = work.path().join("notes.tcl");
    fs::write(&notes, NOTES).unwrap();
    let output = Command::new("tclsh")
        .arg(&notes)
        .arg(hdl.join("vitis/gen_xo.tcl"))
        .args([kernel, &width.to_string()])
        .arg(work.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    if !output.status.success() {
        return Err(format!("the script fails: {said}"));
    }
    let words = |line: &str| line.split('\x1f').map(str::to_owned).collect();
    let commands: Vec<Vec<String>> = said.lines().map(words).collect();
    let xml = work.path().join(format!("{kernel}-{width}/kernel.xml"));
    let kernel_xml_text = fs::read_to_string(xml).map_err(|error| error.to_string())?;
    let kernel_xml =
        KernelDescription::from_xml(&kernel_xml_text).map_err(|error| error.to_string())?;
    Ok(Told {
        commands,
        kernel_xml,
        kernel_xml_text,
    })
}

impl Told {
    /// Arguments of every call of a command, in their order.
    pub(crate) fn calls(&self, command: &str) -> Vec<&[String]> {
        let calls = self.commands.iter().filter(|call| call[0] == command);
        calls.map(|call| &call[1..]).collect()
    }

    /// The value after an option, of each call that has it.
    pub(crate) fn option(&self, command: &str, option: &str) -> Vec<&str> {
        let value = |call: &'_ [String]| call.iter().position(|word| word == option);
        let calls = self.calls(command).into_iter();
        calls
            .filter_map(|call| Some(call.get(value(call)? + 1)?.as_str()))
            .collect()
    }

    /// What a property of an object is set to at last.
    pub(crate) fn property(&self, name: &str, object: &str) -> Option<&str> {
        let calls = self.calls("set_property").into_iter().rev();
        calls
            .filter(|call| call.len() == 3 && call[0] == name && call[2] == object)
            .map(|call| call[1].as_str())
            .next()
    }
}
