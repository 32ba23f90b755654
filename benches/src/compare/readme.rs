//! README quotes a committed run between two markers; so that it cannot quote anything else, the quotation is made here
//! and a test compares it.

use std::path::Path;

use anyhow::{Context, Result};

use crate::results::Results;
use crate::table;

const BEGIN: &str = "<!-- comparison: begin -->\n";
const END: &str = "<!-- comparison: end -->";

/// The quotation of a run, markers included.
pub(crate) fn quotation(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    let results: Results = serde_json::from_str(&text)?;
    let name = file.with_extension("md");
    let name = name.file_name().context("it is a file")?.to_string_lossy();
    let quote = table::quote(&results, &format!("benches/results/{name}"));
    Ok(format!("{BEGIN}{quote}{END}"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::results::Target;

    fn committed() -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
        let entries = std::fs::read_dir(folder).expect("benches/results is there");
        let files = entries.map(|entry| entry.expect("it can be read").path());
        files
            .filter(|file| {
                file.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .collect()
    }

    #[test]
    fn readme_quotes_a_committed_run() {
        let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
        let readme = std::fs::read_to_string(readme).expect("README.md is there");
        let begin = readme.find(BEGIN).expect("README.md quotes a comparison");
        let end = readme.find(END).expect("README.md ends its quotation") + END.len();
        let quoted = &readme[begin..end];
        let runs = committed();
        assert!(
            runs.iter()
                .any(|file| quotation(file).expect("a run reads back") == quoted),
            "README.md quotes what no committed run says; `cargo run -p benches --bin compare -- --readme RUN.json` \
             makes the quotation of {runs:?}"
        );
    }

    #[test]
    fn committed_tables_are_those_of_their_figures() {
        for file in committed() {
            let text = std::fs::read_to_string(&file).expect("it can be read");
            let results: Results = serde_json::from_str(&text).expect("a run reads back");
            let kept = |extension| {
                std::fs::read_to_string(file.with_extension(extension))
                    .expect("it is beside the figures")
            };
            assert_eq!(kept("md"), table::markdown(&results));
            assert_eq!(kept("html"), crate::page::html(&results));
            let told = |targets: &[Target]| serde_json::to_value(targets).expect("it can be told");
            let again = crate::targets::of(&results.groups);
            assert_eq!(told(&results.targets), told(&again));
            assert!(!results.quick, "a quick run is not for claims");
        }
    }
}
