//! What all peers together may have a server hold: when it is too much, whoever holds most is ended, and nobody else.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::running::driver::{Driver, on_each_driver, on_one_thread, on_undivided_totals};
use crate::running::{Echo, GRACE, PATIENCE, Running, exchange, is_closed, message, receive, wait_until};
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Address, CloseReason, Handler, Id, Limits, Peer, Reply, To};
use jsonframe_std::{Connection, Error};

on_each_driver! {
    peers_that_read_nothing_hold_no_more_than_the_total_and_a_message,
    a_slow_subscriber_does_not_stop_the_pushes_to_others,
    what_is_sent_to_many_that_connect_at_once_is_no_more_than_the_total,
    what_is_sent_to_all_while_the_server_ends_is_dropped,
    a_reply_with_a_header_that_cannot_be_sent_ends_its_connection,
    a_reply_in_a_thread_that_panics_ends_its_connection,
    a_reply_that_is_sent_while_its_thread_panics_is_not_lost,
    a_peer_is_read_though_no_reply_may_be_owed,
    a_peer_with_many_owed_replies_is_not_read,
    an_id_leads_to_no_connection_of_another_server,
}

on_one_thread! {
    peers_that_read_are_not_ended_because_the_worker_has_not_come_to_write,
    a_reply_that_cannot_be_queued_ends_its_connection,
}

on_undivided_totals! {
    content_shared_by_many_peers_counts_once,
    of_peers_that_read_nothing_the_one_that_holds_most_is_ended_first,
    small_pushes_to_many_that_came_while_the_worker_was_busy_hold_no_more_than_the_total,
    peers_that_share_one_content_are_not_ended_for_it,
    slow_uploads_do_not_shut_out_others,
    a_connection_that_is_being_closed_makes_place_as_others_do,
}

const READS_NOTHING: &str = "the peer does not read what is sent to it";

/// Limits with this much for what is queued, and nothing else in the way.
fn queued_total(bytes: usize) -> Limits {
    let mut limits = Limits::default();
    (limits.max_queued_total, limits.max_queued, limits.max_unread_replies) = (bytes, bytes, bytes);
    limits
}

fn peers_that_read_nothing_hold_no_more_than_the_total_and_a_message(driver: Driver) {
    const TOTAL: usize = 8_000_000;
    const REPLY: usize = 1_000_000;
    let echo = Echo::default();
    // Each is read no more when a reply waits for it, so that nobody reaches a limit alone. Without one for all together they
    // would hold several times as much, for as long as they read nothing.
    let limits = queued_total(TOTAL).with_max_unread_replies(REPLY / 2);
    let server = driver.start(limits, echo.clone());
    let mut honest = server.connect();
    let request = message(&vec![b'x'; REPLY]);
    let deaf: Vec<_> = (0..30).map(|_| server.connect()).collect();
    for connection in &deaf {
        connection.get_ref().set_nonblocking(true).unwrap();
    }
    let mut sent = vec![0; deaf.len()];
    wait_until(|| {
        for (connection, sent) in deaf.iter().zip(&mut sent) {
            // It takes no more for now, or it has been ended.
            *sent += connection.get_ref().write(&request[*sent % request.len()..]).unwrap_or(0);
        }
        let held = server.handle.stats().queued;
        assert!(held <= TOTAL + REPLY + 1000, "{held} bytes were held");
        exchange(&mut honest, "meanwhile");
        !echo.noted().is_empty()
    });
    assert!(echo.noted().iter().all(|note| note == READS_NOTHING), "{:?}", echo.noted());
    exchange(&mut honest, "and after");
}

fn content_shared_by_many_peers_counts_once(driver: Driver) {
    const LENGTH: usize = 5_000_000;
    let echo = Echo::default();
    let server = driver.start(queued_total(100_000_000), echo.clone());
    let mut deaf = server.connect_in_order(10, &echo);
    let header = Header::new("news", "binary", LENGTH as u64);
    // By one broadcast, and by a message for each.
    server.handle.queue(To::All, &header, vec![b'n'; LENGTH]).unwrap();
    let shared: Arc<[u8]> = vec![b'm'; LENGTH].into();
    for id in echo.peers.lock().unwrap().iter() {
        server.handle.queue(*id, &header, Arc::clone(&shared)).unwrap();
    }
    let held = server.handle.stats().queued;
    assert!((2 * LENGTH..2 * LENGTH + 100_000).contains(&held), "{held} bytes are held");
    for connection in &mut deaf {
        for content in ["n", "m"] {
            assert_eq!(receive(connection), Some(content.repeat(LENGTH)));
        }
    }
    server.wait_until(|server| server.handle.stats().queued == 0);
    assert_eq!(Arc::strong_count(&shared), 1);
}

fn a_slow_subscriber_does_not_stop_the_pushes_to_others(driver: Driver) {
    const LENGTH: usize = 500_000;
    let (echo, mut limits) = (Echo::default(), queued_total(20_000_000));
    limits.write_timeout = 60 * limits.write_timeout;
    let server = driver.start(limits, echo.clone());
    let mut deaf: Vec<_> = (0..3).map(|_| server.connect()).collect();
    let mut reading = server.connect();
    wait_until(|| echo.peers.lock().unwrap().len() == 4);
    let header = Header::new("news", "binary", LENGTH as u64);
    for number in 0..100_u8 {
        // Each reads what was pushed before, so that nothing of it is waiting to be taken.
        // One worker makes room before it writes what the reader waits for, but of several threads or tasks, those that serve
        // the deaf ones may not have come to it yet, and until then a push is refused, which the one who pushes is told.
        wait_until(|| match server.handle.queue(To::All, &header, vec![number; LENGTH]) {
            Err(Error::QueueFull) if driver != Driver::Workers(1) => false,
            pushed => {
                pushed.unwrap();
                true
            }
        });
        assert_eq!(reading.receive().unwrap().unwrap().content().unwrap(), vec![number; LENGTH]);
    }
    wait_until(|| echo.noted() == [READS_NOTHING; 3]);
    exchange(&mut reading, "and after");
    for connection in &mut deaf {
        // Whole messages in order, and then a cut.
        for number in 0.. {
            let Ok(Some(mut incoming)) = connection.receive() else { break };
            let Ok(content) = incoming.content() else { break };
            assert_eq!(content, vec![number; LENGTH]);
        }
    }
}

fn of_peers_that_read_nothing_the_one_that_holds_most_is_ended_first(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(queued_total(42_000_000), echo.clone());
    let connections = server.connect_in_order(3, &echo);
    let ids = echo.peers.lock().unwrap().clone();
    let send = |id, length: usize| {
        server.handle.queue(id, &Header::new("much", "binary", length as u64), vec![0; length]).unwrap();
    };
    send(ids[0], 8_000_000);
    send(ids[1], 12_000_000);
    server.wait_until(|server| server.handle.stats().queued >= 20_000_000);
    assert_eq!(echo.noted(), [""; 0]);
    // Now it is over half of the total, which leaves the other half to a handler.
    send(ids[2], 8_000_000);
    wait_until(|| echo.noted() == [READS_NOTHING]);
    is_closed(connections[1].get_ref());
    for left in [&connections[0], &connections[2]] {
        let mut connection = Connection::new(left.get_ref().try_clone().unwrap());
        assert_eq!(connection.receive().unwrap().unwrap().content().unwrap().len(), 8_000_000);
    }
}

fn a_connection_that_is_being_closed_makes_place_as_others_do(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(queued_total(20_000_000), echo.clone());
    let mut peers = server.connect_in_order(2, &echo);
    let [closed, other] = echo.peers.lock().unwrap()[..] else { panic!("two peers") };
    let push = |id: Id, length: usize| {
        server.handle.queue(id, &Header::new("news", "binary", length as u64), vec![b'n'; length]).unwrap();
        server.wait_until(|server| server.handle.stats().queued >= length);
    };
    push(closed, 8_000_000);
    server.handle.close(closed);
    push(other, 6_000_000);
    wait_until(|| echo.noted() == [READS_NOTHING]);
    assert_eq!(receive(&mut peers[1]).map(|text| text.len()), Some(6_000_000));
}

fn peers_that_read_are_not_ended_because_the_worker_has_not_come_to_write(driver: Driver) {
    const LENGTH: usize = 20_000;
    let (server, owed, go_on, echo) = owing(driver, queued_total(4_000_000));
    let mut reading = server.connect_in_order(10, &echo);
    let ids = echo.peers.lock().unwrap().clone();
    reading[0].send(&text("wait"), b"wait").unwrap();
    let reply = owed.recv().unwrap();
    // The handler is busy, so what is sent now waits, until it is too much.
    let header = Header::new("news", "binary", LENGTH as u64);
    let send = |id| server.handle.queue(id, &header, vec![b'n'; LENGTH]).is_ok();
    let mut sent = 0;
    while send(ids[sent % 10]) {
        sent += 1;
    }
    assert!(sent > 50);
    go_on.send(()).unwrap();
    for (number, connection) in reading.iter_mut().enumerate() {
        for _ in 0..(sent + 9 - number) / 10 {
            assert_eq!(receive(connection).map(|text| text.len()), Some(LENGTH), "{:?}", echo.noted());
        }
    }
    drop(reply);
}

fn small_pushes_to_many_that_came_while_the_worker_was_busy_hold_no_more_than_the_total(driver: Driver) {
    const TOTAL: usize = 4_000_000;
    const COUNT: usize = 5_000;
    let (server, owed, go_on, echo) = owing(driver, queued_total(TOTAL));
    let deaf: Vec<_> = (0..100).map(|_| server.connect()).collect();
    let mut reading = server.connect();
    wait_until(|| echo.peers.lock().unwrap().len() == 101);
    reading.send(&text("wait"), b"wait").unwrap();
    let reply = owed.recv().unwrap();
    let sent = (0..COUNT).take_while(|_| server.handle.queue(To::All, &text("news"), "news").is_ok()).count();
    // Over tokio there is a mailbox for each connection instead of one for each worker, and what waits there counts.
    assert!(sent == COUNT || (sent > 0 && !matches!(driver, Driver::Workers(_))), "{sent}");
    go_on.send(()).unwrap();
    let reader = std::thread::spawn(move || (0..sent).all(|_| receive(&mut reading).as_deref() == Some("news")));
    let mut most = 0;
    while !reader.is_finished() {
        most = most.max(server.handle.stats().queued);
    }
    assert!(reader.join().unwrap());
    assert!(most <= TOTAL, "{most} bytes were held");
    drop((deaf, reply));
}

/// Sends much to whoever connects, and notes how much is queued before that.
#[derive(Clone)]
struct Greeting(Arc<Mutex<Vec<usize>>>);

impl Handler for Greeting {
    type State = ();

    fn connected(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        self.0.lock().unwrap().push(peer.handle().stats().queued);
        let _ = peer.queue(&Header::new("hello", "binary", 1_000_000), vec![b'h'; 1_000_000]);
    }

    fn message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}
}

fn what_is_sent_to_many_that_connect_at_once_is_no_more_than_the_total(driver: Driver) {
    const TOTAL: usize = 8_000_000;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let crowd: Vec<_> = (0..50).map(|_| TcpStream::connect(address).unwrap()).collect();
    let queued = Arc::<Mutex<Vec<usize>>>::default();
    let greeting = Greeting(Arc::clone(&queued));
    let server = driver.listen(listener, queued_total(TOTAL), greeting);
    wait_until(|| queued.lock().unwrap().len() == 50);
    let most = queued.lock().unwrap().iter().copied().max();
    assert!(most < Some(TOTAL), "{most:?} bytes were held");
    drop((server, crowd));
}

fn peers_that_share_one_content_are_not_ended_for_it(driver: Driver) {
    const SHARED: usize = 20_000_000;
    const OWN: usize = 8_000_000;
    let echo = Echo::default();
    let server = driver.start(queued_total(100_000_000), echo.clone());
    let mut sharing = server.connect_in_order(5, &echo);
    let header = Header::new("news", "binary", SHARED as u64);
    server.handle.queue(To::All, &header, vec![b'n'; SHARED]).unwrap();
    let deaf = server.connect_in_order(4, &echo);
    // Each holds less than each of those that share, but all that those hold is less than what these hold.
    let ids = echo.peers.lock().unwrap()[5..].to_vec();
    for id in ids {
        server.handle.queue(id, &Header::new("much", "binary", OWN as u64), vec![b'o'; OWN]).unwrap();
    }
    wait_until(|| echo.noted() == [READS_NOTHING]);
    for connection in &mut sharing {
        assert_eq!(receive(connection).map(|text| text.len()), Some(SHARED));
    }
    assert_eq!(echo.noted().len(), 1);
    drop(deaf);
}

/// Waits for the test when the last of six connections comes.
#[derive(Clone)]
struct Doorkeeper {
    echo: Echo,
    waiting: Arc<Mutex<Receiver<()>>>,
}

impl Handler for Doorkeeper {
    type State = ();

    fn connected(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        self.echo.connected(peer, &mut ());
        if self.echo.peers.lock().unwrap().len() == 6 {
            let _ = self.waiting.lock().unwrap().recv_timeout(PATIENCE);
        }
    }

    fn message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}

    fn disconnected(&mut self, id: Id, address: Address, (): (), why: &CloseReason) {
        self.echo.disconnected(id, address, (), why);
    }
}

#[test]
fn content_that_is_on_its_way_ends_nobody_but_whom_it_is_for() {
    const OWN: usize = 8_000_000;
    const SHARED: usize = 60_000_000;
    let echo = Echo::default();
    let (go_on, waiting) = channel();
    let keeper = Doorkeeper { echo: echo.clone(), waiting: Arc::new(Mutex::new(waiting)) };
    let server = Running::spawn(queued_total(200_000_000), |server| server.run_workers([keeper.clone(), keeper]));
    // They come to the two workers in turns.
    let mut connections = server.connect_in_order(5, &echo);
    let ids = echo.peers.lock().unwrap().clone();
    server.handle.queue(ids[1], &Header::new("much", "binary", OWN as u64), vec![b'o'; OWN]).unwrap();
    server.wait_until(|server| server.handle.stats().queued >= OWN);
    connections.push(server.connect());
    wait_until(|| echo.peers.lock().unwrap().len() == 6);
    // The worker is not ready to take this, which is more than it may have queued.
    let shared: Arc<[u8]> = vec![b's'; SHARED].into();
    server.handle.queue(ids[3], &Header::new("more", "binary", SHARED as u64), shared).unwrap();
    go_on.send(()).unwrap();
    wait_until(|| echo.noted() == [READS_NOTHING]);
    assert_eq!(receive(&mut connections[1]).map(|text| text.len()), Some(OWN));
}

fn what_is_sent_to_all_while_the_server_ends_is_dropped(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    let (mut first, second) = (server.connect(), server.connect());
    wait_until(|| echo.peers.lock().unwrap().len() == 2);
    // The first one's rest is waited for, and the other one ends, and with it its worker, if it has one of its own.
    let whole = message(b"whole");
    first.get_mut().write_all(&whole[..20]).unwrap();
    let handle = server.handle.clone();
    handle.shutdown(GRACE);
    server.wait_until(|server| server.handle.stats().connections == 1);
    let news: Arc<[u8]> = vec![b'n'; 1_000_000].into();
    for _ in 0..3 {
        handle.queue(To::All, &Header::new("news", "binary", 1_000_000), Arc::clone(&news)).unwrap();
    }
    handle.shutdown(Duration::ZERO);
    drop(server);
    assert_eq!((handle.stats().queued, Arc::strong_count(&news)), (0, 1));
    drop((first, second));
}

fn slow_uploads_do_not_shut_out_others(driver: Driver) {
    const UPLOAD: usize = 4_000_000;
    let (echo, limits) = (Echo::default(), Limits::default().with_max_collected(10_000_000));
    let server = driver.start(limits, echo.clone());
    let whole = message(&vec![b'u'; UPLOAD]);
    // They have sent nearly all, each somewhat less than the one before, and say no more.
    let mut slow: Vec<_> = (0..2).map(|_| server.connect()).collect();
    for (number, connection) in slow.iter_mut().enumerate() {
        connection.get_mut().write_all(&whole[..UPLOAD - 100_000 * (number + 1)]).unwrap();
    }
    server.wait_until(|server| server.handle.stats().collected >= 2 * UPLOAD - 300_000);
    for _ in 0..3 {
        let mut honest = server.connect();
        honest.send(&Header::new("upload", "binary", UPLOAD as u64 - 500_000), &vec![b'h'; UPLOAD - 500_000]).unwrap();
        assert_eq!(receive(&mut honest).map(|text| text.len()), Some(UPLOAD - 500_000));
        assert!(server.handle.stats().collected <= 10_000_000 + UPLOAD);
    }
    // The one that held most is told, and the other one can go on.
    assert_eq!(receive(&mut slow[0]).as_deref(), Some("too much content is being collected"));
    let rest = &whole[UPLOAD - 200_000..];
    slow[1].get_mut().write_all(rest).unwrap();
    assert_eq!(receive(&mut slow[1]).map(|text| text.len()), Some(UPLOAD));
}

/// Takes a reply for each message, and gives it to the test; and waits for the test at the message "wait".
#[derive(Clone)]
struct Owing {
    replies: Sender<Reply>,
    waiting: Arc<Mutex<Receiver<()>>>,
    echo: Echo,
}

/// A server that [owes](Owing) its replies to the test, and what the test needs for that.
fn owing(driver: Driver, limits: Limits) -> (Running, Receiver<Reply>, Sender<()>, Echo) {
    let (replies, owed) = channel();
    let (go_on, waiting) = channel();
    let echo = Echo::default();
    let handler = Owing { replies, waiting: Arc::new(Mutex::new(waiting)), echo: echo.clone() };
    (driver.start(limits, handler), owed, go_on, echo)
}

impl Handler for Owing {
    type State = ();

    fn connected(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        self.echo.connected(peer, &mut ());
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let _ = self.replies.send(peer.reply_later());
        if message.content() == b"wait" {
            let _ = self.waiting.lock().unwrap().recv_timeout(PATIENCE);
        }
    }

    fn disconnected(&mut self, id: Id, address: Address, (): (), why: &CloseReason) {
        self.echo.disconnected(id, address, (), why);
    }
}

fn text(text: &str) -> Header<'static> {
    Header::new("text", "utf-8", text.len() as u64)
}

fn a_reply_that_cannot_be_queued_ends_its_connection(driver: Driver) {
    let (server, owed, go_on, echo) = owing(driver, queued_total(1_000_000));
    let deaf = server.connect();
    wait_until(|| echo.peers.lock().unwrap().len() == 1);
    let mut connection = server.connect();
    connection.send(&text("first"), b"first").unwrap();
    let first = owed.recv().unwrap();
    connection.send(&text("wait"), b"wait").unwrap();
    let second = owed.recv().unwrap();
    // The handler is busy, so what is sent now waits, until it is too much. What was sent before arrives.
    server.handle.queue(first.id(), &text("news"), "news").unwrap();
    let other = echo.peers.lock().unwrap()[0];
    server.handle.queue(other, &Header::new("much", "binary", 900_000), vec![b'b'; 900_000]).unwrap();
    assert!(matches!(first.queue(&text("one"), "one"), Err(Error::QueueFull)));
    go_on.send(()).unwrap();
    // There is place again, but what comes now would be taken for the first answer.
    server.wait_until(|server| server.handle.stats().queued == 0);
    second.queue(&text("two"), "two").unwrap();
    assert_eq!(receive(&mut connection).as_deref(), Some("news"));
    assert_eq!(receive(&mut connection), None);
    drop(connection);
    wait_until(|| echo.noted().contains(&"a reply was lost".to_owned()));
    drop(deaf);
}

fn a_reply_with_a_header_that_cannot_be_sent_ends_its_connection(driver: Driver) {
    let (server, owed, _go_on, echo) = owing(driver, Limits::default());
    let mut connection = server.connect();
    connection.send(&text("first"), b"first").unwrap();
    let reply = owed.recv().unwrap();
    assert!(matches!(reply.queue(&text("longer"), "short"), Err(Error::Encode(_))));
    assert_eq!(receive(&mut connection), None);
    wait_until(|| echo.noted() == ["a reply was lost"]);
}

fn a_reply_in_a_thread_that_panics_ends_its_connection(driver: Driver) {
    let (server, owed, _go_on, echo) = owing(driver, Limits::default());
    let (mut connection, mut other) = (server.connect(), server.connect());
    connection.send(&text("first"), b"first").unwrap();
    let reply = owed.recv().unwrap();
    let thread = std::thread::spawn(move || {
        let _reply = reply;
        panic!("in the middle of an answer");
    });
    assert!(thread.join().is_err());
    assert_eq!(receive(&mut connection), None);
    wait_until(|| echo.noted() == ["a reply was lost"]);
    // A reply that is dropped on purpose is no fault.
    for _ in 0..2 {
        other.send(&text("first"), b"first").unwrap();
        drop(owed.recv().unwrap());
    }
    other.send(&text("first"), b"first").unwrap();
    owed.recv().unwrap().queue(&text("answer"), "answer").unwrap();
    assert_eq!(receive(&mut other).as_deref(), Some("answer"));
}

fn a_reply_that_is_sent_while_its_thread_panics_is_not_lost(driver: Driver) {
    struct Sorry(Option<Reply>);

    impl Drop for Sorry {
        fn drop(&mut self) {
            if let Some(reply) = self.0.take() {
                let _ = reply.queue(&text("sorry"), "sorry");
            }
        }
    }

    let (server, owed, _go_on, _) = owing(driver, Limits::default());
    let mut connection = server.connect();
    for _ in 0..2 {
        connection.send(&text("first"), b"first").unwrap();
        let sorry = Sorry(Some(owed.recv_timeout(PATIENCE).unwrap()));
        let thread = std::thread::spawn(move || {
            let _sorry = sorry;
            panic!("in the middle of an answer");
        });
        assert!(thread.join().is_err());
        assert_eq!(receive(&mut connection).as_deref(), Some("sorry"));
    }
}

fn a_peer_is_read_though_no_reply_may_be_owed(driver: Driver) {
    let limits = Limits::default().with_max_pending_replies(0);
    let (server, owed, _go_on, _) = owing(driver, limits);
    let mut connection = server.connect();
    connection.send(&text("first"), b"first").unwrap();
    owed.recv_timeout(PATIENCE).unwrap().queue(&text("answer"), "answer").unwrap();
    assert_eq!(receive(&mut connection).as_deref(), Some("answer"));
}

fn a_peer_with_many_owed_replies_is_not_read(driver: Driver) {
    let limits = Limits::default().with_max_pending_replies(100);
    let (server, owed, _go_on, _) = owing(driver, limits);
    let mut greedy = server.connect();
    // More than the system has room for, so that the server not reading is seen at the peer.
    let requests = message(b"question").repeat(1000);
    greedy.get_ref().set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut written = 0;
    while let Ok(count) = greedy.get_mut().write(&requests[written % requests.len()..]) {
        written += count;
        if written >= 50_000_000 {
            break;
        }
    }
    let mut waiting: Vec<_> = owed.try_iter().collect();
    assert_eq!(waiting.len(), 100);
    // For each one that is settled there is another one.
    let all = written / message(b"question").len();
    for _ in 0..all.min(5000) - 100 {
        waiting.remove(0).queue(&text("answer"), "answer").unwrap();
        assert_eq!(receive(&mut greedy).as_deref(), Some("answer"));
        waiting.push(owed.recv_timeout(PATIENCE).unwrap());
        assert!(owed.try_recv().is_err(), "it is read beyond the limit");
    }
}

fn an_id_leads_to_no_connection_of_another_server(driver: Driver) {
    let echoes = [Echo::default(), Echo::default()];
    let servers = echoes.each_ref().map(|echo| driver.start(Limits::default(), echo.clone()));
    let mut connections = servers.each_ref().map(Running::connect);
    for connection in &mut connections {
        exchange(connection, "hello");
    }
    let [first, second] = echoes.each_ref().map(|echo| echo.peers.lock().unwrap()[0]);
    assert_ne!(first, second);
    servers[1].handle.queue(first, &text("secret"), "secret").unwrap();
    servers[1].handle.close(first);
    for connection in &mut connections {
        exchange(connection, "nothing else comes");
    }
}
