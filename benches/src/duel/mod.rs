//! Servers on the same requests, in turns: ours, those that a user would write by hand, and the least that a server can do.

pub mod client;
pub mod processors;
pub mod server;

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::programs::Running;
use client::{Client, Framing, Script};
use processors::Processors;

/// What the servers have to do.
#[derive(Debug)]
pub struct Work {
    /// What it is, in words.
    pub name: &'static str,
    /// How many connections send requests.
    pub connections: usize,
    /// How many requests are under way on each.
    pub depth: usize,
    /// How long the content of each request is, in bytes.
    pub content: usize,
    /// Whether each request has a new connection.
    pub is_new_each: bool,
    /// What our requests a second are to be at least, divided by those of the server written by hand.
    pub aim: f64,
}

/// The length of the golden request's content.
const SMALL: usize = 39;

/// All works.
pub const WORKS: [Work; 6] = [
    Work { name: "1 connection", connections: 1, depth: 1, content: SMALL, is_new_each: false, aim: 1.0 },
    Work { name: "100 connections", connections: 100, depth: 1, content: SMALL, is_new_each: false, aim: 1.0 },
    Work {
        name: "1 connection, 16 at a time",
        connections: 1,
        depth: 16,
        content: SMALL,
        is_new_each: false,
        aim: 1.0,
    },
    Work {
        name: "100 connections, 16 at a time",
        connections: 100,
        depth: 16,
        content: SMALL,
        is_new_each: false,
        aim: 1.2,
    },
    Work {
        name: "JSON content of 100 kB, 10 connections",
        connections: 10,
        depth: 1,
        content: 100_000,
        is_new_each: false,
        aim: 1.2,
    },
    Work {
        name: "a connection for each request, 50 at a time",
        connections: 50,
        depth: 1,
        content: SMALL,
        is_new_each: true,
        aim: 1.0,
    },
];

/// A server that is measured.
#[derive(Debug)]
pub struct Contender {
    /// Its name.
    pub name: &'static str,
    framing: Framing,
    program: Program,
}

#[derive(Debug, PartialEq, Eq)]
enum Program {
    /// A demo program, which is ours.
    Ours,
    /// This program, told to be the server of that name.
    This,
    Python,
}

/// The server that all others are compared with.
pub const HAND_WRITTEN: &str = "hand-written";

/// All servers.
pub const CONTENDERS: [Contender; 6] = [
    Contender { name: "app-server", framing: Framing::Messages, program: Program::Ours },
    Contender { name: "tokio-server", framing: Framing::Messages, program: Program::Ours },
    Contender { name: HAND_WRITTEN, framing: Framing::Messages, program: Program::This },
    Contender { name: "length-delimited", framing: Framing::LengthDelimited, program: Program::This },
    Contender { name: "echo", framing: Framing::Bytes, program: Program::This },
    Contender { name: "python", framing: Framing::Messages, program: Program::Python },
];

const PYTHON: &str = include_str!("../../python/server.py");

/// What came out of one turn of a server.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// How many requests were answered, rightly.
    pub answers: u64,
    /// How many of them in a second.
    pub rate: f64,
    /// The median time to the answer, in microseconds.
    pub p50: f64,
    /// The time to the answer that 1 % exceed, in microseconds.
    pub p99: f64,
    /// The server's processor time for each request, in microseconds.
    pub processor: f64,
}

impl Contender {
    /// Whether it is one of our servers.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.program == Program::Ours
    }

    /// Why it cannot be measured, if so.
    #[must_use]
    pub fn is_left_out(&self, workers: NonZeroUsize) -> Option<&'static str> {
        match self.program {
            Program::Python if workers.get() > 1 => Some("it has one thread"),
            Program::Python if Command::new("python3").arg("--version").output().is_err() => {
                Some("python3 cannot be run")
            }
            _ => None,
        }
    }

    /// Starts the server, has it work for a fifth of this time, measures it for all of it, and ends it.
    ///
    /// # Errors
    ///
    /// If the server cannot be started, or an answer is wrong or missing.
    pub fn turn(
        &self,
        work: &Work,
        workers: NonZeroUsize,
        programs: &Path,
        processors: &Processors,
        duration: Duration,
    ) -> Result<Turn, Box<dyn Error>> {
        let mut command = match self.program {
            Program::Ours => Command::new(programs.join(self.name)),
            Program::This => Command::new(std::env::current_exe()?),
            Program::Python => Command::new("python3"),
        };
        match self.program {
            Program::Ours => command.args(["--quiet", "127.0.0.1", "0"]),
            Program::This => command.args(["--be", self.name]),
            Program::Python => command.args(["-c", PYTHON]),
        };
        if self.program != Program::Python {
            command.args(["--workers", &workers.to_string()]);
        }
        // A process stays on the processors of the thread that starts it.
        processors.be_server()?;
        let server = Running::start(&mut command);
        processors.be_client()?;
        let mut server = server?;
        let address = server.address()?;
        let script = Script::learn(address, self.framing, work)?;
        let mut client = Client::new(&script, work, address)?;
        client.run(duration / 5)?;
        let before = processors::time_of(server.id())?;
        let measured = client.run(duration)?;
        let processor = processors::time_of(server.id())?.saturating_sub(before);
        let answers = measured.latency.len();
        #[allow(clippy::cast_precision_loss, reason = "no turn has that many")]
        let (count, microseconds) = (answers as f64, |ns: u64| ns as f64 / 1000.0);
        Ok(Turn {
            answers,
            rate: count / measured.elapsed.as_secs_f64(),
            p50: microseconds(measured.latency.value_at_quantile(0.5)),
            p99: microseconds(measured.latency.value_at_quantile(0.99)),
            processor: processor.as_secs_f64() * 1e6 / count,
        })
    }
}
