//! The same program again, in a process of its own, and what the system says about a process.
//!
//! A crowd of connections lives in another process than the server, so that each needs descriptors for one side only: the
//! program is run again, with one of its tests and a variable that says that it is the child.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use std::{env, fmt};

use jsonframe_std::server::Limits;

/// What the child is to do, if this is the child.
pub const ROLE: &str = "JSONFRAME_TEST_ROLE";

/// A child process, ended when dropped.
pub struct Helper {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Helper {
    /// Runs one of this program's tests in a process of its own, with this limit, as `ulimit` has it.
    pub fn run(test: &str, role: &str, limit: &str) -> Self {
        Self::run_after(&format!("ulimit {limit}"), test, role, [Stdio::piped(), Stdio::inherit()])
    }

    /// The same after these commands of the shell, with these for its input and for its errors.
    pub fn run_after(commands: &str, test: &str, role: &str, [input, errors]: [Stdio; 2]) -> Self {
        let program = env::current_exe().unwrap();
        let script = format!("{commands} && exec \"$0\" --exact {test} --nocapture --test-threads 1");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(program).env(ROLE, role);
        let mut child = command.stdin(input).stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Reads the child's lines until one begins so; what follows it.
    pub fn expect(&mut self, beginning: &str) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some(found) = line.trim_end().strip_prefix(beginning) {
                return found.to_owned();
            }
            line.clear();
        }
        panic!("the child has ended without saying {beginning:?}");
    }

    /// How much memory of the child is resident, and how much ever was, in bytes.
    pub fn resident(&self) -> (usize, usize) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        (in_bytes(&status, "VmRSS:"), in_bytes(&status, "VmHWM:"))
    }

    /// Tells the child to go on.
    pub fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the child says to its parent, in a line of its own whatever the test harness has written.
pub fn say(text: impl fmt::Display) {
    println!("\n{text}");
    std::io::stdout().flush().unwrap();
}

/// Waits for the parent; ends the process if that has ended.
pub fn wait_for_parent() {
    let mut line = String::new();
    if BufReader::new(std::io::stdin()).read_line(&mut line).unwrap_or(0) == 0 {
        std::process::exit(0);
    }
}

/// How much memory of this process is resident, in bytes.
pub fn resident() -> usize {
    in_bytes(&fs::read_to_string("/proc/self/status").unwrap(), "VmRSS:")
}

/// A size in a process's status, which has it in kibibytes.
fn in_bytes(status: &str, name: &str) -> usize {
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// How much processor time this process has used, from a file opened while there were descriptors.
pub fn processor_time(stat: &File) -> Duration {
    let mut place = [0; 4096];
    let length = stat.read_at(&mut place, 0).unwrap();
    let text = std::str::from_utf8(&place[..length]).unwrap();
    let fields: Vec<_> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u64>().unwrap();
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

pub fn stat() -> File {
    File::open("/proc/self/stat").unwrap()
}

/// How many file descriptors a process may have.
pub fn descriptors() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX)
}

pub fn generous(connections: usize) -> Limits {
    Limits::default().with_max_connections(connections).with_backlog(4096)
}
