//! Very many connections to a server, from another process.

use std::env;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::child::{Helper, ROLE, descriptors, say, wait_for_parent};
use super::driver::Driver;
use super::{Running, aloud, message};

/// The role of a child that runs a whole test.
const WHOLE: &str = "whole";

/// Runs a test in a process of its own, which is measured. A child of that may hold connections.
pub fn alone(driver: Driver, test: &str, run: fn(Driver)) {
    match env::var(ROLE).as_deref() {
        Ok(WHOLE) => run(driver),
        Ok(role) => hold_connections(role),
        Err(_) => drop(Helper::run(&driver.name_of(test), WHOLE, "-c 0").expect("test result: ok. 1 passed")),
    }
}

/// The child's part: connects so many times, says on each connection what it is to say, reports that, and holds the
/// connections until it is told to go on.
fn hold_connections(role: &str) {
    let [address, count, says] = role.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let message = message(b"{}");
    let connect = |_| {
        let mut connection = TcpStream::connect(address).unwrap();
        // At once, for it may take long to connect all of them.
        match says {
            "a-message" => {
                connection.write_all(&message).unwrap();
                connection.read_exact(&mut vec![0; message.len()]).unwrap();
            }
            "a-byte" => connection.write_all(&message[..1]).unwrap(),
            _ => {}
        }
        connection
    };
    let connections: Vec<_> = (0..count.parse().unwrap()).map(connect).collect();
    say(format_args!("connected {}", connections.len()));
    wait_for_parent();
    drop(connections);
    say("closed");
    wait_for_parent();
}

/// A process that connects so many times, and says this on each connection. To be called by a test that runs [`alone`].
pub fn crowd(server: &Running, count: usize, says: &str) -> Helper {
    let test = env::args().nth(2).unwrap();
    Helper::run(&test, &format!("{} {count} {says}", server.address), &format!("-n {}", count + 100))
}

/// How many connections there can be of those wanted, with some more; said aloud if it is fewer.
pub fn affordable(wanted: usize, more: usize) -> usize {
    let affordable = wanted.min(descriptors().saturating_sub(more + 200));
    if affordable < wanted {
        aloud(format_args!("only {affordable} connections instead of {wanted}: `ulimit -n` is {}", descriptors()));
    }
    affordable
}
