//! Passes bytes on between two peers, without waiting for anybody but them.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::flow::{Failure, Flow, State, unanswered};
use super::journal::{Journal, count_of_messages};
use crate::wire::Wire;

const CLIENT: Token = Token(0);
const SERVER: Token = Token(1);

/// After which silence is said that messages have no answer.
const UNANSWERED: Duration = Duration::from_secs(3);

/// How long whoever is to be reset has to take the last bytes.
const GRACE: Duration = Duration::from_secs(1);

/// Passes everything on until both directions have ended, or one peer is gone: then the other one sees a reset too.
///
/// # Errors
///
/// Whose connection failed, and why.
pub(super) fn pump(
    mut client: Wire,
    mut server: Wire,
    flows: &mut [Flow; 2],
    journal: &Journal,
) -> Result<(), Failure> {
    let outcome = pass_on(&mut client, &mut server, flows, journal);
    let is_reset = outcome.is_err() || flows.iter().any(|flow| flow.state == State::Broken);
    if is_reset {
        client.reset();
        server.reset();
    }
    outcome
}

fn pass_on(client: &mut Wire, server: &mut Wire, flows: &mut [Flow; 2], journal: &Journal) -> Result<(), Failure> {
    let of_poller = |error| Failure { whose: "the tap", error };
    let mut poll = poller(client, server).map_err(of_poller)?;
    let mut events = Events::with_capacity(8);
    let mut unanswered = Unanswered { journal, said: 0 };
    loop {
        let [to_server, to_client] = &mut *flows;
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
        let patience = unanswered.patience(flows);
        let since = Instant::now();
        wait(&mut poll, &mut events, patience).map_err(of_poller)?;
        if patience.is_some_and(|patience| events.is_empty() && since.elapsed() >= patience) {
            unanswered.say(flows);
        }
        let [to_server, to_client] = &*flows;
        for event in events.iter().filter(|event| event.is_error()) {
            // Whoever sends nothing any more can still be gone. Of others, reading tells.
            let (wire, flow) = if event.token() == CLIENT { (&*client, to_server) } else { (&*server, to_client) };
            if flow.is_over()
                && let Ok(Some(error)) = wire.take_error()
            {
                return Err(Failure { whose: flow.direction.sender(), error });
            }
        }
    }
}

/// Says once of the messages of a client that nothing has come after them.
struct Unanswered<'a> {
    journal: &'a Journal,
    /// How many messages the client had sent when it was said.
    said: u64,
}

impl Unanswered<'_> {
    /// After which silence there is something to say, if there is.
    fn patience(&self, flows: &[Flow; 2]) -> Option<Duration> {
        let [to_server, _] = flows;
        let is_new = to_server.splitter.messages > self.said && !to_server.splitter.is_faulty();
        (is_new && unanswered(flows) > 0).then_some(UNANSWERED)
    }

    fn say(&mut self, flows: &[Flow; 2]) {
        let [to_server, to_client] = flows.each_ref().map(|flow| flow.splitter.messages);
        self.said = to_server;
        let missing = unanswered(flows);
        let words = format!(
            "waiting: {} from the client, {to_client} from the server, then nothing for {} s: {missing} without an answer, if \
             each is to have one",
            count_of_messages(to_server),
            UNANSWERED.as_secs(),
        );
        let members =
            [("to-server", to_server.into()), ("to-client", to_client.into()), ("unanswered", missing.into())];
        self.journal.event(None, "unanswered", &members, &words);
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
