//! Draws a pipeline from top to bottom, a row for each clock, in the style of docs/architecture.svg.

use std::fmt::Write as _;

/// A module in the way of the data.
pub(crate) struct Step {
    /// Name of the module; under it, what it is for.
    pub(crate) module: String,
    pub(crate) purpose: &'static str,
    /// What happens in each of its clocks. One without a clock has one line, what it does at once.
    pub(crate) clocks: usize,
    pub(crate) says: &'static [&'static str],
}

/// A figure under way.
pub(crate) struct Sheet {
    width: u32,
    height: u32,
    body: String,
}

const ROW: u32 = 30;
/// Widths of the column of clocks and of the modules' boxes.
const CLOCKS: u32 = 34;
const BOX: u32 = 190;

impl Sheet {
    pub(crate) fn new(width: u32) -> Self {
        Self {
            width,
            height: 0,
            body: String::new(),
        }
    }

    fn reach(&mut self, y: u32) {
        self.height = self.height.max(y);
    }

    pub(crate) fn text(&mut self, class: &str, x: u32, y: u32, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(
            self.body,
            r#"  <text class="{class}" x="{x}" y="{y}">{text}</text>"#
        )
        .unwrap();
    }

    /// A box with a title and lines under it; answers its bottom.
    pub(crate) fn card(
        &mut self,
        class: &str,
        x: u32,
        y: u32,
        width: u32,
        title: &str,
        lines: &[&str],
    ) -> u32 {
        let height = 30 + 17 * lines.len() as u32;
        self.frame(class, x, y, width, height);
        self.text("t", x + width / 2, y + 20, title);
        for (row, line) in (0..).zip(lines) {
            self.text("s", x + width / 2, y + 38 + 17 * row, line);
        }
        y + height
    }

    /// Where a line may leave a module's box on the left, between the numbers of two clocks.
    pub(crate) fn between_clocks(middle: u32, clocks: usize) -> u32 {
        if clocks.is_multiple_of(2) {
            middle
        } else {
            middle + ROW / 2
        }
    }

    fn frame(&mut self, class: &str, x: u32, y: u32, width: u32, height: u32) {
        writeln!(
            self.body,
            r#"  <rect class="box {class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>"#
        )
        .unwrap();
        self.reach(y + height);
    }

    pub(crate) fn arrow(&mut self, path: &str) {
        writeln!(self.body, r#"  <path class="line" d="{path}"/>"#).unwrap();
    }

    pub(crate) fn dashed(&mut self, path: &str) {
        writeln!(self.body, r#"  <path class="line back" d="{path}"/>"#).unwrap();
    }

    /// Modules under each other, their clocks counted from `clock` on; answers the bottom, the next clock and the
    /// middle of each module's box.
    pub(crate) fn pipeline(
        &mut self,
        x: u32,
        y: u32,
        mut clock: usize,
        steps: &[Step],
    ) -> (u32, usize, Vec<u32>) {
        let mut top = y;
        let mut middles = Vec::new();
        for step in steps {
            let rows = step.clocks.max(1) as u32;
            // Room for the module's name and what it is for.
            let row = if rows == 1 { 46 } else { ROW };
            let height = rows * row;
            self.frame("rtl", x + CLOCKS, top, BOX, height - 6);
            let middle = top + (height - 6) / 2;
            self.text("t", x + CLOCKS + BOX / 2, middle - 3, &step.module);
            self.text("s", x + CLOCKS + BOX / 2, middle + 14, step.purpose);
            middles.push(middle);
            for index in 0..rows {
                let line = top + index * row + (row - 6) / 2 + 5;
                let number = if step.clocks == 0 {
                    String::new()
                } else {
                    clock += 1;
                    clock.to_string()
                };
                self.text("n", x + CLOCKS - 12, line, &number);
                // More clocks than there are words for: the last says it for all that follow.
                let says = step.says.get(index as usize).copied().unwrap_or("and on");
                self.text("c", x + CLOCKS + BOX + 14, line, says);
            }
            top += height;
        }
        (top, clock, middles)
    }

    /// The whole figure.
    pub(crate) fn finish(self) -> String {
        let (width, height) = (self.width, self.height + 16);
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="14">
  <!-- Made by scripts/draw-hardware from the RTL and its waves. -->
  <style>
    .box {{ fill: #f6f8fa; stroke: #57606a; stroke-width: 1.5 }}
    .ours {{ fill: #ddf4ff; stroke: #0969da }}
    .rtl {{ fill: #dafbe1; stroke: #1a7f37 }}
    .h {{ fill: #1f2328; font-weight: bold }}
    .t {{ fill: #1f2328; text-anchor: middle }}
    .s {{ fill: #57606a; text-anchor: middle; font-size: 12px }}
    .c {{ fill: #1f2328; font-size: 13px }}
    .n {{ fill: #0969da; text-anchor: end; font-weight: bold; font-size: 13px }}
    .r {{ fill: #57606a; font-size: 12px }}
    .b {{ fill: #cf222e; font-size: 12px }}
    .line {{ stroke: #57606a; stroke-width: 1.5; fill: none; marker-end: url(#a) }}
    .back {{ stroke: #cf222e; stroke-dasharray: 5 4 }}
  </style>
  <defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="#57606a"/></marker></defs>
  <rect width="{width}" height="{height}" fill="#ffffff"/>
{}</svg>
"##,
            self.body
        )
    }
}
