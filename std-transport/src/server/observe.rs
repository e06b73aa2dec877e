//! What is seen of a server from outside: spans and events with the feature `tracing`, figures with the feature `metrics`.
//! Without them, all of this does nothing and takes no memory.

#![cfg_attr(
    not(all(feature = "tracing", feature = "metrics")),
    allow(unused_variables, clippy::unused_self, clippy::needless_pass_by_value, reason = "nobody may be looking")
)]

#[cfg(feature = "metrics")]
mod recorded;

use std::time::Instant;

use jsonframe::Header;

use super::{Address, CloseReason, ContentMode, Id, NotAccepted, Stats};
use crate::engine::{Event, Inbox};

/// What spans and events are of.
#[cfg(feature = "tracing")]
const TARGET: &str = "jsonframe_std::server";

/// The span of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

impl Span {
    /// The span of a connection whose address is not known for certain yet.
    pub(crate) fn new(id: Id) -> Self {
        Self {
            #[cfg(feature = "tracing")]
            span: tracing::info_span!(target: TARGET, "connection", %id, address = tracing::field::Empty),
        }
    }

    /// Enters the span until the result is dropped.
    #[must_use = "it is left at once"]
    pub(crate) fn enter(&self) -> impl Sized + use<> {
        #[cfg(feature = "tracing")]
        self.span.clone().entered()
    }

    /// Has a future run in the span.
    pub(crate) fn instrument<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        #[cfg(feature = "tracing")]
        return tracing::Instrument::instrument(future, self.span.clone());
        #[cfg(not(feature = "tracing"))]
        future
    }

    /// The messages of the connection may flow.
    pub(crate) fn connected(&self, address: Address) {
        #[cfg(feature = "tracing")]
        {
            self.span.record("address", tracing::field::display(address));
            self.span.in_scope(|| tracing::info!(target: TARGET, "connected"));
        }
    }
}

/// The header of a message has been received. Of one whose content is streamed, the handler has had it.
pub(crate) fn header(inbox: &Inbox, mode: ContentMode) {
    #[cfg(feature = "tracing")]
    if let (ContentMode::Streamed { .. }, Some(header)) = (mode, inbox.header()) {
        let (content_type, content_length) = (header.content_type(), header.content_length());
        tracing::debug!(target: TARGET, content_type, content_length, "receiving");
    }
}

/// A whole message has been received, if this is its end; one whose content was streamed has no header here.
pub(crate) fn received(event: &Event<'_>) {
    #[cfg(feature = "tracing")]
    {
        let header = match event {
            Event::Message(message) => Some(message.header()),
            Event::End => None,
            Event::Header(_) | Event::Content(_) => return,
        };
        tracing::debug!(target: TARGET,
            content_type = header.as_ref().map(Header::content_type),
            content_length = header.as_ref().map(Header::content_length),
            "received"
        );
    }
}

/// A message has been queued for the peer.
pub(super) fn sent(header: &Header<'_>) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: TARGET, content_type = header.content_type(), content_length = header.content_length(), "sent");
}

/// An encoded message of this many bytes has been queued for the peer.
pub(super) fn pushed(bytes: usize) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: TARGET, bytes, "pushed");
}

/// The handler has panicked.
pub(super) fn panicked() {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, "the handler panicked");
}

/// The figures of a server, for the recorder that there is when this is made.
#[derive(Debug)]
pub(crate) struct Figures {
    #[cfg(feature = "metrics")]
    recorded: Option<recorded::Recorded>,
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            recorded: recorded::Recorded::new(),
        }
    }

    /// The moment at which a turn begins, if somebody measures time.
    pub(crate) fn now(&self) -> Option<Instant> {
        #[cfg(feature = "metrics")]
        return self.recorded.as_ref().map(|_| Instant::now());
        #[cfg(not(feature = "metrics"))]
        None
    }

    /// Takes over what has changed in the figures of the server.
    pub(super) fn update(&self, stats: impl FnOnce() -> Stats) {
        #[cfg(feature = "metrics")]
        if let Some(recorded) = &self.recorded {
            recorded.update(stats);
        }
    }

    /// A message whose last bytes had been read at `arrived`, if that is known, has been handled.
    #[inline]
    pub(crate) fn answered(&self, arrived: Option<Instant>, now: Instant) {
        #[cfg(feature = "metrics")]
        if let (Some(recorded), Some(arrived)) = (&self.recorded, arrived) {
            recorded.answer.record(now.saturating_duration_since(arrived));
        }
    }

    /// A connection has ended, in its span.
    pub(crate) fn closed(&self, why: &CloseReason) {
        #[cfg(feature = "metrics")]
        if let Some(recorded) = &self.recorded {
            recorded.closed(why);
        }
        #[cfg(feature = "tracing")]
        tracing::info!(target: TARGET, why = why.to_string(), "closed");
    }

    /// A connection was not accepted.
    pub(super) fn not_accepted(&self, why: &NotAccepted) {
        #[cfg(feature = "metrics")]
        if let Some(recorded) = &self.recorded {
            recorded.not_accepted(why);
        }
        #[cfg(feature = "tracing")]
        {
            let address = match why {
                NotAccepted::AtLimit(address)
                | NotAccepted::AddressLimit(address)
                | NotAccepted::Handshake { address, .. } => Some(tracing::field::display(address)),
                NotAccepted::Io(_) | NotAccepted::Closed => None,
            };
            tracing::info!(target: TARGET, address, why = why.to_string(), "not accepted");
        }
    }
}
