//! A server that has nothing to do takes no processor time. Alone in its process, which is what the system counts.
#![cfg(all(feature = "server", target_os = "linux"))]

mod running;

use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Handler, Limits, Peer};
use running::{PATIENCE, Running};

/// Is busy with each message until it is told to go on.
struct Busy {
    begun: mpsc::Sender<()>,
    go_on: mpsc::Receiver<()>,
}

impl Handler for Busy {
    fn message(&mut self, _: &mut Peer<'_>, _: Message<'_>) {
        self.begun.send(()).unwrap();
        let _ = self.go_on.recv_timeout(PATIENCE);
    }
}

/// How much processor time this process has taken, in the system's ticks of 10 ms.
fn ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // User time and system time, the 14th and 15th field of all.
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn a_worker_does_not_spin_while_another_one_is_busy_beyond_the_deadline_of_a_shutdown() {
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
    thread::sleep(Duration::from_millis(100));
    let before = ticks();
    thread::sleep(Duration::from_secs(1));
    let taken = ticks() - before;
    releases.clear();
    server.join();
    assert!(taken < 20, "{taken} ticks of 100");
}
