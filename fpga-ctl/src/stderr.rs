//! Standard error. What is told there is for a person, who may have gone away: failing to tell is no error.

use std::fmt::Arguments;
use std::io::Write;

/// Writes a line.
pub(crate) fn line(text: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes a warning, also with --quiet: for what concerns the user's own safety.
pub(crate) fn warn(text: &str) {
    let warning = console::style("WARNING:").for_stderr().red().bold();
    line(format_args!("{warning} {text}"));
}
