//! One connection from its beginning to its end, and what is said about it.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use rustls::ServerConfig;
use serde_json::json;

use super::capture::Folder;
use super::flow::{Direction, Flow, unanswered};
use super::journal::{Clock, Journal, count_of_messages};
use super::patient::Patient;
use super::pump::pump;
use super::queue::Queue;
use super::splitter::Splitter;
use super::totals::Totals;
use crate::console::Console;
use crate::dialer::Dialer;
use crate::inspect::{self, Explained, watch};
use crate::listener::Accepted;
use crate::text::count_of_bytes;
use crate::wire::Wire;

/// What all connections have in common.
pub(super) struct Tap {
    /// What is spoken with the clients, if that is TLS.
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) server: Dialer,
    /// How each direction is read, in the order of [`Direction::BOTH`].
    pub(super) forms: [inspect::Options; 2],
    pub(super) folder: Option<Folder>,
    pub(super) console: Console,
    pub(super) timeout: Duration,
    pub(super) clock: Clock,
    pub(super) totals: Arc<Totals>,
}

impl Tap {
    /// Passes on what two peers say to each other, until they have ended.
    pub(super) fn converse(&self, number: u64, accepted: Accepted, peer: &str) {
        self.totals.connection();
        let journal = Journal::new(self.console.clone(), self.forms[0].json, number, self.clock.clone());
        let server = self.server.address().to_string();
        let members = [("client", peer.into()), ("server", server.as_str().into())];
        journal.event(None, "open", &members, &format!("open: {peer} to {server}"));
        let client = match Wire::accepted(accepted, self.tls.as_ref()) {
            Ok(client) => client,
            Err(error) => return journal.failure(None, &format!("cannot use the connection: {error}")),
        };
        match self.server.connect(self.timeout) {
            Ok(server) => self.tap(client, server, &journal, number),
            Err(reason) => {
                // As the server would have done it.
                client.reset();
                journal.failure(None, &reason);
            }
        }
    }

    fn tap(&self, client: Wire, server: Wire, journal: &Journal, number: u64) {
        let queues = Queue::pair();
        let mut flows = [0, 1].map(|index| {
            let direction = Direction::BOTH[index];
            let capture = self.folder.as_ref().map(|folder| folder.create(number, direction)).transpose();
            let capture = capture.unwrap_or_else(|reason| {
                journal.failure(Some(direction), &reason);
                None
            });
            let splitter = Splitter::new(queues[index].clone(), &self.forms[index].dialect);
            Flow::new(direction, splitter, capture, journal.clone(), Arc::clone(&self.totals))
        });
        let outcome = thread::scope(|scope| {
            let lookers = [0, 1].map(|index| {
                let (queue, form) = (&queues[index], &self.forms[index]);
                let look = move || self.look(queue, Direction::BOTH[index], form, journal);
                thread::Builder::new().spawn_scoped(scope, look)
            });
            for (looker, queue) in lookers.iter().zip(&queues) {
                if looker.is_err() {
                    queue.close();
                }
            }
            let outcome = pump(client, server, &mut flows, journal);
            for flow in &mut flows {
                flow.splitter.end();
            }
            for looker in lookers {
                looked(looker, journal);
            }
            outcome
        });
        if let Err(failure) = outcome {
            let reason = format!("{}: {}", failure.whose, failure.error);
            journal.event(None, "reset", &[("message", reason.as_str().into())], &format!("reset: {reason}"));
        }
        close(&flows, &queues, journal);
    }

    /// Looks at a direction until it ends, or as far as it is understood.
    fn look(&self, queue: &Queue, direction: Direction, form: &inspect::Options, journal: &Journal) {
        // In the end no more is looked at, though it still passes.
        let _closing = Closing(queue);
        let explained = Explained::default();
        let mut patient = Patient::new(queue, &explained, journal, direction);
        let outcome = watch(|stream| patient.next(stream), &mut journal.report(direction), form, &explained);
        if let Ok(false) = outcome {
            self.totals.fault();
        }
    }
}

struct Closing<'a>(&'a Queue);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn close(flows: &[Flow; 2], queues: &[Queue; 2], journal: &Journal) {
    let (mut members, mut words) = (Vec::new(), String::from("closed:"));
    for (flow, queue) in flows.iter().zip(queues) {
        let (unseen, messages) = (queue.unseen(), flow.splitter.messages);
        let (arrow, name) = (flow.direction.arrow(), flow.direction.name());
        members.push((name, json!({"bytes": flow.total, "messages": messages, "unseen": unseen})));
        // A string takes everything.
        let _ = write!(words, " {arrow} {}, {}", count_of_messages(messages), count_of_bytes(flow.total));
        if unseen > 0 {
            let _ = write!(words, " ({} passed unseen)", count_of_bytes(unseen));
        }
        words.push(';');
    }
    let unanswered = unanswered(flows);
    members.push(("unanswered", unanswered.into()));
    if unanswered > 0 {
        let _ = write!(words, " {} without an answer", count_of_messages(unanswered));
    }
    journal.event(None, "close", &members, words.trim_end_matches(';'));
}

/// Says why a thread has not looked at its direction, if it has not.
fn looked(looker: io::Result<ScopedJoinHandle<'_, ()>>, journal: &Journal) {
    let looked =
        looker.map_err(|error| error.to_string()).and_then(|looker| looker.join().map_err(|_| "it failed".into()));
    if let Err(reason) = looked {
        journal.failure(None, &format!("there is no thread to look at a direction: {reason}"));
    }
}
