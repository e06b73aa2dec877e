//! Counts the instructions of the main paths and compares them with their budgets.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::process::{Command, ExitCode};

use clap::Parser;
use jsonframe_benches::budgets::{Budgets, LIMITS, Limit, WORKLOADS, Workload};
use jsonframe_benches::instructions::count;
use jsonframe_benches::report;

/// Count the instructions of the main paths, and fail if a path takes more than its budget.
///
/// The counts are made by valgrind, which counts the same every time: each workload is run by this program under
/// callgrind, once and twice, and the difference is what one run takes. They depend on the compiler, which the file of
/// budgets names, and on the optimisation: use --release.
#[derive(Parser)]
#[command(name = "budgets", version, after_help = EXAMPLES)]
struct Arguments {
    /// Make the counts of now the budgets
    #[arg(long)]
    update: bool,

    /// Count only the workloads whose names contain this
    #[arg(long, value_name = "NAME", default_value = "", conflicts_with = "update")]
    filter: String,

    /// Run this workload, for valgrind to count
    #[arg(long, value_name = "NAME", hide = true)]
    workload: Option<String>,

    /// How often to run it
    #[arg(long, value_name = "N", hide = true, default_value = "1")]
    runs: u32,
}

const EXAMPLES: &str = "Examples:
  cargo run --release -p jsonframe-benches --bin budgets
  cargo run --release -p jsonframe-benches --bin budgets -- --filter stream
  cargo run --release -p jsonframe-benches --bin budgets -- --update

Exit status:
  0  every path is within its budget
  1  a path is over its budget or has none, or nothing can be counted
  2  the command line is wrong";

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/budgets.json");

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.workload {
        Some(name) => run(name, arguments.runs),
        None => check(&arguments),
    };
    report::exit_code("budgets", outcome)
}

fn run(name: &str, runs: u32) -> Result<(), Box<dyn Error>> {
    let workload = WORKLOADS.iter().find(|workload| workload.name == name).ok_or("no such workload")?;
    let mut side = (workload.side)();
    for _ in 0..runs {
        side.time()?;
    }
    Ok(())
}

fn check(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if cfg!(debug_assertions) {
        return Err("the budgets are for optimised code: use --release".into());
    }
    let budgets: Budgets = serde_json::from_str(&fs::read_to_string(FILE)?)?;
    let mut counts = Vec::new();
    for workload in WORKLOADS.iter().filter(|workload| workload.name.contains(&arguments.filter)) {
        counts.push((workload, instructions(workload)?));
    }
    print(&table(&budgets, &counts))?;
    for (what, ratio, at_most) in ratios(&counts) {
        print(&format!("{what}: {ratio:.2} times the instructions, at most {at_most}\n"))?;
    }
    if arguments.update {
        let budgets = Budgets { compiler: compiler()?, ..budgets };
        let counts: Vec<_> = counts.iter().map(|(workload, count)| (workload.name, *count)).collect();
        return Ok(fs::write(FILE, budgets.text(&counts))?);
    }
    verdict(&budgets, &counts)
}

/// The instructions that an operation takes.
fn instructions(workload: &Workload) -> Result<f64, Box<dyn Error>> {
    let [once, twice] = ["1", "2"].map(|runs| count(&["--workload", workload.name, "--runs", runs]));
    let run = u32::try_from(twice?.saturating_sub(once?))?;
    Ok(f64::from(run) / f64::from(workload.operations))
}

fn table(budgets: &Budgets, counts: &[(&Workload, f64)]) -> String {
    let mut rows = vec![["path", "instructions", "per", "budget", "change"].map(str::to_owned)];
    for (workload, count) in counts {
        let budget = budgets.instructions.get(workload.name);
        let change = budgets.change(workload.name, *count);
        rows.push([
            workload.name.to_owned(),
            format!("{count:.1}"),
            workload.per.to_owned(),
            budget.map_or_else(|| "none".to_owned(), |budget| format!("{budget:.1}")),
            change.map_or_else(String::new, |change| format!("{change:+.1} %")),
        ]);
    }
    report::aligned(&rows)
}

/// How the workloads compare that have a limit together: its words, the ratio, and the most it may be.
fn ratios(counts: &[(&Workload, f64)]) -> Vec<(&'static str, f64, f64)> {
    let count = |name| counts.iter().find(|(workload, _)| workload.name == name).map(|(_, count)| *count);
    let ratio = |limit: &Limit| Some((limit.what, count(limit.more)? / count(limit.less)?, limit.at_most));
    LIMITS.iter().filter_map(ratio).collect()
}

fn verdict(budgets: &Budgets, counts: &[(&Workload, f64)]) -> Result<(), Box<dyn Error>> {
    let tolerance = budgets.tolerance_percent;
    let mut faults = Vec::new();
    for (workload, count) in counts {
        match budgets.change(workload.name, *count) {
            None => faults.push(format!("{} has no budget", workload.name)),
            Some(change) if change > tolerance => faults.push(format!("{} is {change:.1} % over", workload.name)),
            Some(_) => {}
        }
    }
    let over = ratios(counts).into_iter().filter(|(_, ratio, at_most)| ratio > at_most);
    faults.extend(over.map(|(what, ratio, at_most)| format!("{what} takes {ratio:.2} times, over {at_most}")));
    if faults.is_empty() {
        return Ok(());
    }
    let (used, now) = (&budgets.compiler, compiler()?);
    let compiler = if *used == now { String::new() } else { format!("; the budgets are for {used}, this is {now}") };
    Err(format!("{} (tolerance: {tolerance} %){compiler}", faults.join(", ")).into())
}

/// The compiler and what it compiles for.
fn compiler() -> Result<String, Box<dyn Error>> {
    let output = Command::new(env::var_os("RUSTC").unwrap_or("rustc".into())).arg("--version").output()?;
    let version = String::from_utf8(output.stdout)?;
    let words: Vec<&str> = version.split_whitespace().take(2).collect();
    Ok(format!("{} for {} on {}", words.join(" "), env::consts::ARCH, env::consts::OS))
}

fn print(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())
}
