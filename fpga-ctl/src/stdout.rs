//! Standard output, buffered, whose reader may go away at any time: `fpga-ctl list | head -1` ends quietly.

use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

/// Standard output of a command.
pub(crate) struct Stdout(BufWriter<Checked<StdoutLock<'static>>>);

/// The reader of standard output is gone: not an error of this program.
#[derive(Debug)]
pub(crate) struct ReaderGone;

impl std::fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody reads standard output any more")
    }
}

impl std::error::Error for ReaderGone {}

impl Stdout {
    pub(crate) fn new() -> Self {
        Self(BufWriter::new(Checked(io::stdout().lock())))
    }

    /// Writes a value as indented JSON and a line end.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer_pretty(&mut self.0, value).map_err(io::Error::from)?;
        writeln!(self.0)?;
        Ok(())
    }

    /// Hands everything on; without this an error of the last bytes would go unseen.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Tells a reader that went away from a broken pipe elsewhere, such as a file to write.
struct Checked<W>(W);

impl<W: Write> Checked<W> {
    fn name(error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::BrokenPipe => io::Error::new(io::ErrorKind::BrokenPipe, ReaderGone),
            kind => io::Error::new(kind, format!("cannot write to standard output: {error}")),
        }
    }
}

impl<W: Write> Write for Checked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(Self::name)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(Self::name)
    }
}

/// Whether an error is only that nobody reads standard output any more.
pub(crate) fn is_reader_gone(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| {
            error
                .get_ref()
                .is_some_and(|inner| inner.is::<ReaderGone>())
        })
}
