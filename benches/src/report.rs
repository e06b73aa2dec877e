//! What programs say: figures as a table and as lines of JSON, and failures.

use std::error::Error;
use std::fmt::Write;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::contest::Outcome;
use crate::figures::{Aim, Figure};

/// The exit status of the program of this name. A failure is said on standard error.
pub fn exit_code(program: &str, outcome: Result<(), Box<dyn Error>>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // Nowhere is left to report that this fails.
    let _ = writeln!(io::stderr(), "{program}: {error}");
    ExitCode::FAILURE
}

/// A figure as a JSON object.
#[must_use]
pub fn json(figure: &Figure, outcome: &Outcome) -> String {
    let Outcome { ours_ns, peer_ns, ratio, .. } = outcome;
    format!(r#"{{"figure":"{}","ours_ns":{ours_ns:.3},"peer_ns":{peer_ns:.3},"ratio":{ratio:.3}}}"#, figure.name)
}

/// The figures as a table in Markdown, its columns aligned.
#[must_use]
pub fn table(figures: &[(&Figure, Outcome)]) -> String {
    let mut rows = vec![["figure", "ours, ns", "peer, ns", "per", "ratio", "middle half", "aim"].map(str::to_owned)];
    for (figure, outcome) in figures {
        let [low, high] = outcome.middle_half;
        rows.push([
            format!("`{}`", figure.name),
            ns(outcome.ours_ns),
            ns(outcome.peer_ns),
            figure.per.to_owned(),
            format!("{:.2}", outcome.ratio),
            format!("{low:.2} to {high:.2}"),
            figure.aim.map_or_else(String::new, |aim| verdict(aim, outcome)),
        ]);
    }
    aligned(&rows)
}

/// The page with this program's table replaced, which is between two lines with its name; `None` if there are none.
#[must_use]
pub fn replace_table(page: &str, program: &str, table: &str) -> Option<String> {
    let [begin, end] = ["begin", "end"].map(|mark| format!("<!-- {program}: {mark} -->\n"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some([before, &begin, table, &end, after].concat())
}

/// Nanoseconds to three digits or more.
fn ns(ns: f64) -> String {
    if ns < 100.0 { format!("{ns:.1}") } else { format!("{ns:.0}") }
}

fn verdict(aim: Aim, outcome: &Outcome) -> String {
    let (text, met) = match aim {
        Aim::Ratio(ratio) => (format!("at least {ratio}"), outcome.ratio >= ratio),
        Aim::RatioOrNs(ratio, ns) => {
            (format!("at least {ratio}, or under {ns} ns"), outcome.ratio >= ratio || outcome.ours_ns < ns)
        }
    };
    text + if met { ": met" } else { ": **missed**" }
}

/// Rows of a table in Markdown, of which the first is the head; numbers to the right.
#[must_use]
pub fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let widths: [usize; COLUMNS] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default());
    let numbers: [bool; COLUMNS] =
        std::array::from_fn(|column| rows.iter().skip(1).all(|row| row[column].parse::<f64>().is_ok()));
    let mut table = String::new();
    for (index, row) in rows.iter().enumerate() {
        for ((cell, width), number) in row.iter().zip(widths).zip(numbers) {
            let written = if number { write!(table, "| {cell:>width$} ") } else { write!(table, "| {cell:<width$} ") };
            written.expect("a string takes everything");
        }
        table += "|\n";
        if index == 0 {
            for (width, number) in widths.into_iter().zip(numbers) {
                table = table + "|" + &"-".repeat(width + 1) + if number { ":" } else { "-" };
            }
            table += "|\n";
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::FIGURES;

    const OUTCOME: Outcome = Outcome { ours_ns: 30.126, peer_ns: 241.0, ratio: 7.9998, middle_half: [7.5, 8.25] };

    #[test]
    fn json_is_one_object() {
        assert_eq!(
            json(&FIGURES[0], &OUTCOME),
            r#"{"figure":"decode/serde_json","ours_ns":30.126,"peer_ns":241.000,"ratio":8.000}"#
        );
    }

    #[test]
    fn columns_are_aligned() {
        let aimless = FIGURES.iter().find(|figure| figure.name == "decode/serde_json-value").unwrap();
        let table = table(&[(&FIGURES[0], OUTCOME), (aimless, OUTCOME)]);
        assert_eq!(
            table,
            "\
| figure                    | ours, ns | peer, ns | per    | ratio | middle half  | aim             |
|---------------------------|---------:|---------:|--------|------:|--------------|-----------------|
| `decode/serde_json`       |     30.1 |      241 | header |  8.00 | 7.50 to 8.25 | at least 7: met |
| `decode/serde_json-value` |     30.1 |      241 | header |  8.00 | 7.50 to 8.25 |                 |
"
        );
    }

    #[test]
    fn an_aim_is_met_or_missed() {
        let verdicts = [Aim::Ratio(8.0), Aim::RatioOrNs(9.0, 50.0)].map(|aim| verdict(aim, &OUTCOME));
        assert_eq!(verdicts, ["at least 8: **missed**", "at least 9, or under 50 ns: met"]);
    }

    #[test]
    fn a_page_keeps_what_stands_around_the_table() {
        let page = "a\n<!-- compare: begin -->\nold\n<!-- compare: end -->\nb\n";
        let replaced = "a\n<!-- compare: begin -->\nnew\n<!-- compare: end -->\nb\n";
        assert_eq!(replace_table(page, "compare", "new\n").as_deref(), Some(replaced));
        assert_eq!(replace_table(page, "duel", "new\n"), None);
    }
}
