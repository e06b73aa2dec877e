//! What a user of the server implements.

use jsonframe::{Header, Message};

use super::{Address, CloseReason, ContentMode, Id, NotAccepted, Peer};

/// What a server does about its peers.
///
/// Only [`State`](Self::State) and [`message`](Self::message) must be there; [`from_fn`] makes a handler of a closure. All
/// methods are called in the thread of the server, or of the worker that has the connection; while one runs, the other
/// connections of that thread wait. To answer later, take a [`Reply`](super::Reply) from [`Peer::reply_later`].
///
/// The methods of one connection are called in this order: `connected`; for each message `header`, then either `message`
/// or any number of `content` and `end`; at most one `farewell`; `disconnected`.
///
/// What one connection needs to know from call to call is its state. It is lent to each call and given to the last one:
///
/// ```
/// use jsonframe_std::protocol::Message;
/// use jsonframe_std::server::{Address, CloseReason, Handler, Id, Limits, Peer, TestPeer};
///
/// /// Numbers the messages of each peer.
/// struct Counter;
///
/// impl Handler for Counter {
///     type State = u32;
///
///     fn message(&mut self, peer: &mut Peer<'_>, count: &mut u32, _: Message<'_>) {
///         *count += 1;
///         let _ = peer.send_json(count);
///     }
///
///     fn disconnected(&mut self, id: Id, _: Address, count: u32, why: &CloseReason) {
///         println!("{id}: {count} messages; {why}");
///     }
/// }
/// ```
///
/// A `Box<dyn Handler<State = T>>` is a handler too, and so is a `&mut H`.
///
/// # Panics
///
/// A method may panic. The connection it was called for ends, after what was sent on it before, and is
/// [`disconnected`](Self::disconnected) with [`CloseReason::Panicked`], or after a panic of [`farewell`](Self::farewell) with the
/// reason that it was given; the others go on, and so does the handler, with whatever state the panic has left it in. A
/// handler that cannot be used any more should
/// [abort](std::process::abort) the process. [`Stats::panics`](super::Stats::panics) counts them. With
/// `panic = "abort"` the process ends at the first one.
pub trait Handler {
    /// What is kept for each connection from its beginning to its end; `()` if nothing is.
    type State: Default;

    /// A connection has been accepted, and its messages may flow.
    fn connected(&mut self, peer: &mut Peer<'_>, state: &mut Self::State) {
        let _ = (peer, state);
    }

    /// The header of a message has come: how to take its content.
    fn header(&mut self, peer: &mut Peer<'_>, state: &mut Self::State, header: &Header<'_>) -> ContentMode {
        let _ = (peer, state, header);
        ContentMode::Whole
    }

    /// A message has come whole.
    fn message(&mut self, peer: &mut Peer<'_>, state: &mut Self::State, message: Message<'_>);

    /// The next piece of content that is [streamed](ContentMode::Streamed), never empty.
    fn content(&mut self, peer: &mut Peer<'_>, state: &mut Self::State, piece: &[u8]) {
        let _ = (peer, state, piece);
    }

    /// The content that was streamed is whole.
    fn end(&mut self, peer: &mut Peer<'_>, state: &mut Self::State) {
        let _ = (peer, state);
    }

    /// The server is about to end the connection, for a reason that the peer can be told: it has sent something that is
    /// not a message, or over a limit, or too slowly, or nothing; or it makes room for
    /// [another one](super::AtLimit::CloseIdle); or its [deadline](Peer::set_deadline) has passed; or the server is being
    /// shut down.
    ///
    /// Nothing more will be received from it. What is sent here arrives before the connection is closed, even if the peer
    /// is still sending; but where another one waits for its place, it is written once and the connection closed. Not called when the peer has ended the connection itself, does not read what is sent to it, or
    /// was [closed](Peer::close) by the handler.
    fn farewell(&mut self, peer: &mut Peer<'_>, state: &mut Self::State, why: &CloseReason) {
        let _ = (peer, state, why);
    }

    /// The connection has ended.
    fn disconnected(&mut self, id: Id, address: Address, state: Self::State, why: &CloseReason) {
        let _ = (id, address, state, why);
    }

    /// A connection could not be accepted, or was refused, as the [`Limits`](super::Limits) say, or its handshake has failed.
    /// Nothing else is called for it.
    ///
    /// After an error the server tries again, up to 50 times a second. For each connection refused, and each failed handshake,
    /// there is a call.
    fn not_accepted(&mut self, why: &NotAccepted) {
        let _ = why;
    }
}

/// Makes a handler of a closure that is called with each message. It keeps nothing for a connection.
///
/// ```
/// use std::time::Duration;
///
/// use jsonframe_std::Connection;
/// use jsonframe_std::server::{Limits, Server, from_fn};
///
/// let server = Server::bind("127.0.0.1:0", Limits::default())?;
/// let (address, handle) = (server.address(), server.handle());
/// let echo = from_fn(|peer, message| {
///     let _ = peer.send(&message.header(), message.content());
/// });
/// let thread = std::thread::spawn(move || server.run(echo));
///
/// let mut connection = Connection::connect(address)?;
/// connection.send_json("hello")?;
/// assert_eq!(connection.receive()?.expect("an answer").json::<String>()?, "hello");
///
/// handle.shutdown(Duration::from_secs(5));
/// thread.join().expect("it does not panic")?;
/// # Ok::<(), jsonframe_std::Error>(())
/// ```
// A wrapper: an implementation for all closures would exclude those for `Box` and `&mut`, which may be closures too.
pub const fn from_fn<F: FnMut(&mut Peer<'_>, Message<'_>)>(message: F) -> FromFn<F> {
    FromFn(message)
}

/// A handler that is a closure: [`from_fn`].
#[derive(Clone, Copy, Debug)]
pub struct FromFn<F>(F);

impl<F: FnMut(&mut Peer<'_>, Message<'_>)> Handler for FromFn<F> {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        self.0(peer, message);
    }
}

macro_rules! forward {
    ($pointer:ty) => {
        impl<H: Handler + ?Sized> Handler for $pointer {
            type State = H::State;

            fn connected(&mut self, peer: &mut Peer<'_>, state: &mut H::State) {
                (**self).connected(peer, state);
            }

            fn header(&mut self, peer: &mut Peer<'_>, state: &mut H::State, header: &Header<'_>) -> ContentMode {
                (**self).header(peer, state, header)
            }

            fn message(&mut self, peer: &mut Peer<'_>, state: &mut H::State, message: Message<'_>) {
                (**self).message(peer, state, message);
            }

            fn content(&mut self, peer: &mut Peer<'_>, state: &mut H::State, piece: &[u8]) {
                (**self).content(peer, state, piece);
            }

            fn end(&mut self, peer: &mut Peer<'_>, state: &mut H::State) {
                (**self).end(peer, state);
            }

            fn farewell(&mut self, peer: &mut Peer<'_>, state: &mut H::State, why: &CloseReason) {
                (**self).farewell(peer, state, why);
            }

            fn disconnected(&mut self, id: Id, address: Address, state: H::State, why: &CloseReason) {
                (**self).disconnected(id, address, state, why);
            }

            fn not_accepted(&mut self, why: &NotAccepted) {
                (**self).not_accepted(why);
            }
        }
    };
}

forward!(Box<H>);
forward!(&mut H);
