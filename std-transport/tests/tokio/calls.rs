//! Calls of many tasks over one connection. Time is that of a clock which stands still while anything can be done.

use std::collections::VecDeque;
use std::future::ready;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jsonframe_std::client::{CallError, Options};
use jsonframe_std::protocol::{ByteOrder, Dialect, OwnedMessage, ProtoHeader, Value};
use jsonframe_std::tokio::{Client, Connection, Pushes};
use jsonframe_std::{Backoff, Error, REPLY_TO, REQUEST_ID};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

type Served = Connection<DuplexStream>;

/// A client and its servers, as many as there are to be one after the other.
fn client(count: usize, options: Options) -> (Client, Pushes, Vec<Served>) {
    let (ours, theirs): (VecDeque<_>, _) =
        (0..count).map(|_| duplex(1024)).map(|(a, b)| (a, Connection::new(b))).unzip();
    let (client, pushes) = Client::with_pushes(one_by_one(ours), options);
    (client, pushes, theirs)
}

fn one_by_one<S: Send>(mut streams: VecDeque<S>) -> impl FnMut() -> std::future::Ready<io::Result<S>> + Send {
    move || ready(streams.pop_front().ok_or_else(|| ErrorKind::NotFound.into()))
}

async fn next(server: &mut Served) -> OwnedMessage {
    server.receive_message().await.unwrap().expect("a request")
}

fn reply_to(request: &OwnedMessage) -> [(&'static str, Value<'static>); 1] {
    let id = request.header().extension(REQUEST_ID).and_then(|id| id.as_u64());
    [(REPLY_TO, id.expect("an id").into())]
}

fn number(message: &OwnedMessage) -> u64 {
    message.json().unwrap()
}

async fn echo(mut server: Served) {
    while let Some(request) = server.receive_message().await.unwrap() {
        server.send(&request.header(), request.content()).await.unwrap();
    }
}

async fn call_from_eight_tasks(client: &Client, calls: u64) {
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let client = client.clone();
        tasks.spawn(async move {
            for number in task * calls..(task + 1) * calls {
                assert_eq!(client.call_json::<u64>(&number).await.unwrap(), number, "the answer to another call");
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
}

#[tokio::test]
async fn eight_tasks_over_one_connection_get_their_replies_in_order() {
    let (client, _pushes, mut servers) = client(1, Options::default());
    tokio::spawn(echo(servers.remove(0)));
    call_from_eight_tasks(&client, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_tasks_of_two_threads_get_their_replies_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::connect(listener.local_addr().unwrap(), Options::default().with_max_pending(3)).await.unwrap();
    tokio::spawn(async move {
        let mut server = Connection::new(listener.accept().await.unwrap().0);
        while let Some(request) = server.receive_message().await.unwrap() {
            server.send(&request.header(), request.content()).await.unwrap();
        }
    });
    call_from_eight_tasks(&client, 200).await;
    assert_eq!(client.stats().connections, 1);
}

#[tokio::test]
async fn by_id_eight_tasks_get_their_replies_whatever_comes_between() {
    let (client, mut pushes, mut servers) = client(1, Options::default().with_ids());
    let mut server = servers.remove(0);
    let serving = tokio::spawn(async move {
        for round in 0..100 {
            let mut requests = Vec::new();
            while requests.len() < 8 {
                requests.push(next(&mut server).await);
            }
            requests.rotate_left(round % 8);
            for request in requests.iter().rev() {
                server.send_json_with(&number(request), &reply_to(request)).await.unwrap();
            }
            server.send_json_with(&0, &reply_to(&requests[0])).await.unwrap();
            server.send_json_with(&0, &[(REPLY_TO, (1_u64 << 50).into())]).await.unwrap();
            server.send_json(&0).await.unwrap();
        }
    });
    let counting = tokio::spawn(async move {
        let mut count = 0;
        while pushes.receive().await.is_some() {
            count += 1;
        }
        count
    });
    call_from_eight_tasks(&client, 100).await;
    serving.await.unwrap();
    drop(client);
    assert!((297..=300).contains(&counting.await.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_comes_after_its_time_is_discarded_and_the_next_call_gets_its_own() {
    for (by_id, options) in [(false, Options::default()), (true, Options::default().with_ids())] {
        let (client, _pushes, mut servers) = client(1, options);
        let server = &mut servers[0];
        let short = client.within(Some(Duration::from_secs(1)));
        let (outcome, first) = tokio::join!(short.call_json::<u64>(&1), next(server));
        let error = outcome.unwrap_err();
        assert!(error.is_timeout() && error.is_sent(), "{error}");
        let (outcome, ()) = tokio::join!(client.call_json::<u64>(&2), async {
            for request in [first, next(server).await] {
                let extensions = if by_id { reply_to(&request).to_vec() } else { Vec::new() };
                server.send_json_with(&number(&request), &extensions).await.unwrap();
            }
        });
        assert_eq!(outcome.unwrap(), 2);
        assert_eq!(client.stats().late_replies, 1);
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_is_nobodys_and_the_next_gets_its_own_reply() {
    let (client, _pushes, mut servers) = client(1, Options::default());
    let server = &mut servers[0];
    let first = tokio::select! {
        _ = client.call_json::<u64>(&1) => unreachable!("nobody answers"),
        request = next(server) => request,
    };
    let (outcome, ()) = tokio::join!(client.call_json::<u64>(&2), async {
        for request in [first, next(server).await] {
            server.send_json(&number(&request)).await.unwrap();
        }
    });
    assert_eq!(outcome.unwrap(), 2);
    assert_eq!(client.stats().late_replies, 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_before_it_is_sent_is_withdrawn() {
    let (client, _pushes, mut servers) = client(1, Options::default());
    tokio::select! {
        biased;
        _ = client.call_json::<u64>(&1) => unreachable!("nobody answers"),
        () = ready(()) => {}
    }
    drop(client.call_json::<u64>(&2));
    let server = &mut servers[0];
    let (outcome, ()) = tokio::join!(client.call_json::<u64>(&3), async {
        assert_eq!(number(&next(server).await), 3);
        server.send_json(&3).await.unwrap();
    });
    assert_eq!((outcome.unwrap(), client.stats().late_replies), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_silent_for_too_long_after_a_call_timed_out_is_given_up() {
    let options = Options::default().with_max_silence(Duration::from_secs(60));
    let (client, _pushes, mut servers) = client(2, options);
    let (mut second, mut first) = (servers.pop().unwrap(), servers.pop().unwrap());
    let long = client.within(None);
    let long = tokio::spawn(async move { long.call_json::<u64>(&1).await });
    let error = client.within(Some(Duration::from_secs(1))).call_json::<u64>(&2).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let error = long.await.unwrap().unwrap_err();
    assert!(error.is_sent() && error.to_string().ends_with(": the peer has been silent for too long"), "{error}");
    let mut sent = [number(&next(&mut first).await), number(&next(&mut first).await)];
    sent.sort_unstable();
    assert_eq!(sent, [1, 2]);
    assert!(first.receive().await.unwrap().is_none());
    let (outcome, ()) = tokio::join!(client.call_json::<u64>(&3), async {
        assert_eq!(number(&next(&mut second).await), 3);
        second.send_json(&3).await.unwrap();
    });
    assert_eq!(outcome.unwrap(), 3);
}

#[tokio::test]
async fn a_peer_that_closes_in_the_middle_of_a_reply_fails_what_was_sent_and_the_next_is_used() {
    let (client, _pushes, mut servers) = client(2, Options::default());
    let (mut second, mut first) = (servers.pop().unwrap(), servers.pop().unwrap());
    let (outcome, ()) = tokio::join!(client.call_json::<u64>(&1), async {
        next(&mut first).await;
        first.get_mut().write_all(b"\0\x67{\"byteorder\": ").await.unwrap();
        drop(first);
    });
    let error = outcome.unwrap_err();
    assert!(matches!(&error, CallError::Lost { is_sent: true, why } if matches!(**why, Error::Decode(_))), "{error}");
    let (outcome, ()) = tokio::join!(client.call_json::<u64>(&2), async {
        next(&mut second).await;
        second.send_json(&2).await.unwrap();
    });
    assert_eq!(outcome.unwrap(), 2);
    assert_eq!(client.stats().connections, 2);
}

#[tokio::test]
async fn a_request_made_when_the_peer_has_ended_is_sent_over_the_next_connection() {
    let (client, _pushes, mut servers) = client(2, Options::default());
    while client.stats().connections == 0 {
        tokio::task::yield_now().await;
    }
    // The client's task has not run since: it sees the end and the request at the same time.
    servers[0].finish().await.unwrap();
    tokio::spawn(echo(servers.remove(1)));
    assert_eq!(client.call_json::<u64>(&1).await.unwrap(), 1);
    assert!(servers[0].receive().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_server_that_comes_back_and_is_sent_then() {
    let streams = Arc::new(Mutex::new(VecDeque::new()));
    let of_client = Arc::clone(&streams);
    let connect = move || ready(of_client.lock().unwrap().pop_front().ok_or(ErrorKind::ConnectionRefused.into()));
    let client = Client::new(connect, Options::default());
    let (outcome, ()) = tokio::join!(client.call_json::<u64>(&1), async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let (ours, theirs) = duplex(1024);
        streams.lock().unwrap().push_back(ours);
        tokio::spawn(echo(Connection::new(theirs)));
    });
    assert_eq!(outcome.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_after_each_reply_is_called_again_at_once() {
    let (client, _pushes, servers) = client(10, Options::default());
    tokio::spawn(async move {
        for mut server in servers {
            let request = next(&mut server).await;
            server.send(&request.header(), request.content()).await.unwrap();
        }
    });
    let start = Instant::now();
    for number in 0..10 {
        assert_eq!(client.call_json::<u64>(&number).await.unwrap(), number);
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "on a clock that passes only while nothing can be done");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_before_any_reply_is_called_later_and_later() {
    let (client, mut pushes, servers) = client(1000, Options::default());
    drop(servers);
    let sleep = tokio::time::sleep(Duration::from_secs(100));
    tokio::select! {
        _ = pushes.receive() => unreachable!("nobody sends"),
        () = sleep => {}
    }
    // From 0.1 s on, doubled up to 10 s, each of them by up to a half less.
    assert!((10..35).contains(&client.stats().connections), "{:?}", client.stats());
}

#[tokio::test]
async fn a_client_speaks_the_dialect_that_it_is_told_to() {
    static LITTLE: Dialect = Dialect::STANDARD.with_proto_header(ProtoHeader::U16(ByteOrder::Little));
    let (ours, theirs) = duplex(1024);
    let client = Client::new(one_by_one([ours].into()), Options::default().with_dialect(&LITTLE));
    tokio::spawn(echo(Connection::new(theirs).with_dialect(&LITTLE)));
    assert_eq!(client.call_json::<u64>(&1).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_fail_unsent_when_no_connection_is_to_be_had() {
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(1)).with_attempts(3);
    let client = Client::new(one_by_one(VecDeque::<DuplexStream>::new()), Options::default().with_backoff(backoff));
    let error = client.call_json::<u64>(&1).await.unwrap_err();
    assert!(matches!(error, CallError::Lost { is_sent: false, .. }), "{error}");
    let unlimited = Client::new(one_by_one(VecDeque::<DuplexStream>::new()), Options::default());
    let error = unlimited.call_json::<u64>(&1).await.unwrap_err();
    assert!(error.is_timeout() && !error.is_sent(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_call_is_over_in_time_while_its_client_is_still_connecting() {
    let client = Client::new(std::future::pending::<io::Result<TcpStream>>, Options::default());
    let error = client.call_json::<u64>(&1).await.unwrap_err();
    assert!(error.is_timeout() && !error.is_sent(), "{error}");
}

#[tokio::test]
async fn while_as_many_pushes_wait_as_may_nothing_is_received_and_none_is_lost() {
    let (client, mut pushes, mut servers) = client(1, Options::default().with_ids().with_max_pushes(2));
    let mut server = servers.remove(0);
    let serving = tokio::spawn(async move {
        for number in 0..100 {
            server.send_json(&number).await.unwrap();
        }
        let request = next(&mut server).await;
        server.send_json_with(&7, &reply_to(&request)).await.unwrap();
    });
    // The stream between them has no place for all of them.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(!serving.is_finished());
    for number in 0..100 {
        assert_eq!(pushes.receive().await.unwrap().json::<u64>().unwrap(), number);
    }
    assert_eq!(client.call_json::<u64>(&1).await.unwrap(), 7);
    serving.await.unwrap();
}

#[tokio::test]
async fn pushes_that_nobody_receives_any_more_are_counted() {
    let (client, pushes, mut servers) = client(1, Options::default().with_ids().with_max_pushes(1));
    let server = &mut servers[0];
    drop(pushes);
    let (outcome, ()) = tokio::join!(client.call_json::<u64>(&1), async {
        let request = next(server).await;
        for number in 0..10 {
            server.send_json(&number).await.unwrap();
        }
        server.send_json_with(&1, &reply_to(&request)).await.unwrap();
    });
    assert_eq!((outcome.unwrap(), client.stats().dropped_pushes), (1, 10));
}

#[tokio::test]
async fn when_the_last_client_is_dropped_the_connection_is_closed_and_the_pushes_end() {
    let (client, mut pushes, mut servers) = client(1, Options::default());
    let clone = client.within(None);
    drop(client);
    tokio::task::yield_now().await;
    servers[0].send_json(&1).await.unwrap();
    assert_eq!(pushes.receive().await.unwrap().json::<u64>().unwrap(), 1);
    drop(clone);
    assert!(servers[0].receive().await.unwrap().is_none());
    assert!(pushes.receive().await.is_none());
}

#[test]
fn calls_of_a_client_whose_runtime_has_ended_fail() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (client, _pushes, servers) = first.block_on(async { client(1, Options::default()) });
    drop(first);
    let error = runtime().block_on(client.call_json::<u64>(&1)).unwrap_err();
    assert!(matches!(error, CallError::Closed { is_sent: false }), "{error}");
    drop(servers);
}

#[test]
fn a_call_can_be_sent_to_another_thread_and_a_client_shared() {
    fn is_send<T: Send>(_: impl FnOnce(&'static Client) -> T) {}
    fn can_be_shared<T: Clone + Send + Sync>() {}
    is_send(|client| client.call_json::<u64>(&1));
    can_be_shared::<Client>();
    can_be_shared::<jsonframe_std::client::Client>();
}
