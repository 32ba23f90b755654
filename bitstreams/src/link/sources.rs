//! What a kernel's source files are, before Verilator reads them: which are compiled and in what order, which are only
//! included, which cannot be used, and which module is the top.
//!
//! Vivado finds all of this out by itself, so public kernels rely on it: their scripts add whole folders, in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::error::{LinkError, read};

/// A kernel's sources, sorted by what is done with them.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Compiled, packages before their users.
    pub(super) verilog: Vec<Verilog>,
    /// File lists, which Verilator reads itself.
    pub(super) lists: Vec<PathBuf>,
    /// Folders that includes are found in.
    pub(super) include: Vec<PathBuf>,
    /// Data that the kernel may open, by their names.
    pub(super) data: Vec<PathBuf>,
    /// What Verilator cannot read: VHDL, IP that Vivado generates, netlists.
    pub(super) foreign: Vec<PathBuf>,
}

/// A compiled file and what was seen in it.
#[derive(Debug)]
pub(super) struct Verilog {
    pub(super) path: PathBuf,
    modules: Vec<String>,
    packages: Vec<String>,
    /// Packages that something is taken from.
    uses: BTreeSet<String>,
    /// How often each identifier occurs.
    words: BTreeMap<String, usize>,
}

impl Sources {
    /// Sorts `paths`, all of which must exist.
    pub(super) fn sort<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Result<Self, LinkError> {
        let mut sources = Self::default();
        let mut seen = BTreeSet::new();
        for path in paths {
            // Named here, as Verilator would look for it in its library folders.
            if !path.is_file() {
                let missing = std::io::ErrorKind::NotFound.into();
                return Err(LinkError::io("read", path, missing));
            }
            if !seen.insert(path) {
                continue;
            }
            let extension = path.extension().unwrap_or_default().to_string_lossy();
            match extension.to_ascii_lowercase().as_str() {
                "f" => sources.lists.push(path.clone()),
                "vh" | "svh" | "h" | "inc" => sources.include(path),
                "v" | "sv" | "vp" | "svp" => {
                    sources.include(path);
                    sources.verilog.push(Verilog::scan(path)?);
                }
                "mem" | "hex" | "mif" | "dat" | "data" | "bin" | "txt" => {
                    sources.data.push(path.clone());
                }
                // Constraints, scripts and software have no part in the RTL; what is for Vivado's IP neither.
                "xdc" | "tcl" | "ttcl" | "xml" | "md" | "c" | "cpp" | "coe" => {}
                _ => sources.foreign.push(path.clone()),
            }
        }
        sources.order();
        Ok(sources)
    }

    fn include(&mut self, path: &Path) {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !self.include.iter().any(|known| known == folder) {
            self.include.push(folder.to_owned());
        }
    }

    /// Puts packages before their users, and leaves the order as it is otherwise.
    fn order(&mut self) {
        let mut owners = BTreeMap::new();
        for (index, file) in self.verilog.iter().enumerate() {
            for package in &file.packages {
                owners.entry(package.clone()).or_insert(index);
            }
        }
        let mut placed = vec![false; self.verilog.len()];
        let mut order = Vec::new();
        for first in 0..self.verilog.len() {
            // Depth first, without recursion: (file, which of its packages is next).
            let mut stack = vec![first];
            while let Some(&file) = stack.last() {
                let needed = self.verilog[file]
                    .uses
                    .iter()
                    .filter_map(|package| owners.get(package).copied())
                    .find(|owner| !placed[*owner] && !stack.contains(owner));
                match needed {
                    Some(owner) => stack.push(owner),
                    None => {
                        stack.pop();
                        if !std::mem::replace(&mut placed[file], true) {
                            order.push(file);
                        }
                    }
                }
            }
        }
        let mut files: Vec<_> = std::mem::take(&mut self.verilog)
            .into_iter()
            .map(Some)
            .collect();
        self.verilog = order
            .into_iter()
            .filter_map(|index| files[index].take())
            .collect();
    }

    /// Whether a module of that name is among the files that were looked into.
    pub(super) fn defines(&self, module: &str) -> bool {
        self.verilog
            .iter()
            .any(|file| file.modules.iter().any(|name| name == module))
    }

    /// Modules that nothing instantiates, those with an `ap_clk` if there are any: one is the kernel's top.
    pub(super) fn tops(&self) -> Vec<&str> {
        let count = |word: &str| -> usize {
            let counts = self.verilog.iter().filter_map(|file| file.words.get(word));
            counts.sum()
        };
        let unused = self.verilog.iter().flat_map(|file| {
            let names = file.modules.iter().filter(|name| count(name) == 1);
            names.map(move |name| (name.as_str(), file.words.contains_key("ap_clk")))
        });
        let unused: Vec<_> = unused.collect();
        let kernels: Vec<_> = unused.iter().filter(|top| top.1).collect();
        let tops = if kernels.is_empty() {
            unused.iter().collect()
        } else {
            kernels
        };
        tops.into_iter().map(|top| top.0).collect()
    }

    /// The file that would hold `module`, among those that Verilator cannot read.
    pub(super) fn foreign_of(&self, module: &str) -> Option<&Path> {
        let named = |path: &&PathBuf| path.file_stem().is_some_and(|stem| stem == module);
        self.foreign.iter().find(named).map(PathBuf::as_path)
    }
}

impl Verilog {
    fn scan(path: &Path) -> Result<Self, LinkError> {
        // Comments may be in any encoding.
        let bytes = std::fs::read(path).map_err(|e| LinkError::io("read", path, e))?;
        let mut file = Self {
            path: path.to_owned(),
            modules: Vec::new(),
            packages: Vec::new(),
            uses: BTreeSet::new(),
            words: BTreeMap::new(),
        };
        let mut last = String::new();
        for token in tokens(&String::from_utf8_lossy(&bytes)) {
            match (last.as_str(), token) {
                (word, "::") => {
                    file.uses.insert(word.to_owned());
                }
                // The label of an end is no use.
                ("endmodule:", _) => {
                    last.clear();
                    continue;
                }
                ("endmodule", ":") => {
                    last = "endmodule:".to_owned();
                    continue;
                }
                ("module" | "module automatic", "automatic" | "static") => {
                    last = "module".to_owned();
                    continue;
                }
                ("module", name) => file.modules.push(name.to_owned()),
                ("package", name) => file.packages.push(name.to_owned()),
                _ => {}
            }
            if token.starts_with(is_word) {
                *file.words.entry(token.to_owned()).or_default() += 1;
            }
            last.clear();
            last.push_str(token);
        }
        Ok(file)
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

/// Words, `::` and single characters of Verilog, without comments and strings.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            let first = rest.chars().next()?;
            let length = if rest.starts_with("//") {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            } else if rest.starts_with("/*") {
                rest = &rest[rest.find("*/").map_or(rest.len(), |at| at + 2)..];
                continue;
            } else if first == '"' {
                rest = &rest[string_end(rest)..];
                continue;
            } else if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(length);
            rest = after;
            return Some(token);
        }
    })
}

/// Where the string that `text` begins with ends.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// What to say of a module that Verilator did not find, from its message.
pub(super) fn missing_module(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("Cannot find file containing module: '")?;
    rest.split('\'').next()
}

/// Reads a text file for its first words, for errors that name it.
pub(super) fn root_element(path: &Path) -> Result<String, LinkError> {
    let text = read(path)?;
    let start = text
        .match_indices('<')
        .map(|(at, _)| &text[at + 1..])
        .find(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    let name = start.unwrap_or_default();
    let end = name.find(|c: char| c.is_whitespace() || c == '>' || c == '/');
    Ok(name[..end.unwrap_or(name.len())].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> (tempfile::TempDir, Sources) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let paths: Vec<_> = files
            .iter()
            .map(|(name, text)| {
                let path = folder.path().join(name);
                std::fs::write(&path, text).expect("the file is written");
                path
            })
            .collect();
        let sources = Sources::sort(paths.iter()).expect("the files exist");
        (folder, sources)
    }

    fn names(sources: &Sources) -> Vec<String> {
        let name = |file: &Verilog| {
            file.path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        };
        sources.verilog.iter().map(name).collect()
    }

    #[test]
    fn packages_come_before_their_users_through_several_steps() {
        let (_folder, sources) = sources(&[
            ("a.sv", "module a; import c::*; endmodule"),
            ("b.sv", "package b; endpackage"),
            ("c.sv", "package c; localparam X = b::X; endpackage"),
            ("d.sv", "module d; endmodule // a::x"),
        ]);
        assert_eq!(names(&sources), ["b.sv", "c.sv", "a.sv", "d.sv"]);
    }

    #[test]
    fn packages_that_use_each_other_end_the_search() {
        let (_folder, sources) = sources(&[
            ("a.sv", "package a; localparam X = b::X; endpackage"),
            ("b.sv", "package b; localparam X = a::X; endpackage"),
        ]);
        assert_eq!(names(&sources).len(), 2);
    }

    #[test]
    fn the_top_is_the_clocked_module_that_nothing_instantiates() {
        let (_folder, sources) = sources(&[
            ("sub.v", "module sub(input ap_clk); endmodule : sub"),
            (
                "top.v",
                "/* module fake */ module top(input ap_clk); sub s(); endmodule : top",
            ),
            ("tb.sv", "module tb; string s = \"top \\\" sub\"; endmodule"),
        ]);
        assert_eq!(sources.tops(), ["top"]);
        assert!(sources.defines("sub") && !sources.defines("fake"));
    }

    #[test]
    fn headers_are_included_and_foreign_files_set_aside() {
        let (folder, sources) = sources(&[
            ("a.v", "module a; endmodule"),
            ("a.vh", "`define A"),
            ("fifo_0.xci", ""),
            ("adder.vhd", ""),
            ("pins.xdc", ""),
            ("init.mem", ""),
        ]);
        assert_eq!(names(&sources), ["a.v"]);
        assert_eq!(sources.include, [folder.path()]);
        assert_eq!(
            sources.foreign_of("adder"),
            Some(folder.path().join("adder.vhd").as_path())
        );
        assert_eq!(sources.foreign.len(), 2);
        assert_eq!(sources.data, [folder.path().join("init.mem")]);
    }
}
