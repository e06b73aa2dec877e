//! A process that the system gives little memory, and peers whose content takes more.
#![cfg(all(feature = "server", target_os = "linux"))]

mod running;

use std::env;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use jsonframe_std::protocol::{Assembler, DecodeErrorKind, Growable, Header};
use jsonframe_std::server::Limits;
use jsonframe_std::{Connection, Error, UNLIMITED};
use running::child::{Helper, ROLE, say, wait_for_parent};
use running::driver::{Driver, on_each_driver};
use running::{Echo, connect, exchange};

on_each_driver! {
    a_server_without_memory_for_content_refuses_it_and_serves_the_others,
}

/// The address space of the child, in kibibytes: its threads' stacks, and some hundred megabytes of content.
const SPACE: &str = "-v 400000";

/// More than that, and nothing that a limit refuses.
const TOO_LONG: u64 = 1 << 30;

/// Sends as much of too long a content as the other end takes.
fn send_too_much(mut connection: Connection<TcpStream>) {
    let stream = connection.get_mut();
    stream.write_all(Header::new("bytes", "binary", TOO_LONG).encode(&mut [0; 256]).unwrap()).unwrap();
    let chunk = vec![b'x'; 1 << 20];
    let sent = (0..TOO_LONG >> 20).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    // It took more than was read ahead, and then no more.
    assert!((8..1 << 10).contains(&sent), "{sent} MiB");
}

fn serve_with_little_memory(driver: Driver) {
    let mut limits = Limits::default();
    (limits.max_content, limits.max_collected) = (UNLIMITED, usize::MAX);
    let server = driver.start(limits, Echo::default());
    say(format_args!("listening {}", server.address));
    wait_for_parent();
}

fn a_server_without_memory_for_content_refuses_it_and_serves_the_others(driver: Driver) {
    if env::var(ROLE).is_ok() {
        return serve_with_little_memory(driver);
    }
    let name = driver.name_of("a_server_without_memory_for_content_refuses_it_and_serves_the_others");
    let mut helper = Helper::run(&name, "server", SPACE);
    let address: SocketAddr = helper.expect("listening ").parse().unwrap();
    let mut other = connect(address);
    exchange(&mut other, "before");
    for _ in 0..2 {
        send_too_much(connect(address));
        exchange(&mut other, "after");
    }
}

fn receive_with_little_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    say(format_args!("listening {}", listener.local_addr().unwrap()));
    let mut connection = Connection::new(listener.accept().unwrap().0).with_max_content(UNLIMITED);
    let error = connection.receive().unwrap().unwrap().content().unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::OutOfMemory), "{error}");
    drop(connection);
    say("refused");
    wait_for_parent();
}

#[test]
fn a_connection_without_memory_for_content_says_so() {
    if env::var(ROLE).is_ok() {
        return receive_with_little_memory();
    }
    let mut helper = Helper::run("a_connection_without_memory_for_content_says_so", "receiver", SPACE);
    let address: SocketAddr = helper.expect("listening ").parse().unwrap();
    let sender = thread::spawn(move || send_too_much(connect(address)));
    helper.expect("refused");
    sender.join().unwrap();
}

fn assemble_with_little_memory() {
    let mut assembler = Assembler::new([0; 256], Growable::with_limit(usize::MAX));
    let mut place = [0; 256];
    let mut header = Header::new("bytes", "binary", TOO_LONG).encode(&mut place).unwrap();
    assert!(assembler.decode(&mut header).unwrap().is_none());
    let chunk = vec![b'x'; 1 << 20];
    let error = (0..TOO_LONG >> 20).find_map(|_| assembler.decode(&mut &*chunk).err()).unwrap();
    assert_eq!(error.kind(), DecodeErrorKind::OutOfMemory);
    assert!(error.offset() > 8 << 20, "{error}");
    say("refused");
    wait_for_parent();
}

#[test]
fn an_assembler_without_memory_for_content_says_so() {
    if env::var(ROLE).is_ok() {
        return assemble_with_little_memory();
    }
    Helper::run("an_assembler_without_memory_for_content_says_so", "assembler", SPACE).expect("refused");
}
