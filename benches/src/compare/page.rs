//! A run as one HTML page that needs nothing else: plots, tables, the machine.

use std::fmt::Write;

use crate::chart;
use crate::machine::Machine;
use crate::results::{Group, Results, Target, digits};

const STYLE: &str = include_str!("page.css");

/// The page.
pub(crate) fn html(results: &Results) -> String {
    let mut page = String::new();
    write(&mut page, results).expect("a string takes all text");
    page
}

/// The machine's description, row by row.
pub(crate) fn machine_rows(machine: &Machine) -> Vec<(String, String)> {
    let own = if machine.virtual_machine {
        "virtual CPUs"
    } else {
        "CPUs"
    };
    let mut rows = vec![
        ("CPU".to_owned(), machine.cpu.clone()),
        ("CPUs".to_owned(), format!("{} {own}", machine.cpus)),
        (
            "instruction sets".to_owned(),
            machine.instruction_sets.join(", "),
        ),
        ("flags".to_owned(), machine.flags.join(" ")),
        ("caches".to_owned(), machine.caches.join(", ")),
        ("memory".to_owned(), format!("{} GiB", machine.memory)),
        ("Linux".to_owned(), machine.kernel.clone()),
    ];
    rows.extend(machine.programs.iter().cloned());
    let [before, after] = machine.load;
    rows.push((
        "load before, after".to_owned(),
        format!("{before}, {after}"),
    ));
    rows
}

fn write(page: &mut String, results: &Results) -> std::fmt::Result {
    let cpu = escape(&results.machine.cpu);
    writeln!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">"
    )?;
    writeln!(
        page,
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    )?;
    writeln!(
        page,
        "<title>Comparison on {cpu}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>"
    )?;
    writeln!(
        page,
        "<h1>Tool decisions: this project beside what people use today</h1>"
    )?;
    let short = if results.quick {
        " <strong>Quick: not for claims.</strong>"
    } else {
        ""
    };
    writeln!(
        page,
        "<p class=\"lead\">One run on one machine, {}. {} rounds; in each, everything was measured in turn, and all gave \
         the same verdicts. Dots are medians, lines the extremes of the rounds, scales logarithmic.{short}</p>",
        results.taken, results.rounds
    )?;
    writeln!(
        page,
        "<p class=\"key\"><span class=\"ours\">this project</span> <span class=\"peer\">what people use today</span> \
         <span class=\"limit\">the machine's own limit</span></p>"
    )?;
    targets(page, &results.targets)?;
    for group in &results.groups {
        figures(page, group)?;
    }
    if !results.missing.is_empty() {
        writeln!(
            page,
            "<section>\n<h2>Missing</h2>\n<table>\n<tr><th>what</th><th>why</th></tr>"
        )?;
        for missing in &results.missing {
            writeln!(
                page,
                "<tr><td>{}</td><td>{}</td></tr>",
                escape(&missing.what),
                escape(&missing.why)
            )?;
        }
        writeln!(page, "</table>\n</section>")?;
    }
    writeln!(page, "<section>\n<h2>The machine</h2>\n<table>")?;
    for (name, value) in machine_rows(&results.machine) {
        writeln!(
            page,
            "<tr><th>{}</th><td>{}</td></tr>",
            escape(&name),
            escape(&value)
        )?;
    }
    writeln!(page, "</table>\n</section>\n</main>\n</body>\n</html>")
}

fn targets(page: &mut String, targets: &[Target]) -> std::fmt::Result {
    writeln!(page, "<section>\n<h2>Asked for and measured</h2>")?;
    writeln!(
        page,
        "<p>How many times beyond what was asked for; to the right of the line it is reached.</p>"
    )?;
    page.push_str(&chart::targets(targets));
    writeln!(
        page,
        "<table>\n<tr><th></th><th></th><th>to reach</th><th>measured</th><th>spread</th><th></th></tr>"
    )?;
    for target in targets {
        let (class, reached) = if target.reached {
            ("ours", "reached")
        } else {
            ("missed", "missed")
        };
        let measured = target.measured;
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"{class}\">{reached}</td></tr>",
            escape(&target.name),
            escape(&target.what),
            target.to_reach.text(),
            digits(measured.median),
            measured.range()
        )?;
    }
    writeln!(page, "</table>\n</section>")
}

fn figures(page: &mut String, group: &Group) -> std::fmt::Result {
    let reference = escape(group.reference_name());
    writeln!(page, "<section>\n<h2>{}</h2>", escape(&group.title))?;
    writeln!(
        page,
        "<p>{} In {}; × tells how many times {reference}.</p>",
        escape(&group.note),
        group.unit.name()
    )?;
    page.push_str(&chart::figures(group));
    writeln!(
        page,
        "<details><summary>Table</summary>\n<table>\n<tr><th></th><th>{}</th><th>spread</th><th>× {reference}</th>\
         <th>spread</th></tr>",
        group.unit.name()
    )?;
    for figure in &group.figures {
        let spread = figure.spread();
        let times = group.times(figure).filter(|_| figure.id != group.reference);
        let (times, range) = times.map_or_else(Default::default, |times| {
            (digits(times.median), times.range())
        });
        writeln!(
            page,
            "<tr><td class=\"{}\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{times}</td><td class=\"number\">{range}</td></tr>",
            figure.side.class(),
            escape(&figure.name),
            digits(spread.median),
            spread.range()
        )?;
    }
    writeln!(page, "</table>\n</details>\n</section>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
