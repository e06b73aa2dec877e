//! The command line of the whole program.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::{inspect, load, tap, transfer};

/// Look at, test and measure programs that speak jsonframe's protocol: a two-byte length, a JSON header, content.
#[derive(Parser)]
#[command(name = "jsonframe", version, propagate_version = true, after_help = EXAMPLES)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Inspect(inspect::command::Arguments),
    Load(load::command::Arguments),
    Tap(Box<tap::command::Arguments>),
    Transfer(transfer::command::Arguments),
}

const EXAMPLES: &str = "\
Examples:
  jsonframe inspect capture.bin                 what a captured stream holds, and what is wrong with it
  jsonframe load --connections 100              how many requests a server answers, and how fast
  jsonframe tap --listen 127.0.0.1:65433 --to 127.0.0.1:65432
                                                every message between two programs, live
  jsonframe transfer send photo.jpg             send a file to `jsonframe transfer receive DIR`

An ADDRESS is HOST:PORT, such as 127.0.0.1:65432, [::1]:65432 or example.org:65432, or unix:PATH.
`jsonframe help COMMAND` has examples of each command, and its exit status.";

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    match Program::parse().command {
        Command::Inspect(arguments) => inspect::command::run(&arguments),
        Command::Load(arguments) => load::command::run(&arguments),
        Command::Tap(arguments) => tap::command::run(&arguments),
        Command::Transfer(arguments) => transfer::command::run(arguments),
    }
}

/// Returns the command line, for its tests.
pub fn command() -> clap::Command {
    Program::command()
}
