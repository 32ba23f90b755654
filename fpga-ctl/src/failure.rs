//! How an error is told: one line for each cause on standard error, and an object on standard output where
//! that is JSON.

use std::process::ExitCode;

use serde::Serialize;

use crate::stderr;
use crate::stdout::{Stdout, is_reader_gone};

/// Exit status of errors; clap uses the same for wrong usage.
const ERROR: u8 = 2;

/// An error as the JSON reports have it.
#[derive(Debug, Serialize)]
struct JsonFailure<'a> {
    error: JsonError<'a>,
}

#[derive(Debug, Serialize)]
struct JsonError<'a> {
    message: &'a str,
    causes: &'a [String],
}

/// Tells an error and gives the exit status.
pub(crate) fn report(error: &anyhow::Error, as_json: bool) -> ExitCode {
    if is_reader_gone(error) {
        return ExitCode::SUCCESS;
    }
    let causes = causes(error);
    if as_json {
        let object = JsonFailure {
            error: JsonError {
                message: &causes[0],
                causes: &causes[1..],
            },
        };
        let mut stdout = Stdout::new();
        // The error is told on standard error in any case.
        let _ = stdout.json(&object).and_then(|()| stdout.finish());
    }
    stderr::line(format_args!(
        "{} {}",
        console::style("error:").for_stderr().red().bold(),
        causes[0]
    ));
    for cause in &causes[1..] {
        stderr::line(format_args!(
            "  caused by: {}",
            cause.replace('\n', "\n    ")
        ));
    }
    ExitCode::from(ERROR)
}

/// The texts of an error's chain, without those that the text before includes already.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string().trim_end().to_owned();
        if !texts.last().is_some_and(|last| last.contains(&text)) {
            texts.push(text);
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_was_told_already_is_not_told_again() {
        let error = anyhow::anyhow!("no space")
            .context("cannot write x: no space")
            .context("nothing was done");
        assert_eq!(
            causes(&error),
            ["nothing was done", "cannot write x: no space"]
        );
    }
}
