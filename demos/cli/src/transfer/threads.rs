//! A thread for each connection.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::slots::{Slot, Slots};
use crate::console::{Console, Kind};

/// How long a server waits when it cannot accept a connection: others may end meanwhile and set resources free.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves each connection in a thread, as many at a time as there are slots.
pub(crate) fn serve_each(
    listener: &TcpListener,
    slots: &Slots,
    console: &Console,
    converse: impl Fn(TcpStream, SocketAddr) + Clone + Send + 'static,
) -> ! {
    loop {
        if let Err(error) = accept(listener, slots.take(), converse.clone()) {
            console.complain_of(Kind::NotAccepted, format_args!("error: cannot accept a connection: {error}"));
            thread::sleep(PAUSE);
        }
    }
}

fn accept(
    listener: &TcpListener,
    slot: Slot,
    converse: impl FnOnce(TcpStream, SocketAddr) + Send + 'static,
) -> io::Result<()> {
    let (stream, peer) = listener.accept()?;
    thread::Builder::new().spawn(move || {
        let _slot = slot;
        converse(stream, peer);
    })?;
    Ok(())
}
