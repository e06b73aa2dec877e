//! What a user of the server implements.

use jsonframe::{Header, Message};
use std::future::{Future, ready};

use crate::server::{Address, CloseReason, ContentMode, Id, NotAccepted, Peer};

/// What a [`Server`](super::Server) does about its peers: [`server::Handler`](crate::server::Handler), whose methods may wait.
///
/// Only [`State`](Self::State) and [`message`](Self::message) must be there. The methods take `&self`, for they are called in
/// the tasks of all connections at once; those of one connection one after the other, in the order that
/// [`server::Handler`](crate::server::Handler) states. While a method waits, nothing is received from its peer, what it has
/// sent goes out, and so does what others send to the peer. To answer messages out of order, take a
/// [`Reply`](crate::server::Reply) to a task of its own.
///
/// ```
/// use std::time::Duration;
///
/// use jsonframe_std::protocol::Message;
/// use jsonframe_std::server::Peer;
/// use jsonframe_std::tokio::Handler;
///
/// /// Numbers the messages of each peer, at its leisure.
/// struct Counter;
///
/// impl Handler for Counter {
///     type State = u32;
///
///     async fn message(&self, peer: &mut Peer<'_>, count: &mut u32, _: Message<'_>) {
///         tokio::time::sleep(Duration::from_millis(10)).await;
///         *count += 1;
///         let _ = peer.send_json(count);
///     }
/// }
/// ```
///
/// # Cancellation
///
/// A method that waits is dropped when its connection fails, when its peer does not take what is sent to it in time, when the
/// connection holds most of a memory that is used up, when its [deadline](Peer::set_deadline) comes, and when the time for a
/// shutdown is over. When its peer ends the connection it goes on.
///
/// # Panics
///
/// A method may panic, as one of [`server::Handler`](crate::server::Handler#panics) may.
pub trait Handler: Send + Sync + 'static {
    /// What is kept for each connection from its beginning to its end; `()` if nothing is.
    type State: Default + Send;

    /// A connection has been accepted, and its messages may flow.
    fn connected(&self, peer: &mut Peer<'_>, state: &mut Self::State) -> impl Future<Output = ()> + Send {
        let _ = (peer, state);
        ready(())
    }

    /// The header of a message has come: how to take its content.
    fn header(
        &self,
        peer: &mut Peer<'_>,
        state: &mut Self::State,
        header: &Header<'_>,
    ) -> impl Future<Output = ContentMode> + Send {
        let _ = (peer, state, header);
        ready(ContentMode::Whole)
    }

    /// A message has come whole.
    fn message(
        &self,
        peer: &mut Peer<'_>,
        state: &mut Self::State,
        message: Message<'_>,
    ) -> impl Future<Output = ()> + Send;

    /// The next piece of content that is [streamed](ContentMode::Streamed), never empty.
    fn content(&self, peer: &mut Peer<'_>, state: &mut Self::State, piece: &[u8]) -> impl Future<Output = ()> + Send {
        let _ = (peer, state, piece);
        ready(())
    }

    /// The content that was streamed is whole.
    fn end(&self, peer: &mut Peer<'_>, state: &mut Self::State) -> impl Future<Output = ()> + Send {
        let _ = (peer, state);
        ready(())
    }

    /// The server is about to end the connection, for a reason that the peer can be told. See
    /// [`server::Handler::farewell`](crate::server::Handler::farewell).
    fn farewell(
        &self,
        peer: &mut Peer<'_>,
        state: &mut Self::State,
        why: &CloseReason,
    ) -> impl Future<Output = ()> + Send {
        let _ = (peer, state, why);
        ready(())
    }

    /// The connection has ended. For what takes time, spawn a task.
    fn disconnected(&self, id: Id, address: Address, state: Self::State, why: &CloseReason) {
        let _ = (id, address, state, why);
    }

    /// A connection could not be accepted, or was refused. See
    /// [`server::Handler::not_accepted`](crate::server::Handler::not_accepted).
    fn not_accepted(&self, why: &NotAccepted) {
        let _ = why;
    }
}
