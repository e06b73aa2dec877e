//! The command line of the whole program.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::{call, check, convert, inspect, listen, load, manners, tap, transfer};

/// Look at, test and measure programs that speak jsonframe's protocol: a two-byte length, a JSON header, content.
#[derive(Parser)]
#[command(name = "jsonframe", version, propagate_version = true, after_help = EXAMPLES)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Call(call::command::Arguments),
    Listen(listen::command::Arguments),
    Tap(Box<tap::command::Arguments>),
    Inspect(inspect::command::Arguments),
    Convert(convert::command::Arguments),
    Check(check::command::Arguments),
    Load(load::command::Arguments),
    Transfer(transfer::command::Arguments),
    Completions(manners::Completions),
    Man(manners::Man),
}

const EXAMPLES: &str = r#"Examples:
  jsonframe call --json '{"value": "ring"}'     ask a server, and show its answer
  jsonframe listen -v                           show what a client sends, byte for byte, and echo it
  jsonframe tap --listen 127.0.0.1:65433 --to 127.0.0.1:65432
                                                 every message between two programs, live
  jsonframe inspect capture.bin                 what a captured stream holds, and what is wrong with it
  jsonframe convert capture.bin                 the same as JSON lines to be edited, and back
  jsonframe check 127.0.0.1:65432 --json '{}'   whether a server holds to the protocol
  jsonframe load --connections 100              how many requests a server answers, and how fast
  jsonframe transfer send photo.jpg             send a file to `jsonframe transfer receive DIR`

An ADDRESS is HOST:PORT, such as 127.0.0.1:65432, [::1]:65432 or example.org:65432, or unix:PATH.
`jsonframe help COMMAND` has examples of each command, and its exit status."#;

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    match Program::parse().command {
        Command::Call(arguments) => call::command::run(&arguments),
        Command::Listen(arguments) => listen::command::run(arguments),
        Command::Tap(arguments) => tap::command::run(&arguments),
        Command::Inspect(arguments) => inspect::command::run(&arguments),
        Command::Convert(arguments) => convert::command::run(&arguments),
        Command::Check(arguments) => check::command::run(&arguments),
        Command::Load(arguments) => load::command::run(&arguments),
        Command::Transfer(arguments) => transfer::command::run(arguments),
        Command::Completions(arguments) => manners::completions(&arguments, command()),
        Command::Man(arguments) => manners::man(&arguments, command()),
    }
}

/// Returns the command line, for its tests.
pub fn command() -> clap::Command {
    Program::command()
}
