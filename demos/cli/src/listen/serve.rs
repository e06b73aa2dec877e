//! A thread for each connection.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::converse::Server;
use super::listener::Listener;
use super::show::Whose;
use super::slots::{Slot, Slots};
use crate::console::Kind;

/// How long the server waits when it cannot accept a connection: others may end meanwhile and set resources free.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves each connection in a thread, as many at a time as there are slots.
pub(super) fn serve(listener: &Listener, slots: &Slots, server: &Arc<Server>) {
    let mut number = 0;
    while let Some(slot) = slots.take() {
        if let Err(error) = accept(listener, slot, number + 1, server) {
            let complaint = format_args!("error: cannot accept a connection: {error}").to_string();
            server.show.console.complain_of(Kind::NotAccepted, complaint);
            thread::sleep(PAUSE);
        } else {
            number += 1;
        }
    }
}

fn accept(listener: &Listener, slot: Slot, connection: u64, server: &Arc<Server>) -> io::Result<()> {
    let (stream, peer) = listener.accept()?;
    let server = Arc::clone(server);
    thread::Builder::new().name(format!("connection {connection}")).spawn(move || {
        let _slot = slot;
        server.converse(stream, &Whose { connection, peer: &peer });
    })?;
    Ok(())
}
