//! Servers on the same requests, in turns: ours, those that a user would write by hand, and the least that a server can do.

pub mod client;
pub mod picture;
pub mod processors;
pub mod server;

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::contest::quantile;
use crate::programs::Running;
use client::{Client, Framing, Script};
use processors::Processors;

/// What the servers have to do.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// What it is, in words.
    pub name: &'static str,
    /// How many connections send requests.
    pub connections: usize,
    /// How many requests are under way on each.
    pub depth: usize,
    /// What the requests have as content.
    pub content: Content,
    /// Whether each request has a new connection.
    pub is_new_each: bool,
    /// How many more connections are open and send nothing.
    pub idle: usize,
    /// What our requests a second are to be at least, divided by those of the server written by hand.
    pub aim: f64,
}

/// What requests have as content, and how many bytes of it.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// A search in JSON. The answer is about as long.
    Search(usize),
    /// Bytes, of which the answer repeats ten.
    Binary(usize),
}

impl Work {
    /// One connection that sends the golden request.
    pub const ONE: Self = Self {
        name: "1 connection",
        connections: 1,
        depth: 1,
        content: Content::Search(39),
        is_new_each: false,
        idle: 0,
        aim: 1.0,
    };
}

/// All works of a duel.
pub const WORKS: [Work; 6] = [
    Work::ONE,
    Work { name: "100 connections", connections: 100, ..Work::ONE },
    Work { name: "1 connection, 16 at a time", depth: 16, ..Work::ONE },
    Work { name: "100 connections, 16 at a time", connections: 100, depth: 16, aim: 1.2, ..Work::ONE },
    Work {
        name: "JSON content of 100 kB, 10 connections",
        connections: 10,
        content: Content::Search(100_000),
        aim: 1.2,
        ..Work::ONE
    },
    Work { name: "a connection for each request, 50 at a time", connections: 50, is_new_each: true, ..Work::ONE },
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

/// How servers are measured.
#[derive(Debug)]
pub struct Terms {
    /// How many threads each has.
    pub workers: NonZeroUsize,
    /// Where our programs are.
    pub programs: PathBuf,
    /// What else our programs are told.
    pub options: Vec<String>,
    /// Where server and client run.
    pub processors: Processors,
    /// How long a turn is measured.
    pub duration: Duration,
}

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

impl Turn {
    /// The medians of several turns' figures, and all their answers.
    #[must_use]
    pub fn median(turns: &[Self]) -> Self {
        let median = |figure: fn(&Self) -> f64| quantile(&turns.iter().map(figure).collect::<Vec<_>>(), 0.5);
        Self {
            answers: turns.iter().map(|turn| turn.answers).sum(),
            rate: median(|turn| turn.rate),
            p50: median(|turn| turn.p50),
            p99: median(|turn| turn.p99),
            processor: median(|turn| turn.processor),
        }
    }
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
    pub fn turn(&self, work: &Work, terms: &Terms) -> Result<Turn, Box<dyn Error>> {
        let Terms { workers, programs, options, processors, duration } = terms;
        let mut command = match self.program {
            Program::Ours => Command::new(programs.join(self.name)),
            Program::This => Command::new(std::env::current_exe()?),
            Program::Python => Command::new("python3"),
        };
        match self.program {
            Program::Ours => command.args(["--quiet", "127.0.0.1", "0"]).args(options),
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
        client.run(*duration / 5)?;
        let before = processors::time_of(server.id())?;
        let measured = client.run(*duration)?;
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

/// The time that a command line says.
///
/// # Errors
///
/// If it is none, in words.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "not a number")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
