//! Counting instructions under valgrind, which counts the same every time.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::{env, fs};

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
    let report = callgrind(&["--callgrind-out-file=/dev/null"], arguments)?;
    let collected = report.lines().find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    count.ok_or(CountError::NoCount(report))
}

/// The instructions that this very program takes with these arguments from each call of a function to the next, and from the
/// last one to its end. The function is the one whose name has this in it, and is not to be inlined.
///
/// # Errors
///
/// [`CountError`] if there is no valgrind, or the program fails.
pub fn count_between_calls(function: &str, arguments: &[&str], folder: &Path) -> Result<Vec<u64>, CountError> {
    let out = folder.join(format!("{function}.{}", process::id()));
    let options = [format!("--callgrind-out-file={}", out.display()), format!("--dump-before=*{function}*")];
    let report = callgrind(&[&options[0], &options[1]], arguments)?;
    // Each call ends one file, the first of them the program's beginning, and the program's end one without a number.
    let counted = |path: PathBuf| {
        let profile = fs::read_to_string(&path).ok()?;
        let _ = fs::remove_file(path);
        profile.lines().find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok())
    };
    let numbered = (1..).map_while(|number| counted(format!("{}.{number}", out.display()).into()));
    let mut counts: Vec<u64> = numbered.skip(1).collect();
    counts.push(counted(out).ok_or(CountError::NoCount(report))?);
    Ok(counts)
}

/// Valgrind's report on this very program with these arguments.
fn callgrind(options: &[&str], arguments: &[&str]) -> Result<String, CountError> {
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .args(options)
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
    if output.status.success() { Ok(report) } else { Err(CountError::Failed(report)) }
}
