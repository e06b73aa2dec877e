//! Python, if it is there: the same bytes decoded by `struct` and `json`, or by the reference peer of the tests.
//!
//! The program stays in its own process, decodes when it is told to, and takes the time itself.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use jsonframe::ByteOrder;
use serde::Deserialize;

use crate::sink::{Head, Record, Seen, Sink};
use crate::work::{Side, Timing};

const PROGRAM: &str = include_str!("../../python/decode.py");

/// The reference peer, written for clarity.
const REFERENCE_PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/peer/jsonframe_peer.py");

/// A running Python that holds a stream.
#[derive(Debug)]
pub struct Python {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// A message as Python finds it.
#[derive(Deserialize)]
struct Message {
    byteorder: String,
    content_type: String,
    content_encoding: String,
    content_length: u64,
    content: Vec<u8>,
}

impl Python {
    /// Decodes this stream by `struct` and `json`.
    ///
    /// # Errors
    ///
    /// If there is no Python, or it does not answer.
    pub fn new(stream: &[u8]) -> io::Result<Self> {
        Self::start(&[], stream)
    }

    /// Decodes this stream by the reference peer.
    ///
    /// # Errors
    ///
    /// If there is no Python, or it does not answer.
    pub fn reference_peer(stream: &[u8]) -> io::Result<Self> {
        Self::start(&[REFERENCE_PEER], stream)
    }

    fn start(arguments: &[&str], stream: &[u8]) -> io::Result<Self> {
        let mut child = Command::new("python3")
            .args(["-c", PROGRAM])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("python3 cannot be run: {error}")))?;
        let mut commands = child.stdin.take();
        let answers = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        if let Some(commands) = &mut commands {
            writeln!(commands, "{}", stream.len())?;
            commands.write_all(stream)?;
        }
        Ok(Self { child, commands, answers: BufReader::new(answers) })
    }

    fn ask<T: for<'de> Deserialize<'de>>(&mut self, command: &str) -> io::Result<T> {
        let commands = self.commands.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(commands, "{command}")?;
        commands.flush()?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "python3 has ended without an answer"));
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Side for Python {
    fn record(&mut self) -> io::Result<Vec<Seen>> {
        let mut record = Record::default();
        for message in self.ask::<Vec<Message>>("record")? {
            record.head(&Head {
                byte_order: if message.byteorder == "little" { ByteOrder::Little } else { ByteOrder::Big },
                content_type: &message.content_type,
                content_encoding: &message.content_encoding,
                content_length: message.content_length,
            });
            record.content(&message.content);
            record.end();
        }
        Ok(record.seen().to_vec())
    }

    fn time(&mut self) -> io::Result<Timing> {
        let (ns, glance) = self.ask("run")?;
        Ok(Timing { ns, glance })
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // The end of its input is the end of the program.
        self.commands = None;
        let _ = self.child.wait();
    }
}
