//! What it costs a server to wait: for very many connections, and for whatever else there is.
//!
//! Alone in its process, whose memory and processor time are measured.
#![cfg(all(feature = "server", target_os = "linux"))]

mod running;

use std::env;
use std::io::Write;
use std::net::Shutdown;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Handler, Limits, Peer, Reply, To};
use running::child::{ROLE, generous, processor_time, resident, stat};
use running::crowd::{affordable, crowd, hold_connections};
use running::{Echo, PATIENCE, Running, aloud, exchange, message};

/// One test at a time: they measure this process.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn ten_thousand_idle_connections_cost_a_kibibyte_each_and_no_processor_time() {
    const ACTIVE: usize = 100;
    if let Ok(role) = env::var(ROLE) {
        return hold_connections(&role);
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let idle = affordable(10_000, 2 * ACTIVE);
    let server = Running::start(generous(idle + ACTIVE), Echo::default());
    let mut active: Vec<_> = (0..ACTIVE).map(|_| server.connect()).collect();
    for connection in &mut active {
        exchange(connection, "to begin with");
    }
    let before = resident();
    let mut helper =
        crowd(&server, idle, "a-message", "ten_thousand_idle_connections_cost_a_kibibyte_each_and_no_processor_time");
    helper.expect("connected ");
    server.wait_until(|server| server.handle.stats().connections == idle + ACTIVE);
    for round in 0..20 {
        for connection in &mut active {
            exchange(connection, &format!("round {round}"));
        }
    }
    let each = resident().saturating_sub(before) / idle;
    aloud(format_args!("{each} bytes of resident memory for each of {idle} idle connections"));
    assert!(each <= 1024, "{each}");

    // They wait at no cost, and nothing spins.
    let stat = stat();
    let spent = processor_time(&stat);
    std::thread::sleep(Duration::from_millis(500));
    let spent = processor_time(&stat).saturating_sub(spent);
    aloud(format_args!("{spent:?} of processor time in half a second of nothing"));
    assert!(spent < Duration::from_millis(250));
    helper.go_on();
    server.wait_until(|server| server.handle.stats().connections == ACTIVE);
    for connection in &mut active {
        exchange(connection, "to end with");
    }
}

/// Owes every reply for ever.
struct Silent(Vec<Reply>);

impl Handler for Silent {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), _: Message<'_>) {
        self.0.push(peer.reply_later());
    }
}

#[test]
fn waiting_connections_cost_no_processor_time() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Running::start(generous(6), Silent(Vec::new()));
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
    aloud(format_args!("{spent:?} of processor time in half a second of waiting"));
    assert!(spent < Duration::from_millis(250));
    assert_eq!(server.handle.stats().connections, 6);
}

/// Is busy with each message until it is told to go on.
struct Busy {
    begun: mpsc::Sender<()>,
    go_on: mpsc::Receiver<()>,
}

impl Handler for Busy {
    type State = ();

    fn message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {
        self.begun.send(()).unwrap();
        let _ = self.go_on.recv_timeout(PATIENCE);
    }
}

#[test]
fn a_worker_does_not_spin_while_another_one_is_busy_beyond_the_deadline_of_a_shutdown() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut releases, mut handlers) = (Vec::new(), Vec::new());
    let (begun, busy) = mpsc::channel();
    for _ in 0..2 {
        let (release, go_on) = mpsc::channel();
        releases.push(release);
        handlers.push(Busy { begun: begun.clone(), go_on });
    }
    let server = Running::spawn(Limits::default(), |server| server.run_workers(handlers));
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
    releases.clear();
    server.join();
    assert!(spent < Duration::from_millis(200), "{spent:?} of a second");
}
