//! Compares jsonframe with its peers on the same work.

use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use jsonframe_benches::contest::{Contest, Outcome};
use jsonframe_benches::figures::{FIGURES, Figure};
use jsonframe_benches::report;

/// Compare jsonframe with its peers on the same work.
///
/// Each figure has two sides, ours and a peer's. First both do the work and everything they find is compared. Then they
/// are measured in turn, many rounds, and the medians of the calmer half of the rounds are reported. The ratio is the
/// peer's time divided by ours: above 1 we are faster. The rounds are spread over the whole run, so that a busy moment
/// does not fall on one figure alone; the column `middle half` shows how much the rounds' own ratios vary.
#[derive(Parser)]
#[command(name = "compare", version, after_help = EXAMPLES)]
struct Arguments {
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,

    /// Measure each side this often
    #[arg(long, value_name = "N", default_value = "300")]
    rounds: NonZeroU32,

    /// Measure only the figures whose names contain this; may be given more than once
    #[arg(long, value_name = "NAME")]
    filter: Vec<String>,

    /// Say what each figure is about, and measure nothing
    #[arg(long)]
    list: bool,

    /// Write the table into this page as well, in place of the one there
    #[arg(long, value_name = "FILE", conflicts_with = "filter")]
    readme: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  cargo run --release -p jsonframe-benches --bin compare
  cargo run --release -p jsonframe-benches --bin compare -- --filter stream-equal --rounds 1000
  cargo run --release -p jsonframe-benches --bin compare -- --json > figures.jsonl
  cargo run --release -p jsonframe-benches --bin compare -- --readme benches/README.md

Exit status:
  0  all figures were measured, but for those whose peer is not there, which are named on standard error
  1  two sides did not find the same, or nothing could be measured
  2  the command line is wrong";

/// In how many parts the rounds of each figure are spread over the run.
const PASSES: u32 = 10;

fn main() -> ExitCode {
    report::exit_code("compare", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let wanted = |name: &str| arguments.filter.is_empty() || arguments.filter.iter().any(|part| name.contains(part));
    let figures: Vec<&Figure> = FIGURES.iter().filter(|figure| wanted(figure.name)).collect();
    if figures.is_empty() {
        return Err("no figure has such a name; --list shows them all".into());
    }
    if arguments.list {
        let lines = figures.iter().map(|figure| format!("{}\n    {}\n", figure.name, figure.what));
        return print(&lines.collect::<String>());
    }
    let outcomes = measure(&figures, arguments.rounds.get())?;
    if arguments.json {
        let lines = outcomes.iter().map(|(figure, outcome)| report::json(figure, outcome) + "\n");
        print(&lines.collect::<String>())?;
    } else {
        print(&report::table(&outcomes))?;
    }
    if let Some(path) = &arguments.readme {
        let page = report::replace_table(&fs::read_to_string(path)?, "compare", &report::table(&outcomes));
        fs::write(path, page.ok_or_else(|| format!("{}: no place for the table", path.display()))?)?;
    }
    Ok(())
}

fn measure<'a>(figures: &[&'a Figure], rounds: u32) -> Result<Vec<(&'a Figure, Outcome)>, Box<dyn Error>> {
    let mut contests = Vec::new();
    for figure in figures {
        match (figure.contest)() {
            Ok(contest) => contests.push((*figure, contest)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                writeln!(io::stderr(), "compare: {} is not measured: {error}", figure.name)?;
            }
            Err(error) => return Err(format!("{}: {error}", figure.name).into()),
        }
    }
    if contests.is_empty() {
        return Err("there is nothing to measure".into());
    }
    each(&mut contests, Contest::check)?;
    for pass in 0..PASSES {
        let part = |pass: u32| usize::try_from(u64::from(rounds) * u64::from(pass) / u64::from(PASSES));
        let count = part(pass + 1)? - part(pass)?;
        if count > 0 {
            each(&mut contests, |contest| contest.rounds(count))?;
        }
    }
    Ok(contests.iter().map(|(figure, contest)| (*figure, contest.outcome())).collect())
}

fn each<E: Error>(
    contests: &mut [(&Figure, Contest)],
    mut act: impl FnMut(&mut Contest) -> Result<(), E>,
) -> Result<(), String> {
    contests
        .iter_mut()
        .try_for_each(|(figure, contest)| act(contest).map_err(|error| format!("{}: {error}", figure.name)))
}

/// Writes to standard output. Whoever does not read on has seen enough.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
