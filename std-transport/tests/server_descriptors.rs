//! A server that has fewer file descriptors than there are peers.
//!
//! Apart from the others: the server is this program in a process of its own, with a limit on descriptors.
#![cfg(all(feature = "server", target_os = "linux"))]

mod running;

use std::env;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jsonframe_std::protocol::Message;
use jsonframe_std::server::{Handler, NotAccepted, Peer};
use running::child::{Helper, ROLE, generous, processor_time, say, stat, wait_for_parent};
use running::driver::{Driver, on_each_driver};
use running::{aloud, connect, exchange, wait_until};

on_each_driver! {
    a_server_without_descriptors_waits_for_some_and_does_not_spin,
}

/// The child's part: a server that has few descriptors.
fn serve_with_few_descriptors(driver: Driver) {
    let complaining = Complaining::default();
    let server = driver.start(generous(1000), complaining.clone());
    let stat = stat();
    say(format_args!("listening {}", server.address));
    loop {
        wait_for_parent();
        let stats = server.handle.stats();
        let time = processor_time(&stat).as_millis();
        let told = complaining.0.lock().unwrap().len();
        say(format_args!("stats {} {} {time} {told}", stats.connections, stats.accept_errors));
    }
}

/// Sends back what it gets, and keeps the errors of accepting, all of which are to be of the same kind.
#[derive(Clone, Default)]
struct Complaining(Arc<Mutex<Vec<i32>>>);

impl Handler for Complaining {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        peer.send(&message.header(), message.content()).unwrap();
    }

    fn not_accepted(&mut self, why: &NotAccepted) {
        /// Too many open files, on Linux.
        const EMFILE: i32 = 24;
        let NotAccepted::Io(error) = why else { panic!("{why}") };
        assert_eq!(error.raw_os_error(), Some(EMFILE), "{error}");
        self.0.lock().unwrap().push(EMFILE);
    }
}

fn a_server_without_descriptors_waits_for_some_and_does_not_spin(driver: Driver) {
    if env::var(ROLE).is_ok() {
        return serve_with_few_descriptors(driver);
    }
    let mut helper = Helper::run(
        &driver.name_of("a_server_without_descriptors_waits_for_some_and_does_not_spin"),
        "server",
        "-n 40",
    );
    let address: SocketAddr = helper.expect("listening ").parse().unwrap();
    let mut stats = || {
        helper.go_on();
        let line = helper.expect("stats ");
        let figures: Vec<u64> = line.split(' ').map(|figure| figure.parse().unwrap()).collect();
        // The handler is told of each, a moment after it is counted.
        assert!(figures[3].abs_diff(figures[1]) <= 1, "{line}");
        (figures[0], figures[1], Duration::from_millis(figures[2]))
    };
    // More than it has descriptors for, of which each thread takes some itself, and less than twice as many: the others wait in
    // the backlog, and there is room for all of them when those that were served have gone.
    let mut connections: Vec<_> = (0..45).map(|_| connect(address)).collect();
    wait_until(|| stats().1 > 0);
    let (open, errors, time) = stats();
    assert!((10..40).contains(&open), "{open}");
    exchange(&mut connections[0], "who is connected is served");

    let start = Instant::now();
    std::thread::sleep(Duration::from_secs(1));
    let (_, more_errors, more_time) = stats();
    let elapsed = start.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(more_errors - errors).unwrap()) / elapsed;
    aloud(format_args!(
        "{driver}: {rate:.0} failed accepts a second, {:?} of processor time",
        more_time.saturating_sub(time)
    ));
    assert!(rate <= 100.0, "{rate}");
    assert!(rate >= 1.0, "{rate}");
    assert!(more_time.saturating_sub(time) < Duration::from_millis(500));

    // That others are served meanwhile does not make it try more often.
    let (start, (_, before, _)) = (Instant::now(), stats());
    for _ in 0..500 {
        exchange(&mut connections[0], "meanwhile");
    }
    let attempts = stats().1 - before;
    assert!(attempts <= 100 * (start.elapsed().as_secs() + 1), "{attempts} in {:?}", start.elapsed());

    // As soon as there are descriptors again, all are served: within a second, by the number of attempts.
    let mut waiting = connections.split_off(usize::try_from(open).unwrap());
    let (_, before, _) = stats();
    drop(connections);
    for connection in &mut waiting {
        exchange(connection, "served at last");
    }
    let attempts = stats().1 - before;
    aloud(format_args!("{driver}: {attempts} failed accepts until all were served"));
    assert!(attempts <= 50, "{attempts}");
}
