//! Runs Verilator and collects what it generated.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::command::{Deadline, run};
use super::compile::Compiler;
use super::{BuildError, ModelBuild, glue, read};

/// How Verilator is installed on the systems this project is set up on.
const INSTALL: &str = "apt-get install verilator";

/// Verilator's output for one kernel.
pub(super) struct Verilated {
    /// Name of the generated class and prefix of the generated files.
    pub(super) prefix: String,
    /// Text of the class's header.
    pub(super) header: String,
    /// Folder of the generated files.
    pub(super) dir: PathBuf,
    /// Sources that decide the speed, and the others, by name.
    pub(super) fast: Vec<String>,
    pub(super) slow: Vec<String>,
    /// Sources of the run-time library that the model needs, without extension.
    pub(super) runtime: Vec<String>,
    /// Where Verilator keeps its own includes.
    pub(super) include: PathBuf,
    /// Every file Verilator read for the kernel.
    pub(super) dependencies: Vec<PathBuf>,
}

/// Verilates `build` into `work`, its class and files named by `prefix`.
pub(super) fn run_verilator(
    build: &ModelBuild,
    prefix: &str,
    work: &Path,
    deadline: Deadline,
) -> Result<Verilated, BuildError> {
    let dir = work.join("verilated");
    let mut command =
        Command::new(std::env::var_os("VERILATOR").unwrap_or_else(|| "verilator".into()));
    command
        .args([
            "--cc",
            "-O3",
            "--x-assign",
            "fast",
            "--x-initial",
            "unique",
            "--assert",
            "--no-timing",
        ])
        // Kernels are written without a time unit or with any: waves are always in picoseconds.
        .args(["--timescale", "1ns/1ps"])
        // Lint is the kernel author's own step: here only errors count, and `interrupt` is a usual port.
        .args([
            "-Wno-fatal",
            "-Wno-lint",
            "-Wno-style",
            "-Wno-SYMRSVDWORD",
            "-Wno-STMTDLY",
            "-Wno-TIMESCALEMOD",
        ])
        .args(["--prefix", prefix, "--top-module", &build.top, "--Mdir"])
        .arg(&dir);
    if build.trace {
        command.args(["--trace-fst", "--trace-structs"]);
    }
    if build.coverage {
        command.arg("--coverage");
    }
    if build.saves() {
        command.arg("--savable");
    }
    for (name, value) in &build.parameters {
        command.arg(format!("-G{name}={value}"));
    }
    for (name, value) in &build.defines {
        command.arg(match value {
            Some(value) => format!("+define+{name}={value}"),
            None => format!("+define+{name}"),
        });
    }
    for folder in &build.include_dirs {
        command.arg(format!("-I{}", folder.display()));
    }
    command.args(&build.verilator_args);
    for list in &build.file_lists {
        command.arg("-F").arg(list);
    }
    command.args(&build.sources);

    let output = run(command, INSTALL, deadline)?;
    if !output.status.success() {
        return Err(BuildError::Verilator {
            top: build.top.clone(),
            message: output.text,
        });
    }
    if !output.text.is_empty() {
        tracing::debug!(top = build.top, "Verilator: {}", output.text);
    }
    collect(prefix.to_owned(), dir)
}

fn collect(prefix: String, dir: PathBuf) -> Result<Verilated, BuildError> {
    let text = |suffix: &str| {
        let path = dir.join(format!("{prefix}{suffix}"));
        read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let header = text(".h")?;
    let classes = text("_classes.mk")?;
    let makefile = text(".mk")?;
    let root = makefile
        .lines()
        .find_map(|line| line.strip_prefix("VERILATOR_ROOT = "))
        .ok_or_else(|| BuildError::UnexpectedOutput {
            what: "no VERILATOR_ROOT",
            path: dir.join(format!("{prefix}.mk")),
        })?;
    let list = |names: &[&str]| -> Vec<String> {
        names
            .iter()
            .flat_map(|name| make_list(&classes, name))
            .collect()
    };
    let dependencies = dependencies(&text("__ver.d")?);
    Ok(Verilated {
        fast: list(&["VM_CLASSES_FAST", "VM_SUPPORT_FAST"]),
        slow: list(&["VM_CLASSES_SLOW", "VM_SUPPORT_SLOW"]),
        runtime: list(&["VM_GLOBAL_FAST", "VM_GLOBAL_SLOW"]),
        include: Path::new(root.trim()).join("include"),
        header,
        dependencies,
        prefix,
        dir,
    })
}

/// The words that a makefile adds to a variable: `NAME += \`, then one a line.
fn make_list(makefile: &str, name: &str) -> Vec<String> {
    makefile
        .lines()
        .skip_while(|line| *line != format!("{name} += \\"))
        .skip(1)
        .map(|line| line.trim().trim_end_matches('\\').trim())
        .take_while(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The sources named by a makefile rule, without Verilator itself. A space in a name is escaped.
fn dependencies(rule: &str) -> Vec<PathBuf> {
    let sources = rule.split_once(" : ").map_or("", |(_, sources)| sources);
    sources
        .replace("\\ ", "\0")
        .split_whitespace()
        .map(|word| word.replace('\0', " "))
        .filter(|word| {
            Path::new(word)
                .file_name()
                .is_none_or(|name| name != "verilator_bin")
        })
        .map(PathBuf::from)
        .collect()
}

impl Verilated {
    /// SHA-256, in hex, of all that decides what the compiled model is: the generated C++, the C++ around
    /// it, the run-time library, the compiler with its flags.
    pub(super) fn fingerprint(
        &self,
        compiler: &Compiler,
        glue: &str,
        build: &ModelBuild,
    ) -> Result<String, BuildError> {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(&glue::VERSION.to_le_bytes());
        add(glue.as_bytes());
        add(compiler.identity(build, self)?.as_bytes());
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.dir)
            .map_err(|source| BuildError::io("list", &self.dir, source))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "cpp" || e == "h"))
            .collect();
        files.sort();
        for file in files {
            add(file.file_name().expect("listed").as_encoded_bytes());
            add(&read(&file)?);
        }
        Ok(hex::encode(hash.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_dependencies_are_read_from_makefiles() {
        let makefile = "VM_A += \\\n\tone \\\n\ttwo \\\n\nVM_B += \\\n\n";
        assert_eq!(make_list(makefile, "VM_A"), ["one", "two"]);
        assert!(make_list(makefile, "VM_B").is_empty());
        let rule = "o/Vt.cpp o/Vt.h  : /usr/bin/verilator_bin a\\ b.sv c.svh \n";
        assert_eq!(
            dependencies(rule),
            [Path::new("a b.sv"), Path::new("c.svh")]
        );
    }
}
