//! The multi-connection client and server, as programs.

mod common;

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Program, Server, ends_quietly_unread, program, text};
use socket2::SockRef;

const SERVER: &str = env!("CARGO_BIN_EXE_multiconn-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_multiconn-client");

const BOTH: &[u8] = b"Message 1 from client.Message 2 from client.";

fn server() -> Server {
    Server::spawn(Command::new(SERVER).args(["127.0.0.1", "0"]))
}

fn client(server: &Server, connections: usize) -> assert_cmd::Command {
    let [host, port] = server.host_and_port();
    program(CLIENT, &[&host, &port, &connections.to_string()])
}

/// A listener for the client, and the client, with these arguments behind the address.
fn listener_and_client(arguments: &[&str]) -> (TcpListener, Program) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let client = Program::spawn(Command::new(CLIENT).args(["127.0.0.1", &port]).args(arguments));
    (listener, client)
}

/// The next connection of the client, when all it sends has come.
fn accept(listener: &TcpListener) -> TcpStream {
    let mut stream = common::accept(listener);
    let mut received = [0; BOTH.len()];
    stream.read_exact(&mut received).unwrap();
    assert_eq!(received, BOTH);
    stream
}

fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

#[test]
fn the_client_prints_the_transcript() {
    let (listener, mut client) = listener_and_client(&["2"]);
    let address = listener.local_addr().unwrap();
    let [mut first, mut second] = [(); 2].map(|()| accept(&listener));
    let mut lines: Vec<_> = (0..6).map(|_| client.output.next()).collect();
    assert_eq!(lines[0], format!("starting connection 1 to {address}"));
    assert_eq!(lines[1], format!("starting connection 2 to {address}"));
    // Which of them is connected first is the system's choice.
    lines[2..].sort_by_key(|line| line.ends_with('2'));
    for (lines, connection) in lines[2..].chunks(2).zip(["connection 1", "connection 2"]) {
        assert_eq!(lines[0], format!("sending b\"Message 1 from client.\" to {connection}"));
        assert_eq!(lines[1], format!("sending b\"Message 2 from client.\" to {connection}"));
    }

    second.write_all(&BOTH[..22]).unwrap();
    assert_eq!(client.output.next(), "received b\"Message 1 from client.\" from connection 2");
    first.write_all(BOTH).unwrap();
    assert_eq!(client.output.next(), "received b\"Message 1 from client.Message 2 from client.\" from connection 1");
    assert_eq!(client.output.next(), "closing connection 1");
    assert_eq!(first.read(&mut [0]).unwrap(), 0);
    second.write_all(&BOTH[22..]).unwrap();
    assert_eq!(client.output.next(), "received b\"Message 2 from client.\" from connection 2");
    assert_eq!(client.output.next(), "closing connection 2");
    assert_eq!(client.exit_code(), Some(0));
    assert!(client.output.rest().is_empty());
    assert!(client.errors.rest().is_empty());
}

#[test]
fn the_server_prints_the_transcript_and_goes_on() {
    let mut server = server();
    for _ in 0..2 {
        let mut stream = server.connect();
        let peer = stream.local_addr().unwrap();
        assert_eq!(server.output.next(), format!("accepted connection from {peer}"));
        for (bytes, shown) in
            [(&b"Message 1 from client."[..], "Message 1 from client."), (b"\0\x1B[2J", "\\x00\\x1b[2J")]
        {
            stream.write_all(bytes).unwrap();
            let mut received = vec![0; bytes.len()];
            stream.read_exact(&mut received).unwrap();
            assert_eq!(received, bytes);
            assert_eq!(server.output.next(), format!("echoing b\"{shown}\" to {peer}"));
        }
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        assert_eq!(server.output.next(), format!("closing connection to {peer}"));
    }
    assert!(server.is_running());
    assert!(server.errors.so_far().is_empty());
}

/// The bytes in the notation of the programs' lines.
fn unquoted<'a>(line: &'a str, before: &str, after: &str) -> (&'a str, &'a str) {
    let rest = line.strip_prefix(before).and_then(|rest| rest.strip_prefix("b\"")).expect(line);
    let (bytes, whose) = rest.split_once("\" ").expect(line);
    (bytes, whose.strip_prefix(after).expect(line))
}

#[test]
fn many_connections_are_served_at_once() {
    const MANY: usize = 200;
    let server = server();
    let run = client(&server, MANY).assert().success().stderr("");
    let output = text(&run.get_output().stdout);

    // All begin before any is served.
    let starts = (1..=MANY).map(|number| format!("starting connection {number} to {}", server.address));
    assert!(output.lines().take(MANY).eq(starts));
    let mut sent: HashMap<&str, String> = HashMap::new();
    let mut received: HashMap<&str, String> = HashMap::new();
    let mut closed: Vec<usize> = Vec::new();
    for line in output.lines().skip(MANY) {
        if line.starts_with("sending ") {
            let (bytes, number) = unquoted(line, "sending ", "to connection ");
            sent.entry(number).or_default().push_str(bytes);
        } else if line.starts_with("received ") {
            let (bytes, number) = unquoted(line, "received ", "from connection ");
            received.entry(number).or_default().push_str(bytes);
        } else {
            let number = line.strip_prefix("closing connection ").expect(line);
            assert_eq!(received[number].as_bytes(), BOTH);
            closed.push(number.parse().unwrap());
        }
    }
    closed.sort_unstable();
    assert!(closed.into_iter().eq(1..=MANY));
    assert_eq!(sent.len(), MANY);
    assert!(sent.values().all(|bytes| bytes.as_bytes() == BOTH));

    let mut accepted = 0;
    let mut closed = 0;
    let mut echoed: HashMap<String, String> = HashMap::new();
    while closed < MANY {
        let line = server.output.next();
        if line.starts_with("accepted connection from ") {
            accepted += 1;
        } else if line.starts_with("echoing ") {
            let (bytes, peer) = unquoted(&line, "echoing ", "to ");
            echoed.entry(peer.into()).or_default().push_str(bytes);
        } else {
            let peer = line.strip_prefix("closing connection to ").expect(&line);
            assert_eq!(echoed[peer].as_bytes(), BOTH);
            closed += 1;
        }
    }
    assert_eq!(accepted, MANY);
    assert!(server.errors.so_far().is_empty());
}

#[test]
fn large_data_goes_through_in_pieces() {
    let server = server();
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(20_000_000).collect();
    let streams = [server.connect(), server.connect()];
    thread::scope(|scope| {
        for stream in &streams {
            scope.spawn(|| {
                // All at once, and no more: the server has to send what it holds although it hears of the end.
                (&*stream).write_all(&bytes).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
            });
            scope.spawn(|| {
                let mut received = Vec::new();
                (&*stream).read_to_end(&mut received).unwrap();
                assert!(received == bytes);
            });
        }
    });
    assert!(server.errors.so_far().is_empty());
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody_and_fills_no_memory() {
    let server = server();
    let mut silent = server.connect();
    silent.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let chunk = vec![b'x'; 1024 * 1024];
    let mut sent = 0;
    // The server has to stop reading sooner or later.
    let blocked = loop {
        match silent.write(&chunk) {
            Ok(count) => sent += count,
            Err(error) => break error,
        }
        assert!(sent < 1024 * chunk.len(), "there is no end to what the server takes");
    };
    assert!(matches!(blocked.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    if let Some(kib) = server.peak_memory() {
        assert!(kib < 32 * 1024, "the server has taken {kib} KiB");
    }
    client(&server, 10).assert().success();

    silent.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    silent.read_to_end(&mut received).unwrap();
    assert_eq!(received.len(), sent);
    assert!(server.errors.so_far().is_empty());
}

#[test]
fn a_client_that_sends_all_the_time_holds_up_nobody() {
    let server = server();
    let greedy = server.connect();
    let is_over = AtomicBool::new(false);
    let run = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                (&greedy).write_all(&[b'x'; 50_000]).unwrap();
            }
            greedy.shutdown(Shutdown::Write).unwrap();
        });
        scope.spawn(|| io::copy(&mut &greedy, &mut io::sink()).unwrap());
        let run = client(&server, 10).output();
        is_over.store(true, Ordering::Relaxed);
        run
    });
    assert!(run.unwrap().status.success());
    assert!(server.errors.so_far().is_empty());
}

#[test]
fn who_does_nothing_is_left_where_that_is_wanted() {
    let server = Server::spawn(Command::new(SERVER).args(["127.0.0.1", "0", "--idle-timeout", "1"]));
    let mut silent = server.connect();
    let mut busy = server.connect();
    let peers = [&silent, &busy].map(|stream| stream.local_addr().unwrap());
    silent.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let start = Instant::now();
    // The one that goes on sending stays for as long as the other one is there, and for as long again.
    let mut closed = None;
    while closed.is_none_or(|closed| start.elapsed() < 2 * closed) {
        busy.write_all(b"x").unwrap();
        busy.read_exact(&mut [0]).unwrap();
        if closed.is_none() && matches!(silent.read(&mut [0]), Ok(0)) {
            closed = Some(start.elapsed());
        }
        thread::sleep(Duration::from_millis(20));
        assert!(start.elapsed() < common::PATIENCE);
    }
    assert_eq!(server.errors.next(), format!("error: nothing happened for too long from {}", peers[0]));
    server.output.find(|line| line == format!("closing connection to {}", peers[0]));
    assert!(server.errors.so_far().is_empty());
    drop(busy);
    server.output.find(|line| line == format!("closing connection to {}", peers[1]));
}

#[test]
fn a_connection_that_is_reset_ends_no_other() {
    let mut server = server();
    let mut steady = server.connect();
    let mut broken = server.connect();
    broken.write_all(b"abc").unwrap();
    assert_eq!(broken.peek(&mut [0]).unwrap(), 1);
    let peer = broken.local_addr().unwrap();
    reset(broken);
    let line = server.errors.next();
    assert!(line.starts_with("error: ") && line.ends_with(&format!(" from {peer}")), "{line}");
    server.output.find(|line| *line == format!("closing connection to {peer}"));

    steady.write_all(b"abc").unwrap();
    let mut received = [0; 3];
    steady.read_exact(&mut received).unwrap();
    assert_eq!(&received, b"abc");
    client(&server, 3).assert().success();
    assert!(server.is_running());
}

/// How long a program has computed, in hundredths of seconds.
fn cpu_time(program: &Program) -> Option<u64> {
    let stat = program.proc("stat")?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let times = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().expect("a number"));
    Some(times.sum())
}

#[cfg(unix)]
#[test]
fn a_lack_of_descriptors_is_waited_out() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 16 && exec \"$0\" 127.0.0.1 0", SERVER]);
    let mut server = Server::spawn(&mut shell);
    let mut peers: Vec<_> = (0..30).map(|_| server.connect()).collect();
    assert!(server.errors.next().starts_with("error: cannot accept a connection: Too many open files"));

    // Meanwhile it rests, and serves those it has.
    let before = cpu_time(&server);
    thread::sleep(Duration::from_secs(1));
    if let (Some(before), Some(after)) = (before, cpu_time(&server)) {
        assert!(after - before < 30, "the server spins");
    }
    assert!(server.errors.so_far().is_empty(), "it says so once");
    peers[0].write_all(b"x").unwrap();
    assert_eq!(peers[0].read(&mut [0]).unwrap(), 1);

    // One who waits gets the place of one who leaves.
    peers.remove(0);
    let last = peers.len() - 1;
    peers.drain(..last);
    peers[0].write_all(b"x").unwrap();
    assert_eq!(peers[0].read(&mut [0]).unwrap(), 1);
    client(&server, 3).assert().success();
    assert!(server.is_running());
}

#[cfg(unix)]
#[test]
fn more_connections_than_descriptors_are_refused_in_one_line() {
    let server = server();
    let [host, port] = server.host_and_port();
    let script = "ulimit -n 32 && exec \"$0\" \"$1\" \"$2\" 100";
    let run = program("sh", &["-c", script, CLIENT, &host, &port]).assert().code(1);
    let complaint = text(&run.get_output().stderr);
    assert!(complaint.starts_with("multiconn-client: cannot open connection "), "{complaint}");
    assert!(complaint.contains(" of 100: Too many open files"), "{complaint}");
    assert_eq!(complaint.lines().count(), 1);
    client(&server, 3).assert().success();
}

/// What a server does with a connection on which both messages have come.
type Serve = fn(TcpStream);

#[test]
fn of_three_connections_one_may_fail() {
    let cases: [(Serve, &str); 4] = [
        (drop, "the server closed the connection; bytes missing: 44"),
        (|mut stream| stream.write_all(&BOTH[..30]).unwrap(), "the server closed the connection; bytes missing: 14"),
        (|mut stream| stream.write_all(b"Message \x1B[2J").unwrap(), "other bytes came back than were sent"),
        (reset, "Connection reset by peer (os error 104)"),
    ];
    for (serve, reason) in cases {
        let (listener, mut client) = listener_and_client(&["3"]);
        let [mut first, second, mut third] = [(); 3].map(|()| accept(&listener));
        serve(second);
        client.output.find(|line| line == "closing connection 2");
        for (stream, closing) in [(&mut third, "closing connection 3"), (&mut first, "closing connection 1")] {
            stream.write_all(BOTH).unwrap();
            client.output.find(|line| line == closing);
        }
        assert_eq!(client.exit_code(), Some(1));
        let complaint = client.errors.rest();
        if cfg!(target_os = "linux") || !reason.contains("os error") {
            assert_eq!(complaint, [format!("multiconn-client: 1 of 3 connections failed; connection 2: {reason}")]);
        }
    }
}

#[test]
fn a_server_that_says_nothing_is_left() {
    let (listener, mut client) = listener_and_client(&["2", "--timeout", "1"]);
    let _streams = [(); 2].map(|()| accept(&listener));
    assert_eq!(client.exit_code(), Some(1));
    let complaint = client.errors.rest();
    let address = listener.local_addr().unwrap();
    let reason = format!("timed out after 1 s waiting for 44 bytes more from {address}");
    assert_eq!(complaint, [format!("multiconn-client: 2 of 2 connections failed; connection 1: {reason}")]);
}

#[test]
fn a_server_that_is_not_there_is_reported_in_one_line() {
    let (listener, client) = listener_and_client(&["1"]);
    drop(client);
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let run = program(CLIENT, &["127.0.0.1", &port, "5"]).assert().code(1);
    let complaint = text(&run.get_output().stderr);
    assert!(complaint.starts_with("multiconn-client: 5 of 5 connections failed; connection "), "{complaint}");
    assert!(complaint.contains("refused"), "{complaint}");
    assert_eq!(complaint.lines().count(), 1);
}

#[test]
fn of_several_addresses_each_is_tried() {
    let server = server();
    let port = server.address.port().to_string();
    // Where this name stands for two addresses, the server is at one of them.
    program(CLIENT, &["localhost", &port, "3"]).assert().success().stderr("");
}

#[test]
fn a_port_that_is_taken_is_reported_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = program(SERVER, &["127.0.0.1", &port]).assert().code(1).stdout("");
    let complaint = text(&run.get_output().stderr);
    assert!(
        complaint.starts_with(&format!("multiconn-server: cannot listen on 127.0.0.1 port {port}: ")),
        "{complaint}"
    );
    assert_eq!(complaint.lines().count(), 1);
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    for arguments in [&[][..], &["127.0.0.1"], &["127.0.0.1", "http"], &["127.0.0.1", "1", "1", "x"]] {
        program(SERVER, arguments).assert().code(2).stdout("");
        program(CLIENT, arguments).assert().code(2).stdout("");
    }
    for connections in ["0", "-1", "two"] {
        program(CLIENT, &["127.0.0.1", "1", connections]).assert().code(2).stdout("");
    }
    for (path, name) in [(SERVER, "multiconn-server"), (CLIENT, "multiconn-client")] {
        let help = program(path, &["--help"]).assert().success();
        assert!(text(&help.get_output().stdout).contains("\nExamples:\n"));
        let version = format!("{name} {}\n", env!("CARGO_PKG_VERSION"));
        program(path, &["--version"]).assert().success().stdout(version);
    }
}

#[test]
fn a_program_whose_output_nobody_reads_ends_quietly() {
    let server = server();
    let [host, port] = server.host_and_port();
    assert!(ends_quietly_unread(CLIENT, &[&host, &port, "3"]));
}
