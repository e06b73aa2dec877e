//! The program `jsonframe`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    jsonframe_cli::main()
}
