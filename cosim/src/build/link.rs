//! Links several kernels into one shared object, each Verilated on its own under a prefix of its own.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::command::Deadline;
use super::{BuildError, Cache, ModelBuild, bind, compile, data, glue, ports, verilate};
use crate::interface::Interfaces;

/// Several kernels in one object in the cache.
#[derive(Debug, Clone)]
pub struct BuiltModels {
    /// The shared object.
    pub path: PathBuf,
    /// Ports of each kernel, in the order they were given.
    pub kernels: Vec<Interfaces>,
    /// Every file that was read: what a build script should watch.
    pub dependencies: Vec<PathBuf>,
    /// It was in the cache already.
    pub cached: bool,
}

/// A kernel on its way into an object.
pub(super) struct Part {
    pub(super) verilated: verilate::Verilated,
    pub(super) binding: bind::Binding,
    /// Files that the kernel opens.
    pub(super) data: Vec<data::DataFile>,
}

impl Part {
    /// The part's C++, without or with the description it carries.
    pub(super) fn glue(&self, description: &str) -> String {
        glue::source(
            &self.binding.layout.kernel,
            &self.verilated.prefix,
            &self.binding,
            description,
        )
    }
}

/// Builds all of `builds`, at least one, into one object, or finds it in the cache. Waves and coverage are there
/// for all if one build asks for them, save and restore if all do; the first build's timeout is that of the whole.
///
/// Verilator always runs (tens of milliseconds) because only it knows which files the sources pull in.
/// What it generates, with the compiler and its flags, is the cache's key, so a change that does not
/// reach the generated code compiles nothing.
///
/// # Errors
///
/// A tool that is missing, fails or exceeds the timeout; ports that do not make up their interface;
/// two kernels of one name; a cache that cannot be written. Each [`BuildError`] says what to do.
pub fn link(builds: &[ModelBuild], cache: &Cache) -> Result<BuiltModels, BuildError> {
    let Some(first) = builds.first() else {
        return Err(BuildError::NoKernel);
    };
    for (index, build) in builds.iter().enumerate() {
        if builds[..index]
            .iter()
            .any(|other| other.kernel == build.kernel)
        {
            return Err(BuildError::SameName {
                kernel: build.kernel.clone(),
            });
        }
    }
    let mut common = first.clone();
    common.trace = builds.iter().any(|build| build.trace);
    common.coverage = builds.iter().any(|build| build.coverage);
    common.savable = builds.iter().all(|build| build.savable);
    let deadline = Deadline::after(first.timeout);
    let work = cache.work_dir()?;
    let compiler = compile::Compiler::find(deadline)?;

    let mut parts = Vec::new();
    for (index, build) in builds.iter().enumerate() {
        let build = ModelBuild {
            trace: common.trace,
            coverage: common.coverage,
            savable: common.savable,
            ..build.clone()
        };
        // Verilator puts a module's name after the prefix: with a number before it, no prefix begins another's
        // names. A kernel alone keeps its plain name, which waves show.
        let prefix = match builds.len() {
            1 => format!("V{}", build.kernel),
            _ => format!("V{index}_{}", build.kernel),
        };
        let folder = work.path().join(&prefix);
        std::fs::create_dir(&folder).map_err(|source| BuildError::io("create", &folder, source))?;
        let verilated = verilate::run_verilator(&build, &prefix, &folder, deadline)?;
        let mut binding = bind::bind(&build.kernel, &ports::parse(&verilated.header)?)?;
        binding.layout.traced = build.trace;
        binding.layout.savable = build.saves();
        binding.layout.coverage = build.coverage;
        let data = data::find(&build, &verilated.dependencies)?;
        let mut part = Part {
            verilated,
            binding,
            data,
        };
        let code = part
            .verilated
            .fingerprint(&compiler, &part.glue(""), &build)?;
        part.binding.layout.fingerprint = data::fingerprint(&code, &part.data);
        parts.push(part);
    }
    let kernels: Vec<Interfaces> = parts
        .iter()
        .map(|part| part.binding.layout.clone())
        .collect();
    let files = data::union(parts.iter().flat_map(|part| &part.data))?;
    let mut dependencies: Vec<PathBuf> = parts
        .iter()
        .flat_map(|part| part.verilated.dependencies.iter().cloned())
        .chain(files.iter().map(|file| file.path.clone()))
        .collect();
    dependencies.sort();
    dependencies.dedup();
    let key = key(&kernels);

    let _lock = cache.lock(&format!("model-{key}"), deadline)?;
    if let Some((path, kernels)) = cache.model(&key) {
        return Ok(BuiltModels {
            path,
            kernels,
            dependencies,
            cached: true,
        });
    }
    let object = compile::model(
        &common,
        &compiler,
        &parts,
        &files,
        cache,
        work.path(),
        deadline,
    )?;
    let path = cache.insert(&key, &kernels, &object)?;
    Ok(BuiltModels {
        path,
        kernels,
        dependencies,
        cached: false,
    })
}

/// What an object is found by: its kernel's fingerprint, or all of theirs.
fn key(kernels: &[Interfaces]) -> String {
    if let [kernel] = kernels {
        return kernel.fingerprint.clone();
    }
    let mut hash = Sha256::new();
    for kernel in kernels {
        hash.update(&kernel.fingerprint);
    }
    hex::encode(hash.finalize())
}
