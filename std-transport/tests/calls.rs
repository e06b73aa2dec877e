//! Calls of many threads over one connection, of servers that do everything a server may do.
#![cfg(all(feature = "client", feature = "json"))]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use jsonframe_std::client::{CallError, Client, Options, WhenFull};
use jsonframe_std::protocol::{Header, OwnedMessage};
use jsonframe_std::{Backoff, Connection, Error, REPLY_TO, REQUEST_ID};

type Served = Connection<TcpStream>;

fn listen() -> (TcpListener, impl FnMut() -> io::Result<TcpStream> + Clone + Send + 'static) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, move || TcpStream::connect(address))
}

fn accept(listener: &TcpListener) -> Served {
    Connection::new(listener.accept().unwrap().0)
}

fn client(options: Options) -> (Client, Served) {
    let (listener, connect) = listen();
    let client = Client::with_pushes(connect, options, drop).unwrap();
    let server = accept(&listener);
    (client, server)
}

fn next(server: &mut Served) -> OwnedMessage {
    server.receive().unwrap().expect("a request").into_message().unwrap()
}

fn number(message: &OwnedMessage) -> u64 {
    message.json().unwrap()
}

/// The members of the reply to this request.
fn reply_to(request: &OwnedMessage) -> [(&'static str, jsonframe_std::protocol::Value<'static>); 1] {
    let id = request.header().extension(REQUEST_ID).and_then(|id| id.as_u64());
    [(REPLY_TO, id.expect("an id").into())]
}

/// Has eight threads make calls, each of which is to be answered by its own number.
fn call_from_eight_threads(client: &Client, calls: u64, call: impl Fn(&Client, u64) -> u64 + Copy + Send + 'static) {
    let threads = [0, 1, 2, 3, 4, 5, 6, 7].map(|thread| {
        let client = client.clone();
        thread::spawn(move || {
            for number in thread * calls..(thread + 1) * calls {
                assert_eq!(call(&client, number), number, "the answer to another call");
            }
        })
    });
    let _ = threads.map(|thread| thread.join().unwrap());
}

#[test]
fn eight_threads_over_one_connection_get_their_replies_in_order() {
    let (listener, connect) = listen();
    let client = Client::new(connect, Options::default()).unwrap();
    let server = thread::spawn(move || {
        let mut server = accept(&listener);
        while let Some(request) = server.receive().unwrap() {
            let number: u64 = request.json().unwrap();
            server.send_json(&number).unwrap();
        }
    });
    call_from_eight_threads(&client, 500, |client, number| client.call_json(&number).unwrap());
    assert_eq!(client.stats().connections, 1);
    drop(client);
    server.join().unwrap();
}

#[cfg(unix)]
#[test]
fn eight_threads_over_a_unix_stream_get_replies_of_any_length() {
    use std::os::unix::net::UnixStream;
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut ours = Some(ours);
    let connect = move || ours.take().ok_or_else(|| ErrorKind::NotConnected.into());
    let client = Client::new(connect, Options::default()).unwrap();
    let server = thread::spawn(move || {
        let mut server = Connection::new(theirs);
        while let Some(request) = server.receive().unwrap() {
            let request = request.into_message().unwrap();
            server.send(&request.header(), request.content()).unwrap();
        }
    });
    call_from_eight_threads(&client, 20, |client, number| {
        let content = vec![u8::try_from(number).unwrap(); 1 + 5_000 * usize::try_from(number).unwrap()];
        let reply = client.call(&Header::new("bytes", "binary", content.len() as u64), &content).unwrap();
        assert!(reply.content() == content);
        reply.content()[0].into()
    });
    drop(client);
    server.join().unwrap();
}

#[test]
fn by_id_eight_threads_get_their_replies_whatever_comes_between() {
    let (listener, connect) = listen();
    let (sender, pushes) = mpsc::channel();
    let on_push = move |message| drop(sender.send(message));
    let client = Client::with_pushes(connect, Options::default().with_ids(), on_push).unwrap();
    let server = thread::spawn(move || {
        let mut server = accept(&listener);
        let (mut rounds, mut sent) = (0, 0);
        'rounds: loop {
            // Each thread waits for its reply, so there are eight requests, one of each.
            let mut requests = Vec::new();
            while requests.len() < 8 {
                let Some(request) = server.receive().unwrap() else { break 'rounds };
                requests.push(request.into_message().unwrap());
            }
            rounds += 1;
            requests.rotate_left(rounds % 8);
            for request in requests.iter().rev() {
                server.send_json_with(&number(request), &reply_to(request)).unwrap();
            }
            // The same again, what was never asked for, and what names nothing.
            server.send_json_with(&0, &reply_to(&requests[0])).unwrap();
            server.send_json_with(&0, &[(REPLY_TO, (1_u64 << 50).into())]).unwrap();
            server.send_json(&0).unwrap();
            sent += 3;
        }
        sent
    });
    call_from_eight_threads(&client, 100, |client, number| client.call_json(&number).unwrap());
    drop(client);
    assert_eq!(server.join().unwrap(), 300);
    // Those of the last round may have come too late.
    assert!((297..=300).contains(&pushes.try_iter().count()));
}

#[test]
fn a_reply_that_comes_after_its_time_is_discarded_and_the_next_call_gets_its_own() {
    for options in [Options::default(), Options::default().with_ids()] {
        let by_id = format!("{options:?}").contains("ById");
        let (client, mut server) = client(options);
        let (late, now_late) = mpsc::channel::<()>();
        let server = thread::spawn(move || {
            let first = next(&mut server);
            now_late.recv().unwrap();
            for request in [first, next(&mut server)] {
                let number = number(&request);
                if by_id {
                    server.send_json_with(&number, &reply_to(&request)).unwrap();
                } else {
                    server.send_json(&number).unwrap();
                }
            }
            server.receive().map(drop).unwrap();
        });
        let error = client.within(Some(Duration::from_millis(30))).call_json::<u64>(&1).unwrap_err();
        assert!(error.is_timeout() && error.is_sent(), "{error}");
        late.send(()).unwrap();
        assert_eq!(client.call_json::<u64>(&2).unwrap(), 2);
        assert_eq!((client.stats().late_replies, client.stats().dropped_pushes), (1, 0));
        drop(client);
        server.join().unwrap();
    }
}

#[test]
fn eight_threads_get_their_own_replies_of_a_server_that_keeps_restarting() {
    for options in [Options::default(), Options::default().with_ids()] {
        let by_id = format!("{options:?}").contains("ById");
        let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(5));
        let (listener, connect) = listen();
        let mut last = connect.clone();
        let client = Client::new(connect, options.with_backoff(backoff)).unwrap();
        let (done, is_done) = mpsc::channel::<()>();
        let server = thread::spawn(move || {
            let mut answers = 1;
            while is_done.try_recv().is_err() {
                let mut server = accept(&listener);
                // Each time it answers a little more, and ends in the middle of a reply.
                for _ in 0..answers {
                    let Ok(Some(request)) = server.receive() else { break };
                    let request = request.into_message().unwrap();
                    let extensions = if by_id { reply_to(&request).to_vec() } else { Vec::new() };
                    server.send_json_with(&number(&request), &extensions).unwrap();
                }
                drop(server.get_mut().write_all(b"\0\x67{\"byteorder\": "));
                answers += 7;
            }
        });
        call_from_eight_threads(&client, 50, |client, number| {
            loop {
                match client.call_json(&number) {
                    Ok(reply) => return reply,
                    // To ask twice does no harm here.
                    Err(error) => assert!(matches!(error, CallError::Lost { is_sent: true, .. }), "{error}"),
                }
            }
        });
        assert!(client.stats().connections > 3);
        done.send(()).unwrap();
        drop(client);
        // It may be waiting for one.
        drop(last());
        server.join().unwrap();
    }
}

#[test]
fn a_peer_that_closes_in_the_middle_of_a_reply_fails_the_calls_that_were_sent() {
    let (client, mut server) = client(Options::default());
    let server = thread::spawn(move || {
        next(&mut server);
        server.get_mut().write_all(b"\0\x67{\"byteorder\": ").unwrap();
    });
    let error = client.call_json::<u64>(&1).unwrap_err();
    let CallError::Lost { is_sent: true, why } = &error else { panic!("{error}") };
    assert!(matches!(**why, Error::Decode(_)), "{error}");
    assert!(error.to_string().contains("the request was sent, and may have been processed"), "{error}");
    server.join().unwrap();
}

#[test]
fn a_peer_that_ends_the_connection_instead_of_a_reply_is_told_of_so() {
    let (client, mut server) = client(Options::default());
    let server = thread::spawn(move || drop(next(&mut server)));
    let error = client.call_json::<u64>(&1).unwrap_err();
    assert!(error.is_sent() && error.to_string().ends_with(": the peer has ended the connection"), "{error}");
    server.join().unwrap();
}

#[test]
fn replies_that_are_no_messages_or_too_long_end_the_connection_and_the_next_is_used() {
    let too_long =
        b"\0\x70{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \
                     \"content-length\": 1000000000000}";
    for reply in [&b"HTTP/1.1 400 Bad Request\r\n"[..], too_long, b"\x40\x01{"] {
        let (listener, connect) = listen();
        let client = Client::new(connect, Options::default()).unwrap();
        let server = thread::spawn(move || {
            let mut server = accept(&listener);
            next(&mut server);
            server.get_mut().write_all(reply).unwrap();
            let mut second = accept(&listener);
            let request = next(&mut second);
            second.send_json(&number(&request)).unwrap();
            second.receive().map(drop).unwrap();
        });
        let error = client.call_json::<u64>(&1).unwrap_err();
        assert!(
            matches!(&error, CallError::Lost { is_sent: true, why } if matches!(**why, Error::Decode(_))),
            "{error}"
        );
        assert_eq!(client.call_json::<u64>(&2).unwrap(), 2);
        drop(client);
        server.join().unwrap();
    }
}

#[test]
fn calls_fail_unsent_when_no_connection_is_to_be_had() {
    let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(1)).with_attempts(3);
    let mut attempts = 0;
    let (sender, seen) = mpsc::channel();
    let connect = move || {
        attempts += 1;
        sender.send(attempts).unwrap();
        Err::<TcpStream, _>(ErrorKind::ConnectionRefused.into())
    };
    let client = Client::new(connect, Options::default().with_backoff(backoff)).unwrap();
    for _ in 0..2 {
        let error = client.call_json::<u64>(&1).unwrap_err();
        let CallError::Lost { is_sent: false, why } = &error else { panic!("{error}") };
        assert!(matches!(&**why, Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused), "{error}");
    }
    drop(client);
    assert_eq!(seen.iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_call_is_over_in_time_while_its_client_is_still_connecting() {
    let (go_on, wait) = mpsc::channel::<()>();
    let connect = move || {
        let _ = wait.recv();
        Err::<TcpStream, _>(ErrorKind::ConnectionRefused.into())
    };
    let client = Client::new(connect, Options::default()).unwrap();
    let error = client.within(Some(Duration::from_millis(20))).call_json::<u64>(&1).unwrap_err();
    assert!(error.is_timeout() && !error.is_sent(), "{error}");
    // Nor does it wait here for whoever connects.
    drop(client);
    drop(go_on);
}

#[test]
fn more_calls_than_may_be_pending_fail_if_they_are_not_to_wait() {
    let (client, mut server) = client(Options::default().with_max_pending(2).with_when_full(WhenFull::Fail));
    let (sent, both_sent) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let server = thread::spawn(move || {
        let requests = [(); 2].map(|()| next(&mut server));
        sent.send(()).unwrap();
        wait.recv().unwrap();
        let _ = requests.map(|request| server.send_json(&number(&request)).unwrap());
        server.receive().map(drop).unwrap();
    });
    let callers = [1, 2].map(|number| {
        let client = client.clone();
        thread::spawn(move || assert_eq!(client.call_json::<u64>(&number).unwrap(), number))
    });
    both_sent.recv().unwrap();
    assert!(matches!(client.call_json::<u64>(&3), Err(CallError::Full)));
    go_on.send(()).unwrap();
    let _ = callers.map(|caller| caller.join().unwrap());
    drop(client);
    server.join().unwrap();
}

#[test]
fn more_calls_than_may_be_pending_wait_for_each_other() {
    let (client, mut server) = client(Options::default().with_max_pending(2));
    let server = thread::spawn(move || {
        while let Some(request) = server.receive().unwrap() {
            let number: u64 = request.json().unwrap();
            server.send_json(&number).unwrap();
        }
    });
    call_from_eight_threads(&client, 100, |client, number| client.call_json(&number).unwrap());
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_peer_that_reads_nothing_for_long_gets_all_requests_in_the_end() {
    let (client, mut server) = client(Options::default().with_max_queued(1_000_000));
    let began = Arc::new(Barrier::new(5));
    let callers = [0, 1, 2, 3].map(|number: u8| {
        let (client, began) = (client.clone(), Arc::clone(&began));
        thread::spawn(move || {
            let content = vec![number; 3_000_000];
            began.wait();
            let reply = client.call(&Header::new("bytes", "binary", content.len() as u64), &content).unwrap();
            assert!(reply.content() == content);
        })
    });
    began.wait();
    for _ in 0..4 {
        let request = next(&mut server);
        server.send(&request.header(), request.content()).unwrap();
    }
    let _ = callers.map(|caller| caller.join().unwrap());
    assert_eq!(client.stats().connections, 1);
}

#[test]
fn a_peer_that_sends_without_end_gets_the_rest_of_a_request_that_was_blocked() {
    let (listener, connect) = listen();
    let slow = |_| thread::sleep(Duration::from_millis(1));
    let client = Client::with_pushes(connect, Options::default().with_ids(), slow).unwrap();
    let (mut receiving, mut sending) = accept(&listener).split().unwrap();
    let (got, has_got) = mpsc::channel();
    let flood = thread::spawn(move || {
        // There is always another one to be received: it takes the client at least a millisecond for each.
        for sent in 0..3000 {
            sending.send(&Header::new("bytes", "binary", 10_000), &[0; 10_000]).unwrap();
            if has_got.try_recv().is_ok() {
                return sent;
            }
        }
        panic!("nothing came");
    });
    let caller = client.within(Some(Duration::from_secs(30)));
    let long = vec![1; 8_000_000];
    let caller = thread::spawn(move || drop(caller.call(&Header::new("bytes", "binary", 8_000_000), &long)));
    // By then the stream is full, both ways.
    thread::sleep(Duration::from_millis(200));
    let request = receiving.receive().unwrap().expect("a request").into_message().unwrap();
    assert_eq!(request.content().len(), 8_000_000);
    got.send(()).unwrap();
    assert!(flood.join().unwrap() < 3000);
    drop((client, receiving));
    caller.join().unwrap();
}

#[test]
fn when_the_last_client_is_dropped_the_connection_is_closed_and_the_thread_has_ended() {
    let (listener, connect) = listen();
    let token = Arc::new(());
    let held = Arc::clone(&token);
    let client = Client::with_pushes(connect, Options::default(), move |_| drop(Arc::clone(&held))).unwrap();
    let mut server = accept(&listener);
    // Whoever is still connecting ends after that, and is not waited for.
    while client.stats().connections == 0 {
        thread::yield_now();
    }
    let clone = client.within(None);
    drop(client);
    assert_eq!(Arc::strong_count(&token), 2);
    drop(clone);
    assert_eq!(Arc::strong_count(&token), 1);
    assert_eq!(server.get_mut().read(&mut [0]).unwrap(), 0);
}

#[test]
fn in_order_a_message_is_a_push_if_nothing_is_pending_and_without_a_function_it_is_counted() {
    let (listener, connect) = listen();
    let client = Client::new(connect, Options::default()).unwrap();
    let server = thread::spawn(move || {
        let mut server = accept(&listener);
        let request = next(&mut server);
        // Both are there when the reply is.
        let reply = OwnedMessage::from_json(&number(&request)).unwrap().message().to_vec().unwrap();
        server.get_mut().write_all(&reply.repeat(2)).unwrap();
        server.receive().map(drop).unwrap();
    });
    assert_eq!(client.call_json::<u64>(&1).unwrap(), 1);
    let shared = client.clone();
    while shared.stats().dropped_pushes == 0 {
        thread::yield_now();
    }
    drop((client, shared));
    server.join().unwrap();
}

#[test]
fn a_call_that_is_made_where_replies_are_received_fails() {
    let (listener, connect) = listen();
    let (sender, outcomes) = mpsc::channel();
    let own = Arc::new(Mutex::new(None::<Client>));
    let of_push = Arc::clone(&own);
    let on_push = move |_| {
        let client = of_push.lock().unwrap().take().unwrap();
        sender.send(client.call_json::<u64>(&1).map_err(|error| error.to_string())).unwrap();
        // It is the last one, and has its own thread end.
    };
    *own.lock().unwrap() = Some(Client::with_pushes(connect, Options::default(), on_push).unwrap());
    let mut server = accept(&listener);
    server.send_json(&0).unwrap();
    let error = outcomes.recv().unwrap().unwrap_err();
    assert_eq!(error, "the client makes no calls; the request was not sent");
    assert!(server.receive().unwrap().is_none());
}

#[test]
fn a_client_whose_function_has_panicked_makes_no_more_calls() {
    let (listener, connect) = listen();
    let on_push = |message: OwnedMessage| assert!(message.content().is_empty(), "as intended");
    let client = Client::with_pushes(connect, Options::default(), on_push).unwrap();
    let mut server = accept(&listener);
    server.send_json(&0).unwrap();
    assert!(server.receive().unwrap().is_none());
    assert!(matches!(client.call_json::<u64>(&1), Err(CallError::Closed { is_sent: false })));
}

#[test]
fn a_request_or_reply_that_is_not_what_json_can_say_is_an_error_of_the_call_alone() {
    let (client, mut server) = client(Options::default());
    let server = thread::spawn(move || {
        while let Some(request) = server.receive().unwrap() {
            let request = request.into_message().unwrap();
            server.send(&request.header(), request.content()).unwrap();
        }
    });
    let error = client.call_json::<u64>("a text").unwrap_err();
    assert!(matches!(error, CallError::Reply(_)) && error.is_sent(), "{error}");
    let no_json = std::collections::HashMap::from([(vec![0], 0)]);
    let error = client.call_json::<u64>(&no_json).unwrap_err();
    assert!(matches!(error, CallError::Request(_)) && !error.is_sent(), "{error}");
    let error = client.call(&Header::new("text", "", 7), b"short").unwrap_err();
    assert!(matches!(error, CallError::Encode(_)) && !error.is_sent(), "{error}");
    assert_eq!(client.call_json::<u64>(&1).unwrap(), 1);
    drop(client);
    server.join().unwrap();
}
