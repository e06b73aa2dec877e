//! How a client reaches its server.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::path::Path;
use std::time::{Duration, Instant};

#[cfg(unix)]
use socket2::{Domain, SockAddr, Socket, Type};

/// Connects to a server, at the first of its addresses that answers, within this time in all. Each address is announced
/// before it is tried.
///
/// # Errors
///
/// Why that was not possible, in words.
pub fn dial(
    server: (&str, u16),
    timeout: Duration,
    mut announce: impl FnMut(SocketAddr),
) -> Result<(TcpStream, SocketAddr), String> {
    let deadline = Instant::now() + timeout;
    let mut failure = String::new();
    for address in look_up(server)? {
        announce(address);
        let time_left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        match connect(&address, time_left) {
            Ok(stream) => return Ok((stream, address)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                failure = format!("cannot connect to {address}: timed out after {} s", timeout.as_secs_f64());
            }
            Err(error) => failure = format!("cannot connect to {address}: {error}"),
        }
    }
    Err(failure)
}

fn connect(address: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(address, timeout)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Connects to a server's Unix socket within this time.
///
/// # Errors
///
/// Why that was not possible, in words.
#[cfg(unix)]
pub fn dial_path(path: &Path, timeout: Duration) -> Result<UnixStream, String> {
    let connect = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // Where the server's backlog is full, it waits for as long as a write may.
        socket.set_write_timeout(Some(timeout))?;
        socket.connect(&SockAddr::unix(path)?)?;
        Ok(socket.into())
    };
    connect().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock => {
            format!("cannot connect to {}: timed out after {} s", path.display(), timeout.as_secs_f64())
        }
        _ => format!("cannot connect to {}: {error}", path.display()),
    })
}

/// Returns the addresses that a server may have, of which there is at least one.
///
/// # Errors
///
/// Why there is none, in words.
pub fn look_up((host, port): (&str, u16)) -> Result<Vec<SocketAddr>, String> {
    let addresses = (without_brackets(host), port).to_socket_addrs();
    let addresses: Vec<_> = addresses.map_err(|error| format!("cannot look up {host:?}: {error}"))?.collect();
    if addresses.is_empty() { Err(format!("{host:?} has no address")) } else { Ok(addresses) }
}

/// The host as the system wants it. An address of IPv6 may stand in brackets, as it does where a port follows.
pub fn without_brackets(host: &str) -> &str {
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    inside.filter(|inside| inside.contains(':')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv6_may_stand_in_brackets() {
        for (host, expected) in [
            ("[::1]", "::1"),
            ("[fe80::1%lo]", "fe80::1%lo"),
            ("::1", "::1"),
            ("127.0.0.1", "127.0.0.1"),
            ("[127.0.0.1]", "[127.0.0.1]"),
            ("[::1", "[::1"),
            ("[]", "[]"),
            ("", ""),
        ] {
            assert_eq!(without_brackets(host), expected);
        }
    }
}
