//! The client of the tutorial: requests, and their answers.

use std::io::{Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jsonframe::OwnedMessage;
use jsonframe_cli::address::Address;
use jsonframe_cli::connect::{Stream, reach};
use jsonframe_cli::console::Console;
use jsonframe_cli::dialect::Dialects;
use jsonframe_cli::exchange::halves;
use jsonframe_cli::text::{ByteString, Printable};
use jsonframe_cli::watched::{Moving, Watched, is_time_out, no_answer};
use jsonframe_std::{Backoff, Connection, Incoming, tls};
use rustls::ClientConfig;

use crate::application::{Answer, Draft, JSON};

/// How long to wait before a server is tried a second time, about, and before any later time.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Connects to the server within this time, and tries that again, more and more seldom, for as long as `patience` says.
/// Returns where it is, too: of several addresses, the first that answers.
///
/// # Errors
///
/// Why the last attempt failed, in words.
pub fn connect(
    server: &Address,
    timeout: Duration,
    patience: Duration,
    console: &Console,
) -> Result<(Stream, String), String> {
    let mut announced = Vec::new();
    Backoff::new(FIRST_WAIT, LONGEST_WAIT).with_total(patience).retry(|| {
        reach(server, timeout, |address| {
            if !announced.contains(&address) {
                console.say(format_args!("starting connection to {address}"));
                announced.push(address);
            }
        })
    })
}

/// How a server is talked to.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    /// Where the server is.
    pub server: &'a str,
    /// What is spoken with it.
    pub dialects: Dialects,
    /// How long it may take: each request with all of its answer, a handshake, or all that is pipelined.
    pub timeout: Duration,
    /// Where it is shown.
    pub console: &'a Console,
}

impl Client<'_> {
    /// Sends requests over this stream, each after the answer to the one before, and prints the answers. Returns the last.
    ///
    /// # Errors
    ///
    /// Why there was no answer, or which error the server answered, in words. Nothing is sent after that.
    pub fn exchange(
        self,
        stream: impl Read + Write + Moving,
        requests: &[Draft<'_>],
    ) -> Result<Option<OwnedMessage>, String> {
        let stream = Watched::new(stream);
        self.ask(&stream, &mut self.speaking(Connection::new(&stream)), requests)
    }

    /// The same over TLS, with a server whose certificate must be for this name.
    ///
    /// # Errors
    ///
    /// Also why there is no connection, in words.
    pub fn exchange_over_tls(
        self,
        stream: impl Read + Write + Moving,
        (name, config): (&str, &Arc<ClientConfig>),
        requests: &[Draft<'_>],
    ) -> Result<Option<OwnedMessage>, String> {
        let stream = self.watched(stream, "in the TLS handshake with");
        let connection = tls::client(&stream, name, config).map_err(|error| {
            if is_time_out(&error) { error.to_string() } else { format!("no TLS with {}: {error}", self.server) }
        })?;
        let mut connection = self.speaking(connection);
        let outcome = self.ask(&stream, &mut connection, requests);
        // A server that has ended need not be told.
        let _ = tls::finish(&mut connection);
        outcome
    }

    /// Sends all requests over this stream before the first answer is printed. All answers that come are printed.
    ///
    /// They are received while the requests are sent, for a server need not read more requests of who does not take answers.
    ///
    /// # Errors
    ///
    /// The first reason why there was no answer, or which error the server answered, in words.
    pub fn pipeline(self, stream: Stream, requests: &[Draft<'_>]) -> Result<(), String> {
        let [receiving, sending] = halves(stream).map_err(|error| no_answer(error, self.server))?;
        let (sent, answers) = thread::scope(|scope| {
            let answers = scope.spawn(move || {
                let stream = self.watched(receiving, "waiting for an answer from");
                let mut connection = self.speaking(Connection::new(&stream));
                let mut answers = Vec::new();
                while answers.len() < requests.len() && answers.last().is_none_or(Result::is_ok) {
                    answers.push(self.receive(&mut connection));
                }
                answers
            });
            let stream = self.watched(sending, "sending a request to");
            let mut connection = self.speaking(Connection::new(&stream));
            let sent = requests.iter().try_for_each(|request| self.send(&mut connection, request));
            (sent, answers.join())
        });
        let answers = answers.map_err(|_| "the receiving thread panicked")?;
        // All are shown; the first failure is the one to be reported.
        let outcome = answers.into_iter().map(|answer| self.show(&answer?)).fold(Ok(()), Result::and);
        self.console.say(format_args!("closing connection to {}", self.server));
        // A server that has closed the connection takes no more requests, but may have said why.
        outcome.and(sent)
    }

    /// Asks over a connection that is made of the stream.
    fn ask<S: Moving>(
        self,
        stream: &Watched<S>,
        connection: &mut Connection<impl Read + Write>,
        requests: &[Draft<'_>],
    ) -> Result<Option<OwnedMessage>, String> {
        let Self { server, timeout, console, .. } = self;
        let outcome = requests.iter().try_fold(None, |_, request| {
            stream.within(timeout);
            stream.doing(format!("sending a request to {server}"));
            self.send(connection, request)?;
            stream.doing(format!("waiting for the answer from {server}"));
            let answer = self.receive(connection)?;
            self.show(&answer)?;
            Ok(Some(answer))
        });
        console.say(format_args!("closing connection to {server}"));
        outcome
    }

    fn speaking<S>(self, connection: Connection<S>) -> Connection<S> {
        connection.with_dialect(self.dialects.received).with_sending_dialect(self.dialects.sent)
    }

    /// A stream with which this is done, as long as it may take.
    fn watched<S: Moving>(self, stream: S, doing: &str) -> Watched<S> {
        let stream = Watched::new(stream);
        stream.within(self.timeout);
        stream.doing(format!("{doing} {}", self.server));
        stream
    }

    fn send(self, connection: &mut Connection<impl Write>, request: &Draft<'_>) -> Result<(), String> {
        let Self { server, dialects, console, .. } = self;
        console.say(format_args!("sending {} to {server}", request.framed(dialects.sent)));
        connection.send(&request.header, &request.content).map_err(|error| no_answer(error, server))
    }

    fn receive(self, connection: &mut Connection<impl Read>) -> Result<OwnedMessage, String> {
        let answer = connection.receive().and_then(|answer| answer.map(Incoming::into_message).transpose());
        let answer = answer.map_err(|error| no_answer(error, self.server))?;
        answer.ok_or_else(|| "the server closed the connection without an answer".into())
    }

    /// Prints an answer.
    fn show(self, answer: &OwnedMessage) -> Result<(), String> {
        let Self { server, console, .. } = self;
        let (header, content) = (answer.header(), answer.content());
        if header.content_type() != JSON {
            console.say(format_args!("received {} response from {server}", Printable(header.content_type())));
            console.say(format_args!("got response: {}", ByteString(content)));
            return Ok(());
        }
        let text = String::from_utf8_lossy(content);
        console.say(format_args!("received response {} from {server}", Printable(&text)));
        match answer.json().map_err(|error| error.to_string())? {
            Answer::Result::<String>(result) => {
                console.say(format_args!("got result: {}", Printable(&result)));
                Ok(())
            }
            Answer::Error(reason) => Err(format!("the server answers with an error: {reason}")),
        }
    }
}
