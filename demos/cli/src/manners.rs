//! What shells and `man` want to know about the program, made of its command line.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::reading::end;

/// Write the completions of a shell to standard output.
#[derive(Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  jsonframe completions bash > ~/.local/share/bash-completion/completions/jsonframe
  jsonframe completions zsh > ~/.zfunc/_jsonframe
  jsonframe completions fish > ~/.config/fish/completions/jsonframe.fish

Exit status:
  0  they were written
  1  they could not be written
  2  the command line is wrong";

/// Write the manual's pages: that of the program to standard output, or all of them to a directory.
#[derive(Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(crate) struct Man {
    /// The directory, which is made if it is not there
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

const MAN_EXAMPLES: &str = "\
Examples:
  jsonframe man | man -l -
  jsonframe man ~/.local/share/man/man1     then: man jsonframe-call

Exit status:
  0  they were written
  1  they could not be written
  2  the command line is wrong";

/// Writes the completions for this command line.
pub(crate) fn completions(arguments: &Completions, mut command: Command) -> ExitCode {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    finish(io::stdout().lock().write_all(&script), "the output")
}

/// Writes the pages for this command line.
pub(crate) fn man(arguments: &Man, command: Command) -> ExitCode {
    // The pages of a directory leave it out too.
    let command = command.disable_help_subcommand(true);
    match &arguments.directory {
        Some(directory) => finish(pages(directory, command), &format!("the pages to {}", directory.display())),
        None => finish(page(command), "the output"),
    }
}

fn page(command: Command) -> io::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    io::stdout().lock().write_all(&page)
}

fn pages(directory: &Path, command: Command) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    clap_mangen::generate_to(command, directory)
}

fn finish(outcome: io::Result<()>, what: &str) -> ExitCode {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot write {what}: {error}"));
    end(outcome.map(|()| true).map_err(named))
}
