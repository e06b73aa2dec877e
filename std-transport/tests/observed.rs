//! What is seen of servers from outside, through tracing and metrics.
#![cfg(all(feature = "json", feature = "metrics", feature = "server", feature = "tokio", feature = "tracing"))]

mod running;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jsonframe_std::protocol::Message;
use jsonframe_std::server::{Address, AtLimit, CloseReason, Handler, Id, Limits, NotAccepted, Peer};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use tracing_subscriber::fmt::MakeWriter;

use running::driver::Driver;
use running::{Echo, exchange, is_closed, receive};

/// An echo that panics if it is told to.
#[derive(Clone, Default)]
struct Fragile(Echo);

impl Handler for Fragile {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        assert_ne!(message.content(), b"panic", "this panic is part of the test");
        self.0.message(peer, &mut (), message);
    }

    fn farewell(&mut self, peer: &mut Peer<'_>, (): &mut (), why: &CloseReason) {
        self.0.farewell(peer, &mut (), why);
    }

    fn disconnected(&mut self, id: Id, address: Address, (): (), why: &CloseReason) {
        self.0.disconnected(id, address, (), why);
    }

    fn not_accepted(&mut self, why: &NotAccepted) {
        self.0.not_accepted(why);
    }
}

/// Keeps all figures by name and label: gauges as bits of an `f64`, of histograms how many samples there are.
#[derive(Clone, Default)]
struct Recorded {
    figures: Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>,
    described: Arc<Mutex<BTreeMap<String, Option<Unit>>>>,
}

impl Recorded {
    fn register(&self, key: &Key) -> Arc<AtomicU64> {
        let labels = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
        let name = key.name().to_owned() + &labels.collect::<String>();
        Arc::clone(self.figures.lock().unwrap().entry(name).or_default())
    }

    fn describe(&self, key: &KeyName, unit: Option<Unit>) {
        self.described.lock().unwrap().insert(key.as_str().to_owned(), unit);
    }

    fn get(&self, name: &str) -> u64 {
        self.figures.lock().unwrap().get(name).unwrap_or_else(|| panic!("no figure {name}")).load(Ordering::SeqCst)
    }
}

struct Samples(Arc<AtomicU64>);

impl HistogramFn for Samples {
    fn record(&self, seconds: f64) {
        assert!((0.0..60.0).contains(&seconds), "{seconds}");
        self.0.increment(1);
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, unit);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, unit);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.register(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.register(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Samples(self.register(key))))
    }
}

/// What is written as lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

// One test, for a process has one recorder and one subscriber.
#[test]
fn a_server_is_seen_through_tracing_and_metrics_over_each_driver() {
    let (recorded, lines) = (Recorded::default(), Lines::default());
    metrics::set_global_recorder(recorded.clone()).map_err(|_| "there is one").unwrap();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).without_time().with_max_level(tracing::Level::DEBUG);
    tracing::subscriber::set_global_default(subscriber.with_writer(lines.clone()).finish()).unwrap();
    for driver in Driver::ALL {
        let before: BTreeMap<_, _> = {
            let figures = recorded.figures.lock().unwrap();
            figures.iter().map(|(name, figure)| (name.clone(), figure.load(Ordering::SeqCst))).collect()
        };
        let more = |name: &str| recorded.get(name) - before.get(name).unwrap_or(&0);
        let open = || f64::from_bits(recorded.get("jsonframe_connections"));
        lines.take();

        let limits = Limits::default().with_max_connections(1).with_at_limit(AtLimit::Refuse);
        let server = driver.start(limits, Fragile::default());
        let mut first = server.connect();
        for text in ["one", "two", "three"] {
            exchange(&mut first, text);
        }
        server.wait_until(|_| open() > 0.5);
        is_closed(server.connect().get_ref());
        drop(first);
        server.wait_until(|server| server.handle.stats().connections == 0);
        let mut second = server.connect();
        second.get_mut().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let complaint = receive(&mut second).expect("a complaint");
        // Up to the first quotation mark, before which the log has a backslash.
        let complaint = complaint.split('"').next().unwrap();
        drop(second);
        server.wait_until(|server| server.handle.stats().connections == 0);
        let mut third = server.connect();
        third.get_mut().write_all(&running::message(b"panic")).unwrap();
        is_closed(third.get_ref());
        drop(third);
        server.wait_until(|server| server.handle.stats().connections == 0);
        let stats = server.handle.stats();
        drop(server);

        assert!(open().abs() < 0.5, "{driver}: {}", open());
        let figures = [
            ("jsonframe_accepted_total", 3),
            ("jsonframe_closed_total reason=ended", 1),
            ("jsonframe_closed_total reason=protocol", 1),
            ("jsonframe_closed_total reason=panicked", 1),
            ("jsonframe_closed_total reason=shutdown", 0),
            ("jsonframe_not_accepted_total reason=at_limit", 1),
            ("jsonframe_messages_received_total", stats.messages_received),
            ("jsonframe_messages_sent_total", 4),
            ("jsonframe_received_bytes_total", stats.bytes_received),
            ("jsonframe_sent_bytes_total", stats.bytes_sent),
            ("jsonframe_panics_total", 1),
            ("jsonframe_answer_seconds", 3),
        ];
        for (name, expected) in figures {
            assert_eq!(more(name), expected, "{driver}: {name}");
        }
        let seen = lines.take();
        let count = |parts: &[&str]| seen.lines().filter(|line| parts.iter().all(|part| line.contains(part))).count();
        for (parts, expected) in [
            (&["INFO connection{id=", " address=127.0.0.1:", ": connected"][..], 3),
            (&["DEBUG connection{", ": received content_type=\"text\" content_length=3"], 2),
            (&["DEBUG connection{", ": sent content_type=\"text\" content_length=3"], 2),
            (&["DEBUG connection{", ": sent content_type=\"error\""], 1),
            (&["INFO connection{", ": closed why=\"the peer has ended"], 1),
            (&["INFO connection{", ": closed why=", complaint], 1),
            (&["ERROR connection{", ": the handler panicked"], 1),
            (&["INFO", ": not accepted address=127.0.0.1:", "as many connections"], 1),
        ] {
            assert_eq!(count(parts), expected, "{driver}: {parts:?} in\n{seen}");
        }
    }
    // What is recorded is what the documentation lists, and has a unit.
    let described = recorded.described.lock().unwrap().clone();
    let names =
        recorded.figures.lock().unwrap().keys().map(|name| name.split(' ').next().unwrap().to_owned()).collect();
    let documented: std::collections::BTreeSet<String> = include_str!("../src/server/mod.rs")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("//! | `jsonframe_")?.split_once('`')?.0))
        .map(|name| format!("jsonframe_{name}"))
        .collect();
    assert_eq!(documented, names);
    assert_eq!(documented, described.keys().cloned().collect());
    assert!(described.values().all(Option::is_some), "{described:?}");
}
