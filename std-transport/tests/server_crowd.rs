//! What it costs a server to wait: for very many connections, and for whatever else there is.
#![cfg(all(feature = "server", target_os = "linux"))]

mod running;

use std::io::Write;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Handler, Limits, Peer, Reply, To};
use running::child::{generous, processor_time, resident, stat};
use running::crowd::{affordable, alone, crowd};
use running::driver::{Driver, on_each_driver};
use running::{Echo, PATIENCE, aloud, exchange, message};

on_each_driver! {
    ten_thousand_idle_connections_cost_little_memory_and_no_processor_time,
    waiting_connections_cost_no_processor_time,
    nothing_spins_while_a_handler_is_busy_beyond_the_deadline_of_a_shutdown,
}

fn ten_thousand_idle_connections_cost_little_memory_and_no_processor_time(driver: Driver) {
    alone(driver, "ten_thousand_idle_connections_cost_little_memory_and_no_processor_time", idle);
}

fn idle(driver: Driver) {
    const ACTIVE: usize = 100;
    let idle = affordable(10_000, 2 * ACTIVE);
    let server = driver.start(generous(idle + ACTIVE), Echo::default());
    let mut active: Vec<_> = (0..ACTIVE).map(|_| server.connect()).collect();
    for connection in &mut active {
        exchange(connection, "to begin with");
    }
    let before = resident();
    let mut helper = crowd(&server, idle, "a-message");
    helper.expect("connected ");
    server.wait_until(|server| server.handle.stats().connections == idle + ACTIVE);
    for round in 0..20 {
        for connection in &mut active {
            exchange(connection, &format!("round {round}"));
        }
    }
    let each = resident().saturating_sub(before) / idle;
    aloud(format_args!("{driver}: {each} bytes of resident memory for each of {idle} idle connections"));
    assert!(each <= driver.idle_size(), "{each}");

    // They wait at no cost, and nothing spins.
    let stat = stat();
    let spent = processor_time(&stat);
    std::thread::sleep(Duration::from_millis(500));
    let spent = processor_time(&stat).saturating_sub(spent);
    aloud(format_args!("{driver}: {spent:?} of processor time in half a second of nothing"));
    assert!(spent < Duration::from_millis(250));
    helper.go_on();
    server.wait_until(|server| server.handle.stats().connections == ACTIVE);
    for connection in &mut active {
        exchange(connection, "to end with");
    }
}

/// Owes every reply for ever.
#[derive(Clone, Default)]
struct Silent(Arc<Mutex<Vec<Reply>>>);

impl Handler for Silent {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), _: Message<'_>) {
        self.0.lock().unwrap().push(peer.reply_later());
    }
}

fn waiting_connections_cost_no_processor_time(driver: Driver) {
    alone(driver, "waiting_connections_cost_no_processor_time", waiting);
}

fn waiting(driver: Driver) {
    let server = driver.start(generous(6), Silent::default());
    let whole = message(b"{}");
    let mut connections: Vec<_> = (0..6).map(|_| server.connect()).collect();
    server.wait_until(|server| server.handle.stats().connections == 6);
    // Inside a proto-header, a header, and content; owed a reply, with half the connection closed or not; after a fault.
    for (connection, sent) in
        connections.iter_mut().zip([&whole[..1], &whole[..9], &whole[..whole.len() - 1], &whole, &whole])
    {
        connection.get_mut().write_all(sent).unwrap();
    }
    connections[3].get_ref().shutdown(Shutdown::Write).unwrap();
    // All but the last have more queued than they read.
    let much = vec![0; 8_000_000];
    server.handle.queue(To::All, &Header::new("much", "binary", 8_000_000), much).unwrap();
    // And one more than may be connected waits in the backlog.
    let _waiting = server.connect();
    server.wait_until(|server| server.handle.stats().queued > 6_000_000);
    std::thread::sleep(Duration::from_millis(100));
    connections[5].get_mut().write_all(b"\0\0").unwrap();

    let stat = stat();
    let spent = processor_time(&stat);
    std::thread::sleep(Duration::from_millis(500));
    let spent = processor_time(&stat).saturating_sub(spent);
    aloud(format_args!("{driver}: {spent:?} of processor time in half a second of waiting"));
    assert!(spent < Duration::from_millis(250));
    assert_eq!(server.handle.stats().connections, 6);
}

/// Is busy with each message until it is told to go on.
#[derive(Clone)]
struct Busy {
    begun: mpsc::Sender<()>,
    go_on: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Handler for Busy {
    type State = ();

    fn message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {
        self.begun.send(()).unwrap();
        let _ = self.go_on.lock().unwrap().recv_timeout(PATIENCE);
    }
}

fn nothing_spins_while_a_handler_is_busy_beyond_the_deadline_of_a_shutdown(driver: Driver) {
    alone(driver, "nothing_spins_while_a_handler_is_busy_beyond_the_deadline_of_a_shutdown", busy);
}

fn busy(driver: Driver) {
    let ((begun, busy), (release, go_on)) = (mpsc::channel(), mpsc::channel());
    let server = driver.start(Limits::default(), Busy { begun, go_on: Arc::new(Mutex::new(go_on)) });
    // The first connection is the first worker's, which accepts.
    let mut connection = server.connect();
    connection.send(&Header::for_json(2), b"{}").unwrap();
    busy.recv().unwrap();
    server.handle.shutdown(Duration::from_millis(10));
    std::thread::sleep(Duration::from_millis(100));
    let stat = stat();
    let spent = processor_time(&stat);
    std::thread::sleep(Duration::from_secs(1));
    let spent = processor_time(&stat).saturating_sub(spent);
    drop(release);
    server.join();
    assert!(spent < Duration::from_millis(200), "{spent:?} of a second");
}
