//! Which modules a module is made of, read from its Verilog as Verible formats it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Instances of a module that is a file of `hdl/rtl`: name and module.
pub(crate) fn instances(root: &Path, module: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(root.join(format!("hdl/rtl/{module}.sv"))).unwrap();
    let mut found = BTreeMap::new();
    let mut opened = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            // `module #(`, its parameters, `) i_name (`
            [of, "#("] => opened = Some(of),
            [")", name, "("] if name.starts_with("i_") => {
                let of = opened.take().expect("an instance has a module");
                found.insert(name.to_owned(), of.to_owned());
            }
            [of, name, "("] if name.starts_with("i_") => {
                found.insert(name.to_owned(), of.to_owned());
            }
            _ => {}
        }
    }
    found
}
