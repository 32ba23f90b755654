//! A report as JUnit XML, which CI servers read.

use quick_xml::Writer;
use quick_xml::events::{BytesText, Event};

use crate::{Report, Verdict};

/// Bytes of a log that are told; the rest is in its folder.
const TOLD: usize = 10_000;

/// The XML of a report.
pub fn write(report: &Report) -> Vec<u8> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let cases = |writer: &mut Writer<Vec<u8>>| {
        for outcome in &report.outcomes {
            let name = match outcome.seed {
                Some(seed) => format!("{}, seed {seed}", outcome.name),
                None => outcome.name.clone(),
            };
            let seconds = format!("{:.3}", outcome.seconds);
            let case = writer.create_element("testcase").with_attributes([
                ("classname", outcome.name.as_str()),
                ("name", &name),
                ("time", &seconds),
            ]);
            let why = match &outcome.verdict {
                Verdict::Passed => {
                    case.write_empty()?;
                    continue;
                }
                Verdict::Failed(how) => how.clone(),
                Verdict::TimedOut => "it did not end in its time".to_owned(),
            };
            let log = outcome
                .folder
                .as_ref()
                .and_then(|folder| std::fs::read(folder.join("log")).ok())
                .unwrap_or_default();
            let text = format!("{}\n\n{}", outcome.command, told(&log));
            case.write_inner_content(|writer| {
                writer
                    .create_element("failure")
                    .with_attribute(("message", why.as_str()))
                    .write_text_content(BytesText::new(&text))?;
                Ok(())
            })?;
        }
        Ok(())
    };
    let counts = [
        ("tests", report.outcomes.len().to_string()),
        ("failures", report.failures().count().to_string()),
        ("time", format!("{:.3}", report.seconds)),
    ];
    // Writing into a vector does not fail.
    writer
        .write_event(Event::Decl(quick_xml::events::BytesDecl::new(
            "1.0",
            Some("UTF-8"),
            None,
        )))
        .and_then(|()| {
            writer
                .create_element("testsuite")
                .with_attribute(("name", "regress"))
                .with_attributes(counts.iter().map(|(key, value)| (*key, value.as_str())))
                .write_inner_content(cases)
                .map(|_| ())
        })
        .expect("a vector takes all");
    writer.into_inner()
}

/// The end of a log, without what XML cannot hold.
pub(crate) fn told(log: &[u8]) -> String {
    let end = &log[log.len().saturating_sub(TOLD)..];
    String::from_utf8_lossy(end)
        .chars()
        .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
        .collect()
}
