//! The report as a page of one file: nothing is loaded from elsewhere, and no script runs.

use std::mem;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::judge::Verdict;
use super::report::{Outcome, Report};

const STYLE: &str = include_str!("page.css");

/// How much of what was sent is shown, in bytes.
const SHOWN: usize = 1024;

/// How many bytes a line of a dump has.
const LINE: usize = 16;

/// Returns the page, those that failed first.
pub(super) fn page(report: &Report) -> String {
    let summary = &report.summary;
    let title = format!("jsonframe check: {}", report.target);
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Does it hold to the protocol?" }
                    p { "jsonframe check · " code { (report.target) } " · silence is " (report.timeout) " s without a byte" }
                }
                div.cards {
                    (card("fail", summary.fail, "failed", "a MUST does not hold"))
                    (card("warn", summary.warn, "warned", "a SHOULD does not hold"))
                    (card("skipped", summary.skipped, "skipped", "not played"))
                    (card("pass", summary.pass, "passed", "holds"))
                }
                div.bar {
                    @for verdict in Verdict::ALL {
                        @if summary.count(verdict) > 0 {
                            span class=(verdict.name()) style=(format!("flex-grow: {}", summary.count(verdict))) {}
                        }
                    }
                }
                @for verdict in Verdict::ALL {
                    @if summary.count(verdict) > 0 { (section(report, verdict)) }
                }
                footer { "jsonframe " (env!("CARGO_PKG_VERSION")) " · section numbers are those of SPEC.md" }
            }
        }
    };
    document.into_string()
}

fn card(class: &str, count: usize, label: &str, meaning: &str) -> Markup {
    html! {
        div.card.(class) {
            div.count id=(format!("count-{class}")) { (count) }
            div.label { (label) }
            div.meaning { (meaning) }
        }
    }
}

fn section(report: &Report, verdict: Verdict) -> Markup {
    let heading = match verdict {
        Verdict::Fail => "Failed",
        Verdict::Warn => "Warned",
        Verdict::Skipped => "Skipped",
        Verdict::Pass => "Passed",
    };
    html! {
        section {
            h2 { (heading) }
            @for outcome in report.of(verdict) { (rule(outcome)) }
        }
    }
}

fn rule(outcome: &Outcome) -> Markup {
    html! {
        details.rule.(outcome.verdict.name()) open[outcome.verdict == Verdict::Fail] {
            summary {
                span.dot {}
                span.name { (outcome.rule) }
                span.sends { (outcome.sends) }
                span.tag { (outcome.level.name()) }
                span.tag { "§ " (outcome.section) }
            }
            dl {
                @if !outcome.reason.is_empty() { dt { "because" } dd.reason { (outcome.reason) } }
                dt { "expected" } dd { (outcome.expected) }
                @if !outcome.came.is_empty() { dt { "came" } dd { code { (outcome.came) } } }
                dt { "sent" }
                dd {
                    @if outcome.sent.is_empty() { "nothing" } @else { pre { (dump(outcome)) } }
                }
            }
        }
    }
}

/// The bytes in hexadecimal digits and as characters, as in the specification.
fn dump(outcome: &Outcome) -> String {
    let shown = &outcome.sent[..outcome.sent.len().min(SHOWN)];
    let mut before: &[u8] = &[];
    let lines = shown.chunks(LINE).enumerate().filter_map(|(index, line)| {
        // Of many lines that are the same, one is enough, and the offset of the next tells how many they are.
        if line == mem::replace(&mut before, line) {
            return None;
        }
        let digits: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let is_shown = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        let text: String = line.iter().map(|byte| if is_shown(byte) { char::from(*byte) } else { '.' }).collect();
        Some(format!("{:5}  {:47}  {text}", index * LINE, digits.join(" ")))
    });
    let more = outcome.sent_length - shown.len();
    let more = (more > 0).then(|| format!("       … and {more} more bytes"));
    lines.chain(more).collect::<Vec<_>>().join("\n")
}
