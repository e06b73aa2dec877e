//! A server whose handler waits.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Address, AtLimit, CloseReason, Handle, Id, Limits, Peer, To};
use jsonframe_std::tokio::{Connection, Handler, Server};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What the handler does with a message is what the message says.
#[derive(Clone, Default)]
struct Waiter {
    go_on: Arc<Notify>,
    notes: Arc<Mutex<Vec<String>>>,
}

impl Waiter {
    fn note(&self, text: &impl ToString) {
        self.notes.lock().unwrap().push(text.to_string());
    }

    fn noted(&self) -> Vec<String> {
        self.notes.lock().unwrap().clone()
    }
}

/// Notes that what waits is dropped.
struct Dropped<'w>(&'w Waiter);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.note(&"dropped");
    }
}

/// How many answers there are to "much", and how long each is.
const MUCH: usize = 100;
const LONG: usize = 100_000;

impl Handler for Waiter {
    type State = ();

    async fn message(&self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let request = message.json::<String>().unwrap();
        peer.send_json("begun").unwrap();
        match &*request {
            "wait" => self.go_on.notified().await,
            "panic" => {
                self.go_on.notified().await;
                panic!("as this test wants");
            }
            "deadline" => {
                let _dropped = Dropped(self);
                peer.set_deadline(Some(Instant::now() + Duration::from_millis(20)));
                pending::<()>().await;
            }
            "shutdown" => {
                let _dropped = Dropped(self);
                self.go_on.notify_one();
                pending::<()>().await;
            }
            "much, heedless" | "much" => {
                for _ in 0..MUCH {
                    if request == "much" {
                        peer.ready().await;
                    }
                    if let Err(error) = peer.send_json(&"x".repeat(LONG)) {
                        return self.note(&error);
                    }
                }
            }
            other => panic!("{other}"),
        }
        peer.send_json("done").unwrap();
    }

    async fn farewell(&self, peer: &mut Peer<'_>, (): &mut (), why: &CloseReason) {
        peer.send_json(&why.to_string()).unwrap();
    }

    fn disconnected(&self, _: Id, _: Address, (): (), why: &CloseReason) {
        self.note(why);
    }
}

struct Running {
    address: std::net::SocketAddr,
    handle: Handle,
    waiter: Waiter,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    async fn start(limits: Limits) -> Self {
        let (server, waiter) = (Server::bind("127.0.0.1:0", limits).await.unwrap(), Waiter::default());
        let (address, handle) = (server.address().socket_addr().unwrap(), server.handle());
        Self { address, handle, waiter: waiter.clone(), task: tokio::spawn(server.run(waiter)) }
    }

    /// A connection on which a request has been sent.
    async fn ask(&self, request: &str) -> Connection<TcpStream> {
        let mut connection = Connection::new(TcpStream::connect(self.address).await.unwrap());
        connection.send_json(request).await.unwrap();
        connection
    }

    /// Why connections have ended and what else was noted, when the server has ended.
    async fn shut_down(self) -> Vec<String> {
        self.handle.shutdown(Duration::from_secs(60));
        self.task.await.unwrap().unwrap();
        self.waiter.noted()
    }
}

async fn text(connection: &mut Connection<TcpStream>) -> String {
    connection.receive_message().await.unwrap().expect("a message").json().unwrap()
}

async fn is_over(mut connection: Connection<TcpStream>) {
    assert!(connection.receive_message().await.unwrap().is_none());
}

#[tokio::test]
async fn while_a_handler_waits_what_it_and_others_have_sent_goes_out() {
    let running = Running::start(Limits::default()).await;
    let mut connection = running.ask("wait").await;
    assert_eq!(text(&mut connection).await, "begun");
    running.handle.send_json(To::All, "from outside").unwrap();
    assert_eq!(text(&mut connection).await, "from outside");
    running.waiter.go_on.notify_one();
    assert_eq!(text(&mut connection).await, "done");
    drop(connection);
    assert_eq!(running.shut_down().await.len(), 1);
}

#[tokio::test]
async fn while_one_handler_waits_the_others_go_on() {
    let running = Running::start(Limits::default()).await;
    let mut first = running.ask("wait").await;
    assert_eq!(text(&mut first).await, "begun");
    let mut second = running.ask("wait").await;
    assert_eq!(text(&mut second).await, "begun");
    running.waiter.go_on.notify_waiters();
    assert_eq!((text(&mut first).await, text(&mut second).await), ("done".into(), "done".into()));
}

#[tokio::test]
async fn a_peer_that_ends_its_side_while_the_handler_waits_is_answered() {
    let running = Running::start(Limits::default()).await;
    let mut connection = running.ask("wait").await;
    connection.finish().await.unwrap();
    assert_eq!(text(&mut connection).await, "begun");
    running.waiter.go_on.notify_one();
    assert_eq!(text(&mut connection).await, "done");
    is_over(connection).await;
    assert_eq!(running.shut_down().await, ["the peer has ended the connection"]);
}

#[tokio::test]
async fn a_handler_that_waits_beyond_its_deadline_is_dropped_and_the_peer_is_told() {
    let running = Running::start(Limits::default()).await;
    let mut connection = running.ask("deadline").await;
    assert_eq!(text(&mut connection).await, "begun");
    assert_eq!(text(&mut connection).await, "the time that the server has set is over");
    is_over(connection).await;
    assert_eq!(running.shut_down().await, ["dropped", "the time that the server has set is over"]);
}

#[tokio::test]
async fn a_panic_of_a_handler_that_has_waited_ends_its_connection_alone() {
    let running = Running::start(Limits::default()).await;
    let mut bystander = running.ask("wait").await;
    assert_eq!(text(&mut bystander).await, "begun");
    let mut connection = running.ask("panic").await;
    assert_eq!(text(&mut connection).await, "begun");
    running.waiter.go_on.notify_waiters();
    is_over(connection).await;
    assert_eq!(text(&mut bystander).await, "done");
    assert_eq!(running.handle.stats().panics, 1);
}

#[tokio::test]
async fn a_handler_that_is_still_waiting_when_a_shutdown_is_over_is_dropped() {
    let running = Running::start(Limits::default()).await;
    let connection = running.ask("shutdown").await;
    running.waiter.go_on.notified().await;
    running.handle.shutdown(Duration::ZERO);
    running.task.await.unwrap().unwrap();
    assert_eq!(running.waiter.noted(), ["dropped", "the server has been shut down, with the connection in use"]);
    drop(connection);
}

/// More than the systems keep for a peer that does not read, and than may be queued for it.
#[tokio::test]
async fn a_handler_that_waits_until_the_peer_is_ready_can_send_any_number_of_messages() {
    let limits = || Limits::default().with_max_unread_replies(1000).with_max_queued(2 * LONG);
    let running = Running::start(limits()).await;
    let mut connection = running.ask("much").await;
    assert_eq!(text(&mut connection).await, "begun");
    for _ in 0..MUCH {
        assert_eq!(text(&mut connection).await.len(), LONG);
    }
    assert_eq!(text(&mut connection).await, "done");
    drop(connection);
    assert_eq!(running.shut_down().await, ["the peer has ended the connection"]);

    let running = Running::start(limits()).await;
    let connection = running.ask("much, heedless").await;
    while running.waiter.noted().len() < 2 {
        tokio::task::yield_now().await;
    }
    drop(connection);
    let noted = running.shut_down().await;
    assert_eq!(noted[1], "the peer does not read what is sent to it", "{noted:?}");
}

#[tokio::test]
async fn a_server_that_is_dropped_while_it_runs_ends_its_connections() {
    let running = Running::start(Limits::default()).await;
    let mut connection = running.ask("wait").await;
    assert_eq!(text(&mut connection).await, "begun");
    running.task.abort();
    assert!(running.task.await.unwrap_err().is_cancelled());
    is_over(connection).await;
    assert!(running.handle.send_json(To::All, "nobody").is_err());
    assert_eq!(running.handle.stats().connections, 0);
}

#[tokio::test]
async fn a_connection_that_is_refused_is_sent_what_was_set_for_it() {
    let limits = Limits::default().with_max_connections(0).with_at_limit(AtLimit::Refuse);
    let server = Server::bind("127.0.0.1:0", limits).await.unwrap();
    let server = server.with_refusal(&Header::for_json(6), b"\"full\"").unwrap();
    let (address, handle) = (server.address().to_string(), server.handle());
    let server = tokio::spawn(server.run(Waiter::default()));
    let mut refused = Connection::new(TcpStream::connect(address).await.unwrap());
    assert_eq!(text(&mut refused).await, "full");
    assert!(refused.receive().await.unwrap().is_none());
    assert_eq!(handle.stats().refused, 1);
    handle.shutdown(Duration::ZERO);
    server.await.unwrap().unwrap();
}
