//! The committed inputs of a fuzz target: those that it begins with, made by the project itself, and those that once found
//! something. Tests replay them all.

use std::path::Path;

/// Set, the tests write the inputs to begin with, and do not only compare them.
const WRITE_VARIABLE: &str = "FUZZ_WRITE_SEEDS";

/// Runs every input of `fuzz/corpus/TARGET`, of which `seeds` must be some. A panic in any thread is a failure.
pub(crate) fn replay(target: &str, seeds: Vec<(&'static str, Vec<u8>)>, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    for (name, bytes) in seeds {
        let path = folder.join(name);
        if std::env::var_os(WRITE_VARIABLE).is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(
            std::fs::read(&path).is_ok_and(|there| there == bytes),
            "{} is not what the source says; {WRITE_VARIABLE}=1 writes it",
            path.display()
        );
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        // Also in a thread that nobody waits for.
        std::process::abort();
    }));
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        run(&std::fs::read(path).unwrap());
    }
}
