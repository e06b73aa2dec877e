//! A server and very many connections: idle ones and active ones, and what it costs to wait.
#![cfg(all(feature = "server", target_os = "linux"))]

mod running;

use std::env;
use std::io::Write;
use std::net::Shutdown;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Handler, Peer, Reply};
use running::child::{ROLE, generous, processor_time, resident, stat};
use running::crowd::{affordable, crowd, hold_connections};
use running::{Echo, Running, aloud, exchange, message};

/// One test at a time: they measure this process.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn ten_thousand_idle_connections_and_a_hundred_active() {
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
    let mut helper = crowd(&server, idle, "a-message", "ten_thousand_idle_connections_and_a_hundred_active");
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
    fn message(&mut self, peer: &mut Peer<'_>, _: Message<'_>) {
        self.0.push(peer.reply_later());
    }
}

#[test]
fn to_wait_for_whatever_costs_nothing() {
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
    server.handle.broadcast(&Header::new("much", "binary", 8_000_000), much).unwrap();
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
