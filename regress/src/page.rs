//! A report as a page for people: what failed and how to repeat it, and how each test went over the last runs.

use std::fmt::Write as _;

use crate::junit::told;
use crate::{History, Report};

/// Runs that the trends go back.
const RUNS: usize = 40;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}\
table{border-collapse:collapse}td,th{padding:.15em .8em .15em 0;text-align:left;border-bottom:1px solid #ddd}\
td.n{text-align:right}pre{background:#f5f5f5;padding:.7em;overflow:auto}.ok{fill:#3a9d5d}.bad{fill:#c0392b}\
.none{fill:#ddd}h2{margin-top:1.6em}";

/// The page of the last run of a history, whose report this is.
pub fn write(report: &Report, history: &History) -> String {
    let mut page = String::new();
    let failed = report.failures().count();
    let state = if failed == 0 {
        "all passed".to_owned()
    } else {
        format!("{failed} failed")
    };
    let subject = history.runs.last().map_or("", |run| run.subject.as_str());
    // Writing into a string does not fail.
    let _ = write!(
        page,
        "<!doctype html><html lang=en><meta charset=utf-8><title>Regression: {state}</title><style>{STYLE}</style>\
         <h1>Regression: {state}</h1><p>{} runs of {} tests in {:.0} s, {}{}.</p>",
        report.outcomes.len(),
        history.runs.last().map_or(0, |run| run.tests.len()),
        report.seconds,
        escape(subject),
        if report.stopped {
            "; stopped before its end"
        } else {
            ""
        },
    );
    if failed > 0 {
        page.push_str("<h2>Failed</h2>");
    }
    for outcome in report.failures() {
        let folder = outcome.folder.as_deref();
        let log = folder.and_then(|folder| std::fs::read(folder.join("log")).ok());
        let log = told(&log.unwrap_or_default());
        let lines: Vec<_> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(25)..].join("\n");
        let _ = write!(
            page,
            "<h3>{}</h3><p>Again: <code>{}</code><br>Kept: <code>{}</code></p><pre>{}</pre>",
            escape(&outcome.name),
            escape(&outcome.command),
            folder.map_or(String::new(), |folder| escape(&folder.to_string_lossy())),
            escape(&end)
        );
    }
    trends(&mut page, history);
    page.push_str("</html>\n");
    page
}

/// A row for each test of the last run, with a square for each of the last runs.
fn trends(page: &mut String, history: &History) {
    let Some(last) = history.runs.last() else {
        return;
    };
    let runs = &history.runs[history.runs.len().saturating_sub(RUNS)..];
    let _ = write!(
        page,
        "<h2>Tests</h2><p>A square for each of the last {} runs, the newest on the right.</p>\
         <table><tr><th>test<th>runs<th>failed<th>seconds<th>before<th>trend</tr>",
        runs.len()
    );
    for (name, tally) in &last.tests {
        let mean = |tally: &crate::history::Tally| tally.seconds / tally.runs.max(1) as f64;
        let before = runs[..runs.len() - 1]
            .iter()
            .rev()
            .find_map(|run| run.tests.get(name))
            .map_or("-".to_owned(), |tally| format!("{:.1}", mean(tally)));
        let _ = write!(
            page,
            "<tr><td>{}<td class=n>{}<td class=n>{}<td class=n>{:.1}<td class=n>{before}<td><svg width={} height=12>",
            escape(name),
            tally.runs,
            tally.failed,
            mean(tally),
            runs.len() * 10
        );
        for (place, run) in runs.iter().enumerate() {
            let (class, what) = match run.tests.get(name) {
                None => ("none", "did not run".to_owned()),
                Some(tally) if tally.failed == 0 => ("ok", format!("{} passed", tally.runs)),
                Some(tally) => ("bad", format!("{} of {} failed", tally.failed, tally.runs)),
            };
            let _ = write!(
                page,
                "<rect class={class} x={} width=8 height=12><title>{}: {what}</title></rect>",
                place * 10,
                escape(&run.subject)
            );
        }
        page.push_str("</svg></tr>");
    }
    page.push_str("</table>");
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
