//! Very many connections that say nothing, again and again.
#![cfg(all(feature = "server", target_os = "linux"))]

mod running;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jsonframe_std::protocol::Message;
use jsonframe_std::server::{Address, CloseReason, Handler, Id, Peer, Reply};
use running::child::{generous, resident};
use running::crowd::{affordable, alone, crowd};
use running::driver::{Driver, on_each_driver};
use running::{aloud, exchange};

on_each_driver! {
    ten_thousand_connections_that_send_nothing_come_and_go,
}

/// Sends back what it gets, and counts the reasons for which connections have ended.
#[derive(Clone, Default)]
struct Counting {
    ended: Arc<Mutex<BTreeMap<String, usize>>>,
    /// Whoever is owed a reply is not idle, however slow the machine is.
    owed: Arc<Mutex<Vec<Reply>>>,
}

impl Handler for Counting {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        if message.content() == b"to begin with" {
            self.owed.lock().unwrap().push(peer.reply_later());
        }
        peer.send(&message.header(), message.content()).unwrap();
    }

    fn disconnected(&mut self, _: Id, _: Address, (): (), why: &CloseReason) {
        *self.ended.lock().unwrap().entry(why.to_string()).or_default() += 1;
    }
}

fn ten_thousand_connections_that_send_nothing_come_and_go(driver: Driver) {
    alone(driver, "ten_thousand_connections_that_send_nothing_come_and_go", come_and_go);
}

fn come_and_go(driver: Driver) {
    const ACTIVE: usize = 10;
    const MIB: usize = 1024 * 1024;
    let count = affordable(10_000, 2 * ACTIVE);
    let mut limits = generous(count + ACTIVE);
    limits.idle_timeout = Duration::from_secs(3);
    limits.header_timeout = Duration::from_secs(3);
    let counting = Counting::default();
    let server = driver.start(limits, counting.clone());
    let mut active: Vec<_> = (0..ACTIVE).map(|_| server.connect()).collect();
    let mut exchange_all = |text: &str| active.iter_mut().for_each(|connection| exchange(connection, text));
    exchange_all("to begin with");
    let before = resident();
    // One wave has its idleness against it, the other the deadline for a header.
    let waves = [("nothing", "nothing happened for too long"), ("a-byte", "the header took too long")];
    for (round, (says, why)) in waves.into_iter().cycle().take(4).enumerate() {
        let helper = crowd(&server, count, says);
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
        let kept = match driver {
            Driver::Workers(_) if round == 0 => 0,
            Driver::Workers(_) => 400 * count,
            // It keeps the tasks too.
            #[cfg(feature = "tokio")]
            Driver::Tokio(_) => driver.idle_size() * count,
        };
        server.wait_until(|_| more() <= kept + MIB);
        let peak = peak.saturating_sub(before);
        let after = more();
        aloud(format_args!(
            "{driver}: {count} connections that said {says}: {peak} bytes more resident, and {after} when they had gone"
        ));
        assert_eq!(counting.ended.lock().unwrap().remove(why), Some(count));
        assert!(counting.ended.lock().unwrap().is_empty());
        drop(helper);
    }
    exchange(&mut server.connect(), "and after");
}
