//! A report as a page for people: what failed and how to repeat it, and how each test went over the last runs.

use std::fmt::Write as _;

use crate::junit::told;
use crate::{History, Outcome, Report, Verdict};

/// Runs that the trends go back.
const RUNS: usize = 40;

/// Failures whose logs are shown at once; of more, each is opened by a click.
const SHOWN: usize = 3;
/// Lines of a log that are shown.
const LINES: usize = 25;

const STYLE: &str = ":root{color-scheme:light dark;--text:#222;--page:#fff;--code:#f5f5f5;--line:#ddd;--bad:#c0392b;--ok:#3a9d5d}\
@media(prefers-color-scheme:dark){:root{--text:#ddd;--page:#16191d;--code:#22262b;--line:#3a4048;--bad:#ff7b6b}}\
body{font:15px/1.5 system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em;color:var(--text);background:var(--page)}\
h2{margin-top:1.6em}h3{margin-bottom:.2em}table{border-collapse:collapse}\
td,th{padding:.15em .9em .15em 0;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}\
.n{text-align:right}pre{background:var(--code);padding:.7em;overflow:auto;font-size:13px}\
pre.again{white-space:pre-wrap;margin:.3em 0}summary{cursor:pointer}\
.ok{fill:var(--ok)}.bad{fill:var(--bad);color:var(--bad)}.none{fill:var(--line)}";

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
         <h1>Regression: {state}</h1><p>{} runs of {} tests in {:.1} s, {}{}.</p>",
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
    // They end in any order.
    let mut failures: Vec<_> = report.failures().collect();
    failures.sort_by_key(|outcome| (&outcome.name, outcome.seed));
    for outcome in failures {
        failure(&mut page, outcome, failed <= SHOWN);
    }
    trends(&mut page, history);
    page.push_str("</html>\n");
    page
}

/// A failure: which, how it ended, how to repeat it, and the end of what it said.
fn failure(page: &mut String, outcome: &Outcome, open: bool) {
    let seed = outcome
        .seed
        .map_or(String::new(), |seed| format!(", seed {seed}"));
    let how = match &outcome.verdict {
        Verdict::TimedOut => format!("did not end within {:.0} s", outcome.seconds),
        Verdict::Failed(how) => how.clone(),
        Verdict::Passed => String::new(),
    };
    let folder = outcome.folder.as_deref();
    let log = folder.and_then(|folder| std::fs::read(folder.join("log")).ok());
    let log = told(&log.unwrap_or_default());
    let lines: Vec<_> = log.lines().collect();
    let end = lines[lines.len().saturating_sub(LINES)..].join("\n");
    let _ = write!(
        page,
        "<h3>{}{seed}</h3><span class=bad>{}</span>, after {:.1} s. Again:<pre class=again>{}</pre>\
         Kept: <code>{}</code><details{}><summary>the end of what it said</summary><pre>{}</pre></details>",
        escape(&outcome.name),
        escape(&how),
        outcome.seconds,
        escape(&outcome.command),
        folder.map_or(String::new(), |folder| escape(&folder.to_string_lossy())),
        if open { " open" } else { "" },
        escape(&end)
    );
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
         <table><tr><th>test<th class=n>runs<th class=n>failed<th class=n>seconds<th class=n>before<th>trend</tr>",
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
            "<tr><td>{}<td class=n>{}<td class=\"n{}\">{}<td class=n>{:.1}<td class=n>{before}<td><svg width={} height=12>",
            escape(name),
            tally.runs,
            if tally.failed > 0 { " bad" } else { "" },
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
