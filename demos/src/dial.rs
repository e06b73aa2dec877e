//! How a client reaches its server.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::wire::prepare;

/// Connects to a server, at the first of its addresses that answers, within this time in all. The stream fails when
/// nothing moves for as long. Each address is announced before it is tried.
///
/// # Errors
///
/// Why that was not possible, in words.
pub(crate) fn dial(
    address: impl ToSocketAddrs,
    timeout: Duration,
    mut announce: impl FnMut(SocketAddr),
) -> Result<(TcpStream, SocketAddr), String> {
    let deadline = Instant::now() + timeout;
    let mut failure = "the name has no address".into();
    for address in look_up(address)? {
        announce(address);
        let time_left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let stream = TcpStream::connect_timeout(&address, time_left);
        match stream.and_then(|stream| prepare(&stream, timeout).map(|()| stream)) {
            Ok(stream) => return Ok((stream, address)),
            Err(error) => failure = format!("cannot connect to {address}: {error}"),
        }
    }
    Err(failure)
}

/// The addresses that a server may have.
pub(crate) fn look_up(address: impl ToSocketAddrs) -> Result<impl Iterator<Item = SocketAddr>, String> {
    address.to_socket_addrs().map_err(|error| format!("cannot look up the host: {error}"))
}
