//! One connection from its beginning to its end, and what is said about it.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use rustls::ServerConfig;
use serde_json::{Value, json};

use super::capture::Folder;
use super::flow::{Direction, Flow};
use super::journal::Journal;
use super::patient::Patient;
use super::pump::pump;
use super::queue::Queue;
use super::splitter::Splitter;
use crate::console::Console;
use crate::dialer::Dialer;
use crate::inspect::{self, Progress, watch};
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
    pub(super) totals: Totals,
}

/// What has been counted until now, of all connections.
#[derive(Debug, Default)]
pub(super) struct Totals {
    connections: AtomicU64,
    messages: AtomicU64,
    /// Those of connections that have ended.
    bytes: AtomicU64,
    faults: AtomicU64,
}

impl Tap {
    /// Passes on what two peers say to each other, until they have ended.
    pub(super) fn converse(&self, accepted: Accepted, peer: &str) {
        let number = self.totals.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let journal = Journal::new(self.console.clone(), self.forms[0].json, number);
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
        let queues = [Queue::default(), Queue::default()];
        let mut flows = [0, 1].map(|index| {
            let direction = Direction::BOTH[index];
            let capture = self.folder.as_ref().map(|folder| folder.create(number, direction)).transpose();
            let capture = capture.unwrap_or_else(|reason| {
                journal.failure(Some(direction), &reason);
                None
            });
            let splitter = Splitter::new(queues[index].clone(), &self.forms[index].dialect);
            Flow::new(direction, splitter, capture, journal.clone())
        });
        let (outcome, messages) = thread::scope(|scope| {
            let lookers = [0, 1].map(|index| {
                let (queue, form) = (&queues[index], &self.forms[index]);
                let look = move || self.look(queue, Direction::BOTH[index], form, journal);
                thread::Builder::new().spawn_scoped(scope, look)
            });
            let outcome = pump(client, server, &mut flows);
            for flow in &mut flows {
                flow.splitter.end();
            }
            (outcome, lookers.map(|looker| looked(looker, journal)))
        });
        if let Err(failure) = outcome {
            let reason = format!("{}: {}", failure.whose, failure.error);
            journal.event(None, "reset", &[("message", reason.as_str().into())], &format!("reset: {reason}"));
        }
        self.close(&flows, &queues, &messages, journal);
    }

    /// Looks at a direction until it ends, or as far as it is understood: how many whole messages there were.
    fn look(&self, queue: &Queue, direction: Direction, form: &inspect::Options, journal: &Journal) -> u64 {
        let progress = Progress::default();
        let mut patient = Patient::new(queue, &progress, journal, direction);
        let outcome = watch(|cause| patient.next(cause), &mut journal.report(direction), form, &progress);
        // No more is looked at, though it still passes.
        queue.close();
        let is_faulty = matches!(outcome, Ok(false));
        let messages = progress.messages.get();
        self.totals.messages.fetch_add(messages, Ordering::Relaxed);
        self.totals.faults.fetch_add(is_faulty.into(), Ordering::Relaxed);
        messages
    }

    fn close(&self, flows: &[Flow; 2], queues: &[Queue; 2], messages: &[u64; 2], journal: &Journal) {
        let (mut members, mut words) = (Vec::new(), String::from("closed:"));
        for ((flow, queue), messages) in flows.iter().zip(queues).zip(*messages) {
            let unseen = queue.unseen();
            self.totals.bytes.fetch_add(flow.total, Ordering::Relaxed);
            let (arrow, name) = (flow.direction.arrow(), flow.direction.name());
            members.push((name, json!({"bytes": flow.total, "messages": messages, "unseen": unseen})));
            let number = if messages == 1 { "1 message".into() } else { format!("{messages} messages") };
            // A string takes everything.
            let _ = write!(words, " {arrow} {number}, {}", count_of_bytes(flow.total));
            if unseen > 0 {
                let _ = write!(words, " ({} passed unseen)", count_of_bytes(unseen));
            }
            words.push(';');
        }
        journal.event(None, "close", &members, words.trim_end_matches(';'));
    }
}

impl Totals {
    /// What has passed in all, in words.
    pub(super) fn in_words(&self) -> String {
        let [connections, messages, bytes, faults] = self.numbers();
        format!("connections: {connections}, whole messages: {messages}, faults: {faults}, bytes: {bytes}")
    }

    /// What has passed in all, in JSON.
    pub(super) fn in_json(&self) -> Value {
        let [connections, messages, bytes, faults] = self.numbers();
        json!({"event": "summary", "connections": connections, "messages": messages, "faults": faults, "bytes": bytes})
    }

    fn numbers(&self) -> [u64; 4] {
        [&self.connections, &self.messages, &self.bytes, &self.faults].map(|number| number.load(Ordering::Relaxed))
    }
}

/// How many messages a thread has seen that looks. One that is not there, or has failed, has seen none.
fn looked(looker: io::Result<ScopedJoinHandle<'_, u64>>, journal: &Journal) -> u64 {
    let looked =
        looker.map_err(|error| error.to_string()).and_then(|looker| looker.join().map_err(|_| "it failed".into()));
    looked.unwrap_or_else(|reason| {
        journal.failure(None, &format!("there is no thread to look at a direction: {reason}"));
        0
    })
}
