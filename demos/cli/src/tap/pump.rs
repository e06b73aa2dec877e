//! Passes bytes on between two peers, without waiting for anybody but them.

use std::io;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use super::flow::{Failure, Flow, State};
use crate::wire::Wire;

const CLIENT: Token = Token(0);
const SERVER: Token = Token(1);

/// How long whoever is to be reset has to take the last bytes.
const GRACE: Duration = Duration::from_secs(1);

/// Passes everything on until both directions have ended, or one peer is gone: then the other one sees a reset too.
///
/// # Errors
///
/// Whose connection failed, and why.
pub(super) fn pump(mut client: Wire, mut server: Wire, flows: &mut [Flow; 2]) -> Result<(), Failure> {
    let outcome = pass_on(&mut client, &mut server, flows);
    let is_reset = outcome.is_err() || flows.iter().any(|flow| flow.state == State::Broken);
    if is_reset {
        client.reset();
        server.reset();
    }
    outcome
}

fn pass_on(client: &mut Wire, server: &mut Wire, flows: &mut [Flow; 2]) -> Result<(), Failure> {
    let of_poller = |error| Failure { whose: "the tap", error };
    let mut poll = poller(client, server).map_err(of_poller)?;
    let mut events = Events::with_capacity(8);
    let [to_server, to_client] = flows;
    loop {
        // A poller tells of nothing twice: all that can be done must be, until nothing can.
        while to_server.step(client, server)? | to_client.step(server, client)? {}
        for (wire, flow) in [(&mut *server, &*to_server), (&mut *client, to_client)] {
            if !flow.is_over() {
                push(wire).map_err(|error| Failure { whose: flow.direction.receiver(), error })?;
            }
        }
        if to_server.is_over() && to_client.is_over() {
            if [&*to_server, to_client].iter().any(|flow| flow.state == State::Broken) {
                wait(&mut poll, &mut events, Some(GRACE)).map_err(of_poller)?;
            }
            return Ok(());
        }
        wait(&mut poll, &mut events, None).map_err(of_poller)?;
        for event in events.iter().filter(|event| event.is_error()) {
            // Whoever sends nothing any more can still be gone. Of others, reading tells.
            let (wire, flow) = if event.token() == CLIENT { (&*client, &*to_server) } else { (&*server, &*to_client) };
            if flow.is_over()
                && let Ok(Some(error)) = wire.take_error()
            {
                return Err(Failure { whose: flow.direction.sender(), error });
            }
        }
    }
}

fn poller(client: &mut Wire, server: &mut Wire) -> io::Result<Poll> {
    let poll = Poll::new()?;
    let both = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(client.source(), CLIENT, both)?;
    poll.registry().register(server.source(), SERVER, both)?;
    Ok(poll)
}

/// Writes what TLS has to say on its own account, as far as that is taken.
fn push(wire: &mut Wire) -> io::Result<()> {
    match io::Write::flush(wire) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        outcome => outcome,
    }
}

fn wait(poll: &mut Poll, events: &mut Events, time: Option<Duration>) -> io::Result<()> {
    match poll.poll(events, time) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        outcome => outcome,
    }
}
