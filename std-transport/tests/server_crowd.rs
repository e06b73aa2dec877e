//! A server and very many connections: idle ones, active ones, those that say nothing, and more than there are file
//! descriptors for.
//!
//! The crowds live in processes of their own, so that each process needs descriptors for one side only: this program is
//! run again, with one of its tests and a variable that says that it is the child.
#![cfg(all(feature = "server", target_os = "linux"))]

mod running;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::fs::FileExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs};

use jsonframe_std::Connection;
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Handler, Limits, Peer, Reply};
use running::{Echo, PATIENCE, Running, exchange, wait_until};

/// What the child is to do, if this is the child.
const ROLE: &str = "JSONFRAME_TEST_ROLE";

/// One test at a time: they measure this process.
static ALONE: Mutex<()> = Mutex::new(());

/// A child process, ended when dropped.
struct Helper {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Helper {
    /// Runs one of this program's tests in a process of its own, with so many file descriptors at most.
    fn run(test: &str, role: &str, descriptors: usize) -> Self {
        let program = env::current_exe().unwrap();
        let script = format!("ulimit -n {descriptors} && exec \"$0\" --exact {test} --nocapture --test-threads 1");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(program).env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Reads the child's lines until one begins so; what follows it.
    fn expect(&mut self, beginning: &str) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some(found) = line.trim_end().strip_prefix(beginning) {
                return found.to_owned();
            }
            line.clear();
        }
        panic!("the child has ended without saying {beginning:?}");
    }

    /// Tells the child to go on.
    fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the child says to its parent, in a line of its own whatever the test harness has written.
fn say(text: impl std::fmt::Display) {
    println!("\n{text}");
    std::io::stdout().flush().unwrap();
}

/// Waits for the parent; ends the process if that has ended.
fn wait_for_parent() {
    let mut line = String::new();
    if BufReader::new(std::io::stdin()).read_line(&mut line).unwrap_or(0) == 0 {
        std::process::exit(0);
    }
}

/// The child's part: connects so many times, exchanges a message on each connection if it is to, says so, and holds the connections until it is told to go on.
fn hold_connections(role: &str) {
    let [address, count, talks] = role.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let mut connections: Vec<_> = (0..count.parse().unwrap()).map(|_| TcpStream::connect(address).unwrap()).collect();
    if talks == "true" {
        let message = Message::new(Header::json(2), b"{}").unwrap().to_vec().unwrap();
        let mut reply = vec![0; message.len()];
        for connection in &mut connections {
            connection.write_all(&message).unwrap();
            connection.read_exact(&mut reply).unwrap();
        }
    }
    say(format_args!("connected {}", connections.len()));
    wait_for_parent();
    drop(connections);
    say("closed");
    wait_for_parent();
}

/// How much memory of this process is resident, in bytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// How much processor time this process has used, from a file opened while there were descriptors.
fn processor_time(stat: &File) -> Duration {
    let mut place = [0; 4096];
    let length = stat.read_at(&mut place, 0).unwrap();
    let text = std::str::from_utf8(&place[..length]).unwrap();
    let fields: Vec<_> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u64>().unwrap();
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

fn stat() -> File {
    File::open("/proc/self/stat").unwrap()
}

/// How many file descriptors a process may have.
fn descriptors() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX)
}

fn crowd(server: &Running, count: usize, talks: bool, test: &str) -> Helper {
    let mut helper = Helper::run(test, &format!("{} {count} {talks}", server.address), count + 100);
    helper.expect("connected ");
    helper
}

fn generous(connections: usize) -> Limits {
    let mut limits = Limits::default();
    limits.connections = connections;
    limits.backlog = 4096;
    limits
}

#[test]
fn ten_thousand_idle_connections_and_a_hundred_active() {
    const ACTIVE: usize = 100;
    if let Ok(role) = env::var(ROLE) {
        return hold_connections(&role);
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = 10_000;
    let idle = wanted.min(descriptors().saturating_sub(2 * ACTIVE + 200));
    if idle < wanted {
        println!("only {idle} idle connections instead of {wanted}: `ulimit -n` is {}", descriptors());
    }
    let server = Running::start(generous(idle + ACTIVE), Echo::default());
    let mut active: Vec<_> = (0..ACTIVE).map(|_| server.connect()).collect();
    for connection in &mut active {
        exchange(connection, "to begin with");
    }
    let before = resident();
    let mut helper = crowd(&server, idle, true, "ten_thousand_idle_connections_and_a_hundred_active");
    server.wait_until(|server| server.handle.stats().connections == idle + ACTIVE);
    for round in 0..20 {
        for connection in &mut active {
            exchange(connection, &format!("round {round}"));
        }
    }
    let each = resident().saturating_sub(before) / idle;
    println!("{each} bytes of resident memory for each of {idle} idle connections");
    assert!(each <= 1024, "{each}");

    // They wait at no cost, and nothing spins.
    let stat = stat();
    let spent = processor_time(&stat);
    std::thread::sleep(Duration::from_millis(500));
    let spent = processor_time(&stat).saturating_sub(spent);
    println!("{spent:?} of processor time in half a second of nothing");
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
    let whole = Message::new(Header::json(2), b"{}").unwrap().to_vec().unwrap();
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
    println!("{spent:?} of processor time in half a second of waiting");
    assert!(spent < Duration::from_millis(250));
    assert_eq!(server.handle.stats().connections, 6);
}

#[test]
fn thousands_of_connections_that_send_nothing_come_and_go() {
    if let Ok(role) = env::var(ROLE) {
        return hold_connections(&role);
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut limits = generous(20_000);
    limits.idle_deadline = Duration::from_secs(1);
    let count = 3_000.min(descriptors().saturating_sub(400));
    let server = Running::start(limits, Echo::default());
    let helper = crowd(&server, count, false, "thousands_of_connections_that_send_nothing_come_and_go");
    let mut other = server.connect();
    exchange(&mut other, "meanwhile");
    // They are closed although they are held.
    server.wait_until(|server| server.handle.stats().connections == 0);
    assert!(server.handle.stats().accepted > count as u64);
    exchange(&mut server.connect(), "and after");
    drop(helper);
}

/// The child's part: a server that has few descriptors.
fn serve_with_few_descriptors() {
    let server = Running::start(generous(1000), Echo::default());
    let stat = stat();
    say(format_args!("listening {}", server.address));
    loop {
        wait_for_parent();
        let stats = server.handle.stats();
        let time = processor_time(&stat).as_millis();
        say(format_args!("stats {} {} {time}", stats.connections, stats.accept_errors));
    }
}

#[test]
fn a_server_without_descriptors_waits_for_some_and_does_not_spin() {
    if env::var(ROLE).is_ok() {
        return serve_with_few_descriptors();
    }
    let mut helper = Helper::run("a_server_without_descriptors_waits_for_some_and_does_not_spin", "server", 40);
    let address: SocketAddr = helper.expect("listening ").parse().unwrap();
    let connect = || {
        let connection = Connection::connect(address).unwrap();
        connection.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        connection
    };
    let mut stats = || {
        helper.go_on();
        let line = helper.expect("stats ");
        let figures: Vec<u64> = line.split(' ').map(|figure| figure.parse().unwrap()).collect();
        (figures[0], figures[1], Duration::from_millis(figures[2]))
    };
    // More than it has descriptors for; the others wait in the backlog.
    let mut connections: Vec<_> = (0..60).map(|_| connect()).collect();
    wait_until(|| stats().1 > 0);
    let (open, errors, time) = stats();
    assert!((10..40).contains(&open), "{open}");
    exchange(&mut connections[0], "who is connected is served");

    let start = Instant::now();
    std::thread::sleep(Duration::from_secs(1));
    let (_, more_errors, more_time) = stats();
    let elapsed = start.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(more_errors - errors).unwrap()) / elapsed;
    println!("{rate:.0} failed accepts a second, {:?} of processor time", more_time.saturating_sub(time));
    assert!(rate <= 100.0, "{rate}");
    assert!(rate >= 1.0, "{rate}");
    assert!(more_time.saturating_sub(time) < Duration::from_millis(500));

    // As soon as there are descriptors again, all are served.
    let waiting = connections.split_off(usize::try_from(open).unwrap());
    drop(connections);
    for mut connection in waiting {
        exchange(&mut connection, "served at last");
    }
}
