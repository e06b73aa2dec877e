//! An address that no server can have, and at which no client finds one.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

/// An address that is taken for as long as the socket is kept, but at which nobody listens.
pub(crate) fn taken() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("there are sockets");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("there are ports");
    let address = socket.local_addr().expect("it is bound").as_socket().expect("it is of the internet");
    (socket, address)
}
