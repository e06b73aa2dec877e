//! What the server of the tutorial grants its peers, seen from outside: an option a test.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use common::{AppServer, PATIENCE, Server, on_each_server};
use jsonframe::{Header, Message};
use jsonframe_std::Connection;
use serde_json::{Value, json};
use socket2::{Domain, SockRef, Socket, Type};

on_each_server! {
    a_header_may_not_take_for_ever,
    a_peer_may_not_be_silent_for_ever,
    content_may_not_come_for_ever,
    content_may_come_at_the_least_rate,
    a_peer_may_not_leave_its_answers_for_ever,
    a_peer_must_take_its_answers_at_the_least_rate,
    a_header_may_not_be_too_long,
    content_may_not_be_too_long,
    not_too_much_is_collected,
    one_connection_over_the_collected_total_ends_no_other,
    whoever_collects_most_makes_room_for_others,
    connections_beyond_the_limit_may_be_refused,
    #[cfg(target_os = "linux")] no_more_connections_wait_than_may,
    after_the_last_answer_a_peer_may_not_send_for_ever,
    after_the_last_answer_a_peer_may_not_send_without_measure,
    after_the_last_answer_a_peer_may_not_be_silent_for_ever,
    a_request_may_be_the_last,
}

/// A time that no test waits for.
const NEVER: &str = "3600";

/// Deadlines that no test waits for, but for one and those in the other options.
fn with_deadline(on: AppServer, option: &str, seconds: &str, more: &[&str]) -> Server {
    let options =
        ["--header-timeout", "--idle-timeout", "--write-timeout", "--rate-window", "--linger", "--linger-silence"];
    let others =
        options.into_iter().filter(|other| *other != option && !more.contains(other)).flat_map(|other| [other, NEVER]);
    let words: Vec<_> = others.chain([option, seconds]).chain(more.iter().copied()).collect();
    on.start(&words)
}

fn complains(server: &Server, why: &str, peer: SocketAddr) {
    assert_eq!(server.errors.next(), format!("error: {why} from {peer}"));
}

fn closes(server: &Server, peer: SocketAddr) {
    server.output.find(|line| line == format!("closing connection to {peer}"));
}

/// The server is to say why it ends the connection, to the peer too.
fn is_dismissed(server: &Server, stream: TcpStream, why: &str) {
    let peer = stream.local_addr().unwrap();
    complains(server, why, peer);
    let mut connection = Connection::new(stream);
    assert_eq!(answer(&mut connection), json!({ "error": why }));
    assert!(connection.receive().unwrap().is_none());
    drop(connection);
    closes(server, peer);
}

fn frame(content: &[u8]) -> Vec<u8> {
    Message::new(Header::for_json(content.len() as u64), content).unwrap().to_vec().unwrap()
}

/// A request whose answer is a little longer than this.
fn long_request(length: usize) -> Vec<u8> {
    frame(json!({"action": "search", "value": "x".repeat(length)}).to_string().as_bytes())
}

fn answer(connection: &mut Connection<TcpStream>) -> Value {
    connection.receive().unwrap().expect("an answer comes").json().unwrap()
}

fn ask(connection: &mut Connection<TcpStream>) -> Value {
    connection.send_json(&json!({"action": "search", "value": "ring"})).unwrap();
    answer(connection)
}

fn is_answered(stream: TcpStream) -> bool {
    ask(&mut Connection::new(stream)) == json!({"result": "In the caves beneath the Misty Mountains. 💍"})
}

/// A stream to the server for which the system has room for as few bytes as it can.
fn connect_narrowly(server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(1).unwrap();
    socket.connect(&server.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn a_header_may_not_take_for_ever(on: AppServer) {
    let server = with_deadline(on, "--header-timeout", "2", &[]);
    let patient = with_deadline(on, "--header-timeout", NEVER, &[]);
    let mut streams = [patient.connect(), server.connect()];
    // That bytes come, one a second, does not help.
    for byte in &frame(b"{}")[..2] {
        for stream in &mut streams {
            stream.write_all(&[*byte]).unwrap();
            thread::sleep(Duration::from_millis(500));
        }
    }
    let [_waits, stream] = streams;
    is_dismissed(&server, stream, "the header took too long");
    assert!(patient.errors.so_far().is_empty());
}

fn a_peer_may_not_be_silent_for_ever(on: AppServer) {
    let server = with_deadline(on, "--idle-timeout", "0.5", &["--linger-silence", "0.1"]);
    let silent = server.connect();
    let once = server.connect();
    assert!(is_answered(once.try_clone().unwrap()));
    let mut peers = [silent, once].map(|stream| (stream.local_addr().unwrap(), stream));
    let mut complaints = [server.errors.next(), server.errors.next()];
    let mut expected = peers.each_ref().map(|(peer, _)| format!("error: nothing happened for too long from {peer}"));
    complaints.sort_unstable();
    expected.sort_unstable();
    assert_eq!(complaints, expected);
    for (_, stream) in &mut peers {
        assert_eq!(stream.read(&mut [0; 100]).unwrap(), 0, "who asks nothing is answered nothing");
    }
}

fn content_may_not_come_for_ever(on: AppServer) {
    let server = with_deadline(on, "--rate-window", "1", &["--min-rate", "1000"]);
    let mut stream = server.connect();
    let request = frame(&[b' '; 10_000]);
    stream.write_all(&request[..200]).unwrap();
    is_dismissed(&server, stream, "the content came too slowly");
}

fn content_may_come_at_the_least_rate(on: AppServer) {
    let server = with_deadline(on, "--rate-window", "1", &["--min-rate", "5"]);
    let mut stream = server.connect();
    let request = frame(&json!({"action": "search", "value": "ring"}).to_string().into_bytes());
    let (beginning, rest) = request.split_at(request.len() - 30);
    stream.write_all(beginning).unwrap();
    // 20 bytes a second, for longer than a window.
    for byte in rest {
        stream.write_all(&[*byte]).unwrap();
        thread::sleep(Duration::from_millis(50));
    }
    let mut connection = Connection::new(stream);
    assert_eq!(answer(&mut connection), json!({"result": "In the caves beneath the Misty Mountains. 💍"}));
}

/// Sends long requests, and does not read the answers, until the server has enough.
fn a_peer_may_not_leave_its_answers_for_ever(on: AppServer) {
    let server = with_deadline(on, "--write-timeout", "0.5", &[]);
    let stream = server.connect();
    let peer = stream.local_addr().unwrap();
    let request = long_request(1 << 20);
    let sending = thread::spawn(move || {
        let mut stream = stream;
        let failure = (0..1000).find_map(|_| stream.write_all(&request).err());
        (stream, failure)
    });
    complains(&server, "the peer took what was sent to it too slowly", peer);
    let (_stream, failure) = sending.join().unwrap();
    assert!(matches!(failure.map(|error| error.kind()), Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)));
    assert!(is_answered(server.connect()));
}

/// A peer reads all the time, but little.
fn reads_slowly(on: AppServer, rate: &str) -> (Server, TcpStream, bool) {
    let server = with_deadline(on, "--write-timeout", "3", &["--min-write-rate", rate]);
    let mut stream = connect_narrowly(server.address);
    // The answer is longer than what the system takes for a peer that does not read.
    stream.write_all(&long_request(12_000_000)).unwrap();
    let start = Instant::now();
    let mut open = true;
    while open && start.elapsed() < Duration::from_secs(8) {
        open = stream.read(&mut [0; 600]).is_ok_and(|count| count > 0) && server.errors.so_far().is_empty();
        thread::sleep(Duration::from_millis(20));
    }
    (server, stream, open)
}

fn a_peer_must_take_its_answers_at_the_least_rate(on: AppServer) {
    let (_server, _stream, open) = reads_slowly(on, "1000000");
    assert!(!open);
    let (server, stream, open) = reads_slowly(on, "1");
    assert!(open);
    assert!(is_answered(server.connect()));
    drop(stream);
}

fn a_header_may_not_be_too_long(on: AppServer) {
    let server = on.start(&["--max-header", "103"]);
    assert!(is_answered(server.connect()));
    let mut connection = Connection::new(server.connect());
    connection.get_mut().write_all(&[0, 104]).unwrap();
    let error = "the header is 104 bytes long; this decoder takes at most 103 (at byte 0)";
    assert_eq!(answer(&mut connection), json!({ "error": error }));
    assert!(connection.receive().unwrap().is_none());
}

fn content_may_not_be_too_long(on: AppServer) {
    let server = on.start(&["--max-content", "37"]);
    assert!(is_answered(server.connect()));
    for header in [Header::for_json(38), Header::new("x/y", "binary", 38)] {
        let mut connection = Connection::new(server.connect());
        connection.send_stream(&header, &mut std::io::repeat(b' ')).unwrap();
        let answer = answer(&mut connection);
        let error = answer["error"].as_str().unwrap();
        assert!(error.starts_with("the content is 38 bytes long; this receiver takes at most 37 "), "{error}");
        assert!(connection.receive().unwrap().is_none());
    }
}

fn not_too_much_is_collected(on: AppServer) {
    let server = on.start(&["--max-collected", "1000"]);
    let mut stream = server.connect();
    stream.write_all(&frame(&[b' '; 5000])[..3000]).unwrap();
    is_dismissed(&server, stream, "too much content is being collected");
    // What one had collected is there for the next.
    let mut next = server.connect();
    next.write_all(&frame(&[b' '; 900])[..950]).unwrap();
    assert!(is_answered(server.connect()));
}

fn one_connection_over_the_collected_total_ends_no_other(on: AppServer) {
    let server = on.start(&["--max-collected", "1000", "--linger-silence", NEVER, "--linger", NEVER]);
    let mut idle: Vec<_> = (0..20).map(|_| Connection::new(server.connect())).collect();
    for connection in &mut idle {
        ask(connection);
    }
    let mut greedy = server.connect();
    greedy.write_all(&frame(&[b' '; 5000])[..3000]).unwrap();
    complains(&server, "too much content is being collected", greedy.local_addr().unwrap());
    // It goes on sending, and is not gone for long.
    for connection in &mut idle {
        greedy.write_all(b" ").unwrap();
        // What is answered once may be ended right after.
        for _ in 0..2 {
            assert_eq!(ask(connection), json!({"result": "In the caves beneath the Misty Mountains. 💍"}));
        }
    }
    assert!(server.errors.so_far().is_empty());
    assert_eq!(answer(&mut Connection::new(greedy)), json!({"error": "too much content is being collected"}));
}

fn whoever_collects_most_makes_room_for_others(on: AppServer) {
    let server = on.start(&["--max-collected", "3000"]);
    let request = frame(json!({"action": "search", "value": "x".repeat(1900)}).to_string().as_bytes());
    let mut begun = |bytes| {
        let mut stream = server.connect();
        stream.write_all(&request[..bytes]).unwrap();
        // An answer on another connection shows that it has been read.
        assert!(is_answered(server.connect()));
        stream
    };
    let [small, most, next] = [600, 1900, 1100].map(&mut begun);
    is_dismissed(&server, most, "too much content is being collected");
    for (mut stream, sent) in [(small, 600), (next, 1100)] {
        stream.write_all(&request[sent..]).unwrap();
        let answer = answer(&mut Connection::new(stream));
        assert!(answer["result"].as_str().unwrap().starts_with("No match for \"xxx"));
    }
    assert!(server.errors.so_far().is_empty());
}

#[test]
fn whoever_has_left_an_answer_longest_makes_room_for_others() {
    const LENGTH: usize = 12_000_000;
    const PEERS: usize = 8;
    // Of answers as long as this the system takes a part; there are two in the limit.
    let server = AppServer::Tokio.start(&["--max-queued-total", "30000000", "--write-timeout", NEVER]);
    let before = server.peak_memory();
    let request = long_request(LENGTH);
    let mut peers: Vec<_> = (0..PEERS)
        .map(|_| {
            let mut stream = connect_narrowly(server.address);
            stream.write_all(&request).unwrap();
            // It is being answered.
            assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
            stream
        })
        .collect();
    let last = peers.split_off(PEERS - 2);
    for stream in &peers {
        complains(&server, "the peer does not read what is sent to it", stream.local_addr().unwrap());
    }
    assert!(is_answered(server.connect()));
    if let (Some(before), Some(after)) = (before, server.peak_memory()) {
        // What is received and decoded of one message comes on top: several times its length.
        let most = (30_000_000 + 6 * LENGTH as u64) / 1024;
        assert!(after - before < most, "{} KiB", after - before);
    }
    for stream in last {
        let answer = answer(&mut Connection::new(stream));
        assert!(answer["result"].as_str().unwrap().len() > LENGTH);
    }
    assert!(server.errors.so_far().is_empty());
}

#[test]
fn binary_content_is_not_collected() {
    let server = Server::start(&["--max-collected", "1000"]);
    let mut connection = Connection::new(server.connect());
    connection.send_stream(&Header::new("x/y", "", 5_000_000), &mut std::io::repeat(b'x')).unwrap();
    assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"First 10 bytes of request: xxxxxxxxxx");
}

/// Sends requests of 10 kB, and does not read the answers, until no more are taken; how many bytes were. What the system
/// takes for both sides comes on top.
fn taken_unread(server: SocketAddr) -> usize {
    let mut stream = connect_narrowly(server);
    SockRef::from(&stream).set_send_buffer_size(1).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let request = long_request(10_000);
    let mut taken = 0;
    while taken < 100_000_000 {
        match stream.write(&request[taken % request.len()..]) {
            Ok(count) => taken += count,
            Err(_) => break,
        }
    }
    taken
}

#[test]
fn a_peer_that_does_not_read_is_not_read() {
    let much = taken_unread(Server::start(&["--max-unread-replies", "30000000", "--max-queued", "40000000"]).address);
    let little = taken_unread(Server::start(&["--max-unread-replies", "1000"]).address);
    assert!(much >= little + 15_000_000, "{much} and {little}");
    // There a peer has one answer outstanding, whatever it sends.
    let tokio = taken_unread(AppServer::Tokio.start(&[]).address);
    assert!(much >= tokio + 15_000_000, "{much} and {tokio}");
}

#[test]
fn what_is_queued_for_a_peer_has_an_end() {
    // Nothing stops it from being read before more is queued than may be.
    let server = Server::start(&["--max-unread-replies", "1000000", "--max-queued", "500000"]);
    let mut stream = connect_narrowly(server.address);
    let peer = stream.local_addr().unwrap();
    let request = long_request(400_000);
    let sending = thread::spawn(move || while stream.write_all(&request).is_ok() {});
    complains(&server, "the peer does not read what is sent to it", peer);
    sending.join().unwrap();
    assert!(is_answered(server.connect()));
}

#[test]
fn what_is_queued_for_all_has_an_end() {
    const PEERS: u64 = 12;
    // By the limit for one, each could have 8 MB queued. By the limit for all, each has an answer at the most.
    let one = ["--max-unread-replies", "8000000", "--max-queued", "9000000"];
    let server = Server::start(&[&one[..], &["--max-queued-total", "1000000"]].concat());
    let (before, address) = (server.peak_memory(), server.address);
    let deaf: Vec<_> = (0..PEERS).map(|_| thread::spawn(move || taken_unread(address))).collect();
    for deaf in deaf {
        assert!(deaf.join().unwrap() > 0);
    }
    assert!(is_answered(server.connect()));
    if let (Some(before), Some(after)) = (before, server.peak_memory()) {
        assert!(after - before < PEERS * 8_000 / 2, "{} KiB", after - before);
    } else {
        eprintln!("not looked at: how much memory the server takes");
    }
}

fn connections_beyond_the_limit_may_be_refused(on: AppServer) {
    let server = on.start(&["--max-connections", "1", "--at-limit", "refuse"]);
    let mut first = Connection::new(server.connect());
    ask(&mut first);
    let mut second = server.connect();
    let refused = second.local_addr().unwrap();
    assert_eq!(second.read(&mut [0]).unwrap(), 0);
    assert_eq!(
        server.errors.next(),
        format!("error: there are as many connections as there may be; refused {refused}")
    );
    ask(&mut first);
    let peer = first.get_ref().local_addr().unwrap();
    drop(first);
    closes(&server, peer);
    // The line comes a moment before there is a place.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut next = Connection::new(server.connect());
        let sent = next.send_json(&json!({"action": "search", "value": "ring"}));
        if sent.is_ok() && matches!(next.receive(), Ok(Some(_))) {
            break;
        }
        assert!(Instant::now() < deadline, "there is a place");
    }
}

/// Connects until that takes longer than it should, or so often; how often it did not.
#[cfg(target_os = "linux")]
fn connects(server: &Server, most: usize) -> usize {
    let connect = |_: &usize| TcpStream::connect_timeout(&server.address, Duration::from_millis(300)).ok();
    (0..most).map_while(|number| connect(&number)).collect::<Vec<_>>().len()
}

#[cfg(target_os = "linux")]
fn no_more_connections_wait_than_may(on: AppServer) {
    let short = on.start(&["--max-connections", "1", "--backlog", "3"]);
    let long = on.start(&["--max-connections", "1", "--backlog", "100"]);
    let (short, long) = (connects(&short, 50), connects(&long, 50));
    assert!(short < 10, "{short}");
    assert_eq!(long, 50);
}

/// After an error, sends until the server has enough of it; whether that was before so much had been sent.
fn is_cut_off(server: &Server, most: usize, pause: Duration) -> bool {
    let mut stream = server.connect();
    stream.write_all(b"\0\0").unwrap();
    (0..most).any(|_| {
        thread::sleep(pause);
        stream.write_all(&[0; 1000]).is_err()
    })
}

fn after_the_last_answer_a_peer_may_not_send_for_ever(on: AppServer) {
    let server = with_deadline(on, "--linger", "0.5", &["--linger-bytes", "1000000000"]);
    assert!(is_cut_off(&server, 10_000, Duration::from_millis(5)));
}

fn after_the_last_answer_a_peer_may_not_send_without_measure(on: AppServer) {
    let server = on.start(&["--linger", NEVER, "--linger-silence", NEVER, "--linger-bytes", "1000000"]);
    // Some of it is still on its way when it is cut off.
    assert!(is_cut_off(&server, 100_000, Duration::ZERO));
}

fn after_the_last_answer_a_peer_may_not_be_silent_for_ever(on: AppServer) {
    let server = with_deadline(on, "--linger-silence", "0.5", &[]);
    let mut connection = Connection::new(server.connect());
    let peer = connection.get_ref().local_addr().unwrap();
    connection.get_mut().write_all(b"\0\0").unwrap();
    answer(&mut connection);
    assert!(connection.receive().unwrap().is_none());
    // The peer's half is open, and stays so.
    closes(&server, peer);
    drop(connection);
}

fn a_request_may_be_the_last(on: AppServer) {
    let server = on.start(&[]);
    let mut connection = Connection::new(server.connect());
    connection.send_json(&json!({"action": "search", "value": "ring"})).unwrap();
    connection.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!(answer(&mut connection), json!({"result": "In the caves beneath the Misty Mountains. 💍"}));
    assert!(connection.receive().unwrap().is_none());
    assert!(server.errors.so_far().is_empty());
}
