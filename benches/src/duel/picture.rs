//! Charts of figures that grow, in a picture that browsers show: SVG.

use std::fmt::Write;

/// A chart with a logarithmic scale upwards. What lies to the right has steps of equal width.
#[derive(Debug)]
pub struct Chart {
    /// What is shown, and of what.
    pub title: String,
    /// The steps.
    pub steps: Vec<String>,
    /// A figure for each step, and what it is of.
    pub lines: Vec<(String, Vec<f64>)>,
}

const COLUMNS: usize = 2;
const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 260.0;
// Between the edges of a chart and what is drawn.
const LEFT: f64 = 52.0;
const RIGHT: f64 = 28.0;
const ABOVE: f64 = 34.0;
const BELOW: f64 = 28.0;
/// The height of the line that names the lines.
const LEGEND: f64 = 30.0;

/// How the lines are told from each other, in their order.
const STROKES: [&str; 4] =
    ["#0b62a4", "#0b62a4\" stroke-dasharray=\"5 3", "#c4481c", "#c4481c\" stroke-dasharray=\"5 3"];

/// Draws charts, two beside each other, all of which have the same lines.
#[must_use]
pub fn draw(charts: &[Chart]) -> String {
    let rows = charts.len().div_ceil(COLUMNS);
    let (width, height) = (WIDTH * float(COLUMNS), HEIGHT * float(rows) + LEGEND);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\" fill=\"#333\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (index, (name, _)) in charts.iter().flat_map(|chart| &chart.lines).take(STROKES.len()).enumerate() {
        let x = LEFT + float(index) * (width - LEFT) / float(STROKES.len());
        let stroke = STROKES[index];
        put(&mut svg, format_args!("<path d=\"M{x} 20h30\" stroke=\"{stroke}\" stroke-width=\"2\"/>"));
        put(&mut svg, format_args!("<text x=\"{}\" y=\"24\">{name}</text>", x + 36.0));
    }
    for (index, chart) in charts.iter().enumerate() {
        let (x, y) = (float(index % COLUMNS) * WIDTH, float(index / COLUMNS) * HEIGHT + LEGEND);
        put(&mut svg, format_args!("<g transform=\"translate({x} {y})\">"));
        chart.draw(&mut svg);
        put(&mut svg, format_args!("</g>"));
    }
    svg + "</svg>\n"
}

impl Chart {
    fn draw(&self, svg: &mut String) {
        let figures = || self.lines.iter().flat_map(|(_, figures)| figures).map(|figure| figure.log10());
        let lowest = figures().fold(f64::INFINITY, f64::min).floor();
        let highest = figures().fold(lowest + 1.0, f64::max).ceil();
        let right = |step: usize| LEFT + float(step) * (WIDTH - LEFT - RIGHT) / float(self.steps.len().max(2) - 1);
        let up = |log: f64| HEIGHT - BELOW - (log - lowest) / (highest - lowest) * (HEIGHT - ABOVE - BELOW);
        put(svg, format_args!("<text x=\"{LEFT}\" y=\"20\" font-weight=\"bold\">{}</text>", self.title));
        let mut decade = lowest;
        while decade <= highest {
            let (y, end) = (up(decade), WIDTH - RIGHT);
            put(svg, format_args!("<path d=\"M{LEFT} {y:.1}H{end}\" stroke=\"#ddd\"/>"));
            let label = power_of_ten(decade);
            put(
                svg,
                format_args!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 6.0, y + 4.0),
            );
            decade += 1.0;
        }
        for (step, name) in self.steps.iter().enumerate() {
            let (x, y) = (right(step), HEIGHT - BELOW + 16.0);
            put(svg, format_args!("<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{name}</text>"));
        }
        for ((_, figures), stroke) in self.lines.iter().zip(STROKES) {
            let point = |(step, figure): (usize, &f64)| format!("{:.1},{:.1}", right(step), up(figure.log10()));
            let points = figures.iter().enumerate().map(point).collect::<Vec<_>>().join(" ");
            put(
                svg,
                format_args!("<polyline points=\"{points}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"2\"/>"),
            );
        }
    }
}

fn put(svg: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(svg, "{line}").expect("a string takes everything");
}

#[allow(clippy::cast_precision_loss, reason = "there are few")]
fn float(count: usize) -> f64 {
    count as f64
}

fn power_of_ten(log: f64) -> String {
    let (unit, prefix) = match log {
        9.0.. => (9.0, "G"),
        6.0.. => (6.0, "M"),
        3.0.. => (3.0, "k"),
        _ => (0.0, ""),
    };
    format!("{}{prefix}", 10_f64.powf(log - unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_have_decades_steps_and_a_line_for_each_server() {
        let chart = |title: &str| Chart {
            title: title.to_owned(),
            steps: ["1", "10", "100"].map(str::to_owned).into(),
            lines: vec![("one".to_owned(), vec![1.0, 10.0, 100.0]), ("other".to_owned(), vec![100.0, 10.0, 2000.0])],
        };
        let svg = draw(&[chart("first"), chart("second"), chart("third")]);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("viewBox=\"0 0 920 550\""), "{svg}");
        assert!(svg.contains("<text x=\"88\" y=\"24\">one</text>") && svg.contains(">other</text>"), "{svg}");
        assert_eq!(svg.matches("<polyline ").count(), 6);
        assert_eq!((svg.matches("<g ").count(), svg.matches("</g>").count()), (3, 3));
        // From 1 to 10,000, upwards: 1 at the bottom, 100 in the middle.
        assert!(svg.contains("points=\"52.0,232.0 242.0,182.5 432.0,133.0\""), "{svg}");
        assert!(["1", "10", "100", "1k", "10k"].iter().all(|label| svg.contains(&format!(">{label}</text>"))), "{svg}");
    }

    #[test]
    fn powers_of_ten_are_short() {
        assert_eq!(
            [-1.0, 0.0, 2.0, 3.0, 5.0, 6.0, 10.0].map(power_of_ten),
            ["0.1", "1", "100", "1k", "100k", "1M", "10G"]
        );
    }
}
