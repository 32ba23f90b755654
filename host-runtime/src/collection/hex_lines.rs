//! Descriptors as text: 48 hex digits a line, then, if you like, white space and a name.
//!
//! The name is the rest of the line, so it may hold spaces. Blank lines and lines that begin with
//! `#` are skipped.

use super::{ContentError, Parsed, format::without_mark};
use crate::tcp::{Descriptor, descriptor::ParseDescriptorError};

/// Whether a text is meant as hex lines, if perhaps with mistakes: its first line of content
/// begins with a run of hex digits, or any line with a descriptor.
pub(super) fn is_likely(text: &[u8]) -> bool {
    const LIKELY_DIGITS: usize = 8;
    let mut contents = lines(text).map(|(_, digits, _)| digits);
    let first = contents.next().is_some_and(|digits| {
        digits.len() >= LIKELY_DIGITS && digits.iter().all(u8::is_ascii_hexdigit)
    });
    first || contents.any(|digits| parse(digits).is_ok())
}

/// Reads all lines.
pub(super) fn read(text: &[u8]) -> Result<Parsed, ContentError> {
    let mut parsed = Parsed::default();
    for (line, digits, name) in lines(text) {
        let descriptor =
            parse(digits).map_err(|problem| ContentError::HexLine { line, problem })?;
        parsed.push(&String::from_utf8_lossy(name), descriptor);
    }
    Ok(parsed)
}

fn parse(digits: &[u8]) -> Result<Descriptor, ParseDescriptorError> {
    String::from_utf8_lossy(digits).parse()
}

/// Each line of content: its number from 1, its first word and the rest.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8], &[u8])> {
    without_mark(text)
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
        .map(|(index, line)| {
            let end = line
                .iter()
                .position(u8::is_ascii_whitespace)
                .unwrap_or(line.len());
            (index + 1, &line[..end], line[end..].trim_ascii())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIT: &str = "544350020002ba9f11ec0000024407d000c80d920003f202";

    #[test]
    fn names_comments_blanks_and_line_ends_are_read() {
        let upper = GIT.to_uppercase();
        let text = format!("# tools\r\n\r\n{GIT} git add\r\n  {upper}\n{GIT}\t#hash\n");
        let parsed = read(text.as_bytes()).unwrap();
        assert_eq!(parsed.descriptors, [GIT.parse().unwrap(); 3]);
        let names: Vec<_> = parsed.names.iter().collect();
        assert_eq!(names, [Some("git add"), None, Some("#hash")]);
    }

    #[test]
    fn a_bad_line_is_refused_with_its_number() {
        for (bad, problem) in [
            (&GIT[1..], ParseDescriptorError::Length { found: 47 }),
            (
                "git",
                ParseDescriptorError::Digit {
                    found: 'g',
                    position: 1,
                },
            ),
        ] {
            match read(format!("{GIT}\n# x\n\n{bad} x\n").as_bytes()) {
                Err(ContentError::HexLine {
                    line: 4,
                    problem: found,
                }) => {
                    assert_eq!(found, problem);
                }
                other => panic!("{bad}: {other:?}"),
            }
        }
    }
}
