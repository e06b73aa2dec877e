//! Counting instructions under valgrind, which counts the same every time.

use std::env;
use std::io::{self, ErrorKind};
use std::process::Command;

use thiserror::Error;

/// Keeps the GNU C library from choosing how to copy and to compare memory by what the processor can do. Names that a
/// version of it does not know do no harm.
const TUNABLES: &str =
    "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-AVX_Fast_Unaligned_Load,-SSE4_2,-SSE4_1,-SSSE3,-ERMS,-FSRM";

/// Why there is no count.
#[derive(Debug, Error)]
pub enum CountError {
    /// There is no valgrind.
    #[error("valgrind is needed to count instructions, and it cannot be run: {0} (Debian: apt-get install valgrind)")]
    NoValgrind(io::Error),
    /// The program under valgrind failed.
    #[error("the program to be counted failed: {0}")]
    Failed(String),
    /// Valgrind does not say what is expected.
    #[error("valgrind reports no count: {0}")]
    NoCount(String),
    /// This program cannot be found.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The instructions that this very program takes with these arguments, its start and end included.
///
/// What could change the count from one machine to the next is kept away: the environment, and the processor's special
/// instructions for copying memory.
///
/// # Errors
///
/// [`CountError`] if there is no valgrind, or the program fails.
pub fn count(arguments: &[&str]) -> Result<u64, CountError> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(arguments)
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .env("GLIBC_TUNABLES", TUNABLES)
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(CountError::NoValgrind(error)),
        Err(error) => return Err(error.into()),
    };
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(CountError::Failed(report));
    }
    let collected = report.lines().find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    count.ok_or(CountError::NoCount(report))
}
