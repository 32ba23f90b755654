//! Where answers go as they come: the output file, CSV lines, the listing and the progress bar. None of them
//! keeps more than it must, so any number of descriptors passes through.

use std::time::{Duration, Instant};

use anyhow::Result;
use host_runtime::Answers;
use host_runtime::tcp::Detail;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::input::Input;
use super::listing::{Listing, Row};
use super::rows::NamedRow;
use super::{ReportFormat, ValidateArgs};
use crate::output_file::OutputFile;
use crate::stdout::{Stdout, is_reader_gone};

/// Work that takes less shows no progress bar.
const SHORT: Duration = Duration::from_millis(400);

const PROGRESS: &str = "{percent:>3} % {wide_bar} {human_pos} of {human_len}, {rate}/s, {eta} left";

/// All that takes answers.
pub(super) struct Sinks<'a> {
    output: Option<OutputFile>,
    /// Whether the output file gets detail words.
    detail: bool,
    csv: Option<csv::Writer<Stdout>>,
    /// Whether the answers are of use without the CSV lines.
    goes_on_without_csv: bool,
    listing: Listing,
    bar: ProgressBar,
    shows_progress: bool,
    begin: Instant,
    file: Option<(usize, &'a Input)>,
    /// Answers of the file taken so far.
    taken: usize,
    /// Verdict bytes of a piece, kept for the next one.
    bytes: Vec<u8>,
}

impl<'a> Sinks<'a> {
    pub(super) fn new(args: &ValidateArgs, quiet: bool, inputs: &[Input]) -> Result<Self> {
        let output = args.output.as_deref().map(OutputFile::create).transpose()?;
        let csv =
            (args.format() == ReportFormat::Csv).then(|| csv::Writer::from_writer(Stdout::new()));
        let limit = match (args.all, &csv) {
            (_, Some(_)) => Some(0),
            (true, None) => None,
            (false, None) => Some(args.limit),
        };
        let total = inputs
            .iter()
            .map(|input| input.collection.descriptors().len() as u64)
            .sum();
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            // A bar cannot tell of an error.
            let _ = write!(text, "{}", HumanCount(state.per_sec() as u64));
        };
        bar.set_style(ProgressStyle::with_template(PROGRESS)?.with_key("rate", rate));
        // Whoever reads CSV from a terminal sees the progress by the lines.
        let lines_show_it = csv.is_some() && console::user_attended();
        let shows_progress = !quiet && !lines_show_it;
        Ok(Self {
            goes_on_without_csv: output.is_some() || args.fail_on.is_some(),
            output,
            detail: args.detail,
            csv,
            listing: Listing::new(limit),
            bar,
            shows_progress,
            begin: Instant::now(),
            file: None,
            taken: 0,
            bytes: Vec::new(),
        })
    }

    /// The next answers are to this file's descriptors.
    pub(super) fn begin_file(&mut self, index: usize, input: &'a Input) {
        self.file = Some((index, input));
        self.taken = 0;
    }

    /// Takes the next answers.
    pub(super) fn take(&mut self, answers: Answers<'_>) -> Result<()> {
        let (file, input) = self.file.expect("a file was begun");
        if let Some(output) = &mut self.output {
            output.write(match answers {
                Answers::Details(details) if !self.detail => {
                    self.bytes.clear();
                    self.bytes
                        .extend(details.iter().map(|detail| detail.verdict().0));
                    &self.bytes
                }
                answers => answers.as_bytes(),
            })?;
        }
        self.listing.take(file, self.taken, answers);
        if let (Some(_), Answers::Details(details)) = (&self.csv, answers) {
            self.write_csv(file, input, details)?;
        }
        self.taken += answers.len();
        self.advance(answers.len() as u64);
        Ok(())
    }

    fn write_csv(&mut self, file: usize, input: &Input, details: &[Detail]) -> Result<()> {
        let Some(csv) = &mut self.csv else {
            return Ok(());
        };
        let rows = details.iter().enumerate().map(|(offset, &detail)| Row {
            file,
            index: self.taken + offset,
            detail,
        });
        for row in rows {
            if let Err(error) = csv.serialize(NamedRow::new(&row, input)) {
                return self.csv_failed(error);
            }
        }
        Ok(())
    }

    /// A reader that goes away ends the work, unless there is another purpose to it.
    fn csv_failed(&mut self, error: csv::Error) -> Result<()> {
        let error = match error.into_kind() {
            csv::ErrorKind::Io(error) => anyhow::Error::from(error),
            kind => anyhow::anyhow!("cannot write CSV: {kind:?}"),
        };
        if is_reader_gone(&error) && self.goes_on_without_csv {
            // Dropping the writer would try to write the rest.
            if let Some(writer) = self.csv.take() {
                std::mem::forget(writer);
            }
            return Ok(());
        }
        Err(error)
    }

    fn advance(&mut self, count: u64) {
        if self.shows_progress && self.begin.elapsed() >= SHORT {
            self.shows_progress = false;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(count);
    }

    /// Ends the CSV; gives back the listing, and the output file that is complete but not in its place yet.
    pub(super) fn finish(mut self) -> Result<(Listing, Option<OutputFile>)> {
        self.bar.finish_and_clear();
        if let Some(mut csv) = self.csv.take() {
            match csv.flush() {
                Ok(()) => {}
                Err(error) => self.csv_failed(error.into())?,
            }
        }
        if let Some(output) = &mut self.output {
            output.complete()?;
        }
        Ok((self.listing, self.output))
    }
}
