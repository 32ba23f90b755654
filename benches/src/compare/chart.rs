//! Plots as SVG, complete in themselves: colours are attributes, which the page's style may override.

use std::fmt::Write;

use crate::results::{Bound, Group, Side, Target, Unit, digits};

const WIDTH: f64 = 960.0;
/// Where the names end, and where the scale begins and ends.
const NAMES: f64 = 262.0;
const LEFT: f64 = 276.0;
const RIGHT: f64 = 770.0;
const ROW: f64 = 30.0;
const TOP: f64 = 14.0;

impl Side {
    const fn color(self) -> &'static str {
        match self {
            Self::Ours => "#0b7a75",
            Self::Peer => "#7d8597",
            Self::Limit => "#c77700",
        }
    }

    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Peer => "peer",
            Self::Limit => "limit",
        }
    }
}

/// A logarithmic scale from the left end to the right one.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    /// Over all of these, with a little room.
    fn over(values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::MAX, f64::min);
        let most = values.fold(f64::MIN_POSITIVE, f64::max);
        let room = (most / least).powf(0.04).max(1.05);
        Self {
            least: least / room,
            most: most * room,
        }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (value / self.least).ln() / (self.most / self.least).ln()
    }

    /// Powers of ten, and twice and five times them where there are few.
    fn ticks(&self) -> Vec<f64> {
        let decades = (self.most / self.least).log10();
        let steps: &[f64] = if decades > 3.0 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let first = self.least.log10().floor() as i32;
        let last = self.most.log10().ceil() as i32;
        (first..=last)
            .flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)))
            .filter(|tick| (self.least..=self.most).contains(tick))
            .collect()
    }
}

/// A group's figures: a dot at the median, a line over the rounds.
pub(crate) fn figures(group: &Group) -> String {
    let spreads: Vec<_> = group.figures.iter().map(|figure| figure.spread()).collect();
    let values = spreads
        .iter()
        .flat_map(|spread| [spread.least, spread.most]);
    let scale = Scale::over(values);
    let mut svg = open(group.figures.len(), &group.title);
    axis(&mut svg, &scale, group.figures.len());
    for (row, (figure, spread)) in group.figures.iter().zip(&spreads).enumerate() {
        let times = group.times(figure).filter(|_| figure.id != group.reference);
        let beside = match (times, group.unit) {
            (None, _) => String::new(),
            (Some(times), Unit::GigabytesPerSecond) if times.median < 1.0 => {
                format!("{} of it", digits(1.0 / times.median))
            }
            (Some(times), _) => format!("×{}", digits(times.median)),
        };
        let texts = [digits(spread.median), beside];
        let x = [spread.least, spread.median, spread.most].map(|value| scale.x(value));
        let content = Row {
            name: &figure.name,
            class: figure.side.class(),
            color: figure.side.color(),
            from: LEFT,
            x,
            texts,
        };
        mark(&mut svg, row, content);
    }
    svg + "</svg>\n"
}

/// How far each ratio is beyond what was asked for: to the right of the line it is reached.
pub(crate) fn targets(targets: &[Target]) -> String {
    let beyond: Vec<_> = targets
        .iter()
        .map(|target| {
            let measured = target.measured;
            match target.to_reach {
                Bound::AtLeast(bound) => {
                    [measured.least, measured.median, measured.most].map(|value| value / bound)
                }
                Bound::AtMost(bound) => {
                    [measured.most, measured.median, measured.least].map(|value| bound / value)
                }
            }
        })
        .collect();
    let scale = Scale::over(beyond.iter().flatten().copied().chain([0.8, 1.25]));
    let mut svg = open(targets.len(), "Asked-for ratios");
    axis(&mut svg, &scale, targets.len());
    let (line, bottom) = (scale.x(1.0), TOP + ROW * targets.len() as f64);
    draw(
        &mut svg,
        format_args!(
            "<line class=\"bound\" x1=\"{line:.1}\" x2=\"{line:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"#20242c\" stroke-width=\"1.5\"/>"
        ),
    );
    for (row, (target, beyond)) in targets.iter().zip(&beyond).enumerate() {
        let (class, color) = if target.reached {
            ("ours", "#0b7a75")
        } else {
            ("missed", "#c0392b")
        };
        let texts = [digits(target.measured.median), target.to_reach.text()];
        let x = beyond.map(|value| scale.x(value));
        let content = Row {
            name: &target.name,
            class,
            color,
            from: line,
            x,
            texts,
        };
        mark(&mut svg, row, content);
    }
    svg + "</svg>\n"
}

fn draw(svg: &mut String, element: std::fmt::Arguments<'_>) {
    svg.write_fmt(element).expect("a string takes all text");
    svg.push('\n');
}

fn open(rows: usize, title: &str) -> String {
    let height = TOP + ROW * rows as f64 + 30.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n"
    )
}

fn axis(svg: &mut String, scale: &Scale, rows: usize) {
    let bottom = TOP + ROW * rows as f64;
    let mut told = f64::MIN;
    for tick in scale.ticks() {
        let x = scale.x(tick);
        draw(
            svg,
            format_args!(
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"#e3e6ec\"/>"
            ),
        );
        if x - told < 34.0 {
            continue;
        }
        told = x;
        let text = match tick {
            1.0.. => digits(tick.round()).replace(".00", "").replace(".0", ""),
            _ => format!("{tick:.6}").trim_end_matches('0').to_owned(),
        };
        let y = bottom + 18.0;
        draw(
            svg,
            format_args!(
                "<text class=\"tick\" x=\"{x:.1}\" y=\"{y}\" fill=\"#7d8597\" font-size=\"11.5\" text-anchor=\"middle\">{text}</text>"
            ),
        );
    }
}

/// One row of a plot.
struct Row<'a> {
    name: &'a str,
    class: &'a str,
    color: &'a str,
    /// Where its bar begins.
    from: f64,
    /// The extremes, with the median between them.
    x: [f64; 3],
    /// What is told beside it, in two columns.
    texts: [String; 2],
}

fn mark(svg: &mut String, row: usize, content: Row<'_>) {
    let Row {
        name,
        class,
        color,
        from,
        x: [least, median, most],
        texts: [value, beside],
    } = content;
    let y = TOP + ROW * (row as f64 + 0.5);
    let (text, values, besides) = (y + 4.5, RIGHT + 70.0, RIGHT + 88.0);
    draw(
        svg,
        format_args!(
            "<text class=\"name\" x=\"{NAMES}\" y=\"{text}\" fill=\"#20242c\" text-anchor=\"end\">{name}</text>"
        ),
    );
    draw(
        svg,
        format_args!(
            "<line class=\"{class} stem\" x1=\"{from:.1}\" x2=\"{median:.1}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{color}\" stroke-width=\"9\" stroke-opacity=\"0.28\"/>"
        ),
    );
    draw(
        svg,
        format_args!(
            "<line class=\"{class}\" x1=\"{least:.1}\" x2=\"{most:.1}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{color}\" stroke-width=\"2\"/>"
        ),
    );
    draw(
        svg,
        format_args!(
            "<circle class=\"{class} dot\" cx=\"{median:.1}\" cy=\"{y}\" r=\"5\" fill=\"{color}\"/>"
        ),
    );
    draw(
        svg,
        format_args!(
            "<text class=\"value\" x=\"{values}\" y=\"{text}\" fill=\"#20242c\" text-anchor=\"end\">{value}</text>"
        ),
    );
    draw(
        svg,
        format_args!(
            "<text class=\"tick\" x=\"{besides}\" y=\"{text}\" fill=\"#5c6475\">{beside}</text>"
        ),
    );
}
