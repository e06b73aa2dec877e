//! A thread for each connection.

use std::io;
use std::thread;
use std::time::Duration;

use crate::console::{Console, Kind};
use crate::listener::{Accepted, Listener};
use crate::slots::{Slot, Slots};

/// How long a server waits when it cannot accept a connection: others may end meanwhile and set resources free.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves each connection in a thread, as many at a time as there are slots, until these are closed. Connections are numbered
/// from 1 on, as they are accepted; the name is that of the peer.
pub(crate) fn serve_each(
    listener: &Listener,
    slots: &Slots,
    console: &Console,
    converse: impl Fn(u64, Accepted, String) + Clone + Send + 'static,
) {
    let mut number = 1;
    while let Some(slot) = slots.take() {
        let converse = converse.clone();
        match accept(listener, slot, move |accepted, peer| converse(number, accepted, peer)) {
            Ok(()) => number += 1,
            Err(error) => {
                console.complain_of(Kind::NotAccepted, format_args!("error: cannot accept a connection: {error}"));
                thread::sleep(PAUSE);
            }
        }
    }
}

fn accept(listener: &Listener, slot: Slot, converse: impl FnOnce(Accepted, String) + Send + 'static) -> io::Result<()> {
    let (stream, peer) = listener.accept()?;
    thread::Builder::new().spawn(move || {
        let _slot = slot;
        converse(stream, peer);
    })?;
    Ok(())
}
