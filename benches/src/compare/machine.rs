//! The machine that a run was made on: what a reader needs to judge the figures by.

use std::path::Path;
use std::process::{Command, Stdio};

use host_runtime::judge::InstructionSet;
use serde::{Deserialize, Serialize};

/// What the system says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// The CPU's name, with family, model and stepping where its name does not tell.
    pub(crate) cpu: String,
    pub(crate) cpus: usize,
    /// Runs under a hypervisor: its CPUs may be shared with others.
    pub(crate) virtual_machine: bool,
    /// What the judge can use of it.
    pub(crate) instruction_sets: Vec<String>,
    /// Flags of vector and bit instructions.
    pub(crate) flags: Vec<String>,
    pub(crate) caches: Vec<String>,
    /// GiB.
    pub(crate) memory: f64,
    pub(crate) kernel: String,
    /// Programs and their versions.
    pub(crate) programs: Vec<(String, String)>,
    /// Running and waiting threads before and after, by the system's average of a minute.
    pub(crate) load: [f64; 2],
}

impl Machine {
    /// This machine. `python` is the interpreter that the peers run with.
    pub(crate) fn here(python: Option<&Path>) -> Self {
        let cpuinfo = read("/proc/cpuinfo");
        let field = |name: &str| {
            cpuinfo
                .lines()
                .find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(": "))
                .unwrap_or_default()
        };
        let all_flags: Vec<_> = field("flags").split(' ').collect();
        let told = ["avx", "sse4_2", "gfni", "pclmul", "bmi2", "vaes", "vpclmul"];
        let mut cpu = field("model name").to_owned();
        let stepping = ["cpu family", "model\t", "stepping"].map(field);
        if stepping.iter().all(|text| !text.is_empty()) {
            let [family, model, stepping] = stepping;
            cpu += &format!(", family {family} model {model} stepping {stepping}");
        }
        let mut programs = Vec::new();
        let mut program = |name: &str, command: &mut Command| {
            if let Some(version) = first_line(command) {
                programs.push((name.to_owned(), version));
            }
        };
        program("rustc", Command::new("rustc").arg("--version"));
        program("g++", Command::new("g++").arg("--version"));
        program("verilator", Command::new("verilator").arg("--version"));
        if let Some(python) = python {
            program("python", Command::new(python).arg("--version"));
            for module in ["numpy", "cocotb"] {
                let code = format!("import {module}; print({module}.__version__)");
                program(module, Command::new(python).args(["-c", &code]));
            }
        }
        Self {
            cpu,
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            virtual_machine: all_flags.contains(&"hypervisor"),
            instruction_sets: InstructionSet::available()
                .map(|set| set.name().to_owned())
                .collect(),
            flags: all_flags
                .iter()
                .filter(|flag| told.iter().any(|prefix| flag.starts_with(prefix)))
                .map(|flag| (*flag).to_owned())
                .collect(),
            caches: caches(),
            memory: memory(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            programs,
            load: [load(); 2],
        }
    }

    /// Notes the load once all is done.
    pub(crate) fn end(&mut self) {
        self.load[1] = load();
    }

    /// A file name for results of this machine's CPU.
    pub(crate) fn slug(&self) -> String {
        let mut slug = String::new();
        for character in self.cpu.to_lowercase().replace("(r)", "").chars() {
            match character {
                'a'..='z' | '0'..='9' => slug.push(character),
                _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
                _ => {}
            }
        }
        slug.trim_end_matches('-').to_owned()
    }
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = output.ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(str::to_owned)
}

fn caches() -> Vec<String> {
    let folder = Path::new("/sys/devices/system/cpu/cpu0/cache");
    (0..8)
        .map(|index| folder.join(format!("index{index}")))
        .filter(|cache| cache.exists())
        .map(|cache| {
            let part = |name: &str| read(cache.join(name)).trim().to_owned();
            format!(
                "L{} {} {}",
                part("level"),
                part("type").to_lowercase(),
                part("size")
            )
        })
        .collect()
}

fn memory() -> f64 {
    let text = read("/proc/meminfo");
    let total = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    total.map_or(0.0, |kib| (kib / 1024.0 / 1024.0 * 10.0).round() / 10.0)
}

fn load() -> f64 {
    let text = read("/proc/loadavg");
    let first = text.split(' ').next().and_then(|text| text.parse().ok());
    first.unwrap_or(0.0)
}
