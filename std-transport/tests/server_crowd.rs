//! A server and very many connections: idle ones, active ones, and those that say nothing.
#![cfg(all(feature = "server", target_os = "linux"))]

mod running;

use std::collections::BTreeMap;
use std::env;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Closed, Handler, Id, Peer, Reply};
use running::child::{Helper, ROLE, descriptors, generous, processor_time, resident, say, stat, wait_for_parent};
use running::{Echo, Running, aloud, exchange, message};

/// One test at a time: they measure this process.
static ALONE: Mutex<()> = Mutex::new(());

/// The child's part: connects so many times, says on each connection what it is to say, reports that, and holds the
/// connections until it is told to go on.
fn hold_connections(role: &str) {
    let [address, count, says] = role.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let mut connections: Vec<_> = (0..count.parse().unwrap()).map(|_| TcpStream::connect(address).unwrap()).collect();
    let message = message(b"{}");
    for connection in &mut connections {
        match says {
            "a-message" => {
                connection.write_all(&message).unwrap();
                connection.read_exact(&mut vec![0; message.len()]).unwrap();
            }
            "a-byte" => connection.write_all(&message[..1]).unwrap(),
            _ => {}
        }
    }
    say(format_args!("connected {}", connections.len()));
    wait_for_parent();
    drop(connections);
    say("closed");
    wait_for_parent();
}

/// A process that connects so many times, and says this on each connection.
fn crowd(server: &Running, count: usize, says: &str, test: &str) -> Helper {
    Helper::run(test, &format!("{} {count} {says}", server.address), count + 100)
}

/// How many connections there can be of those wanted, with some more; said aloud if it is fewer.
fn affordable(wanted: usize, more: usize) -> usize {
    let affordable = wanted.min(descriptors().saturating_sub(more + 200));
    if affordable < wanted {
        aloud(format_args!("only {affordable} connections instead of {wanted}: `ulimit -n` is {}", descriptors()));
    }
    affordable
}

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

/// Sends back what it gets, and counts the reasons for which connections have ended.
#[derive(Clone, Default)]
struct Counting(Arc<Mutex<BTreeMap<String, usize>>>);

impl Handler for Counting {
    fn message(&mut self, peer: &mut Peer<'_>, message: Message<'_>) {
        peer.send(message.header(), message.content()).unwrap();
    }

    fn disconnected(&mut self, _: Id, _: SocketAddr, why: &Closed) {
        *self.0.lock().unwrap().entry(why.to_string()).or_default() += 1;
    }
}

#[test]
fn ten_thousand_connections_that_send_nothing_come_and_go() {
    const ACTIVE: usize = 10;
    const MIB: usize = 1024 * 1024;
    if let Ok(role) = env::var(ROLE) {
        return hold_connections(&role);
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let count = affordable(10_000, 2 * ACTIVE);
    let mut limits = generous(count + ACTIVE);
    limits.idle_deadline = Duration::from_secs(3);
    limits.header_deadline = Duration::from_secs(3);
    let counting = Counting::default();
    let server = Running::start(limits, counting.clone());
    let mut active: Vec<_> = (0..ACTIVE).map(|_| server.connect()).collect();
    let mut exchange_all = |text: &str| active.iter_mut().for_each(|connection| exchange(connection, text));
    exchange_all("to begin with");
    let before = resident();
    // One wave has its idleness against it, the other the deadline for a header.
    let waves = [("nothing", "nothing happened for too long"), ("a-byte", "the header took too long")];
    for (round, (says, why)) in waves.into_iter().cycle().take(4).enumerate() {
        let helper = crowd(&server, count, says, "ten_thousand_connections_that_send_nothing_come_and_go");
        let mut peak = 0;
        let accepted = (ACTIVE + (round + 1) * count) as u64;
        // All come and are closed, although their peers hold them; meanwhile the others are served.
        server.wait_until(|server| {
            exchange_all("meanwhile");
            let stats = server.handle.stats();
            peak = peak.max(resident());
            stats.accepted == accepted && stats.connections == ACTIVE
        });
        // Memory comes back a moment later. What the allocator keeps of the rooms for headers, it uses again: it does not
        // grow with the waves.
        let more = || resident().saturating_sub(before);
        let kept = if round == 0 { 0 } else { 400 * count };
        server.wait_until(|_| more() <= kept + MIB);
        let peak = peak.saturating_sub(before);
        let after = more();
        aloud(format_args!(
            "{count} connections that said {says}: {peak} bytes more resident, and {after} when they had gone"
        ));
        assert_eq!(counting.0.lock().unwrap().remove(why), Some(count));
        assert!(counting.0.lock().unwrap().is_empty());
        drop(helper);
    }
    exchange(&mut server.connect(), "and after");
}
