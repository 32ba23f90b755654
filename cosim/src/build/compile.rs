//! Compiles what Verilator generated into one stripped shared object, the run-time library's part once per
//! compiler and cache.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::command::{Deadline, run, run_all};
use super::data::DataFile;
use super::link::Part;
use super::verilate::Verilated;
use super::{BuildError, Cache, ModelBuild, glue, read, write};

const INSTALL: &str = "apt-get install g++";

/// The C++ around the generated code, carried inside this library: (name, text).
const SUPPORT: [(&str, &str); 6] = [
    ("cosim_model.h", include_str!("../../cpp/cosim_model.h")),
    ("cosim_hooks.h", include_str!("../../cpp/cosim_hooks.h")),
    ("cosim_kernel.h", include_str!("../../cpp/cosim_kernel.h")),
    (
        "cosim_session.cpp",
        include_str!("../../cpp/cosim_session.cpp"),
    ),
    ("cosim_files.h", include_str!("../../cpp/cosim_files.h")),
    ("cosim_files.cpp", include_str!("../../cpp/cosim_files.cpp")),
];

/// Our own part of the run-time library, by the names of its sources.
const OWN: [&str; 2] = ["cosim_files", "cosim_session"];

/// Generated sources are joined into files of about this size, so that the compiler can inline across them
/// and does not read the same headers many times. Beyond it, more processors are worth more.
const UNIT_BYTES: usize = 1 << 20;

/// Only the factory is visible outside; and nothing keeps the object from being unloaded.
const COMMON: &[&str] = &[
    "-std=gnu++17",
    "-fPIC",
    "-fvisibility=hidden",
    "-fvisibility-inlines-hidden",
    "-fno-gnu-unique",
    "-ffunction-sections",
    "-fdata-sections",
    "-faligned-new",
    "-fcf-protection=none",
    "-DVM_SC=0",
    "-w",
    "-include",
    "cosim_hooks.h",
];

/// Thread-local state is reached through a descriptor, half the cost of a call on every evaluation and without a
/// limit on how many models a process loads; parities are one instruction on any x86-64 of the last fifteen years.
#[cfg(target_arch = "x86_64")]
const MACHINE: &[&str] = &["-mtls-dialect=gnu2", "-mpopcnt"];
#[cfg(not(target_arch = "x86_64"))]
const MACHINE: &[&str] = &[];

/// Nothing is left to be found at load time but the C and C++ libraries and zlib.
const LINK: &[&str] = &[
    "-shared",
    "-s",
    "-pthread",
    "-Wl,--gc-sections",
    "-Wl,-z,defs",
    // Files that are built in: cosim_files.cpp.
    "-Wl,--wrap=fopen",
];

/// The C++ compiler: `CXX`, or g++.
pub(super) struct Compiler {
    program: std::ffi::OsString,
    version: String,
}

impl Compiler {
    pub(super) fn find(deadline: Deadline) -> Result<Self, BuildError> {
        let program = std::env::var_os("CXX").unwrap_or_else(|| "g++".into());
        let mut command = Command::new(&program);
        command.arg("--version");
        let output = run(command, INSTALL, deadline)?;
        Ok(Self {
            program,
            version: output.text,
        })
    }

    /// Compiler, flags, and every file that is compiled in beside the kernel.
    pub(super) fn identity(
        &self,
        build: &ModelBuild,
        verilated: &Verilated,
    ) -> Result<String, BuildError> {
        let mut text = format!(
            "{:?} {}\n{COMMON:?}\n{MACHINE:?}\n{LINK:?}\n",
            self.program, self.version
        );
        text += &format!("{:?}\n", features(build));
        for (name, content) in SUPPORT {
            text += &format!("{name}\n{content}\n");
        }
        // A Verilator of another version has another one of these.
        let config = verilated.include.join("verilated_config.h");
        text += &String::from_utf8_lossy(&read(&config)?);
        Ok(text)
    }

    fn compile(
        &self,
        flags: &[String],
        optimize: &str,
        includes: &[&Path],
        source: &Path,
        object: &Path,
    ) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(optimize).args(COMMON).args(MACHINE).args(flags);
        // Models name their sources in messages: without the work folder, equal sources give equal bytes.
        if let Some(folder) = source.parent() {
            command.arg(format!("-ffile-prefix-map={}=.", folder.display()));
        }
        for include in includes {
            command.arg("-I").arg(include);
        }
        command.arg("-c").arg(source).arg("-o").arg(object);
        command
    }
}

/// Macros that tell the run-time library and the glue what the model can do.
fn features(build: &ModelBuild) -> Vec<String> {
    let flag = |name: &str, on: bool| format!("-D{name}={}", u8::from(on));
    vec![
        flag("VM_TRACE", build.trace),
        flag("VM_TRACE_FST", build.trace),
        flag("VM_TRACE_VCD", false),
        flag("VM_COVERAGE", build.coverage),
        flag("COSIM_TRACE", build.trace),
        flag("COSIM_COVERAGE", build.coverage),
        flag("COSIM_SAVABLE", build.saves()),
    ]
}

/// Compiles and links the parts of a model; the object lies in `work`. `build` says what it shall be able to do.
pub(super) fn model(
    build: &ModelBuild,
    compiler: &Compiler,
    parts: &[Part],
    files: &[&DataFile],
    cache: &Cache,
    work: &Path,
    deadline: Deadline,
) -> Result<PathBuf, BuildError> {
    let mut objects = runtime(build, compiler, parts, cache, deadline)?;
    let support = work.join("support");
    install_support(&support)?;
    let flags = features(build);
    let mut commands = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let verilated = &part.verilated;
        let std_include = verilated.include.join("vltstd");
        let includes: [&Path; 4] = [&support, &verilated.dir, &verilated.include, &std_include];
        let glue = work.join(format!("glue{index}.cpp"));
        let description = serde_json::to_string(&part.binding.layout).expect("plain data");
        write(&glue, part.glue(&description))?;
        // The glue shares a unit with the evaluation it calls.
        let mut fast = units(&verilated.dir, &verilated.fast)?;
        fast.first_mut().expect("a kernel has a class").push(glue);
        let slow = units(&verilated.dir, &verilated.slow)?;
        for (optimize, sources) in fast
            .iter()
            .map(|u| ("-O3", u))
            .chain(slow.iter().map(|u| ("-O1", u)))
        {
            let unit = work.join(format!("unit{}.cpp", commands.len()));
            let text: String = sources
                .iter()
                .map(|source| format!("#include \"{}\"\n", source.display()))
                .collect();
            write(&unit, text)?;
            let object = unit.with_extension("o");
            commands.push(compiler.compile(&flags, optimize, &includes, &unit, &object));
            objects.push(object);
        }
    }
    let table = work.join("kernels.cpp");
    let names = parts.iter().map(|part| {
        let kernel = part.binding.layout.kernel.as_str();
        (kernel, part.verilated.prefix.as_str())
    });
    let mut contents = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let content = work.join(format!("data{index}"));
        write(&content, &file.bytes)?;
        contents.push((file.name.as_str(), content));
    }
    write(&table, glue::table(names) + &glue::files(&contents))?;
    let object = table.with_extension("o");
    let include = &parts[0].verilated.include;
    let std_include = include.join("vltstd");
    commands.push(compiler.compile(
        &flags,
        "-O1",
        &[&support, include, &std_include],
        &table,
        &object,
    ));
    objects.push(object);
    check(build, run_all(commands, INSTALL, deadline)?)?;

    let object = work.join("model.so");
    let mut link = Command::new(&compiler.program);
    link.args(LINK).arg("-o").arg(&object).args(&objects);
    if build.trace {
        link.arg("-lz");
    }
    let output = run(link, INSTALL, deadline)?;
    let result = if output.status.success() {
        Ok(())
    } else {
        Err(output)
    };
    check(build, result)?;
    Ok(object)
}

fn check(build: &ModelBuild, result: Result<(), super::command::Output>) -> Result<(), BuildError> {
    result.map_err(|output| {
        let mut message = output.text;
        if message.contains("zlib.h") || message.contains("-lz") {
            message += "\nwaves need zlib: install it with `apt-get install zlib1g-dev`";
        }
        BuildError::Compiler {
            top: build.top.clone(),
            message,
        }
    })
}

/// Joins sources into units of about [`UNIT_BYTES`].
fn units(dir: &Path, names: &[String]) -> Result<Vec<Vec<PathBuf>>, BuildError> {
    let mut units: Vec<Vec<PathBuf>> = Vec::new();
    let mut size = UNIT_BYTES;
    for name in names {
        let path = dir.join(format!("{name}.cpp"));
        let bytes = std::fs::metadata(&path)
            .map_err(|source| BuildError::io("read", &path, source))?
            .len() as usize;
        if size + bytes > UNIT_BYTES {
            units.push(Vec::new());
            size = 0;
        }
        size += bytes;
        units.last_mut().expect("pushed first").push(path);
    }
    Ok(units)
}

fn install_support(dir: &Path) -> Result<(), BuildError> {
    std::fs::create_dir_all(dir).map_err(|source| BuildError::io("create", dir, source))?;
    for (name, text) in SUPPORT {
        write(&dir.join(name), text)?;
    }
    Ok(())
}

/// The objects of Verilator's run-time library and of our own, from the cache or compiled into it.
fn runtime(
    build: &ModelBuild,
    compiler: &Compiler,
    parts: &[Part],
    cache: &Cache,
    deadline: Deadline,
) -> Result<Vec<PathBuf>, BuildError> {
    // All parts come from one Verilator; which of its sources they need differs.
    let verilated = &parts[0].verilated;
    let names: BTreeSet<&str> = parts
        .iter()
        .flat_map(|part| part.verilated.runtime.iter().map(String::as_str))
        .chain(OWN)
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    let identity = format!("{}{names:?}", compiler.identity(build, verilated)?);
    let key = hex::encode(Sha256::digest(identity));
    let _lock = cache.lock(&format!("runtime-{key}"), deadline)?;
    if let Some(objects) = cache.runtime(&key, &names) {
        return Ok(objects);
    }
    let work = cache.work_dir()?;
    install_support(work.path())?;
    let std_include = verilated.include.join("vltstd");
    let flags = features(build);
    let mut commands = Vec::new();
    for name in &names {
        let folder = if OWN.contains(name) {
            work.path()
        } else {
            &verilated.include
        };
        let source = folder.join(format!("{name}.cpp"));
        let object = work.path().join(format!("{name}.o"));
        let includes: [&Path; 3] = [work.path(), &verilated.include, &std_include];
        commands.push(compiler.compile(&flags, "-O2", &includes, &source, &object));
    }
    check(build, run_all(commands, INSTALL, deadline)?)?;
    cache.insert_runtime(&key, &names, work.path())
}
