//! Compares our servers with what a user would write by hand, on the same requests.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use jsonframe_benches::contest::quantile;
use jsonframe_benches::duel::processors::Processors;
use jsonframe_benches::duel::{CONTENDERS, Contender, HAND_WRITTEN, Terms, Turn, WORKS, Work, seconds, server};
use jsonframe_benches::{programs, report};
use serde::Serialize;

/// Compare our servers with what a user would write by hand, on the same requests.
///
/// Each server is a process of its own, started anew for each turn. In every round each has one turn at each work, and
/// another one begins. Servers run on the first processors, the client on the next. All figures are medians of the turns;
/// a ratio is that of a server's figure and the hand-written server's in the same round. Every answer is checked: the first
/// ones as JSON, all others by comparing the bytes with those of the first.
#[derive(Parser)]
#[command(name = "duel", version, after_help = EXAMPLES)]
struct Arguments {
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,

    /// How often each server has its turn
    #[arg(long, value_name = "N", default_value = "15")]
    rounds: NonZeroU32,

    /// How long each turn is measured
    #[arg(long, value_name = "SECONDS", default_value = "0.3", value_parser = seconds)]
    seconds: Duration,

    /// How many threads each server has
    #[arg(long, value_name = "N", default_value = "1")]
    workers: NonZeroUsize,

    /// Measure only the works whose names contain this; may be given more than once
    #[arg(long, value_name = "NAME")]
    filter: Vec<String>,

    /// Measure only these servers, and the hand-written one
    #[arg(long = "server", value_name = "NAME")]
    servers: Vec<String>,

    /// Where our programs are: by default, beside this one
    #[arg(long, value_name = "DIRECTORY")]
    programs: Option<PathBuf>,

    /// Write the table into this page as well, in place of the one there
    #[arg(long, value_name = "FILE", conflicts_with_all = ["filter", "servers"])]
    readme: Option<PathBuf>,

    /// Be this server
    #[arg(long, hide = true, value_name = "NAME")]
    be: Option<String>,
}

const EXAMPLES: &str = "Examples:
  cargo build --release && cargo run --release -p jsonframe-benches --bin duel
  cargo run --release -p jsonframe-benches --bin duel -- --workers 2 --server tokio-server
  cargo run --release -p jsonframe-benches --bin duel -- --filter '16 at a time' --seconds 3 --rounds 9
  cargo run --release -p jsonframe-benches --bin duel -- --readme benches/README.md

Exit status:
  0  all was measured, but for servers that are not there, which are named on standard error
  1  a program is missing or failed, or an answer was wrong
  2  the command line is wrong";

fn main() -> ExitCode {
    report::exit_code("duel", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if let Some(name) = &arguments.be {
        return Ok(server::serve(name, arguments.workers)?);
    }
    let wanted = |name: &str| arguments.filter.is_empty() || arguments.filter.iter().any(|part| name.contains(part));
    let works: Vec<&Work> = WORKS.iter().filter(|work| wanted(work.name)).collect();
    if works.is_empty() {
        let names = WORKS.map(|work| work.name);
        return Err(format!("no work has such a name; there are: {}", names.join("; ")).into());
    }
    let contenders = contenders(arguments)?;
    let terms = Terms {
        workers: arguments.workers,
        programs: arguments.programs.clone().map_or_else(programs::beside_this, Ok)?,
        options: Vec::new(),
        processors: Processors::new(arguments.workers.get())?,
        duration: arguments.seconds,
    };

    let mut turns = vec![vec![Vec::new(); contenders.len()]; works.len()];
    for round in 0..usize::try_from(arguments.rounds.get())? {
        for (work, turns) in works.iter().zip(&mut turns) {
            for index in 0..contenders.len() {
                let index = (index + round) % contenders.len();
                let contender = contenders[index];
                let turn = contender.turn(work, &terms);
                turns[index].push(turn.map_err(|error| format!("{}, {}: {error}", contender.name, work.name))?);
            }
        }
    }

    let mut outcomes = Vec::new();
    for (work, turns) in works.iter().zip(&turns) {
        let by_hand =
            contenders.iter().position(|contender| contender.name == HAND_WRITTEN).ok_or("nothing to beat")?;
        for (contender, ours) in contenders.iter().zip(turns) {
            outcomes.push(Outcome::new(work, contender, arguments.workers, ours, &turns[by_hand]));
        }
    }
    let mut output = io::stdout();
    if arguments.json {
        for outcome in &outcomes {
            writeln!(output, "{}", serde_json::to_string(outcome)?)?;
        }
    } else {
        let Arguments { workers, rounds, seconds, .. } = arguments;
        writeln!(
            output,
            "{}; threads of each server: {workers}; turns of each: {rounds} of {seconds:?}\n",
            terms.processors
        )?;
        output.write_all(table(&outcomes).as_bytes())?;
    }
    if let Some(path) = &arguments.readme {
        let workers = arguments.workers.get();
        let name = if workers == 1 { "duel".into() } else { format!("duel --workers {workers}") };
        let page = report::replace_table(&fs::read_to_string(path)?, &name, &table(&outcomes));
        fs::write(path, page.ok_or_else(|| format!("{}: no place for the table", path.display()))?)?;
    }
    Ok(())
}

/// The servers that are to be measured and can be.
fn contenders(arguments: &Arguments) -> Result<Vec<&'static Contender>, Box<dyn Error>> {
    let names = CONTENDERS.map(|contender| contender.name);
    if let Some(name) = arguments.servers.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(format!("there is no server {name}; there are: {}", names.join(", ")).into());
    }
    let mut contenders = Vec::new();
    for contender in &CONTENDERS {
        let is_wanted = arguments.servers.is_empty() || arguments.servers.iter().any(|name| name == contender.name);
        match contender.is_left_out(arguments.workers) {
            Some(why) if is_wanted => eprintln!("duel: {} is not measured: {why}", contender.name),
            None if is_wanted || contender.name == HAND_WRITTEN => contenders.push(contender),
            _ => {}
        }
    }
    Ok(contenders)
}

/// What a server came to at a work: medians of its turns.
#[derive(Serialize)]
struct Outcome {
    work: &'static str,
    server: &'static str,
    workers: NonZeroUsize,
    /// In all turns together.
    answers: u64,
    requests_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    /// The processor time for a request.
    processor_us: f64,
    /// The requests a second, divided by the hand-written server's, and the quartiles of that.
    ratio: f64,
    middle_half: [f64; 2],
    /// The processor time, divided by the hand-written server's.
    processor_ratio: f64,
    aim: Option<f64>,
}

impl Outcome {
    fn new(work: &Work, contender: &Contender, workers: NonZeroUsize, turns: &[Turn], by_hand: &[Turn]) -> Self {
        let median = Turn::median(turns);
        let ratios = |figure: fn(&Turn) -> f64| -> Vec<f64> {
            turns.iter().zip(by_hand).map(|(turn, by_hand)| figure(turn) / figure(by_hand)).collect()
        };
        let of_rates = ratios(|turn| turn.rate);
        Self {
            work: work.name,
            server: contender.name,
            workers,
            answers: median.answers,
            requests_per_second: median.rate,
            p50_us: median.p50,
            p99_us: median.p99,
            processor_us: median.processor,
            ratio: quantile(&of_rates, 0.5),
            middle_half: [0.25, 0.75].map(|part| quantile(&of_rates, part)),
            processor_ratio: quantile(&ratios(|turn| turn.processor), 0.5),
            aim: contender.is_ours().then_some(work.aim),
        }
    }
}

fn table(outcomes: &[Outcome]) -> String {
    let columns = [
        "work",
        "server",
        "requests/s",
        "p50, µs",
        "p99, µs",
        "processor, µs",
        "ratio",
        "middle half",
        "ratio of processor",
        "aim",
    ];
    let mut rows = vec![columns.map(str::to_owned)];
    let mut before = "";
    for outcome in outcomes {
        let [low, high] = outcome.middle_half;
        let verdict = |aim| {
            // As it is shown.
            let is_met = (outcome.ratio * 100.0).round() >= aim * 100.0;
            format!("at least {aim}: {}", if is_met { "met" } else { "**missed**" })
        };
        rows.push([
            if outcome.work == before { String::new() } else { outcome.work.to_owned() },
            format!("`{}`", outcome.server),
            format!("{:.0}", outcome.requests_per_second),
            format!("{:.1}", outcome.p50_us),
            format!("{:.1}", outcome.p99_us),
            format!("{:.2}", outcome.processor_us),
            format!("{:.2}", outcome.ratio),
            format!("{low:.2} to {high:.2}"),
            format!("{:.2}", outcome.processor_ratio),
            outcome.aim.map_or_else(String::new, verdict),
        ]);
        before = outcome.work;
    }
    report::aligned(&rows)
}
