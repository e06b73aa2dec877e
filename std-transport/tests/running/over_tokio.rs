//! A server over tokio with a handler of the other one.

use jsonframe_std::protocol::{Dialect, Header, Message};
use jsonframe_std::server::{Address, CloseReason, ContentMode, Id, Limits, Listener, NotAccepted, Peer};
use jsonframe_std::tokio::{Handler, Server};
use tokio::runtime::Builder;
use tokio::task::yield_now;

use super::driver::{Bound, Shared, tcp_address};

/// A server in a runtime of its own, of one thread or more.
pub fn build(
    threads: usize,
    listeners: Vec<Listener>,
    limits: Limits,
    [receiving, sending]: [&'static Dialect; 2],
    handler: impl Shared,
) -> Bound {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    let runtime = builder.worker_threads(threads).enable_all().build().unwrap();
    let mut listeners = listeners.into_iter();
    let server = match listeners.next() {
        Some(first) => listeners.fold(Server::new(first, limits), Server::with_listener),
        None => runtime.block_on(Server::bind("127.0.0.1:0", limits)).unwrap(),
    };
    let mut server = server.with_dialect(receiving);
    if receiving != sending {
        server = server.with_sending_dialect(sending);
    }
    let (address, handle) = (tcp_address(server.address()), server.handle());
    let handler = Async { handler, waits: threads > 1 };
    Bound { address, handle, run: Box::new(move || runtime.block_on(server.run(handler))) }
}

/// Calls a handler's methods, each of a clone.
struct Async<H> {
    handler: H,
    /// Whether each method waits once before and once after the call.
    waits: bool,
}

impl<H> Async<H> {
    async fn pause(&self) {
        if self.waits {
            yield_now().await;
        }
    }
}

impl<H: Shared> Handler for Async<H> {
    type State = H::State;

    async fn connected(&self, peer: &mut Peer<'_>, state: &mut H::State) {
        self.pause().await;
        self.handler.clone().connected(peer, state);
        self.pause().await;
    }

    async fn header(&self, peer: &mut Peer<'_>, state: &mut H::State, header: &Header<'_>) -> ContentMode {
        self.pause().await;
        let mode = self.handler.clone().header(peer, state, header);
        self.pause().await;
        mode
    }

    async fn message(&self, peer: &mut Peer<'_>, state: &mut H::State, message: Message<'_>) {
        self.pause().await;
        self.handler.clone().message(peer, state, message);
        self.pause().await;
    }

    async fn content(&self, peer: &mut Peer<'_>, state: &mut H::State, piece: &[u8]) {
        self.pause().await;
        self.handler.clone().content(peer, state, piece);
        self.pause().await;
    }

    async fn end(&self, peer: &mut Peer<'_>, state: &mut H::State) {
        self.pause().await;
        self.handler.clone().end(peer, state);
        self.pause().await;
    }

    async fn farewell(&self, peer: &mut Peer<'_>, state: &mut H::State, why: &CloseReason) {
        self.pause().await;
        self.handler.clone().farewell(peer, state, why);
        self.pause().await;
    }

    fn disconnected(&self, id: Id, address: Address, state: H::State, why: &CloseReason) {
        self.handler.clone().disconnected(id, address, state, why);
    }

    fn not_accepted(&self, why: &NotAccepted) {
        self.handler.clone().not_accepted(why);
    }
}
