//! The connections of a capture.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::SocketAddr;

use clap::ValueEnum;
use serde::Deserialize;

use super::direction::{Order, Piece};
use super::link::Segment;
use super::{Packets, Passed, Step};
use crate::text::Printable;

/// How many connections are known at once. When there are more, the one that was idle for the longest time is given up.
const MOST: usize = 1024;

/// The port of the tutorial's servers.
const TUTORIAL: u16 = 65_432;

/// One direction of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Direction {
    /// The number of the connection, counted from 1 in the order in which they begin, or as a log says it.
    pub connection: u64,
    /// Who sends, unless it is the program whose log it is, or not known.
    pub from: Option<String>,
    /// Who receives, likewise.
    pub to: Option<String>,
    pub towards: Towards,
    /// Whether its beginning was not captured.
    pub is_joined: bool,
}

/// Where a direction leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Towards {
    /// What the client sends
    ToServer,
    /// What the server sends
    ToClient,
    /// What the program of a log sent
    Sent,
    /// What the program of a log received
    Received,
    /// Of a log, what is on lines that do not name a connection and a direction
    Unnamed,
}

impl Towards {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ToServer => "to-server",
            Self::ToClient => "to-client",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Unnamed => "unnamed",
        }
    }
}

impl Direction {
    /// A direction of a log.
    pub(crate) fn of_log(connection: u64, peer: Option<String>, is_sent: Option<bool>) -> Self {
        let (towards, from, to) = match is_sent {
            Some(true) => (Towards::Sent, None, peer),
            Some(false) => (Towards::Received, peer, None),
            None => (Towards::Unnamed, None, None),
        };
        Self { connection, from, to, towards, is_joined: false }
    }
}

impl Display for Direction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { connection, from, to, towards, .. } = self;
        match (towards, from, to) {
            (Towards::Unnamed, ..) => f.write_str("no named connection"),
            (_, Some(from), Some(to)) => write!(f, "connection {connection}, {from} to {to}"),
            (towards, from, to) => {
                write!(f, "connection {connection}, {}", towards.name())?;
                from.iter().try_for_each(|from| write!(f, " from {}", Printable(from)))?;
                to.iter().try_for_each(|to| write!(f, " to {}", Printable(to)))
            }
        }
    }
}

/// Who is told of the streams of a capture.
pub(crate) trait Streams {
    /// What is kept for a stream.
    type Stream;

    /// Bytes of a stream come, the first.
    fn begin(&mut self, direction: Direction) -> io::Result<Self::Stream>;

    /// What comes next is on this line of a log.
    fn line(&mut self, _: &mut Self::Stream, _: u64) {}

    /// These bytes come next.
    fn bytes(&mut self, stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<()>;

    /// The number of bytes that were not captured.
    fn gap(&mut self, stream: &mut Self::Stream, length: u64) -> io::Result<()>;

    /// Nothing more comes; `is_cut` says that this is because of the capture or of a reset.
    fn end(&mut self, stream: Self::Stream, is_cut: bool) -> io::Result<()>;

    /// More of the capture is waited for.
    fn wait(&mut self) -> io::Result<()>;
}

/// All connections of a capture, or those of one port.
pub(crate) struct Connections<S: Streams> {
    streams: S,
    port: Option<u16>,
    known: HashMap<[SocketAddr; 2], Connection<S::Stream>>,
    count: u64,
    time: u64,
}

struct Connection<S> {
    number: u64,
    client: SocketAddr,
    /// To the server, and to the client.
    halves: [Half<S>; 2],
    /// When its last segment came, counted in segments.
    last: u64,
}

struct Half<S> {
    order: Order,
    is_joined: bool,
    direction: Option<Direction>,
    /// There once bytes have come.
    stream: Option<S>,
    is_over: bool,
}

impl<S> Default for Half<S> {
    fn default() -> Self {
        Self { order: Order::default(), is_joined: true, direction: None, stream: None, is_over: false }
    }
}

impl<S: Streams> Connections<S> {
    /// Puts all streams of these packets together, or those of connections with this port: what was passed over, and how
    /// many connections there were.
    ///
    /// # Errors
    ///
    /// Those of the capture and of whoever is told. What came before an error of the capture has been told.
    pub(crate) fn visit(mut packets: Packets<'_>, port: Option<u16>, streams: S) -> io::Result<(S, Passed, u64)> {
        let mut connections = Self { streams, port, known: HashMap::new(), count: 0, time: 0 };
        let outcome = packets.visit(&mut |step| match step {
            Step::Segment(segment) => connections.segment(&segment),
            Step::Waiting => connections.streams.wait(),
        });
        let mut rest: Vec<_> = connections.known.drain().map(|(_, connection)| connection).collect();
        rest.sort_by_key(|connection| connection.number);
        for mut connection in rest {
            connections.streams.finish(&mut connection)?;
        }
        outcome?;
        Ok((connections.streams, packets.passed, connections.count))
    }

    fn segment(&mut self, segment: &Segment<'_>) -> io::Result<()> {
        let Segment { from, to, syn, ack, rst, .. } = *segment;
        if self.port.is_some_and(|port| from.port() != port && to.port() != port) {
            return Ok(());
        }
        self.time += 1;
        let key = if from < to { [from, to] } else { [to, from] };
        if syn && !ack {
            // The same addresses are used again, unless it is the same segment.
            let is_new = |connection: &Connection<S::Stream>| {
                let half = &connection.halves[usize::from(connection.client != from)];
                connection.client != from || !half.order.begins_at(segment.sequence.wrapping_add(1))
            };
            if self.known.get(&key).is_some_and(is_new)
                && let Some(mut old) = self.known.remove(&key)
            {
                self.streams.finish(&mut old)?;
            }
        }
        if !self.known.contains_key(&key) {
            if rst || (segment.bytes.is_empty() && segment.cut == 0 && !syn) {
                return Ok(());
            }
            self.make_space()?;
            self.count += 1;
            let client = if self.leads_to_server(segment) { from } else { to };
            let halves = [Half::default(), Half::default()];
            self.known.insert(key, Connection { number: self.count, client, halves, last: 0 });
        }
        let Some(connection) = self.known.get_mut(&key) else { return Ok(()) };
        connection.last = self.time;
        if rst {
            return self.streams.finish(connection);
        }
        let to_server = connection.client == from;
        let half = &mut connection.halves[usize::from(!to_server)];
        self.streams.take(half, (connection.number, to_server), segment)
    }

    fn leads_to_server(&self, segment: &Segment<'_>) -> bool {
        let Segment { from, to, syn, ack, .. } = *segment;
        match (syn, self.port) {
            (true, _) => !ack,
            (false, Some(port)) if (from.port() == port) != (to.port() == port) => to.port() == port,
            // The ports of clients are mostly higher, but for that of the tutorial's servers.
            _ if from.port() == TUTORIAL => false,
            _ => to.port() == TUTORIAL || to.port() <= from.port(),
        }
    }

    fn make_space(&mut self) -> io::Result<()> {
        if self.known.len() < MOST {
            return Ok(());
        }
        let idle = self.known.iter().min_by_key(|(_, connection)| (!connection.is_over(), connection.last));
        if let Some(key) = idle.map(|(key, _)| *key)
            && let Some(mut connection) = self.known.remove(&key)
        {
            self.streams.finish(&mut connection)?;
        }
        Ok(())
    }
}

impl<S> Connection<S> {
    fn is_over(&self) -> bool {
        self.halves.iter().all(|half| half.is_over)
    }
}

/// What is done with a half of a connection.
trait Halves: Streams {
    fn take(&mut self, half: &mut Half<Self::Stream>, of: (u64, bool), segment: &Segment<'_>) -> io::Result<()>;
    fn finish(&mut self, connection: &mut Connection<Self::Stream>) -> io::Result<()>;
}

impl<S: Streams> Halves for S {
    fn take(&mut self, half: &mut Half<S::Stream>, of: (u64, bool), segment: &Segment<'_>) -> io::Result<()> {
        if half.is_over {
            return Ok(());
        }
        // The number of a segment that opens a connection is one before that of the first byte.
        let number = segment.sequence.wrapping_add(segment.syn.into());
        if segment.syn {
            half.is_joined &= half.order.has_begun();
            if !half.order.has_begun() {
                half.order = Order::from(number);
            }
        }
        if segment.bytes.is_empty() && segment.cut == 0 && !segment.fin {
            return Ok(());
        }
        let (connection, to_server) = of;
        let Segment { from, to, .. } = *segment;
        let Half { order, stream, is_over, is_joined, direction } = half;
        let towards = if to_server { Towards::ToServer } else { Towards::ToClient };
        let direction = direction.get_or_insert_with(|| {
            let [from, to] = [from, to].map(|address| Some(address.to_string()));
            Direction { connection, from, to, towards, is_joined: *is_joined }
        });
        direction.is_joined = *is_joined;
        order.take(number, segment.bytes, segment.cut.into(), segment.fin, &mut |piece| {
            pass(self, stream, direction, &piece)
        })?;
        if order.is_over() {
            *is_over = true;
            if let Some(stream) = stream.take() {
                self.end(stream, false)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, connection: &mut Connection<S::Stream>) -> io::Result<()> {
        for half in &mut connection.halves {
            if std::mem::replace(&mut half.is_over, true) {
                continue;
            }
            let Half { order, stream, direction: Some(direction), .. } = half else { continue };
            order.finish(&mut |piece| pass(self, stream, direction, &piece))?;
            if let Some(stream) = stream.take() {
                self.end(stream, true)?;
            }
        }
        Ok(())
    }
}

fn pass<S: Streams>(
    streams: &mut S,
    stream: &mut Option<S::Stream>,
    direction: &Direction,
    piece: &Piece<'_>,
) -> io::Result<()> {
    let stream = match stream {
        Some(stream) => stream,
        None => stream.insert(streams.begin(direction.clone())?),
    };
    match piece {
        Piece::Bytes(bytes) => streams.bytes(stream, bytes),
        Piece::Gap(length) => streams.gap(stream, *length),
    }
}
