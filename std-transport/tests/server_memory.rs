//! How much memory a server takes while peers fill each of its limits, at their defaults, beside what the limit says.
//!
//! Apart from the others: the server is this program in a process of its own, whose memory is measured.
#![cfg(all(feature = "server", target_os = "linux"))]

mod running;

use std::env;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use jsonframe_std::protocol::Header;
use jsonframe_std::server::Limits;
use running::child::{Helper, ROLE, say, wait_for_parent};
use running::driver::{Driver, on_each_driver};
use running::{Echo, PATIENCE, aloud, connect, exchange, message, wait_until};

on_each_driver! {
    replies_that_nobody_reads_hold_what_is_promised,
    pushes_that_nobody_reads_hold_what_is_promised,
    uploads_that_never_end_hold_what_is_promised,
    headers_that_never_come_hold_what_is_promised,
}

const MIB: usize = 1024 * 1024;

/// What the allocator, the worker's own buffers and a few sockets take besides, at most.
const BESIDES: usize = 24 * MIB;

/// The child: a server with its default limits. As a pusher it also sends to all its peers, more than fits, as long as it
/// can.
fn serve(driver: Driver, role: &str) {
    let (echo, mut limits) = (Echo::default(), Limits::default());
    // Deadlines are for other tests.
    limits.write_timeout = 2 * PATIENCE;
    limits.rate_window = 2 * PATIENCE;
    limits.header_timeout = 2 * PATIENCE;
    let server = driver.start(limits, echo.clone());
    say(format_args!("listening {}", server.address));
    if role == "pusher" {
        wait_for_parent();
        let ids = echo.peers.lock().unwrap().clone();
        let header = Header::new("news", "binary", MIB as u64);
        let start = Instant::now();
        let mut sent = 0;
        // To each something else, which therefore is not shared.
        while sent < 1000 && start.elapsed() < PATIENCE {
            for id in &ids {
                sent += usize::from(server.handle.queue(*id, &header, vec![b'n'; MIB]).is_ok());
            }
        }
        say("pushed");
    }
    wait_for_parent();
}

/// Descriptors for all connections, and an allocator that gives back to the system what is freed. With its defaults glibc
/// keeps holes between long contents, a quarter of the memory in the worst of these tests.
const SETTINGS: &str = "-n 4096 && export MALLOC_MMAP_THRESHOLD_=131072";

/// A server in a process of its own, and the memory that it took when it had served somebody.
fn server(driver: Driver, test: &str, role: &str) -> (Helper, SocketAddr, usize) {
    let mut helper = Helper::run(&driver.name_of(test), role, SETTINGS);
    let address = helper.expect("listening ").parse().unwrap();
    exchange(&mut connect(address), "hello");
    let before = helper.resident().0;
    (helper, address, before)
}

/// Connections that have been written to as much as their system takes, all at a time, and of which none is read; until
/// nothing moves any more.
fn fill(address: SocketAddr, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let connections: Vec<_> = (0..count)
        .map(|_| {
            let connection = TcpStream::connect(address).unwrap();
            connection.set_nonblocking(true).unwrap();
            connection
        })
        .collect();
    let mut written = vec![0; count];
    let mut moved = Instant::now();
    while moved.elapsed() < Duration::from_secs(2) && written.iter().any(|&written| written < bytes.len()) {
        for (mut connection, written) in connections.iter().zip(&mut written) {
            match connection.write(&bytes[*written..]) {
                Ok(count) => {
                    *written += count;
                    moved = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The server has ended it.
                Err(_) => *written = bytes.len(),
            }
        }
        thread::yield_now();
    }
    connections
}

/// Compares the most memory that the server took with what is promised, and shows that it serves others meanwhile.
fn holds_at_most(what: &str, promised: usize, helper: &Helper, address: SocketAddr, before: usize) -> usize {
    exchange(&mut connect(address), "meanwhile");
    let most = helper.resident().1.saturating_sub(before);
    aloud(format_args!("{what}: {} MiB resident, {} MiB promised", most / MIB, promised / MIB));
    assert!(most <= promised + BESIDES, "{what}: {most} of {promised} bytes");
    most
}

fn replies_that_nobody_reads_hold_what_is_promised(driver: Driver) {
    if let Ok(role) = env::var(ROLE) {
        return serve(driver, &role);
    }
    let (helper, address, before) = server(driver, "replies_that_nobody_reads_hold_what_is_promised", "server");
    let request = message(&vec![b'x'; 8 * MIB]);
    // One after the other, for requests that are being collected take memory too.
    let _deaf: Vec<_> = (0..80).map(|_| fill(address, 1, &request)).collect();
    // The total and a message, and the request that is being collected meanwhile.
    let most = holds_at_most("replies that nobody reads", 256 * MIB + 2 * 8 * MIB, &helper, address, before);
    assert!(most > 200 * MIB, "the limit was not filled: {most}");
}

fn pushes_that_nobody_reads_hold_what_is_promised(driver: Driver) {
    if let Ok(role) = env::var(ROLE) {
        return serve(driver, &role);
    }
    let (mut helper, address, before) = server(driver, "pushes_that_nobody_reads_hold_what_is_promised", "pusher");
    let _deaf: Vec<_> = (0..200).map(|_| connect(address)).collect();
    exchange(&mut connect(address), "so that all are accepted");
    helper.go_on();
    helper.expect("pushed");
    let most = holds_at_most("pushes that nobody reads", 256 * MIB + MIB, &helper, address, before);
    assert!(most > 200 * MIB, "the limit was not filled: {most}");
}

fn uploads_that_never_end_hold_what_is_promised(driver: Driver) {
    if let Ok(role) = env::var(ROLE) {
        return serve(driver, &role);
    }
    let (helper, address, before) = server(driver, "uploads_that_never_end_hold_what_is_promised", "server");
    let whole = message(&vec![b'u'; 15 * MIB]);
    let _slow = fill(address, 40, &whole[..whole.len() - 1]);
    // The total, and one that is copied to a larger place.
    let most = holds_at_most("uploads that never end", 256 * MIB + 16 * MIB, &helper, address, before);
    assert!(most > 200 * MIB, "the limit was not filled: {most}");
}

fn headers_that_never_come_hold_what_is_promised(driver: Driver) {
    if let Ok(role) = env::var(ROLE) {
        return serve(driver, &role);
    }
    let (helper, address, before) = server(driver, "headers_that_never_come_hold_what_is_promised", "server");
    // A first byte that announces a header of nearly 16 KiB, on all connections there may be but the one that asks.
    let claims = fill(address, 1000, &[0x3F]);
    wait_until(|| helper.resident().1.saturating_sub(before) > 1000 * 4096);
    holds_at_most("headers that never come", 1000 * 17 * 1024, &helper, address, before);
    drop(claims);
}
