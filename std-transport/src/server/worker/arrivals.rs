//! How connections come to a worker.

use std::io;
use std::sync::{Arc, mpsc};

use mio::net::TcpStream;
use mio::{Interest, Token};

use super::{UNREAD, WAKER, Worker};
use crate::server::accept::{AT_ONCE, Acceptors, Arrival};
use crate::server::connection::Connection;
use crate::server::door::Door;
use crate::server::mailbox::Mailbox;
use crate::server::pace::Pace;
use crate::server::turn::Served;
use crate::server::{Handler, Id, NotAccepted};

/// What is waited for on a connection.
///
/// A read ends before urgent data even if more follows. So it must be known that there is some.
#[cfg(any(target_os = "linux", target_os = "android"))]
const EVENTS: Interest = Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const EVENTS: Interest = Interest::READABLE.add(Interest::WRITABLE);

impl<H: Handler> Worker<'_, H> {
    /// Makes this worker the one that accepts, for all of them.
    pub(in crate::server) fn listen(&mut self, mut acceptors: Acceptors<Door>, workers: Vec<Post>) -> io::Result<()> {
        for (door, number) in acceptors.doors().zip(1..) {
            door.register(self.poll.registry(), Token(WAKER.0 - number))?;
        }
        self.shared.set_acceptor(&self.mailbox.waker());
        (self.acceptors, self.others) = (Some(acceptors), workers);
        Ok(())
    }

    /// Accepts as many connections as is fair to the others.
    pub(super) fn accept(&mut self) {
        for _ in 0..AT_ONCE {
            let Some(acceptors) = &mut self.acceptors else { return };
            let (arrival, number) = match acceptors.accept(&self.shared, self.now) {
                Some(Ok(accepted)) => accepted,
                Some(Err(why)) => {
                    self.shared.not_accepted(&why, |why| self.handler.not_accepted(why));
                    continue;
                }
                None => {
                    if let Some(waited) = acceptors.waited(self.now) {
                        self.shared.ask_for_place(waited);
                    }
                    break;
                }
            };
            // The first one is this one.
            match usize::try_from(number).unwrap_or(0) % (self.others.len() + 1) {
                0 => self.admit(arrival),
                other => self.others[other - 1].send(arrival),
            }
        }
        if self.acceptors.as_ref().is_some_and(Acceptors::is_over) || self.pace == Pace::Hurry {
            self.acceptors = None;
            self.shared.end_accepting();
        }
    }

    /// Takes a connection that has been accepted.
    pub(super) fn admit(&mut self, arrival: Arrival<TcpStream>) {
        // Before the handler queues more, place is made for it.
        self.relieve();
        let slot = self.links.slots.vacant_key();
        let network = arrival.network;
        let Ok(number) = u32::try_from(slot) else { return self.shared.count_down(network) };
        let is_plain = arrival.stream.is_plain();
        let id = Id::new(self.number, number);
        let mut connection = Connection::new(arrival, id, &self.shared, &self.totals, self.now);
        if let Err(error) = self.poll.registry().register(connection.stream.get_mut(), Token(slot), EVENTS) {
            self.shared.not_accepted(&NotAccepted::Io(error), |why| self.handler.not_accepted(why));
            return self.shared.count_down(network);
        }
        if self.pace != Pace::GoOn {
            connection.wake(UNREAD, false);
        }
        self.links.slots.insert(Served::new(connection));
        if is_plain {
            self.open(slot);
        } else {
            // A handshake has its turn after others.
            self.links.list(slot);
        }
    }
}

/// Where connections for a worker go that another one accepts.
#[derive(Debug)]
pub(in crate::server) struct Post {
    pub(super) arrivals: mpsc::Sender<Arrival<TcpStream>>,
    pub(super) mailbox: Arc<Mailbox>,
}

impl Post {
    fn send(&self, arrival: Arrival<TcpStream>) {
        // A worker that has failed has no use for it.
        let _ = self.arrivals.send(arrival);
        self.mailbox.notify();
    }
}
