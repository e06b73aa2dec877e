//! Programs that are measured, each in a process of its own.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A program that is ended when this is dropped.
#[derive(Debug)]
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts a program. What it says of errors is not shown.
    ///
    /// # Errors
    ///
    /// If it cannot be started, with the command that makes it.
    pub fn start(command: &mut Command) -> Result<Self, Box<dyn Error>> {
        match command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() {
            Ok(child) => Ok(Self(child)),
            Err(error) => {
                Err(format!("{}: {error}; cargo build --release makes it", command.get_program().display()).into())
            }
        }
    }

    /// Waits for the server's first line, and reads its address there.
    ///
    /// # Errors
    ///
    /// If the line does not end with an address.
    pub fn address(&mut self) -> Result<SocketAddr, Box<dyn Error>> {
        let mut said = String::new();
        BufReader::new(self.0.stdout.take().ok_or("no output")?).read_line(&mut said)?;
        Ok(said.split_whitespace().last().ok_or("the server does not say where it listens")?.parse()?)
    }

    /// The number of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

/// The directory of this program, in which the others are.
///
/// # Errors
///
/// If this program is in none.
pub fn beside_this() -> Result<PathBuf, Box<dyn Error>> {
    let this = std::env::current_exe()?;
    let beside = this.parent().ok_or("this program is in no directory; --programs names the one of the others")?;
    Ok(beside.to_owned())
}
