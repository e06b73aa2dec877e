//! The streams of the connections that the lines of a log name.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

use super::names::Connection;
use super::{Counts, Part, Places};
use crate::capture::packets::{Direction, Streams};

/// How many connections are known at once. When there are more, the one that was idle for the longest time is given up.
const MOST: usize = 1024;

/// A log whose lines name connections.
pub(crate) struct Log<'a> {
    bytes: Box<dyn Read + 'a>,
    places: Places,
}

/// How much is read at a time, in bytes.
const BUFFER: usize = 64 * 1024;

impl<'a> Log<'a> {
    pub(super) const fn new(bytes: Box<dyn Read + 'a>, places: Places) -> Self {
        Self { bytes, places }
    }

    /// Tells of the streams of all connections, or of those with this port: how much was read, and how many connections there
    /// were.
    pub(in super::super) fn visit<S: Streams>(mut self, port: Option<u16>, streams: S) -> io::Result<(S, Counts, u64)> {
        let mut connections =
            Connections { streams, port, known: HashMap::new(), unnamed: None, count: 0, time: 0, given_up: 0 };
        let mut buffer = vec![0; BUFFER];
        loop {
            connections.streams.wait()?;
            match self.bytes.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    for (part, piece) in self.places.parts(&buffer[..length]) {
                        connections.take(&part, piece)?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let Connections { mut streams, known, unnamed, count, given_up, .. } = connections;
        let mut rest: Vec<_> = known.into_values().collect();
        rest.sort_by_key(|halves| halves.number);
        rest.into_iter()
            .flat_map(|halves| halves.streams)
            .chain([unnamed])
            .flatten()
            .try_for_each(|stream| streams.end(stream, false))?;
        Ok((streams, Counts { given_up, ..self.places.counts() }, count))
    }
}

struct Connections<S: Streams> {
    streams: S,
    port: Option<u16>,
    known: HashMap<Rc<Connection>, Halves<S::Stream>>,
    /// The literals whose lines do not name a connection and a direction.
    unnamed: Option<S::Stream>,
    count: u64,
    time: u64,
    given_up: u64,
}

/// What was sent over a connection, and what was received.
struct Halves<S> {
    number: u64,
    streams: [Option<S>; 2],
    /// When its last literal came, counted in these.
    last: u64,
}

impl<S: Streams> Connections<S> {
    fn take(&mut self, part: &Part, bytes: &[u8]) -> io::Result<()> {
        if self.port.is_some_and(|port| part.of.as_ref().and_then(|(of, _)| of.port) != Some(port.into())) {
            return Ok(());
        }
        self.time += 1;
        let stream = match &part.of {
            Some((connection, _)) if part.is_end => return self.end(&Rc::clone(connection)),
            Some((connection, is_sent)) => {
                if !self.known.contains_key(connection) {
                    self.make_space()?;
                    self.count += 1;
                    let number = self.number(connection);
                    self.known.insert(Rc::clone(connection), Halves { number, streams: [None, None], last: 0 });
                }
                let Some(halves) = self.known.get_mut(connection) else { return Ok(()) };
                halves.last = self.time;
                let stream = &mut halves.streams[usize::from(!is_sent)];
                if stream.is_none() {
                    let (peer, number) = (connection.peer.clone(), halves.number);
                    *stream = Some(self.streams.begin(Direction::of_log(number, peer, Some(*is_sent)))?);
                }
                stream
            }
            None => {
                if self.unnamed.is_none() {
                    self.unnamed = Some(self.streams.begin(Direction::of_log(0, None, None))?);
                }
                &mut self.unnamed
            }
        };
        let Some(stream) = stream else { return Ok(()) };
        self.streams.line(stream, part.line);
        self.streams.bytes(stream, bytes)
    }

    /// The number that the log gives to a connection, or the next one.
    fn number(&self, connection: &Connection) -> u64 {
        let others = || self.known.values().map(|halves| halves.number);
        let next = || others().max().map_or(self.count, |most| self.count.max(most.saturating_add(1)));
        connection.number.filter(|number| others().all(|other| other != *number)).unwrap_or_else(next)
    }

    fn make_space(&mut self) -> io::Result<()> {
        if self.known.len() < MOST {
            return Ok(());
        }
        let idle = self.known.iter().min_by_key(|(_, halves)| halves.last).map(|(connection, _)| Rc::clone(connection));
        self.given_up += 1;
        idle.map_or(Ok(()), |connection| self.end(&connection))
    }

    fn end(&mut self, connection: &Rc<Connection>) -> io::Result<()> {
        let halves = self.known.remove(connection).map(|halves| halves.streams);
        halves.into_iter().flatten().flatten().try_for_each(|stream| self.streams.end(stream, false))
    }
}
