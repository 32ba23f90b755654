//! A run as Markdown tables, and what README quotes of it.

use std::fmt::Write;

use crate::results::{Results, digits};

/// Everything.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = String::new();
    write(&mut text, results).expect("a string takes all text");
    text
}

/// Asked-for ratios and the headline's figures, as README quotes them. Only of a committed run, named `file`.
pub(crate) fn quote(results: &Results, file: &str) -> String {
    let mut text = String::new();
    write_quote(&mut text, results, file).expect("a string takes all text");
    text
}

fn write(text: &mut String, results: &Results) -> std::fmt::Result {
    let machine = &results.machine;
    writeln!(text, "# Comparison of {}\n", results.taken)?;
    let short = if results.quick {
        ", **quick: not for claims**"
    } else {
        ""
    };
    writeln!(
        text,
        "{} rounds, all measured in turn in each{short}. Medians; in brackets the extremes of the rounds.\n",
        results.rounds
    )?;
    writeln!(text, "| machine | |\n|---|---|")?;
    for (name, value) in crate::page::machine_rows(machine) {
        writeln!(text, "| {name} | {value} |")?;
    }
    writeln!(
        text,
        "\n## Asked for\n\n| | | to reach | measured | spread | |\n|---|---|---|---|---|---|"
    )?;
    for target in &results.targets {
        let reached = if target.reached {
            "reached"
        } else {
            "**missed**"
        };
        let measured = target.measured;
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {reached} |",
            target.name,
            target.what,
            target.to_reach.text(),
            digits(measured.median),
            measured.range()
        )?;
    }
    for group in &results.groups {
        writeln!(text, "\n## {}\n\n{}\n", group.title, group.note)?;
        let reference = group.reference_name();
        writeln!(
            text,
            "| | {} | spread | times {reference} | spread |",
            group.unit.name()
        )?;
        writeln!(text, "|---|---|---|---|---|")?;
        for figure in &group.figures {
            let spread = figure.spread();
            let (times, range) = match group.times(figure) {
                Some(times) if figure.id != group.reference => {
                    (digits(times.median), times.range())
                }
                _ => (String::new(), String::new()),
            };
            let (name, median, between) = (&figure.name, digits(spread.median), spread.range());
            writeln!(
                text,
                "| {name} | {median} | {between} | {times} | {range} |"
            )?;
        }
    }
    if !results.missing.is_empty() {
        writeln!(text, "\n## Missing\n\n| what | why |\n|---|---|")?;
        for missing in &results.missing {
            writeln!(
                text,
                "| {} | {} |",
                missing.what,
                missing.why.replace('|', "\\|")
            )?;
        }
    }
    Ok(())
}

fn write_quote(text: &mut String, results: &Results, file: &str) -> std::fmt::Result {
    writeln!(
        text,
        "| in one run, median of {} rounds ([all of it]({file})) | ns for each descriptor | times the software device |",
        results.rounds
    )?;
    writeln!(text, "|---|---|---|")?;
    for group in &results.groups {
        if !["cache", "card"].contains(&group.id.as_str()) {
            continue;
        }
        for figure in &group.figures {
            let times = group.times(figure).filter(|_| figure.id != group.reference);
            let times = times.map_or_else(String::new, |times| digits(times.median));
            let median = digits(figure.spread().median);
            let (name, times) = match group.id.as_str() {
                "card" => (format!("{}, simulated RTL", figure.name), String::new()),
                _ => (figure.name.clone(), times),
            };
            writeln!(text, "| {name} | {median} | {times} |")?;
        }
    }
    Ok(())
}
