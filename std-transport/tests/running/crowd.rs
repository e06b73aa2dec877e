//! Very many connections to a server, from another process.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::child::{Helper, descriptors, say, wait_for_parent};
use super::{Running, aloud, message};

/// The child's part: connects so many times, says on each connection what it is to say, reports that, and holds the
/// connections until it is told to go on.
pub fn hold_connections(role: &str) {
    let [address, count, says] = role.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let mut connections: Vec<_> = (0..count.parse().unwrap()).map(|_| TcpStream::connect(address).unwrap()).collect();
    let message = message(b"{}");
    for connection in &mut connections {
        match says {
            "a-message" => {
                connection.write_all(&message).unwrap();
                connection.read_exact(&mut vec![0; message.len()]).unwrap();
            }
            "a-byte" => connection.write_all(&message[..1]).unwrap(),
            _ => {}
        }
    }
    say(format_args!("connected {}", connections.len()));
    wait_for_parent();
    drop(connections);
    say("closed");
    wait_for_parent();
}

/// A process that connects so many times, and says this on each connection.
pub fn crowd(server: &Running, count: usize, says: &str, test: &str) -> Helper {
    Helper::run(test, &format!("{} {count} {says}", server.address), &format!("-n {}", count + 100))
}

/// How many connections there can be of those wanted, with some more; said aloud if it is fewer.
pub fn affordable(wanted: usize, more: usize) -> usize {
    let affordable = wanted.min(descriptors().saturating_sub(more + 200));
    if affordable < wanted {
        aloud(format_args!("only {affordable} connections instead of {wanted}: `ulimit -n` is {}", descriptors()));
    }
    affordable
}
