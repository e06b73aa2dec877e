//! A load generator: many connections in one thread, and how long answers take.
//!
//! With a rate, requests are due at times that do not depend on the answers, and latency is counted from when a request was
//! due: a server that stops for a second makes all wait that were due in it, and they are counted so. Without one, each
//! connection sends its next request when an answer has come, so a server that stops is asked less; latency is counted
//! from sending then.
//!
//! For comparison the same bytes can be sent, in turns, to an echo of bytes in this process: the least that any server
//! has to do.

pub(crate) mod command;
mod drive;
mod echo;
mod line;
mod pace;
mod page;
mod report;
mod request;
mod tally;
mod timeline;

use std::io::{self, ErrorKind, Read};
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::connect::{ServerOptions, Stream};
use crate::dialect::Dialects;
use crate::wire::Place;
use drive::Driver;
use line::Kind;
use report::Report;
use request::Request;
use tally::Tally;

/// How long a turn is when the server and the echo have turns.
const TURN: Duration = Duration::from_secs(1);

/// What to do to a server.
#[derive(Debug)]
struct Plan {
    /// How many connections send requests.
    pub connections: NonZeroUsize,
    /// How many requests are due each second on all of them together. Without, each sends the next one when it can.
    pub rate: Option<f64>,
    /// How many requests may be under way on a connection.
    pub pipeline: NonZeroUsize,
    /// After how many requests a connection is replaced by a new one.
    pub per_connection: Option<NonZeroU64>,
    /// What is spoken.
    pub dialects: Dialects,
    /// For how long requests are sent.
    pub duration: Duration,
    /// How many more connections are there that send nothing.
    pub idle: usize,
    /// How long to wait for connections, and for the last answers.
    pub timeout: Duration,
    /// Whether an echo of the same bytes is measured beside the server, for as long.
    pub raw: bool,
}

/// A server that has been reached.
struct Target {
    server: Place,
    name: String,
    idle: Vec<Stream>,
}

/// Reaches the server, and opens the connections that are to be idle.
///
/// # Errors
///
/// Says in words why the server cannot be reached, or why that many connections cannot be opened.
fn reach(server: &ServerOptions, plan: &Plan) -> Result<Target, String> {
    // Whether TLS can be spoken is found out here, for a reason to be given.
    let stream = server.connect(plan.timeout)?;
    let found =
        server.dialer()?.place(&stream).map_err(|error| format!("cannot connect to {}: {error}", server.address()))?;
    drop(stream);
    Ok(Target { server: found, name: server.address().to_string(), idle: hold(server, plan.idle, plan.timeout)? })
}

/// Sends this request as it was planned, for what came out. When it is told to stop, it is over at once, and what came out until then counts.
///
/// # Errors
///
/// That there was no answer at all, or what kept this side from asking, in words.
fn measure(
    Target { server, name, mut idle }: Target,
    plan: &Plan,
    request: &Request<'_>,
    stop: &AtomicBool,
) -> Result<Report, String> {
    let kind = Kind::Messages { dialects: plan.dialects, errors_count: request.is_search() };
    let echo = if plan.raw { Some(Place::Tcp(echo::start().map_err(in_poll)?)) } else { None };

    let turns = if plan.raw { plan.duration.div_duration_f64(TURN).ceil().clamp(1.0, 1e6) } else { 1.0 };
    let turn = plan.duration.div_f64(turns);
    let (mut tally, mut bare) = (Tally::default(), Tally::default());
    let mut time_left = plan.duration;
    while !time_left.is_zero() && !stop.load(Ordering::Relaxed) {
        // What is left by rounding is no turn.
        time_left = time_left.saturating_sub(turn);
        if time_left < turn / 2 {
            time_left = Duration::ZERO;
        }
        let drive = |place: &Place, kind| Driver::new(plan, request, place.clone(), kind)?.run(turn, stop);
        if let Some(echo) = &echo {
            bare.add(drive(echo, Kind::Bytes).map_err(in_poll)?);
        }
        tally.add(drive(&server, kind).map_err(in_poll)?);
    }
    let idle_lost = idle.iter_mut().map(is_alive).filter(|alive| !alive).count();
    let report = Report::new(plan, request, &tally, echo.map(|_| &bare), idle_lost);
    if tally.answered() == 0 {
        return Err(format!("nothing was answered by {name}; {}", report.errors()));
    }
    Ok(report)
}

/// Opens connections that send nothing.
fn hold(server: &ServerOptions, count: usize, timeout: Duration) -> Result<Vec<Stream>, String> {
    let open = |number| {
        server.connect(timeout).map_err(|error| {
            format!("cannot open idle connection {number} of {count}: {error}; `ulimit -n` shows and sets the limit")
        })
    };
    (1..=count).map(open).collect()
}

/// Whether a connection that sends nothing has not been ended by the server.
fn is_alive(stream: &mut Stream) -> bool {
    let read = stream.set_nonblocking(true).and_then(|()| stream.read(&mut [0]));
    match read {
        Ok(count) => count > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "to be given to `map_err`")]
fn in_poll(error: io::Error) -> String {
    format!("cannot wait for events: {error}")
}
