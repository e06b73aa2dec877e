//! What the server says to one of its peers.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use jsonframe::OwnedMessage;
use jsonframe_std::server::{CloseReason, Deadline};
use tokio::net::TcpStream;

use super::Shared;
use super::connection::Connection;
use crate::application::{self, Draft, JSON};
use crate::console::{Console, Kind};
use crate::hint::{self, CutText};
use crate::server::{Text, kind};
use crate::text::Printable;
use crate::wire::FramedIn;

/// Answers a peer until the connection ends.
pub(super) async fn converse(shared: &Shared, stream: TcpStream, peer: SocketAddr) {
    shared.console.say(format_args!("accepted connection from {peer}"));
    survive(&shared.console, peer, answer(shared, stream, peer)).await;
    shared.console.say(format_args!("closing connection to {peer}"));
}

/// A panic on a connection ends no more than that.
async fn survive(console: &Console, peer: SocketAddr, conversation: impl Future<Output = ()>) {
    if AssertUnwindSafe(conversation).catch_unwind().await.is_err() {
        console
            .complain_of(Kind::Panicked, format_args!("error: the server has panicked on the connection from {peer}"));
    }
}

async fn answer(shared: &Shared, stream: TcpStream, peer: SocketAddr) {
    let connection = Connection::new(stream, shared);
    let mut conversation = Conversation { shared, connection, peer, may_be_cut: false };
    let why = tokio::select! {
        why = conversation.answer_all() => why,
        () = shared.over.cancelled() => CloseReason::Abandoned,
    };
    conversation.report(&why);
    // Who did not read what was sent, or is gone, need not be waited for.
    if !matches!(
        why,
        CloseReason::Io(_) | CloseReason::Deadline(Deadline::Write) | CloseReason::QueueFull | CloseReason::Abandoned
    ) {
        tokio::select! {
            // The peer may be gone by now.
            _ = conversation.connection.close() => {}
            () = shared.over.cancelled() => {}
        }
    }
}

struct Conversation<'a> {
    shared: &'a Shared,
    connection: Connection<'a>,
    peer: SocketAddr,
    /// Whether the last content may be text of which the characters were counted, and which thus may be cut short.
    may_be_cut: bool,
}

impl Conversation<'_> {
    /// Answers requests until there are no more, and says why.
    async fn answer_all(&mut self) -> CloseReason {
        loop {
            let outcome = match self.connection.receive().await {
                Ok(request) => self.answer(request).await,
                Err(why) => Err(self.dismiss(why).await),
            };
            if let Err(why) = outcome {
                return why;
            }
        }
    }

    async fn answer(&mut self, request: OwnedMessage) -> Result<(), CloseReason> {
        let (peer, console) = (self.peer, &self.shared.console);
        let content_type = request.header().content_type();
        let answer = if content_type == JSON {
            console.say(format_args!("received request {} from {peer}", Text(request.content())));
            self.may_be_cut = false;
            application::answer_json(&request.message())
                .map_err(|error| hint::with(&error, hint::json_is_cut(request.content())))
        } else {
            console.say(format_args!("received {} request from {peer}", Printable(content_type)));
            let mut text = CutText::default();
            text.push(request.content());
            self.may_be_cut = text.is_possible();
            let repeated = usize::try_from(application::REPEATED).unwrap_or(usize::MAX);
            Ok(application::answer_binary(&request.content()[..request.content().len().min(repeated)]))
        };
        let prefix = request.header().prefix().to_owned();
        // It may be long, and the answer may have to wait for long.
        drop(request);
        match answer {
            Ok(answer) => self.send(answer.with_prefix(&prefix)).await?,
            Err(reason) => {
                self.complain(Kind::NotUnderstood, &reason, &prefix).await?;
                return Err(CloseReason::ByHandler);
            }
        }
        if self.shared.closes_after_reply { Err(CloseReason::ByHandler) } else { Ok(()) }
    }

    /// Tells a peer what it did wrong, if there is something that it would not take for the answer to its next request.
    async fn dismiss(&mut self, why: CloseReason) -> CloseReason {
        match why {
            CloseReason::Protocol(_)
            | CloseReason::CollectedTotal
            | CloseReason::Deadline(Deadline::Header | Deadline::Content) => {
                let reason = hint::with(&why, self.may_be_cut && hint::follows_cut(&why));
                self.complain(kind(&why), &reason, &[]).await.err().unwrap_or(why)
            }
            why => why,
        }
    }

    /// Tells a peer, and whoever runs the server, that it was not understood.
    async fn complain(&mut self, kind: Kind, reason: &str, prefix: &[u8]) -> Result<(), CloseReason> {
        self.shared.console.complain_of(kind, format_args!("error: {reason} from {}", self.peer));
        match application::answer_error(reason.to_owned()) {
            Ok(answer) => self.send(answer.with_prefix(prefix)).await,
            Err(_) => Ok(()),
        }
    }

    async fn send(&mut self, answer: Draft) -> Result<(), CloseReason> {
        self.shared.console.say(format_args!(
            "sending {} to {}",
            FramedIn(&answer, self.shared.dialects.sent),
            self.peer
        ));
        let message = answer.into_message().map_err(|error| CloseReason::Io(std::io::Error::other(error)))?;
        self.connection.send(message).await
    }

    /// Says why the connection has ended, if that is not as it should be, nor has been said.
    fn report(&self, why: &CloseReason) {
        match why {
            CloseReason::Ended
            | CloseReason::ByHandler
            | CloseReason::Shutdown
            | CloseReason::Protocol(_)
            | CloseReason::CollectedTotal
            | CloseReason::Deadline(Deadline::Header | Deadline::Content) => {}
            _ => self.shared.console.complain_of(kind(why), format_args!("error: {why} from {}", self.peer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_panic_on_a_connection_ends_no_more_than_that() {
        let errors = Written::default();
        let console = Console::new(io::sink(), errors.clone());
        let peer = SocketAddr::from(([127, 0, 0, 1], 7));
        survive(&console, peer, async { panic!("as this test wants") }).await;
        survive(&console, peer, async {}).await;
        let errors = String::from_utf8(errors.0.lock().unwrap().clone()).unwrap();
        assert_eq!(errors, "error: the server has panicked on the connection from 127.0.0.1:7\n");
    }
}
