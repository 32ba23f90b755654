//! The figures and tables of docs/hardware.md, made from the RTL: which modules there are, from the Verilog; how many
//! clocks each takes, from the waves of a run. A test fails where the committed ones differ; `scripts/draw-hardware`
//! writes them anew.

// Each test program uses a part of this.
#![allow(dead_code)]

mod sheet;
mod verilog;
mod wave;

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) use sheet::{Sheet, Step};
pub(crate) use verilog::instances;
pub(crate) use wave::Wave;

/// Set by `scripts/draw-hardware`.
const WRITE: &str = "FPGA_DRAW";

pub(crate) fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    folder.canonicalize().unwrap()
}

/// Compares a file of `docs/` with what it should be, or writes it.
#[track_caller]
pub(crate) fn keep(name: &str, text: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/{name} is not what the RTL says any more; scripts/draw-hardware draws it anew"
    );
}

/// Compares what stands between two markers of docs/hardware.md, or writes it.
#[track_caller]
pub(crate) fn keep_part(part: &str, text: &str) {
    let page = fs::read_to_string(root().join("docs/hardware.md")).unwrap();
    let (begin, end) = (
        format!("<!-- {part}: begin -->\n"),
        format!("<!-- {part}: end -->"),
    );
    let from = page.find(&begin).expect("the page has the marker") + begin.len();
    let to = page.find(&end).expect("the page has the marker");
    keep(
        "hardware.md",
        &format!("{}{text}{}", &page[..from], &page[to..]),
    );
}
