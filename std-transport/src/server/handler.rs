//! What a user of the server implements.

use std::net::SocketAddr;

use jsonframe::{Header, Message};

use super::{Closed, Id, NotAccepted, Peer};

/// What a server does about its peers.
///
/// Only [`message`](Self::message) must be there. All methods are called in the thread of the server, or of the worker
/// that has the connection; while one runs, the other connections of that thread wait. To answer later, take a
/// [`Reply`](super::Reply) from [`Peer::reply_later`].
///
/// The methods of one connection are called in this order: `connected`; for each message `header`, then either `message`
/// or any number of `content` and `end`; at most one `farewell`; `disconnected`.
///
/// # Panics
///
/// A method may panic. The connection it was called for ends, after what was sent on it before, and is
/// [`disconnected`](Self::disconnected) with [`Closed::Panicked`], or after a panic of [`farewell`](Self::farewell) with the
/// reason that it was given; the others go on, and so does the handler, with whatever state the panic has left it in. A
/// handler that cannot be used any more should
/// [abort](std::process::abort) the process. [`Stats::panics`](super::Stats::panics) counts them. With
/// `panic = "abort"` the process ends at the first one.
pub trait Handler {
    /// A connection has been accepted.
    fn connected(&mut self, peer: &mut Peer<'_>) {
        let _ = peer;
    }

    /// The header of a message has come: how to take its content.
    fn header(&mut self, peer: &mut Peer<'_>, header: &Header<'_>) -> Take {
        let _ = (peer, header);
        Take::Whole
    }

    /// A message has come whole.
    fn message(&mut self, peer: &mut Peer<'_>, message: Message<'_>);

    /// The next piece of content that is [streamed](Take::Streamed), never empty.
    fn content(&mut self, peer: &mut Peer<'_>, piece: &[u8]) {
        let _ = (peer, piece);
    }

    /// The content that was streamed is whole.
    fn end(&mut self, peer: &mut Peer<'_>) {
        let _ = peer;
    }

    /// The server is about to end the connection, for a reason that the peer can be told: it has sent something that is
    /// not a message, or over a limit, or too slowly, or nothing; or the server is being shut down.
    ///
    /// Nothing more will be received from it. What is sent here arrives before the connection is closed, even if the peer
    /// is still sending. Not called when the peer has ended the connection itself, does not read what is sent to it, or
    /// was [closed](Peer::close) by the handler.
    fn farewell(&mut self, peer: &mut Peer<'_>, why: &Closed) {
        let _ = (peer, why);
    }

    /// The connection has ended.
    fn disconnected(&mut self, id: Id, address: SocketAddr, why: &Closed) {
        let _ = (id, address, why);
    }

    /// A connection could not be accepted, or was refused, as the [`Limits`](super::Limits) say.
    ///
    /// After an error the server tries again, up to 50 times a second. For each connection refused there is a call.
    fn not_accepted(&mut self, why: &NotAccepted) {
        let _ = why;
    }
}

/// How the content of a message is taken: [`Handler::header`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Take {
    /// Collected, up to [`Limits::max_content`](super::Limits::max_content), and given to [`Handler::message`].
    Whole,
    /// Given to [`Handler::content`] as it comes, and kept nowhere.
    Streamed {
        /// The longest content that is accepted, in bytes; [`UNLIMITED`](crate::UNLIMITED) is possible.
        max: u64,
    },
}
