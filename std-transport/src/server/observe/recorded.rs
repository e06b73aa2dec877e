//! The figures of a server, as a recorder of the `metrics` facade is given them.

use std::sync::Mutex;

use metrics::{Counter, Gauge, Histogram, IntoF64, Unit};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, with_recorder};

use crate::server::shared::lock;
use crate::server::{CloseReason, Deadline, NotAccepted, Stats};

const CLOSED: &str = "jsonframe_closed_total";
const NOT_ACCEPTED: &str = "jsonframe_not_accepted_total";
const ANSWER: &str = "jsonframe_answer_seconds";

/// Declares the labels of a counter, and a function that says which of them a reason has.
macro_rules! labels {
    ($all:ident, $label:ident($reason:ty): $($($pattern:pat_param)|+ => $name:literal,)*) => {
        const $all: &[&str] = &[$($name),*];

        const fn $label(reason: &$reason) -> &'static str {
            match reason {
                $($($pattern)|+ => $name,)*
            }
        }
    };
}

// Why connections end.
labels! { CLOSINGS, closing(CloseReason):
    CloseReason::Ended => "ended",
    CloseReason::ByHandler => "by_handler",
    CloseReason::Protocol(_) => "protocol",
    // After the handshake there is no such deadline.
    CloseReason::Deadline(Deadline::Handshake | Deadline::Header) => "header_timeout",
    CloseReason::Deadline(Deadline::Content) => "min_rate",
    CloseReason::Deadline(Deadline::Idle) => "idle_timeout",
    CloseReason::Deadline(Deadline::Handler) => "handler_deadline",
    CloseReason::Deadline(Deadline::Write) => "write_timeout",
    CloseReason::QueueFull => "queue_full",
    CloseReason::CollectedTotal => "collected_total",
    CloseReason::ReplyLost => "reply_lost",
    CloseReason::Panicked => "panicked",
    CloseReason::Io(_) => "io",
    CloseReason::MadeRoom => "made_room",
    CloseReason::Shutdown => "shutdown",
    CloseReason::Abandoned => "abandoned",
}
// Why connections are not accepted. A closed server is an error of whoever gives a connection away, and is not counted.
labels! { REFUSALS, refusal(NotAccepted):
    NotAccepted::AtLimit(_) => "at_limit",
    NotAccepted::AddressLimit(_) => "address_limit",
    NotAccepted::Handshake { why: CloseReason::Deadline(Deadline::Handshake), .. } => "handshake_timeout",
    NotAccepted::Handshake { .. } => "handshake",
    NotAccepted::Io(_) | NotAccepted::Closed => "io",
}

/// A name, a unit, what it is, and where it comes from.
type Figure<T> = (&'static str, Unit, &'static str, fn(&Stats) -> T);

/// What only grows.
const COUNTERS: [Figure<u64>; 6] = [
    ("jsonframe_accepted_total", Unit::Count, "connections accepted", |stats| stats.accepted),
    ("jsonframe_messages_received_total", Unit::Count, "whole messages received", |stats| stats.messages_received),
    ("jsonframe_messages_sent_total", Unit::Count, "messages queued for peers", |stats| stats.messages_sent),
    ("jsonframe_received_bytes_total", Unit::Bytes, "bytes of messages received", |stats| stats.bytes_received),
    ("jsonframe_sent_bytes_total", Unit::Bytes, "bytes of messages sent", |stats| stats.bytes_sent),
    ("jsonframe_panics_total", Unit::Count, "panics of the handler", |stats| stats.panics),
];
/// What grows and shrinks.
const GAUGES: [Figure<usize>; 3] = [
    ("jsonframe_connections", Unit::Count, "connections open", |stats| stats.connections),
    ("jsonframe_queued_bytes", Unit::Bytes, "memory held by what is queued for peers", |stats| stats.queued),
    ("jsonframe_collected_bytes", Unit::Bytes, "memory held by content not whole yet", |stats| stats.collected),
];

/// A counter for each label.
type Labelled = Vec<(&'static str, Counter)>;

#[derive(Debug)]
pub(super) struct Recorded {
    counters: [Counter; COUNTERS.len()],
    gauges: [Gauge; GAUGES.len()],
    closed: Labelled,
    not_accepted: Labelled,
    pub(super) answer: Histogram,
    /// What has been taken over. Other servers may have a part in what is recorded.
    before: Mutex<Stats>,
}

impl Recorded {
    /// `None` if there is no recorder, for then there is no use in putting figures together.
    pub(super) fn new() -> Option<Self> {
        for (name, unit, description, _) in COUNTERS {
            describe_counter!(name, unit, description);
        }
        for (name, unit, description, _) in GAUGES {
            describe_gauge!(name, unit, description);
        }
        describe_counter!(CLOSED, Unit::Count, "connections ended, by reason");
        describe_counter!(NOT_ACCEPTED, Unit::Count, "connections not accepted, by reason");
        describe_histogram!(ANSWER, Unit::Seconds, "from the arrival of a message to the handler's return");
        let gauges = GAUGES.map(|(name, ..)| gauge!(name));
        // The stand-in for a missing recorder is of a type without size, and its gauges take nothing.
        if with_recorder(|recorder| size_of_val(recorder)) == 0 && !gauges.iter().any(takes) {
            return None;
        }
        Some(Self {
            counters: COUNTERS.map(|(name, ..)| counter!(name)),
            gauges,
            closed: labelled(CLOSED, CLOSINGS),
            not_accepted: labelled(NOT_ACCEPTED, REFUSALS),
            answer: histogram!(ANSWER),
            before: Mutex::default(),
        })
    }

    #[allow(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
    pub(super) fn update(&self, stats: impl FnOnce() -> Stats) {
        let before = &mut *lock(&self.before);
        // Within the lock: whoever has it last has the newest figures.
        let now = stats();
        for (counter, (.., figure)) in self.counters.iter().zip(COUNTERS) {
            let more = figure(&now).saturating_sub(figure(before));
            if more > 0 {
                counter.increment(more);
            }
        }
        for (gauge, (.., figure)) in self.gauges.iter().zip(GAUGES) {
            let (now, before) = (figure(&now), figure(before));
            if now > before {
                gauge.increment((now - before) as f64);
            } else if now < before {
                gauge.decrement((before - now) as f64);
            }
        }
        *before = now;
    }

    pub(super) fn closed(&self, why: &CloseReason) {
        count(&self.closed, closing(why));
    }

    pub(super) fn not_accepted(&self, why: &NotAccepted) {
        if !matches!(why, NotAccepted::Closed) {
            count(&self.not_accepted, refusal(why));
        }
    }
}

/// Whether a gauge takes what it is given.
fn takes(gauge: &Gauge) -> bool {
    struct Nothing<'a>(&'a mut bool);

    impl IntoF64 for Nothing<'_> {
        fn into_f64(self) -> f64 {
            *self.0 = true;
            0.0
        }
    }

    let mut is_taken = false;
    gauge.increment(Nothing(&mut is_taken));
    is_taken
}

fn labelled(name: &'static str, labels: &[&'static str]) -> Labelled {
    labels.iter().map(|label| (*label, counter!(name, "reason" => *label))).collect()
}

fn count(counters: &Labelled, label: &str) {
    counters.iter().filter(|(of, _)| *of == label).for_each(|(_, counter)| counter.increment(1));
}
