//! A figure that a kernel has to reach: told to scripts/figures, then demanded.

use std::fs::OpenOptions;
use std::io::Write;

/// The file that scripts/figures reads: a JSON object a line. Without this variable a figure is only printed.
const FILE: &str = "FIGURES";

/// Tells what a kernel of some data width reached and what is asked of it, then demands that it `holds`.
#[track_caller]
pub(crate) fn figure(kernel: &str, bits: u32, what: &str, reached: &str, asked: &str, holds: bool) {
    println!("{kernel}, {bits} bits: {what}: {reached}, asked for: {asked}");
    if let Some(path) = std::env::var_os(FILE) {
        let row = serde_json::json!({
            "kernel": kernel, "bits": bits, "what": what, "reached": reached, "asked": asked, "holds": holds,
        });
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .unwrap();
        // In one write, as several tests may tell theirs at once.
        file.write_all(format!("{row}\n").as_bytes()).unwrap();
    }
    assert!(
        holds,
        "{kernel}, {bits} bits: {what}: {reached}, asked for: {asked}"
    );
}
