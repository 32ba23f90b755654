//! Columns of text for a person: aligned, within the terminal's width, and safe to print whatever a name holds.

use std::borrow::Cow;
use std::io::{self, Write};

use console::{Alignment, Term, measure_text_width, pad_str, truncate_str};

/// Spaces between columns.
const GAP: &str = "  ";

/// Narrowest that a column is cut to.
const NARROWEST: usize = 8;

/// A table: cells by row, each row as long as the header.
#[derive(Debug)]
pub(crate) struct Table {
    header: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug)]
struct Column {
    title: &'static str,
    alignment: Alignment,
    /// Cut where the terminal is too narrow for the table.
    flexible: bool,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            header: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds a column of text.
    pub(crate) fn text(self, title: &'static str) -> Self {
        self.column(title, Alignment::Left, false)
    }

    /// Adds a column of text that may be cut on a narrow terminal.
    pub(crate) fn flexible(self, title: &'static str) -> Self {
        self.column(title, Alignment::Left, true)
    }

    /// Adds a column of numbers.
    pub(crate) fn number(self, title: &'static str) -> Self {
        self.column(title, Alignment::Right, false)
    }

    fn column(mut self, title: &'static str, alignment: Alignment, flexible: bool) -> Self {
        self.header.push(Column {
            title,
            alignment,
            flexible,
        });
        self
    }

    /// Adds a row; cells may be styled.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.header.len());
        self.rows.push(cells);
    }

    /// Writes the table, cut to the terminal's width if standard output is one.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let widths = self.widths(terminal_width());
        let titles = self
            .header
            .iter()
            .map(|column| console::style(column.title).bold().to_string());
        self.write_row(out, &widths, titles)?;
        for row in &self.rows {
            self.write_row(out, &widths, row.iter().cloned())?;
        }
        Ok(())
    }

    fn widths(&self, available: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self
            .header
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let cells = self.rows.iter().map(|row| measure_text_width(&row[index]));
                cells.max().unwrap_or(0).max(column.title.len())
            })
            .collect();
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        let total: usize = widths.iter().sum::<usize>() + gaps;
        if let Some(mut excess) = available.and_then(|available| total.checked_sub(available)) {
            for (width, column) in widths.iter_mut().zip(&self.header) {
                if column.flexible {
                    let cut = excess.min(width.saturating_sub(NARROWEST));
                    *width -= cut;
                    excess -= cut;
                }
            }
        }
        widths
    }

    fn write_row(
        &self,
        out: &mut impl Write,
        widths: &[usize],
        cells: impl Iterator<Item = String>,
    ) -> io::Result<()> {
        let mut line = String::new();
        for ((cell, &width), column) in cells.zip(widths).zip(&self.header) {
            let cell = truncate_str(&cell, width, "…");
            line.push_str(&pad_str(&cell, width, column.alignment, None));
            line.push_str(GAP);
        }
        writeln!(out, "{}", line.trim_end())
    }
}

fn terminal_width() -> Option<usize> {
    let (_, columns) = Term::stdout().size_checked()?;
    Some(columns.into())
}

/// A name that comes from a file, safe for a terminal: control characters and invisible marks are escaped.
pub(crate) fn printable(name: &str) -> Cow<'_, str> {
    let risky = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if !name.contains(risky) {
        return Cow::Borrowed(name);
    }
    let mut safe = String::new();
    for character in name.chars() {
        if risky(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(table: &Table, width: Option<usize>) -> Vec<String> {
        let mut out = Vec::new();
        let widths = table.widths(width);
        for row in &table.rows {
            table
                .write_row(&mut out, &widths, row.iter().cloned())
                .unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn columns_are_aligned_and_only_flexible_ones_are_cut() {
        let mut table = Table::new().flexible("NAME").number("N").text("WHAT");
        table.row(vec!["a-rather-long-name".into(), "7".into(), "x".into()]);
        table.row(vec!["b".into(), "1234".into(), "whole".into()]);
        assert_eq!(
            lines(&table, None),
            [
                "a-rather-long-name     7  x",
                "b                   1234  whole"
            ]
        );
        assert_eq!(
            lines(&table, Some(24)),
            ["a-rather-l…     7  x", "b            1234  whole"]
        );
    }

    #[test]
    fn names_cannot_move_the_cursor_or_hide() {
        assert_eq!(printable("git add"), "git add");
        assert_eq!(printable("\u{1b}[2Jgit\r\n"), "\\u{1b}[2Jgit\\r\\n");
        assert_eq!(printable("a\u{202e}b"), "a\\u{202e}b");
    }
}
