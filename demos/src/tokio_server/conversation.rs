//! What the server says to one of its peers.

use std::net::SocketAddr;

use jsonframe::OwnedMessage;
use jsonframe_std::server::{Closed, Deadline};
use tokio::net::TcpStream;

use super::Shared;
use super::connection::Connection;
use crate::application::{self, Draft, JSON};
use crate::server::Text;
use crate::text::Printable;
use crate::wire::FramedIn;

/// Answers a peer until the connection ends.
pub(super) async fn converse(shared: &Shared, stream: TcpStream, peer: SocketAddr) {
    shared.say(format_args!("accepted connection from {peer}"));
    let connection = Connection::new(stream, shared);
    let mut conversation = Conversation { shared, connection, peer };
    let why = tokio::select! {
        why = conversation.answer_all() => why,
        () = shared.over.cancelled() => Closed::Abandoned,
    };
    conversation.report(&why);
    // Who did not read what was sent, or is gone, need not be waited for.
    if !matches!(why, Closed::Io(_) | Closed::Deadline(Deadline::Write) | Closed::Abandoned) {
        tokio::select! {
            // The peer may be gone by now.
            _ = conversation.connection.close() => {}
            () = shared.over.cancelled() => {}
        }
    }
    shared.say(format_args!("closing connection to {peer}"));
}

struct Conversation<'a> {
    shared: &'a Shared,
    connection: Connection<'a>,
    peer: SocketAddr,
}

impl Conversation<'_> {
    /// Answers requests until there are no more, and says why.
    async fn answer_all(&mut self) -> Closed {
        loop {
            let outcome = match self.connection.receive().await {
                Ok(request) => self.answer(&request).await,
                Err(why) => Err(self.dismiss(why).await),
            };
            if let Err(why) = outcome {
                return why;
            }
        }
    }

    async fn answer(&mut self, request: &OwnedMessage) -> Result<(), Closed> {
        let (peer, header) = (self.peer, request.header());
        if header.content_type() != JSON {
            self.shared.say(format_args!("received {} request from {peer}", Printable(header.content_type())));
            let repeated = usize::try_from(application::REPEATED).unwrap_or(usize::MAX);
            let beginning = &request.content()[..request.content().len().min(repeated)];
            return self.send(&application::answer_binary(beginning)).await;
        }
        self.shared.say(format_args!("received request {} from {peer}", Text(request.content())));
        match application::answer_json(&request.message()) {
            Ok(answer) => self.send(&answer).await,
            Err(error) => {
                self.complain(&error.to_string()).await?;
                Err(Closed::ByHandler)
            }
        }
    }

    /// Tells a peer what it did wrong, if there is something that it would not take for the answer to its next request.
    async fn dismiss(&mut self, why: Closed) -> Closed {
        match why {
            Closed::Protocol(_) | Closed::CollectedTotal | Closed::Deadline(Deadline::Header | Deadline::Content) => {
                self.complain(&why.to_string()).await.err().unwrap_or(why)
            }
            why => why,
        }
    }

    /// Tells a peer, and whoever runs the server, that it was not understood.
    async fn complain(&mut self, reason: &str) -> Result<(), Closed> {
        self.shared.console.complain(format_args!("error: {reason} from {}", self.peer));
        match application::answer_error(reason.to_owned()) {
            Ok(answer) => self.send(&answer).await,
            Err(_) => Ok(()),
        }
    }

    async fn send(&mut self, answer: &Draft) -> Result<(), Closed> {
        self.shared.say(format_args!("sending {} to {}", FramedIn(answer, self.shared.dialect), self.peer));
        let message = OwnedMessage::new(&answer.header(), answer.content().to_vec());
        let message = message.map_err(|error| Closed::Io(std::io::Error::other(error)))?;
        self.connection.send(message).await
    }

    /// Says why the connection has ended, if that is not as it should be, nor has been said.
    fn report(&self, why: &Closed) {
        match why {
            Closed::Ended
            | Closed::ByHandler
            | Closed::Shutdown
            | Closed::Protocol(_)
            | Closed::CollectedTotal
            | Closed::Deadline(Deadline::Header | Deadline::Content) => {}
            _ => self.shared.console.complain(format_args!("error: {why} from {}", self.peer)),
        }
    }
}
