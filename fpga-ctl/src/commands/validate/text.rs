//! The account for a person: the worst descriptors, the counts, the speed.

use std::io::{self, Write};

use console::{StyledObject, style};
use host_runtime::PolicyChoice;
use host_runtime::tcp::{Cause, Decision, Tally};
use indicatif::HumanCount;

use super::PolicySource;
use super::input::Input;
use super::report::{Report, format_name};
use super::rows::{MALFORMED, NamedRow};
use crate::table::{Table, printable};

/// Writes the account.
pub(super) fn write(out: &mut impl Write, report: &Report<'_>, inputs: &[Input]) -> io::Result<()> {
    write_listing(out, report, inputs)?;
    write_setting(out, report)?;
    if inputs.len() > 1 {
        write_files(out, report, inputs)?;
    }
    write_counts(out, report, inputs)?;
    write_speed(out, report)
}

fn write_listing(out: &mut impl Write, report: &Report<'_>, inputs: &[Input]) -> io::Result<()> {
    let rows: Vec<_> = report
        .listing
        .rows()
        .map(|row| NamedRow::new(row, &inputs[row.file]))
        .collect();
    let named = rows.iter().any(|row| row.name.is_some());
    let several = inputs.len() > 1;
    if !rows.is_empty() {
        let mut table = Table::new().number("#");
        if named {
            table = table.flexible("NAME");
        }
        table = table
            .text("VERDICT")
            .text("DECISION")
            .text("RISK")
            .text("CAUSE");
        if several {
            table = table.flexible("FILE");
        }
        for row in &rows {
            let mut cells = vec![row.index.to_string()];
            if named {
                cells.push(printable(row.name.unwrap_or("-")).into_owned());
            }
            cells.extend([
                row.verdict.clone(),
                decision_style(row.decision).to_string(),
                row.risk.unwrap_or("-").to_owned(),
                cause(row),
            ]);
            if several {
                cells.push(printable(row.file).into_owned());
            }
            table.row(cells);
        }
        table.write(out)?;
    }
    let hidden = report.listing.hidden();
    if hidden > 0 && !rows.is_empty() {
        let note = format!("… {} more; --all lists every one", HumanCount(hidden));
        writeln!(out, "{}", style(note).dim())?;
    }
    if !rows.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

/// Why it is malformed, or decided otherwise than by its risk alone.
fn cause(row: &NamedRow<'_>) -> String {
    let reasons = [
        row.cause,
        row.over_maximum.then_some("over a maximum"),
        row.flag_hit.then_some("flag hit"),
    ];
    reasons.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn decision_style(name: &'static str) -> StyledObject<&'static str> {
    match name {
        MALFORMED => style(name).magenta(),
        "REJECT" => style(name).red(),
        "REQUIRE_APPROVAL" => style(name).yellow(),
        "CAUTION" => style(name).cyan(),
        _ => style(name).green(),
    }
}

fn write_setting(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    let policy = match (report.source, report.choice) {
        (PolicySource::File(path, _), _) => printable(&path.display().to_string()).into_owned(),
        (_, PolicyChoice::Slot(slot)) => format!("of slot {}", slot.index()),
        _ => "of the profile".to_owned(),
    };
    writeln!(
        out,
        "card     {}{}",
        style(report.card).bold(),
        report
            .image
            .as_ref()
            .map_or_else(String::new, |image| format!(", {}", image.units.join(", ")))
    )?;
    writeln!(
        out,
        "profile  {}, checksum {}, policy {policy}{}",
        style(report.args.profile).bold(),
        report.checksum(),
        if report.args.check {
            ", every verdict checked"
        } else {
            ""
        }
    )
}

fn write_files(out: &mut impl Write, report: &Report<'_>, inputs: &[Input]) -> io::Result<()> {
    writeln!(out)?;
    let mut table = Table::new()
        .flexible("FILE")
        .text("FORMAT")
        .number("COUNT")
        .number("APPROVE")
        .number("CAUTION")
        .number("APPROVAL")
        .number("REJECT")
        .number(MALFORMED);
    for (input, file) in inputs.iter().zip(&report.files) {
        let verdicts = &file.tally.verdicts;
        let mut cells = vec![
            printable(&input.label).into_owned(),
            format_name(input).to_owned(),
            HumanCount(verdicts.descriptors).to_string(),
        ];
        cells.extend(
            Decision::ALL.map(|decision| HumanCount(verdicts.decided(decision)).to_string()),
        );
        cells.push(HumanCount(verdicts.malformed()).to_string());
        table.row(cells);
    }
    table.write(out)
}

fn write_counts(out: &mut impl Write, report: &Report<'_>, inputs: &[Input]) -> io::Result<()> {
    let Tally { verdicts, .. } = &report.tally;
    let from = match inputs {
        [input] => printable(&input.label).into_owned(),
        inputs => format!("{} files", inputs.len()),
    };
    let total = report.count();
    writeln!(
        out,
        "\n{} descriptors in {from}",
        style(HumanCount(total)).bold()
    )?;
    // Padding comes before styling: escape codes have no width.
    let mut line = |name: &str, shown: &dyn Fn(String) -> String, count: u64| {
        let name = shown(format!("{name:<20}"));
        let share = if total > 0 {
            format!("{:>7.1} %", 100.0 * count as f64 / total as f64)
        } else {
            String::new()
        };
        let count = HumanCount(count).to_string();
        writeln!(out, "  {name} {count:>13}{share}")
    };
    let plain = |name: String| name;
    line("valid", &plain, verdicts.valid)?;
    for decision in Decision::ALL {
        let shown = |padded: String| {
            let styled = decision_style(decision.name()).to_string();
            padded.replace(decision.name(), &styled)
        };
        line(&format!("  {decision}"), &shown, verdicts.decided(decision))?;
    }
    line("malformed", &plain, verdicts.malformed())?;
    for cause in Cause::ALL {
        let count = report.tally.caused_by(cause);
        if count > 0 {
            line(&format!("  {cause}"), &plain, count)?;
        }
    }
    for (name, count) in [
        ("over a maximum", verdicts.over_maximum),
        ("flag hit", verdicts.flag_hit),
    ] {
        if count > 0 {
            line(name, &plain, count)?;
        }
    }
    Ok(())
}

fn write_speed(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    write!(
        out,
        "\n{} in {}, {} descriptors/s",
        HumanCount(report.count()),
        duration(report.elapsed.as_secs_f64()),
        HumanCount(report.rate() as u64),
    )?;
    if let Some(clocks) = report.clocks {
        write!(
            out,
            "; simulated {} clocks, {}",
            HumanCount(clocks.count),
            duration(clocks.seconds()),
        )?;
    }
    writeln!(out)?;
    if let Some(output) = &report.args.output {
        writeln!(out, "verdicts in {}", output.display())?;
    }
    if let Some(waves) = &report.args.simulation.waves {
        writeln!(out, "waves in {}", waves.display())?;
    }
    Ok(())
}

/// A time in the unit that suits it, three digits.
fn duration(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s => (s * 1e6, "µs"),
    };
    // Three digits that count.
    let decimals = match value {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_suits_them() {
        assert_eq!(duration(0.0), "0.00 µs");
        assert_eq!(duration(2.5e-6), "2.50 µs");
        assert_eq!(duration(0.125), "125 ms");
        assert_eq!(duration(31.26), "31.3 s");
    }
}
