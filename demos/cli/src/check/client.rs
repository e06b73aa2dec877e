//! Goes through the rules with a client, in a server's part.

use std::io::{self, ErrorKind};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustls::ServerConfig;

use super::judge::Verdict;
use super::play::{Line, MOST_READ, Patience};
use super::report::Outcome;
use super::rule::{Expect, Level, Rule};
use super::sample::Sample;
use super::seen::{End, Seen};
use super::step::{Step, accepted};
use crate::address::Address;
use crate::connect::Stream;
use crate::listener::Listener;
use crate::tls::handshake;
use crate::watched::{Watched, is_time_out};

/// How often is looked for a connection, and for the end of a command.
const TICK: Duration = Duration::from_millis(5);

/// Clients, and what they are answered.
pub(super) struct Clients<'a> {
    pub(super) listener: Listener,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) sample: &'a Sample,
    pub(super) patience: Patience,
    pub(super) has_deadline: bool,
    /// The client's command line, if it is run for each rule.
    pub(super) command: &'a [String],
}

/// What was seen of a client.
struct Reaction {
    seen: Seen,
    status: Option<Status>,
}

#[derive(Clone, Copy)]
enum Status {
    Ended(ExitStatus),
    /// It had to be killed.
    Running,
}

impl Clients<'_> {
    /// Plays these rules, and tells `progress` after each.
    ///
    /// # Errors
    ///
    /// Why nothing can be accepted, or the command cannot be run, in words.
    pub(super) fn check(
        &self,
        rules: &[(&'static str, &'static Rule)],
        is_stopped: &AtomicBool,
        progress: &dyn Fn(&Outcome),
    ) -> Result<Vec<Outcome>, String> {
        if !self.command.is_empty()
            && let Some(reaction) = self.play(&accepted(self.sample.good().to_vec()), is_stopped)?
            && !reaction.has_succeeded()
        {
            return Err(format!(
                "the command does not succeed with a good answer: {reaction}",
                reaction = reaction.words()
            ));
        }
        let mut outcomes = Vec::with_capacity(rules.len());
        for (family, rule) in rules {
            let steps = rule.play(self.sample);
            let outcome = Outcome::of_client(family, rule, &steps);
            let outcome = if rule.expect == Expect::EndInTime && !self.has_deadline {
                outcome.skipped("needs --deadline")
            } else {
                match self.play(&steps, is_stopped)? {
                    None => outcome.skipped("interrupted"),
                    Some(reaction) => {
                        let verdict = match reaction.judge(rule.expect) {
                            Ok(()) => (Verdict::Pass, String::new()),
                            Err((Level::Must, reason)) if rule.level == Level::Must => (Verdict::Fail, reason),
                            Err((_, reason)) => (Verdict::Warn, reason),
                        };
                        outcome.judged(&reaction.words(), verdict)
                    }
                }
            };
            progress(&outcome);
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Plays the steps to the next client, or to all that the command connects. `None` if it is stopped before.
    fn play(&self, steps: &[Step], is_stopped: &AtomicBool) -> Result<Option<Reaction>, String> {
        let mut running = match self.command {
            [] => None,
            words => Some(Running(self.spawn(words)?)),
        };
        let until = Instant::now() + self.patience.deadline + self.patience.timeout;
        let mut seen = None;
        loop {
            if is_stopped.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if let Some(stream) = self.accept().map_err(|error| format!("cannot accept connections: {error}"))? {
                let came = self.converse(stream, steps.to_vec());
                // A connection without a request is no client's; one that is too long to be read to its end is there.
                let has_request = !came.answers.is_empty() || came.fault.is_some() || came.end == End::TooMuch;
                if running.is_none() && !has_request {
                    continue;
                }
                seen.get_or_insert(came);
            }
            let Some(Running(child)) = &mut running else {
                if let Some(seen) = seen {
                    return Ok(Some(Reaction { seen, status: None }));
                }
                thread::sleep(TICK);
                continue;
            };
            let status = match child.try_wait().map_err(|error| format!("cannot wait for the command: {error}"))? {
                Some(status) => Status::Ended(status),
                None if Instant::now() > until => Status::Running,
                None => {
                    thread::sleep(TICK);
                    continue;
                }
            };
            let seen = seen.unwrap_or_else(|| Seen { end: End::NotConnected, ..Seen::default() });
            return Ok(Some(Reaction { seen, status: Some(status) }));
        }
    }

    /// A connection, if one has been made.
    fn accept(&self) -> io::Result<Option<Stream>> {
        match self.listener.accept() {
            Ok((accepted, _)) => {
                let stream = Stream::accepted(accepted, self.tls.as_ref())?;
                stream.set_nonblocking(false)?;
                Ok(Some(stream))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes a request, and answers it with these steps.
    fn converse(&self, mut stream: Stream, steps: Vec<Step>) -> Seen {
        if let Err(error) = self.open(&mut stream) {
            let end = match error.kind() {
                ErrorKind::UnexpectedEof | ErrorKind::InvalidData => End::Closed,
                _ if is_time_out(&error) => End::Silence,
                _ => End::Reset,
            };
            // Whoever has said nothing by then is no client.
            let fault = (error.kind() == ErrorKind::InvalidData).then(|| error.to_string());
            return Seen { fault, end, ..Seen::default() };
        }
        let mut line = Line::new(stream, self.patience, &Seen::default);
        line.step(Step::Await(1));
        if line.seen().answers.is_empty() { line.give_up() } else { line.play(steps) }
    }

    /// Completes the handshake of TLS, if TLS is spoken.
    fn open(&self, stream: &mut Stream) -> io::Result<()> {
        let Stream::TlsServer(stream) = stream else { return Ok(()) };
        let watched = Watched::new(stream.sock.tcp().try_clone()?);
        watched.within(self.patience.timeout);
        handshake(&mut stream.conn, &watched)
    }

    fn spawn(&self, words: &[String]) -> Result<Child, String> {
        let address = self.listener.address().map_err(|error| error.to_string())?;
        let (host, port) = match &address {
            Address::Tcp(host, port) => (host.clone(), port.to_string()),
            Address::Unix(path) => (path.display().to_string(), String::new()),
        };
        let words: Vec<_> = words
            .iter()
            .map(|word| {
                word.replace("{host}", &host).replace("{port}", &port).replace("{address}", &address.to_string())
            })
            .collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map_err(|error| format!("cannot run {}: {error}", words[0]))
    }
}

/// A command that is not left running.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Reaction {
    fn has_succeeded(&self) -> bool {
        !self.seen.answers.is_empty() && matches!(self.status, Some(Status::Ended(status)) if status.success())
    }

    /// What was seen, in words.
    fn words(&self) -> String {
        let seen = match self.seen.answers.len() {
            0 if self.seen.end == End::NotConnected => "no connection".into(),
            0 if self.seen.end == End::TooMuch => format!("a request of {}", self.seen),
            0 => format!("no request; {}", self.seen),
            1 => self.seen.end.words().to_owned(),
            requests => format!("{} more requests; {}", requests - 1, self.seen.end.words()),
        };
        match self.status {
            None => seen,
            Some(Status::Running) => format!("{seen}; still running"),
            Some(Status::Ended(status)) => format!("{seen}; {status}"),
        }
    }

    /// What is wrong with it, and how strictly that is demanded.
    fn judge(&self, expect: Expect) -> Result<(), (Level, String)> {
        let must = |reason: &str| Err((Level::Must, reason.to_owned()));
        let Some(request) = self.seen.answers.first() else {
            return match &self.seen.fault {
                Some(fault) => must(&format!("the request is no message: {fault}")),
                None if self.seen.end == End::TooMuch => {
                    must(&format!("the request is longer than the {} MiB that are read of one", MOST_READ >> 20))
                }
                None => must("there was no request"),
            };
        };
        if expect == Expect::EmittedForm && !request.is_emitted_form {
            return must("the header of the request has another form than a sender must give it");
        }
        if let Some(Status::Running) = self.status {
            return must("the client was still running after all its time: it waits, or hangs");
        }
        let end = self.seen.end;
        if !expect.is_success() && end == End::Silence {
            return must("the connection is not ended: the client waits, or hangs");
        }
        match (expect.is_success(), self.status) {
            (true, Some(Status::Ended(status))) if !status.success() => {
                must("the client fails, though the answer is good")
            }
            (false, Some(Status::Ended(status))) if status.success() => {
                must("the client succeeds, though there is no good answer")
            }
            (true, None) if end == End::Reset => must("a reset: the client did not read all of the answer"),
            (true, None) if end == End::Silence => {
                Err((Level::Should, "the client does not end its connection after the end of the stream".into()))
            }
            (false, _) if self.seen.answers.len() > 1 => {
                must("another request follows on the connection after the fault")
            }
            _ => Ok(()),
        }
    }
}
