//! The blocking side: timeouts, deadlines, halves, trying again; over TCP and over Unix sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::{Backoff, Connection, Error, ReceivingHalf, SendingHalf, Timed};

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(60);

fn tcp_pair() -> (Connection<TcpStream>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Connection::connect_timeout(listener.local_addr().unwrap(), PATIENCE).unwrap();
    let client = client.with_timeouts(Some(PATIENCE), Some(PATIENCE)).unwrap();
    (client, listener.accept().unwrap().0)
}

fn header(content: &[u8]) -> Header<'static> {
    Header::new("bytes", "binary", content.len() as u64)
}

fn timed_out(error: &Error) -> bool {
    error.is_timeout() && matches!(error, Error::Io(error) if error.kind() == ErrorKind::TimedOut)
}

#[test]
fn to_connect_takes_no_longer_than_allowed() {
    assert!(Connection::connect_timeout("127.0.0.1:1", PATIENCE).is_err());
    let start = Instant::now();
    let error = Connection::connect_timeout("127.0.0.1:1", Duration::ZERO).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    // A full backlog: nobody accepts.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut connections = Vec::new();
    let error = loop {
        match Connection::connect_timeout(address, Duration::from_millis(100)) {
            Ok(connection) => connections.push(connection),
            Err(error) => break error,
        }
        assert!(connections.len() < 100, "the backlog is never full");
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(start.elapsed() < PATIENCE);
}

/// A stream that writes several pieces one by one, as `StreamOwned` of rustls does.
#[derive(Default)]
struct Calls(Vec<usize>);

impl Write for Calls {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.push(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_short_message_is_one_write_whatever_the_stream() {
    for (length, pieces) in [(0, 1), (39, 1), (4 * 1024, 1), (4 * 1024 + 1, 2)] {
        let content = vec![b'x'; length];
        let mut connection = Connection::new(Calls::default());
        for _ in 0..2 {
            connection.get_mut().0.clear();
            connection.send(&header(&content), &content).unwrap();
            let calls = &connection.get_ref().0;
            assert_eq!(calls.len(), pieces, "{length}");
            assert_eq!(calls.iter().sum::<usize>(), header(&content).encoded_len() + length);
        }
    }
}

#[test]
fn a_read_takes_no_longer_than_allowed() {
    let (client, server) = tcp_pair();
    let mut client = client.with_timeouts(Some(Duration::from_millis(50)), None).unwrap();
    let start = Instant::now();
    let error = client.receive().map(drop).unwrap_err();
    assert!(timed_out(&error) && error.to_string() == "reading timed out", "{error}");
    assert!((Duration::from_millis(50)..PATIENCE).contains(&start.elapsed()));
    // The connection is as good as before.
    Connection::new(server).send(&header(b"late"), b"late").unwrap();
    let mut client = client.with_timeouts(Some(PATIENCE), None).unwrap();
    assert_eq!(client.receive().unwrap().unwrap().content().unwrap(), b"late");
}

#[test]
fn a_write_takes_no_longer_than_allowed() {
    let (client, _server) = tcp_pair();
    let mut client = client.with_timeouts(None, Some(Duration::from_millis(50))).unwrap();
    let start = Instant::now();
    let error = client.send_stream(&header_of(u64::MAX), &mut std::io::repeat(b'x')).unwrap_err();
    assert!(timed_out(&error) && error.to_string() == "writing timed out", "{error}");
    assert!((Duration::from_millis(50)..PATIENCE).contains(&start.elapsed()));
    assert!(matches!(client.send(&header(b""), b""), Err(Error::SendBroken)));
}

#[test]
fn a_deadline_is_for_the_whole_exchange() {
    let (client, mut server) = tcp_pair();
    let mut connection = Connection::new(Timed::new(client.into_parts().0));
    // A byte now and then, so that no single read takes long.
    let dribble = thread::spawn(move || {
        let content = vec![b'x'; 100_000];
        let message = Message::new(header(&content), &content).unwrap().to_vec().unwrap();
        for byte in message {
            if server.write_all(&[byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
    });
    let start = Instant::now();
    connection.within(Some(Duration::from_millis(200)));
    connection.send(&header(b"request"), b"request").unwrap();
    let error = match connection.receive() {
        Ok(incoming) => incoming.unwrap().content().unwrap_err(),
        Err(error) => error,
    };
    assert!(timed_out(&error), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert!(connection.send(&header(b""), b"").is_err_and(|error| timed_out(&error)));

    // Receiving can go on when there is time again.
    connection.within(None);
    let mut incoming = connection.receive().unwrap().unwrap();
    let mut byte = [0];
    incoming.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"x");
    drop(connection);
    dribble.join().unwrap();
}

#[test]
fn a_deadline_ends_a_write_that_nobody_reads() {
    let (client, _server) = tcp_pair();
    let mut connection = Connection::new(Timed::new(client.into_parts().0));
    connection.within(Some(Duration::from_millis(200)));
    let error = connection.send_stream(&header_of(u64::MAX), &mut std::io::repeat(b'x')).unwrap_err();
    assert!(timed_out(&error) && error.to_string() == "writing timed out: the deadline has passed", "{error}");
    assert!(matches!(connection.send(&header(b""), b""), Err(Error::SendBroken)));
}

fn header_of(length: u64) -> Header<'static> {
    Header::new("bytes", "binary", length)
}

/// Sends and receives in two threads at once, much more than the system holds.
fn both_ways_at_once<S: Read + Write + Send + 'static>(
    split: (ReceivingHalf<S>, SendingHalf<S>),
    mut echo: Connection<S>,
) -> (SendingHalf<S>, JoinHandle<()>) {
    let (mut receiving, mut sending) = split;
    let content: Arc<[u8]> = vec![b'x'; 100_000].into();
    let echo = thread::spawn(move || {
        for _ in 0..100 {
            let content = echo.receive().unwrap().unwrap().content().unwrap();
            echo.send(&header(&content), &content).unwrap();
        }
        // It ends when the caller has finished the sending half.
        assert!(echo.receive().unwrap().is_none());
    });
    let sender = thread::spawn({
        let content = Arc::clone(&content);
        move || {
            for _ in 0..100 {
                sending.send(&header(&content), &content).unwrap();
            }
            sending
        }
    });
    for _ in 0..100 {
        assert_eq!(receiving.receive().unwrap().unwrap().content().unwrap(), &*content);
    }
    (sender.join().unwrap(), echo)
}

#[test]
fn the_halves_work_from_two_threads_over_tcp() {
    let (client, server) = tcp_pair();
    let server = Connection::new(server).with_timeouts(Some(PATIENCE), Some(PATIENCE)).unwrap();
    let (sending, echo) = both_ways_at_once(client.split().unwrap(), server);
    sending.finish().unwrap();
    echo.join().unwrap();
}

#[test]
#[cfg(unix)]
fn the_halves_work_from_two_threads_over_unix_sockets() {
    let (client, server) = std::os::unix::net::UnixStream::pair().unwrap();
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
    }
    let (sending, echo) = both_ways_at_once(Connection::new(client).split().unwrap(), Connection::new(server));
    sending.finish().unwrap();
    echo.join().unwrap();
}

#[test]
#[cfg(all(unix, feature = "json"))]
fn a_connection_and_a_deadline_work_over_unix_sockets() {
    let (client, server) = std::os::unix::net::UnixStream::pair().unwrap();
    let (mut client, mut server) = (Connection::new(Timed::new(client)), Connection::new(server));
    client.within(Some(PATIENCE));
    client.send_json("over a Unix socket").unwrap();
    assert_eq!(server.receive().unwrap().unwrap().json::<String>().unwrap(), "over a Unix socket");
    client.within(Some(Duration::from_millis(50)));
    assert!(timed_out(&client.receive().map(drop).unwrap_err()));
    server.send_json(&1).unwrap();
    client.within(Some(PATIENCE));
    assert_eq!(client.receive().unwrap().unwrap().json::<u32>().unwrap(), 1);
}

#[test]
#[cfg(unix)]
fn a_session_works_over_unix_sockets() {
    use jsonframe_std::protocol::Event;
    use jsonframe_std::{Fill, Flush, Session};

    let (client, server) = std::os::unix::net::UnixStream::pair().unwrap();
    server.set_nonblocking(true).unwrap();
    let mut session = Session::new(server);
    let content = vec![b'x'; 1_000_000];
    session.queue(&header(&content), content.clone()).unwrap();
    assert_eq!(session.flush().unwrap(), Flush::Blocked);
    assert_eq!(session.fill().unwrap(), Fill::Blocked);
    assert!(!session.interest().readable);
    let mut client = Connection::new(client);
    let receiver = thread::spawn(move || {
        assert!(client.receive().unwrap().unwrap().content().unwrap() == content);
        client.send(&header(b""), b"").unwrap();
    });
    let start = Instant::now();
    while session.flush().unwrap() == Flush::Blocked || session.fill().unwrap() == Fill::Blocked {
        assert!(start.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(1));
    }
    assert!(matches!(session.next_event().unwrap(), Some(Event::Header(_))));
    assert_eq!(session.next_event().unwrap(), Some(Event::End));
    receiver.join().unwrap();
    assert_eq!(session.fill().unwrap(), Fill::Eof);
    assert_eq!(session.next_event().unwrap(), None);
}

#[test]
fn times_double_up_to_the_limit_and_vary_by_half() {
    let (first, most) = (Duration::from_millis(100), Duration::from_secs(2));
    for seed in 0..100 {
        let times: Vec<_> = Backoff::new(first, most).with_seed(seed).take(10).collect();
        for (time, whole) in times.iter().zip([100, 200, 400, 800, 1600, 2000, 2000, 2000, 2000, 2000]) {
            let whole = Duration::from_millis(whole);
            assert!((whole / 2..=whole).contains(time), "{time:?} of {whole:?}");
        }
    }
    let times = |seed| Backoff::new(first, most).with_seed(seed).take(10).collect::<Vec<_>>();
    assert_eq!(times(1), times(1));
    assert_ne!(times(1), times(2));
    // Lengths that cannot be doubled are no trouble, nor are no times at all.
    assert!(Backoff::new(Duration::MAX, Duration::MAX).take(3).all(|time| time > Duration::from_secs(1 << 60)));
    assert!(Backoff::new(Duration::ZERO, most).take(3).all(|time| time.is_zero()));
}

#[test]
fn it_is_tried_again_until_it_succeeds() {
    let (mut waits, mut attempts) = (0, 0);
    let outcome = Backoff::new(Duration::from_secs(1), Duration::from_secs(60)).retry_with(
        |_| waits += 1,
        || {
            attempts += 1;
            if attempts == 5 { Ok(attempts) } else { Err(()) }
        },
    );
    assert_eq!((outcome, waits), (Ok(5), 4));
    let mut attempts = 0;
    let refused: Result<(), _> = Backoff::new(Duration::ZERO, Duration::ZERO).with_attempts(3).retry(|| {
        attempts += 1;
        Err(attempts)
    });
    assert_eq!(refused, Err(3));
}

#[test]
fn no_more_is_waited_in_all_than_allowed() {
    let total = Duration::from_secs(1);
    let backoff = || Backoff::new(Duration::from_millis(100), Duration::from_secs(2)).with_total(total);
    for seed in 0..100 {
        let times: Vec<_> = backoff().with_seed(seed).collect();
        // 100, 200, 400 and 800 at the most, and half of that at the least; then 1600.
        assert!((4..=5).contains(&times.len()), "{times:?}");
        assert_eq!(times.iter().sum::<Duration>(), total);
    }
    assert_eq!(backoff().with_attempts(3).count(), 2);
    assert_eq!(backoff().with_total(Duration::ZERO).next(), None);
    // One attempt is made in any case.
    let outcome: Result<(), _> = backoff().with_total(Duration::ZERO).retry(|| Err("once"));
    assert_eq!(outcome, Err("once"));
}

#[test]
fn a_client_finds_a_server_that_comes_later() {
    // An address that is free, for a server that is not there yet.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (mut listener, mut refused) = (None, 0);
    let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(1)).with_attempts(100);
    let connection = backoff.retry_with(
        |_| {
            refused += 1;
            if refused == 3 {
                listener = Some(TcpListener::bind(address).unwrap());
            }
        },
        || Connection::connect_timeout(address, PATIENCE),
    );
    assert!(connection.is_ok());
    assert_eq!(refused, 3);
}

#[test]
fn each_half_of_a_timed_connection_has_its_own_deadline() {
    let (client, server) = tcp_pair();
    let client = Connection::new(Timed::new(client.into_parts().0));
    let (mut receiving, mut sending) = client.split().unwrap();
    receiving.within(Some(Duration::from_millis(50)));
    sending.within(Some(PATIENCE));
    assert!(timed_out(&receiving.receive().map(drop).unwrap_err()));
    // The time of the one is over, and that of the other is not.
    sending.send(&header(b"sent"), b"sent").unwrap();
    sending.within(Some(Duration::ZERO));
    assert!(timed_out(&sending.send(&header(b"late"), b"late").unwrap_err()));

    let mut server = Connection::new(server);
    assert_eq!(server.receive().unwrap().unwrap().content().unwrap(), b"sent");
    server.send(&header(b"answer"), b"answer").unwrap();
    receiving.within(None);
    assert_eq!(receiving.receive().unwrap().unwrap().content().unwrap(), b"answer");
    sending.finish().unwrap();
    assert!(server.receive().unwrap().is_none());
}

#[test]
fn a_finished_connection_still_receives() {
    let (mut client, server) = tcp_pair();
    let mut server = Connection::new(server);
    client.send(&header(b"last"), b"last").unwrap();
    client.finish().unwrap();
    assert_eq!(server.receive().unwrap().unwrap().content().unwrap(), b"last");
    assert!(server.receive().unwrap().is_none());
    server.send(&header(b"answer"), b"answer").unwrap();
    assert_eq!(client.receive().unwrap().unwrap().content().unwrap(), b"answer");
    assert!(matches!(client.send(&header(b""), b"").unwrap_err(), Error::Io(_)));
}
