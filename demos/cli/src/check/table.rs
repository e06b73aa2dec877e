//! The report as a table on a terminal.

use std::io::{self, Write};
use std::iter;

use anstyle::{AnsiColor, Style};

use super::judge::Verdict;
use super::report::{Outcome, Report};
use super::rule::Level;
use crate::text::ByteString;

/// How much of what was sent is shown, in bytes.
const SHOWN: usize = 200;

/// Writes the report, in colours: those that are not wanted are for the stream to leave out.
pub(super) fn write(report: &Report, output: &mut impl Write) -> io::Result<()> {
    let width = report.rules.iter().map(|outcome| outcome.rule.len()).max().unwrap_or(0);
    let mut family = "";
    let mut rules = report.rules.iter().peekable();
    while let Some(outcome) = rules.next() {
        if outcome.family != family {
            family = outcome.family;
            let bold = Style::new().bold();
            writeln!(output, "{bold}{family}{bold:#}")?;
        }
        row(outcome, width, output)?;
        let is_same = |next: &&Outcome| next.verdict == Verdict::Skipped && next.reason == outcome.reason;
        let more = iter::from_fn(|| rules.next_if(|next| outcome.verdict == Verdict::Skipped && is_same(next))).count();
        if more > 0 {
            writeln!(output, "          and {more} more, which are skipped for the same reason")?;
        }
    }
    let summary = &report.summary;
    writeln!(output)?;
    writeln!(
        output,
        "{}: {}, {} passed, {} failed, {} warned, {} skipped",
        report.target,
        match report.rules.len() {
            1 => "1 rule".into(),
            count => format!("{count} rules"),
        },
        summary.pass,
        summary.fail,
        summary.warn,
        summary.skipped
    )
}

fn row(outcome: &Outcome, width: usize, output: &mut impl Write) -> io::Result<()> {
    let Outcome { verdict, level, section, rule, sends, .. } = outcome;
    let style = style(*verdict);
    let (verdict_name, level) = (verdict.name(), level.name());
    writeln!(output, "  {style}{verdict_name:7}{style:#} {level:6} {section:5} {rule:width$}  {sends}")?;
    let mut line = |name: &str, text: &dyn std::fmt::Display| writeln!(output, "          {name:8} {text}");
    match verdict {
        Verdict::Pass => Ok(()),
        Verdict::Skipped => line("because", &outcome.reason),
        Verdict::Fail | Verdict::Warn => {
            let shown = &outcome.sent[..outcome.sent.len().min(SHOWN)];
            let more = outcome.sent_length - shown.len();
            let more = if more > 0 { format!(" … and {more} more bytes") } else { String::new() };
            line("sent", &format_args!("{}{more}", ByteString(shown)))?;
            line("expected", &outcome.expected)?;
            line("came", &outcome.came)?;
            line("because", &outcome.reason)
        }
    }
}

/// What comes on stderr while the rules are played.
pub(super) fn progress(outcome: &Outcome) -> String {
    let must = if outcome.level == Level::Must { "" } else { " (SHOULD)" };
    format!("{} {}{must}", outcome.verdict.name(), outcome.rule)
}

const fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => AnsiColor::Green.on_default(),
        Verdict::Fail => AnsiColor::Red.on_default().bold(),
        Verdict::Warn => AnsiColor::Yellow.on_default(),
        Verdict::Skipped => Style::new().dimmed(),
    }
}
