//! The client of the tutorial: requests, and their answers.

use std::fmt::Display;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jsonframe::{Dialect, Message};
use jsonframe_cli::console::Console;
use jsonframe_cli::dial::dial;
#[cfg(unix)]
use jsonframe_cli::dial::dial_path;
use jsonframe_cli::dialect::Dialects;
use jsonframe_cli::text::{ByteString, Printable};
use jsonframe_cli::watched::{Moving, Watched, is_time_out, no_answer};
use jsonframe_std::{Backoff, Connection, Duplex, Error, Incoming, tls};
use rustls::ClientConfig;

use crate::application::{Answer, Draft, JSON};
use crate::wire::{FramedIn, send};

/// How long to wait before a server is tried a second time, about, and before any later time.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Connects to the server, at the first of its addresses that answers, within this time in all.
///
/// # Errors
///
/// Why that was not possible, in words.
pub fn connect(server: (&str, u16), timeout: Duration, console: &Console) -> Result<(TcpStream, SocketAddr), String> {
    connect_patiently(server, timeout, Duration::ZERO, console)
}

/// The same, tried again, more and more seldom, for as long as is waited in all.
///
/// # Errors
///
/// Why the last attempt failed, in words.
pub fn connect_patiently(
    server: (&str, u16),
    timeout: Duration,
    patience: Duration,
    console: &Console,
) -> Result<(TcpStream, SocketAddr), String> {
    let mut announced = Vec::new();
    backoff(patience).retry(|| {
        dial(server, timeout, |address| {
            if !announced.contains(&address) {
                console.say(format_args!("starting connection to {address}"));
                announced.push(address);
            }
        })
    })
}

/// Connects to a server's Unix socket, tried again, more and more seldom, for as long as is waited in all.
///
/// # Errors
///
/// Why the last attempt failed, in words.
#[cfg(unix)]
pub fn connect_to_path(
    path: &Path,
    timeout: Duration,
    patience: Duration,
    console: &Console,
) -> Result<UnixStream, String> {
    console.say(format_args!("starting connection to {}", path.display()));
    backoff(patience).retry(|| dial_path(path, timeout))
}

fn backoff(patience: Duration) -> Backoff {
    Backoff::new(FIRST_WAIT, LONGEST_WAIT).with_total(patience)
}

/// Sends requests to the server over this stream, in these dialects, each after the answer to the one before, and prints
/// the answers.
///
/// Each of them, with all of its answer, may take the time given.
///
/// # Errors
///
/// Why there was no answer, or which error the server answered, in words. Nothing is sent after that.
pub fn exchange(
    stream: impl Read + Write + Moving,
    dialects: Dialects,
    server: impl Display + Copy,
    requests: &[Draft],
    timeout: Duration,
    console: &Console,
) -> Result<(), String> {
    let stream = Watched::new(stream);
    let mut connection = Connection::new(&stream).with_dialect(dialects.received).with_sending_dialect(dialects.sent);
    ask(&mut connection, &stream, dialects.sent, server, requests, timeout, console)
}

/// The same over TLS, with a server whose certificate must be for this name. The handshake may take the time given too.
///
/// # Errors
///
/// Also why there is no connection, in words.
pub fn exchange_over_tls(
    stream: impl Read + Write + Moving,
    (name, config): (&str, &Arc<ClientConfig>),
    dialects: Dialects,
    server: impl Display + Copy,
    requests: &[Draft],
    timeout: Duration,
    console: &Console,
) -> Result<(), String> {
    let stream = Watched::new(stream);
    stream.within(timeout);
    stream.doing(format!("in the TLS handshake with {server}"));
    let connection = tls::client(&stream, name, config).map_err(|error| {
        if is_time_out(&error) { error.to_string() } else { format!("no TLS with {server}: {error}") }
    })?;
    let mut connection = connection.with_dialect(dialects.received).with_sending_dialect(dialects.sent);
    let outcome = ask(&mut connection, &stream, dialects.sent, server, requests, timeout, console);
    // A server that has ended need not be told.
    let _ = tls::finish(&mut connection);
    outcome
}

/// Asks over a connection that is made of the stream.
fn ask<S: Moving>(
    connection: &mut Connection<impl Read + Write>,
    stream: &Watched<S>,
    sent: &Dialect,
    server: impl Display + Copy,
    requests: &[Draft],
    timeout: Duration,
    console: &Console,
) -> Result<(), String> {
    let outcome = requests.iter().try_for_each(|request| {
        stream.within(timeout);
        stream.doing(format!("sending a request to {server}"));
        send(connection, sent, request, server, console).map_err(|error| no_answer(error, server))?;
        stream.doing(format!("waiting for the answer from {server}"));
        let response = Response::receive(connection.receive(), server)?;
        response.show(server, console)
    });
    console.say(format_args!("closing connection to {server}"));
    outcome
}

/// Sends all requests to the server, in these dialects, before the first answer is printed. All answers that come are printed.
///
/// They are received while the requests are sent, for a server need not read more requests of who does not take answers.
/// All of this together may take the time given.
///
/// # Errors
///
/// The first reason why there was no answer, or which error the server answered, in words.
pub fn pipeline(
    stream: impl Read + Write + Moving + Duplex + Send,
    dialects: Dialects,
    server: impl Display + Copy + Send + Sync,
    requests: &[Draft],
    timeout: Duration,
    console: &Console,
) -> Result<(), String> {
    let same = stream.try_clone().map_err(|error| no_answer(error, server))?;
    let watched = |stream| {
        let stream = Watched::new(stream);
        stream.within(timeout);
        stream
    };
    let (stream, same) = (watched(stream), watched(same));
    let (sent, responses) = thread::scope(|scope| {
        let responses = scope.spawn(move || {
            stream.doing(format!("waiting for an answer from {server}"));
            let mut receiving = Connection::new(&stream).with_dialect(dialects.received);
            let mut responses = Vec::new();
            for _ in requests {
                responses.push(Response::receive(receiving.receive(), server));
                if responses.last().is_some_and(Result::is_err) {
                    break;
                }
            }
            responses
        });
        same.doing(format!("sending a request to {server}"));
        let mut sending = Connection::new(&same).with_sending_dialect(dialects.sent);
        let sent = requests.iter().try_for_each(|request| {
            console.say(format_args!("sending {} to {server}", FramedIn(request, dialects.sent)));
            sending.send(&request.header(), request.content()).map_err(|error| no_answer(error, server))
        });
        (sent, responses.join())
    });
    let responses = responses.map_err(|_| "the receiving thread panicked")?;
    let shown = responses.into_iter().map(|response| response.and_then(|response| response.show(server, console)));
    // All are shown; the first failure is the one to be reported.
    let outcome = shown.fold(Ok(()), Result::and);
    console.say(format_args!("closing connection to {server}"));
    // A server that has closed the connection takes no more requests, but may have said why.
    outcome.and(sent)
}

/// What the server answers.
struct Response {
    content_type: String,
    outcome: Outcome,
}

enum Outcome {
    /// Content that is not JSON.
    Binary(Vec<u8>),
    Json {
        text: String,
        answer: Result<Answer, String>,
    },
}

impl Response {
    fn receive<S: Read>(
        received: Result<Option<Incoming<'_, S>>, Error>,
        server: impl Display + Copy,
    ) -> Result<Self, String> {
        let received = received.map_err(|error| no_answer(error, server))?;
        let mut response = received.ok_or("the server closed the connection without an answer")?;
        let content = response.content().map_err(|error| no_answer(error, server))?;
        let header = response.header();
        let content_type = header.content_type().to_owned();
        let outcome = if content_type == JSON {
            let message = Message::new(header, &content).map_err(|error| error.to_string())?;
            let text = String::from_utf8_lossy(&content).into_owned();
            Outcome::Json { text, answer: message.json().map_err(|error| error.to_string()) }
        } else {
            Outcome::Binary(content)
        };
        Ok(Self { content_type, outcome })
    }

    /// Prints it.
    fn show(self, server: impl Display, console: &Console) -> Result<(), String> {
        match self.outcome {
            Outcome::Binary(content) => {
                console.say(format_args!("received {} response from {server}", Printable(&self.content_type)));
                console.say(format_args!("got response: {}", ByteString(&content)));
                Ok(())
            }
            Outcome::Json { text, answer } => {
                console.say(format_args!("received response {} from {server}", Printable(&text)));
                match answer? {
                    Answer::Result(result) => {
                        console.say(format_args!("got result: {}", Printable(&result)));
                        Ok(())
                    }
                    Answer::Error(reason) => Err(format!("the server answers with an error: {reason}")),
                }
            }
        }
    }
}
