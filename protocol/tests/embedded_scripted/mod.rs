//! Streams that follow a script, and the test vectors for whoever receives through them.
#![allow(dead_code, reason = "each test crate uses a part")]

use std::path::Path;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use jsonframe::{DecodeError, DecodeErrorKind, Header};
use serde_json::{Value as Json, json};

/// What a stream does when it is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Passes at most this number of bytes.
    Pass(usize),
    /// Fails, and passes nothing.
    Fail(ErrorKind),
    /// Has nothing yet, if it is async; goes on to the next step, if it is not.
    Pending,
    /// Passes as much as it can, and claims to have passed more than it was asked to.
    Lie,
}

pub(crate) const INTERRUPTED: Step = Step::Fail(ErrorKind::Interrupted);

/// Ways to behave, each to be repeated for ever.
pub(crate) const BEHAVIOURS: [&[Step]; 7] = [
    &[Step::Pass(usize::MAX)],
    &[Step::Pass(1)],
    &[Step::Pass(7), Step::Pass(1), Step::Pass(100)],
    &[INTERRUPTED, Step::Pass(1)],
    &[INTERRUPTED, INTERRUPTED, Step::Pass(33), Step::Fail(ErrorKind::TimedOut)],
    &[Step::Pending, Step::Pass(5)],
    &[Step::Pending, INTERRUPTED, Step::Pending, Step::Pass(2), Step::Pass(50)],
];

/// The steps that come next.
#[derive(Clone, Debug)]
struct Script {
    steps: Vec<Step>,
    next: usize,
}

impl Script {
    fn new(steps: &[Step]) -> Self {
        Self { steps: steps.to_vec(), next: 0 }
    }

    fn next(&mut self) -> Step {
        let step = self.steps[self.next % self.steps.len()];
        self.next += 1;
        step
    }

    fn next_blocking(&mut self) -> Step {
        loop {
            match self.next() {
                Step::Pending => {}
                step => return step,
            }
        }
    }
}

/// A reader of bytes that are there already.
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    bytes: &'a [u8],
    pub(crate) taken: usize,
    pub(crate) calls: usize,
    script: Script,
}

impl<'a> Source<'a> {
    pub(crate) fn new(bytes: &'a [u8], steps: &[Step]) -> Self {
        Self { bytes, taken: 0, calls: 0, script: Script::new(steps) }
    }

    fn pass(&mut self, step: Step, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        self.calls += 1;
        assert!(!buf.is_empty(), "nobody needs to read nothing");
        let count = match step {
            Step::Fail(kind) => return Err(kind),
            Step::Pass(count) => count.min(buf.len()).min(self.bytes.len() - self.taken),
            Step::Lie => buf.len().min(self.bytes.len() - self.taken),
            Step::Pending => unreachable!("handled by the callers"),
        };
        buf[..count].copy_from_slice(&self.bytes[self.taken..self.taken + count]);
        self.taken += count;
        Ok(if matches!(step, Step::Lie) { count + 1000 } else { count })
    }
}

impl ErrorType for Source<'_> {
    type Error = ErrorKind;
}

impl Read for Source<'_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let step = self.script.next_blocking();
        self.pass(step, buf)
    }
}

/// A writer to memory.
#[derive(Clone, Debug)]
pub(crate) struct Drain {
    pub(crate) bytes: Vec<u8>,
    pub(crate) calls: usize,
    pub(crate) flushes: usize,
    script: Script,
}

impl Drain {
    pub(crate) fn new(steps: &[Step]) -> Self {
        Self { bytes: Vec::new(), calls: 0, flushes: 0, script: Script::new(steps) }
    }

    fn pass(&mut self, step: Step, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.calls += 1;
        assert!(!bytes.is_empty(), "nobody needs to write nothing");
        let count = match step {
            Step::Fail(kind) => return Err(kind),
            Step::Pass(count) => count.min(bytes.len()),
            Step::Lie => bytes.len(),
            Step::Pending => unreachable!("handled by the callers"),
        };
        self.bytes.extend_from_slice(&bytes[..count]);
        Ok(if matches!(step, Step::Lie) { count + 1000 } else { count })
    }
}

impl ErrorType for Drain {
    type Error = ErrorKind;
}

impl Write for Drain {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let step = self.script.next_blocking();
        self.pass(step, bytes)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.flushes += 1;
        Ok(())
    }
}

#[cfg(feature = "embedded-io-async")]
mod waiting {
    use core::future::poll_fn;
    use core::task::Poll;

    use super::{Drain, ErrorKind, Source, Step};

    // A future that is dropped has changed nothing but that it is no longer pending.

    impl embedded_io_async::Read for Source<'_> {
        async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
            poll_fn(|_| match self.script.next() {
                Step::Pending => Poll::Pending,
                step => Poll::Ready(self.pass(step, buf)),
            })
            .await
        }
    }

    impl embedded_io_async::Write for Drain {
        async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
            poll_fn(|_| match self.script.next() {
                Step::Pending => Poll::Pending,
                step => Poll::Ready(self.pass(step, bytes)),
            })
            .await
        }

        async fn flush(&mut self) -> Result<(), ErrorKind> {
            self.flushes += 1;
            Ok(())
        }
    }
}

/// A test vector.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) header_capacity: usize,
    pub(crate) content_limit: u64,
    /// Its events, without the extensions, the kind of a member and the like, which are not the driver's business.
    pub(crate) events: Vec<Json>,
}

pub(crate) fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let vectors: Vec<Vector> = files.flat_map(|path| vectors_of(&std::fs::read_to_string(path).unwrap())).collect();
    assert!(vectors.len() >= 150, "only {} vectors", vectors.len());
    vectors
}

fn vectors_of(file: &str) -> Vec<Vector> {
    let file: Json = serde_json::from_str(file).unwrap();
    let vectors = file["vectors"].as_array().unwrap().iter();
    vectors
        .map(|vector| Vector {
            name: vector["name"].as_str().unwrap().to_owned(),
            bytes: hex::decode(vector["bytes"].as_str().unwrap()).unwrap(),
            header_capacity: vector["header_capacity"].as_u64().map_or(65_535, |it| it.try_into().unwrap()),
            content_limit: vector["content_limit"].as_u64().unwrap_or(u64::MAX),
            events: vector["events"].as_array().unwrap().iter().map(essence).collect(),
        })
        .collect()
}

fn essence(event: &Json) -> Json {
    const KEPT: [&str; 9] = [
        "event",
        "offset",
        "kind",
        "missing",
        "byteorder",
        "content_type",
        "content_encoding",
        "content_length",
        "hex",
    ];
    KEPT.iter().filter(|name| !event[**name].is_null()).map(|name| ((*name).to_owned(), event[*name].clone())).collect()
}

pub(crate) fn header_event(header: &Header<'_>, offset: u64) -> Json {
    json!({
        "event": "header",
        "offset": offset,
        "byteorder": header.byte_order().as_str(),
        "content_type": header.content_type(),
        "content_encoding": header.content_encoding(),
        "content_length": header.content_length(),
    })
}

pub(crate) fn content_events(content: &[u8], end: u64) -> [Json; 2] {
    let hex = hex::encode(&content[..content.len().min(64)]);
    let offset = end - content.len() as u64;
    [json!({"event": "content", "offset": offset, "hex": hex}), json!({"event": "end", "offset": end})]
}

pub(crate) fn fault(error: DecodeError) -> Json {
    match error.kind() {
        DecodeErrorKind::Truncated { missing } => {
            json!({"event": "truncated", "offset": error.offset(), "missing": missing})
        }
        kind => json!({"event": "error", "kind": kind.name(), "offset": error.offset()}),
    }
}

/// Where the last whole message ended, and the next one begins.
pub(crate) fn last_end(events: &[Json]) -> u64 {
    let end = events.iter().rev().find(|event| event["event"] == "end");
    end.map_or(0, |end| end["offset"].as_u64().unwrap())
}

/// A message of this header and content, as it goes over the wire.
pub(crate) fn wire(header: &Header<'_>, content: &[u8]) -> Vec<u8> {
    let mut head = vec![0; header.encoded_len()];
    header.encode(&mut head).unwrap();
    [&head, content].concat()
}
