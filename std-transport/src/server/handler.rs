//! What a user of the server implements.

use jsonframe::{DecodeError, Header, Message};

use super::{Closed, Id, Peer};

/// What a server does about its peers.
///
/// Only [`message`](Self::message) must be there. All methods are called in the thread of the server, or of the worker
/// that has the connection; while one runs, the other connections of that thread wait. To answer later, take a
/// [`Reply`](super::Reply) from [`Peer::reply_later`].
///
/// The methods of one connection are called in this order: `connected`; for each message `header`, then either `message`
/// or any number of `content` and `end`; at most one `protocol_error`; `disconnected`.
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

    /// The peer has sent something that is not a message, or over a limit, or has ended the stream inside a message.
    ///
    /// Nothing more will be received from it. What is sent here arrives before the connection is closed, even if the peer
    /// is still sending.
    fn protocol_error(&mut self, peer: &mut Peer<'_>, error: &DecodeError) {
        let _ = (peer, error);
    }

    /// The connection has ended.
    fn disconnected(&mut self, id: Id, why: &Closed) {
        let _ = (id, why);
    }
}

/// How the content of a message is taken: [`Handler::header`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Take {
    /// Collected, up to [`Limits::content`](super::Limits::content), and given to [`Handler::message`].
    Whole,
    /// Given to [`Handler::content`] as it comes, and kept nowhere.
    Streamed {
        /// The longest content that is accepted, in bytes; [`UNLIMITED`](crate::UNLIMITED) is possible.
        max: u64,
    },
}
