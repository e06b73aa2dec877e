//! Shows how what our servers cost grows with connections, with content, and with idle connections.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use jsonframe_benches::duel::picture::{Chart, draw};
use jsonframe_benches::duel::processors::Processors;
use jsonframe_benches::duel::{CONTENDERS, Content, Terms, Turn, Work, seconds};
use jsonframe_benches::{programs, report};

/// Show how what our servers cost grows with connections, with content, and with idle connections.
///
/// Servers, client and figures are those of `duel`. The last column says how the processor time for a request has grown since
/// the step before: as which power of what has grown. 0 is not at all, 1 is in proportion.
#[derive(Parser)]
#[command(name = "growth", version, after_help = EXAMPLES)]
struct Arguments {
    /// How often each server has its turn
    #[arg(long, value_name = "N", default_value = "3")]
    rounds: NonZeroU32,

    /// How long each turn is measured
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    seconds: Duration,

    /// Go no further than this many connections, or 100 times this many bytes
    #[arg(long, value_name = "N", default_value = "10000")]
    most: usize,

    /// Where our programs are: by default, beside this one
    #[arg(long, value_name = "DIRECTORY")]
    programs: Option<PathBuf>,

    /// Write a picture of the rates and times as well
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  cargo build --release && cargo run --release -p jsonframe-benches --bin growth
  cargo run --release -p jsonframe-benches --bin growth -- --svg benches/growth.svg
  cargo run --release -p jsonframe-benches --bin growth -- --most 100      with few descriptors

Ten thousand connections need as many descriptors on each side: `ulimit -n` shows and sets the limit.

Exit status:
  0  all was measured
  1  a program is missing or failed, or an answer was wrong
  2  the command line is wrong";

/// Something that grows: its name, how it is in the work, and its steps, of which all but a first 0 are powers of ten.
struct Axis {
    name: &'static str,
    work: fn(usize) -> Work,
    steps: &'static [usize],
    unit: &'static str,
    /// How many of `--most` this is compared with.
    per_connection: usize,
}

const AXES: [Axis; 3] = [
    Axis {
        name: "connections",
        work: |connections| Work { connections, ..Work::ONE },
        steps: &[1, 10, 100, 1000, 10_000],
        unit: "",
        per_connection: 1,
    },
    Axis {
        name: "bytes of content, 1 connection",
        work: |length| Work { content: Content::Binary(length), ..Work::ONE },
        steps: &[0, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000],
        unit: "B",
        per_connection: 10_000,
    },
    Axis {
        name: "idle connections beside 10",
        work: |idle| Work { connections: 10, idle, ..Work::ONE },
        steps: &[0, 10, 100, 1000, 10_000],
        unit: "",
        per_connection: 1,
    },
];

const SERVERS: [(&str, usize); 4] = [("app-server", 1), ("app-server", 2), ("tokio-server", 1), ("tokio-server", 2)];

fn main() -> ExitCode {
    report::exit_code("growth", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let columns =
        ["what grows", "server", "threads", "to", "requests/s", "p50, µs", "p99, µs", "processor, µs", "power"];
    let mut rows = vec![columns.map(str::to_owned)];
    let mut charts = Vec::new();
    for axis in &AXES {
        let most = arguments.most.saturating_mul(axis.per_connection);
        let steps: Vec<usize> = axis.steps.iter().copied().filter(|step| *step <= most).collect();
        let labels: Vec<String> = steps.iter().map(|step| (short(*step) + axis.unit).trim().to_owned()).collect();
        let mut lines = Vec::new();
        for (server, workers) in SERVERS {
            let medians = measure(axis, server, workers, &steps, arguments)?;
            for (index, median) in medians.iter().enumerate() {
                let before = index.checked_sub(1).filter(|before| steps[*before] > 0);
                let power = before.map(|before| (median.processor / medians[before].processor).log10());
                rows.push([
                    // What is as in the row above is not said again.
                    if index == 0 { axis.name.to_owned() } else { String::new() },
                    if index == 0 { format!("`{server}`") } else { String::new() },
                    if index == 0 { workers.to_string() } else { String::new() },
                    labels[index].clone(),
                    format!("{:.0}", median.rate),
                    format!("{:.1}", median.p50),
                    format!("{:.1}", median.p99),
                    format!("{:.2}", median.processor),
                    power.map_or_else(String::new, |power| format!("{power:.2}")),
                ]);
            }
            lines.push((format!("{server}, threads: {workers}"), medians));
        }
        for (what, figure) in [("requests/s", (|turn| turn.rate) as fn(&Turn) -> f64), ("p99, µs", |turn| turn.p99)] {
            let lines = lines.iter().map(|(name, turns)| (name.clone(), turns.iter().map(figure).collect())).collect();
            charts.push(Chart { title: format!("{what}, by {}", axis.name), steps: labels.clone(), lines });
        }
    }
    io::stdout().write_all(report::aligned(&rows).as_bytes())?;
    if let Some(path) = &arguments.svg {
        fs::write(path, draw(&charts))?;
    }
    Ok(())
}

/// The medians of a server's turns at each step.
fn measure(
    axis: &Axis,
    server: &str,
    workers: usize,
    steps: &[usize],
    arguments: &Arguments,
) -> Result<Vec<Turn>, Box<dyn Error>> {
    let terms = Terms {
        workers: NonZeroUsize::new(workers).ok_or("no threads")?,
        programs: arguments.programs.clone().map_or_else(programs::beside_this, Ok)?,
        options: ["--max-connections", "20000", "--max-content", "1000000000"].map(str::to_owned).into(),
        processors: Processors::new(workers)?,
        duration: arguments.seconds,
    };
    let contender = CONTENDERS.iter().find(|contender| contender.name == server).ok_or("no such server")?;
    let at = |step: usize| -> Result<Turn, Box<dyn Error>> {
        let turns = (0..arguments.rounds.get())
            .map(|_| contender.turn(&(axis.work)(step), &terms))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("{server}, {step} {}: {error}", axis.name))?;
        Ok(Turn::median(&turns))
    };
    steps.iter().copied().map(at).collect()
}

/// A power of ten, or 0.
fn short(number: usize) -> String {
    match number {
        1_000_000.. => format!("{} M", number / 1_000_000),
        1000.. => format!("{} k", number / 1000),
        _ => format!("{number} "),
    }
}
