//! The client and the server of the tutorial, as programs.

mod common;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::{
    AppServer, NEEDLE, NO_MATCH, PATIENCE, Server, client, ending_signals, ends_quietly_unread, on_each_server,
    program, text,
};
use jsonframe::{ByteOrder, Dialect, Header, Message};
use jsonframe_std::Connection;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

on_each_server! {
    #[cfg(target_endian = "little")] both_sides_print_the_transcripts,
    the_client_sends_several_requests,
    many_long_requests_can_be_pipelined,
    the_client_shows_what_came_before_a_failure,
    the_client_gets_what_the_table_holds,
    a_dialect_is_spoken_both_ways,
    each_direction_may_have_a_dialect_of_its_own,
    an_answer_has_the_prefix_of_its_request,
    a_connection_stays_open_for_more_requests,
    a_binary_request_may_be_empty_or_large,
    a_request_that_is_not_understood_is_answered_before_the_end,
    the_last_answer_arrives_although_the_peer_goes_on_sending,
    a_connection_that_fails_does_not_stop_the_server,
    a_content_length_that_counts_characters_is_told_from_others,
    a_message_after_content_whose_characters_were_counted_tells_why,
    a_client_that_reads_to_the_end_gets_it_after_its_answer,
    of_what_peers_cause_few_lines_are_written_and_the_others_counted,
    connections_beyond_the_limit_wait,
    #[cfg(unix)] a_lack_of_descriptors_is_waited_out,
    what_a_peer_sends_cannot_act_on_the_terminal,
    a_large_message_is_shown_by_its_beginning,
    a_quiet_server_prints_where_it_listens,
    several_threads_may_serve,
    #[cfg(unix)] a_request_under_way_is_answered_before_the_server_ends,
    #[cfg(unix)] a_signal_under_load_cuts_no_answer,
    #[cfg(unix)] what_has_arrived_before_a_signal_is_answered,
    #[cfg(unix)] what_waits_to_be_accepted_at_a_signal_is_answered,
    #[cfg(unix)] a_second_signal_ends_the_server_at_once,
    #[cfg(unix)] the_server_does_not_wait_for_ever_before_it_ends,
}

const DANCE: &str = r#"b"\x00\x7f{\"byteorder\": \"little\", \"content-type\": \"binary/custom-client-binary-type\", \"content-encoding\": \"binary\", \"content-length\": 15}dance on 'ice'\n""#;
const DANCED: &str = r#"b"\x00\x7f{\"byteorder\": \"little\", \"content-type\": \"binary/custom-server-binary-type\", \"content-encoding\": \"binary\", \"content-length\": 37}First 10 bytes of request: dance on '""#;

/// A request and its answer, from both sides, to the byte.
#[cfg(target_endian = "little")]
fn both_sides_print_the_transcripts(on: AppServer) {
    let server = on.start(&[]);
    let address = server.address;
    for (words, sent, answered, received, responded) in [
        (
            ["search", "needle"],
            NEEDLE,
            NO_MATCH,
            r#"received request {"action": "search", "value": "needle"}"#,
            [r#"received response {"result": "No match for \"needle\"."}"#, r#"got result: No match for "needle"."#],
        ),
        (
            ["dance", " on 'ice'\n"],
            DANCE,
            DANCED,
            "received binary/custom-client-binary-type request",
            [
                "received binary/custom-server-binary-type response",
                r#"got response: b"First 10 bytes of request: dance on '""#,
            ],
        ),
    ] {
        let run = server.client(&words).assert().success().stderr("");
        let [response, result] = responded;
        assert_eq!(
            text(&run.get_output().stdout),
            format!(
                "starting connection to {address}\nsending {sent} to {address}\n{response} from {address}\n{result}\n\
                 closing connection to {address}\n"
            ),
        );

        let accepted = server.output.next();
        let peer = accepted.strip_prefix("accepted connection from ").expect(&accepted);
        assert_eq!(server.output.next(), format!("{received} from {peer}"));
        assert_eq!(server.output.next(), format!("sending {answered} to {peer}"));
        assert_eq!(server.output.next(), format!("closing connection to {peer}"));
    }
    assert!(server.errors.so_far().is_empty());
}

/// Several requests go over one connection, one after the other or all at once.
fn the_client_sends_several_requests(on: AppServer) {
    let server = on.start(&[]);
    let pairs = ["search", "ring", "dance", "-x", "search", "needle"];
    let listed = ["--request", "search", "ring", "-r", "dance", "-x", "--request", "search", "needle"];
    let [sending, answered] = ["sending", "got "];
    for (words, pipeline, order) in [
        (&pairs[..], false, [sending, answered, sending, answered, sending, answered]),
        (&pairs[..], true, [sending, sending, sending, answered, answered, answered]),
        (&listed[..], false, [sending, answered, sending, answered, sending, answered]),
        (&listed[..], true, [sending, sending, sending, answered, answered, answered]),
    ] {
        let mut command = client(if pipeline { &["--pipeline"] } else { &[] });
        // A word may look like an option only among pairs that follow `--`, or after `--request`.
        if words.len() == pairs.len() {
            command.arg("--");
        }
        let run = command.args(server.host_and_port()).args(words).assert().success().stderr("");
        let output = text(&run.get_output().stdout);
        let lines = |beginning: &'static str| output.lines().filter(move |line| line.starts_with(beginning));
        let seen: Vec<_> = output
            .lines()
            .filter_map(|line| [sending, answered].into_iter().find(|beginning| line.starts_with(beginning)))
            .collect();
        assert_eq!(seen, order, "{output}");
        let results: Vec<_> = lines(answered).collect();
        let expected = [
            "got result: In the caves beneath the Misty Mountains. 💍",
            r#"got response: b"First 10 bytes of request: dance-x""#,
            r#"got result: No match for "needle"."#,
        ];
        assert_eq!(results, expected);
        assert_eq!(lines("starting connection").count(), 1);
        let accepted = |line: &str| line.starts_with("accepted");
        server.output.find(accepted);
    }
    assert!(server.errors.so_far().is_empty());
}

/// Nobody waits for the other for ever, however much is on its way.
fn many_long_requests_can_be_pipelined(on: AppServer) {
    // Under tokio none are ever unread when the next request is read.
    let server = on.start(if on == AppServer::Std { &["--max-unread-replies", "1000"] } else { &[] });
    let value = "x".repeat(100_000);
    let words: Vec<&str> = (0..200).flat_map(|_| ["-r", "search", &value[..]]).take(3 * 15).collect();
    let run = server.client(&["--pipeline"]).args(words).assert().success().stderr("");
    assert_eq!(text(&run.get_output().stdout).matches("\ngot result: No match").count(), 15);
}

fn the_client_shows_what_came_before_a_failure(on: AppServer) {
    let server = on.start(&["--max-content", "60"]);
    let long = "x".repeat(100);
    for pipeline in [&[][..], &["--pipeline"]] {
        let run = server.client(&["search", "ring", "search", &long, "search", "ring"]).args(pipeline).assert().code(1);
        let (output, complaint) = (text(&run.get_output().stdout), text(&run.get_output().stderr));
        assert_eq!(output.matches("\ngot result: In the caves").count(), 1, "{output}");
        assert!(complaint.starts_with("app-client: the server answers with an error: the content is 133 bytes long"));
        assert_eq!(complaint.lines().count(), 1);
    }
}

fn the_client_gets_what_the_table_holds(on: AppServer) {
    let server = on.start(&[]);
    for (value, result) in [
        ("morpheus", "Follow the white rabbit. 🐰"),
        ("ring", "In the caves beneath the Misty Mountains. 💍"),
        ("🐶", "🐾 Playing ball! 🏐"),
    ] {
        let run = server.client(&["search", value]).assert().success();
        assert!(text(&run.get_output().stdout).contains(&format!("\ngot result: {result}\n")));
    }
}

/// Sends a value and receives the answer.
fn ask(connection: &mut Connection<TcpStream>, request: &Value) -> Value {
    connection.send_json(request).expect("the request is sent");
    answer(connection)
}

fn answer(connection: &mut Connection<TcpStream>) -> Value {
    connection.receive().expect("an answer comes").expect("it comes before the end").json().expect("it is JSON")
}

fn ends(connection: &mut Connection<TcpStream>) -> bool {
    connection.receive().expect("the connection is not reset").is_none()
}

fn a_dialect_is_spoken_both_ways(on: AppServer) {
    let dialect = ["--dialect", "u32-le,underscores,no-byteorder"];
    let server = on.start(&dialect);
    let run = server.client(&["search", "ring", "dance", "x"]).args(dialect).assert().success().stderr("");
    let output = text(&run.get_output().stdout);
    assert!(output.contains("\ngot result: In the caves beneath the Misty Mountains. 💍\n"), "{output}");
    assert!(output.contains("\ngot response: b\"First 10 bytes of request: dancex\"\n"), "{output}");
    let sent = server.output.find(|line| line.starts_with("sending "));
    assert!(sent.contains("\\x00\\x00{") && sent.contains("\\\"content_length\\\": "), "{sent}");
    // Who speaks as specified is not understood.
    server.client(&["search", "ring"]).assert().code(1);
    assert!(server.errors.next().starts_with("error: the header is "));
}

/// The server takes what its client does not send, for the sake of others, and sends what its client needs.
fn each_direction_may_have_a_dialect_of_its_own(on: AppServer) {
    let (requests, answers) = ("u16-le,no-byteorder,no-type", "u32,prefix=0001,length=content-len");
    let server = on.start(&["--dialect", requests, "--send-dialect", answers]);
    for pipeline in [&[][..], &["--pipeline"]] {
        let words = ["--dialect", answers, "--send-dialect", requests, "-r", "search", "ring", "-r", "dance", "x"];
        let asked = server.client(&words).args(pipeline).assert().success().stderr("");
        let output = text(&asked.get_output().stdout);
        assert!(output.contains("\ngot result: In the caves beneath the Misty Mountains. 💍\n"), "{output}");
        assert!(output.contains("\ngot response: b\"First 10 bytes of request: dancex\"\n"), "{output}");
        assert!(output.contains("sending b\"3\\x00{\\\"content-encoding\\\": \\\"utf-8\\\", "), "{output}");
    }
    let sent = server.output.find(|line| line.starts_with("sending "));
    assert!(
        sent.starts_with("sending b\"\\x00\\x01\\x00\\x00\\x00") && sent.contains("\\\"content-len\\\": "),
        "{sent}"
    );
    // The other way round nothing is understood.
    let words = ["--dialect", requests, "--send-dialect", answers, "search", "ring"];
    server.client(&words).assert().code(1);
}

/// By which clients know what is answered.
fn an_answer_has_the_prefix_of_its_request(on: AppServer) {
    const NUMBERED: Dialect = Dialect::STANDARD.with_prefix(b"\0\0\0\0");
    let server = on.start(&["--dialect", "prefix=00000000"]);
    let mut connection = Connection::new(server.connect()).with_dialect(&NUMBERED);
    let (json, binary) = (Header::for_json, |length| Header::new("binary/custom-client-binary-type", "binary", length));
    for (prefix, header, content, answer) in [
        (b"req1", json(39), r#"{"action": "search", "value": "needle"}"#, r#"{"result": "No match for \"needle\"."}"#),
        (b"\xFF{\"\0", binary(5), "dance", "First 10 bytes of request: dance"),
        (b"req3", json(2), "{}", r#"{"error": "#),
    ] {
        connection.send(&header.with_prefix(prefix), content.as_bytes()).unwrap();
        let mut answered = connection.receive().unwrap().unwrap();
        assert_eq!(answered.header().prefix(), prefix);
        let content = answered.content().unwrap();
        assert!(content.starts_with(answer.as_bytes()), "{}", content.escape_ascii());
    }
    let sent = server.output.find(|line| line.starts_with("sending "));
    assert!(sent.starts_with(r#"sending b"req1\x00g{"#), "{sent}");
}

fn a_connection_stays_open_for_more_requests(on: AppServer) {
    let server = on.start(&[]);
    let mut connection = Connection::new(server.connect());
    for _ in 0..100 {
        assert_eq!(
            ask(&mut connection, &json!({"action": "search", "value": "morpheus"})),
            json!({"result": "Follow the white rabbit. 🐰"})
        );
        assert_eq!(
            ask(&mut connection, &json!({"action": "dance", "value": ""})),
            json!({"result": "Error: invalid action \"dance\"."})
        );
    }

    // Requests may also be sent ahead of the answers.
    for number in 0..100 {
        connection.send_json(&json!({"action": "search", "value": format!("{number}")})).unwrap();
        connection.send(&Header::new("x/y", "", 3), b"abc").unwrap();
    }
    for number in 0..100 {
        assert_eq!(answer(&mut connection), json!({"result": format!("No match for \"{number}\".")}));
        let mut binary = connection.receive().unwrap().unwrap();
        assert_eq!(binary.content().unwrap(), b"First 10 bytes of request: abc");
    }
    connection.get_ref().shutdown(Shutdown::Write).unwrap();
    assert!(ends(&mut connection));
    assert!(server.errors.so_far().is_empty());
}

fn a_binary_request_may_be_empty_or_large(on: AppServer) {
    let server = on.start(&["--max-content", "50000000"]);
    let mut connection = Connection::new(server.connect());
    for (length, answered) in [(0, ""), (9, "xxxxxxxxx"), (10, "xxxxxxxxxx"), (50_000_000, "xxxxxxxxxx")] {
        connection.send_stream(&Header::new("x/y", "binary", length), &mut io::repeat(b'x')).unwrap();
        let content = connection.receive().unwrap().unwrap().content().unwrap();
        assert_eq!(text(&content), format!("First 10 bytes of request: {answered}"));
    }
}

fn a_request_that_is_not_understood_is_answered_before_the_end(on: AppServer) {
    let server = on.start(&["--max-content", "100"]);
    let header = |content_type, encoding, length| {
        let mut buffer = [0; 256];
        let header = Header::new(content_type, encoding, length).with_byte_order(ByteOrder::Big);
        header.encode(&mut buffer).unwrap().to_vec()
    };
    let json = |content: &[u8]| [&header("text/json", "utf-8", content.len() as u64), content].concat();
    for (bytes, reason) in [
        (b"\0\0".to_vec(), "the header length is 0; a header is at least a JSON object (at byte 0)"),
        (
            b"\0\x02[]".to_vec(),
            "the header begins with `[`; expected a JSON object, `{` (at byte 2); the stream begins with \"\\x00\\x02[\"",
        ),
        (b"\0\x02{}".to_vec(), "the header has no member `byteorder` (at byte 3)"),
        (header("x/y", "", 101), "the content is 101 bytes long; this receiver takes at most 100 (at byte 92)"),
        (json(b"[]"), "the content does not fit: expected an object"),
        (json(b"{"), "the content does not fit: EOF while parsing an object at line 1 column 1"),
        (json(b"{}"), "the content does not fit: missing field `action` at line 1 column 2"),
        (
            [header("text/json", "gzip", 2), b"{}".to_vec()].concat(),
            "the content-encoding is \"gzip\", which JSON cannot be read from here",
        ),
    ] {
        let mut connection = Connection::new(server.connect());
        connection.get_mut().write_all(&bytes).unwrap();
        assert_eq!(answer(&mut connection), json!({"error": reason}));
        assert!(ends(&mut connection));
        let peer = connection.get_ref().local_addr().unwrap();
        assert_eq!(server.errors.next(), format!("error: {reason} from {peer}"));
    }
}

fn the_last_answer_arrives_although_the_peer_goes_on_sending(on: AppServer) {
    let server = on.start(&[]);
    let request = br#"_g{"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-length": 39}{"action": "search", "value": "needle"}"#;
    let mut request = request.to_vec();
    request[0] = 0;
    for (beginning, answers) in [
        (vec![], vec![json!({"error": "the header length is 0; a header is at least a JSON object (at byte 0)"})]),
        (
            request,
            vec![
                json!({"result": "No match for \"needle\"."}),
                json!({"error": "the header length is 0; a header is at least a JSON object (at byte 144)"}),
            ],
        ),
    ] {
        let stream = server.connect();
        let mut connection = Connection::new(stream.try_clone().unwrap());
        // A simple peer sends all it has before it reads anything.
        (&stream).write_all(&[beginning, vec![0; 20_000_000]].concat()).expect("the server takes it");
        for expected in answers {
            assert_eq!(answer(&mut connection), expected);
        }
        assert!(ends(&mut connection));
    }
}

fn a_connection_that_fails_does_not_stop_the_server(on: AppServer) {
    let mut server = on.start(&[]);
    let message = b"\0f{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 7}";

    // The stream ends in the proto-header, in the header, in JSON, in binary content.
    let mut binary = [0; 256];
    let binary = Header::new("x/y", "", 20).encode(&mut binary).unwrap();
    for (bytes, missing) in [
        (&message[..1], "at least 1"),
        (&message[..10], "at least 94"),
        (&[message.as_slice(), b"{"].concat(), "6"),
        (&[binary, b"123"].concat(), "17"),
        (&[binary, b"123456789012"].concat(), "8"),
    ] {
        let mut stream = server.connect();
        stream.write_all(bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut connection = Connection::new(stream);
        let reason = format!("the stream ends inside a message; bytes missing: {missing} (at byte {})", bytes.len());
        let peer = connection.get_ref().local_addr().unwrap();
        assert_eq!(server.errors.next(), format!("error: {reason} from {peer}"));
        assert_eq!(answer(&mut connection), json!({"error": reason}));
        assert!(ends(&mut connection));
    }

    // Gone without reading the answer, which resets the connection.
    let mut connection = Connection::new(server.connect());
    connection.send_json(&json!({"action": "search", "value": "ring"})).unwrap();
    assert_eq!(connection.get_ref().peek(&mut [0]).unwrap(), 1);
    let peer = connection.get_ref().local_addr().unwrap();
    drop(connection);
    assert!(server.errors.next().ends_with(&format!(" from {peer}")));

    // Gone without a word; or with garbage and without reading.
    drop(server.connect());
    drop(server.connect().write_all(&vec![0xFF; 100_000]));
    assert!(server.errors.next().starts_with("error: "));

    server.client(&["search", "ring"]).assert().success();
    assert!(server.is_running());
}

/// A header whose content length is that of the text in characters, and the text.
fn counted_in_characters(content_type: &str, text: &str) -> Vec<u8> {
    let mut buffer = [0; 256];
    let header = Header::new(content_type, "utf-8", text.chars().count() as u64);
    [header.encode(&mut buffer).unwrap(), text.as_bytes()].concat()
}

/// As clients of many languages do it: the length of a string is seldom that of its bytes.
fn a_content_length_that_counts_characters_is_told_from_others(on: AppServer) {
    let server = on.start(&[]);
    let captured = b"\0g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 39}\
        {\"action\": \"search\", \"value\": \"\xF0\x9F\x90\xB6 caf\xC3\xA9\"}";
    let eof = "the content does not fit: EOF while parsing a string at line 1 column 39";
    let cut = counted_in_characters("text/json", "{\"action\": \"search\", \"value\": \"🐶é\"}🐶");
    let hint = "; content-length counts bytes, not characters";
    for (bytes, reason) in [
        (captured.to_vec(), [eof, hint].concat()),
        (cut, ["the content is not text in utf-8 (at its byte 35)", hint].concat()),
        // Nothing of it is more than a byte: something else is wrong.
        (
            Message::new(Header::for_json(39), &[b' '; 39]).unwrap().to_vec().unwrap(),
            "the content does not fit: EOF while parsing a value at line 1 column 39".into(),
        ),
    ] {
        let mut connection = Connection::new(server.connect());
        connection.get_mut().write_all(&bytes).unwrap();
        assert_eq!(answer(&mut connection), json!({ "error": reason }));
        assert!(ends(&mut connection));
        let peer = connection.get_ref().local_addr().unwrap();
        assert_eq!(server.errors.next(), format!("error: {reason} from {peer}"));
    }
}

fn a_message_after_content_whose_characters_were_counted_tells_why(on: AppServer) {
    let server = on.start(&[]);
    let hint = "content-length counts bytes, not characters";
    for (text, is_hinted) in [("dance, 🐶, naïvely é", true), ("dance, naively e", false)] {
        let mut connection = Connection::new(server.connect());
        connection.get_mut().write_all(&counted_in_characters("x/y", text)).unwrap();
        connection.receive().unwrap().unwrap().content().unwrap();
        if !is_hinted {
            connection.get_mut().write_all(b"\0\0").unwrap();
        }
        connection.get_ref().shutdown(Shutdown::Write).unwrap();
        let answer = answer(&mut connection);
        let reason = answer["error"].as_str().unwrap();
        assert_eq!(reason.contains(hint), is_hinted, "{reason}");
        assert!(ends(&mut connection));
        assert!(server.errors.next().contains(reason));
    }
}

/// As clients do that know nothing of lengths: they read lines, or everything.
fn a_client_that_reads_to_the_end_gets_it_after_its_answer(on: AppServer) {
    // Nothing else ends it.
    let patient = ["--idle-timeout", "3600", "--linger-silence", "3600", "--linger", "3600"];
    let server = on.start(&[&["--close-after-reply"], &patient[..]].concat());
    let search =
        Message::new(Header::for_json(37), br#"{"action": "search", "value": "ring"}"#).unwrap().to_vec().unwrap();
    let dance = Message::new(Header::new("x/y", "", 5), b"dance").unwrap().to_vec().unwrap();
    for (request, expected) in [
        (search.clone(), r#"{"result": "In the caves beneath the Misty Mountains. 💍"}"#),
        (dance, "First 10 bytes of request: dance"),
        (b"\0\0".to_vec(), "(at byte 0)\"}"),
        // One answer is all there is.
        ([&search[..], &search].concat(), r#"{"result": "In the caves beneath the Misty Mountains. 💍"}"#),
    ] {
        let mut stream = server.connect();
        stream.write_all(&request).unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        let received = String::from_utf8(received).unwrap();
        assert!(received.ends_with(expected), "{received:?}");
        assert_eq!(received.matches("byteorder").count(), 1, "{received:?}");
    }
}

fn of_what_peers_cause_few_lines_are_written_and_the_others_counted(on: AppServer) {
    const PEERS: usize = 300;
    let mut server = on.start(&["--quiet"]);
    for _ in 0..PEERS {
        let mut connection = Connection::new(server.connect());
        connection.get_mut().write_all(b"\0\0").unwrap();
        assert!(ends_after(&mut connection, 1));
    }
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
    let lines = server.errors.rest();
    let told: usize = lines
        .iter()
        .map(|line| {
            let (before, rest) = line.split_once(" more since the last such line").unwrap_or(("0", line));
            let count = before.rsplit([' ', ';']).next().unwrap().parse::<usize>().unwrap();
            // A line of its own tells of no other.
            count + usize::from(!rest.starts_with(": requests not understood"))
        })
        .sum();
    assert_eq!(told, PEERS, "{lines:?}");
    assert!(lines.len() < PEERS / 2, "{} lines", lines.len());
}

fn connections_beyond_the_limit_wait(on: AppServer) {
    let server = on.start(&["--max-connections", "2"]);
    let request = json!({"action": "search", "value": "ring"});
    let mut first = Connection::new(server.connect());
    let mut second = Connection::new(server.connect());
    ask(&mut first, &request);
    ask(&mut second, &request);

    let mut third = Connection::new(server.connect());
    third.send_json(&request).unwrap();
    ask(&mut second, &request);
    let peers = [&first, &second, &third].map(|connection| connection.get_ref().local_addr().unwrap());
    drop(first);
    assert_eq!(answer(&mut third), json!({"result": "In the caves beneath the Misty Mountains. 💍"}));

    for beginning in ["accepted connection from", "accepted connection from", "closing connection to"] {
        let line = server.output.find(|line| line.starts_with("accepted") || line.starts_with("closing"));
        assert!(line.starts_with(beginning), "{line}");
    }
    let line = server.output.find(|line| line.starts_with("accepted"));
    assert_eq!(line, format!("accepted connection from {}", peers[2]));
}

/// The server must neither end nor spin when no file descriptor is left.
#[cfg(unix)]
fn a_lack_of_descriptors_is_waited_out(on: AppServer) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 16 && exec \"$0\" 127.0.0.1 0", &on.path()]);
    let mut server = Server::spawn(&mut shell);
    let start = Instant::now();
    let peers: Vec<_> = (0..30).map(|_| server.connect()).collect();
    let cause = "error: cannot accept connections: Too many open files (os error 24)";
    assert_eq!(server.errors.next(), cause);
    for _ in 0..2 {
        let complaint = server.errors.next();
        let more = complaint.strip_prefix(cause).and_then(|rest| rest.strip_prefix("; "));
        // When the next attempt is late, the count has a line of its own.
        let alone = complaint.strip_prefix("error: ").and_then(|rest| rest.strip_suffix(": connections not accepted"));
        let more = more.or(alone).and_then(|rest| rest.strip_suffix(" more since the last such line"));
        let attempts: u64 = more.expect(&complaint).parse().unwrap();
        // 50 a second; the second may have been a long one.
        assert!((1..=50 * (start.elapsed().as_secs() + 2)).contains(&attempts), "the server spins: {complaint}");
    }
    drop(peers);
    server.client(&["search", "ring"]).assert().success();
    assert!(server.is_running());
}

fn what_a_peer_sends_cannot_act_on_the_terminal(on: AppServer) {
    let server = on.start(&[]);
    let mut connection = Connection::new(server.connect());
    ask(&mut connection, &json!({"action": "search", "value": "\u{202E}\u{1B}]0;title\u{7}"}));
    connection.send(&Header::new("\u{1B}[2J", "\u{9B}2J", 1), b"\x1B").unwrap();
    connection.receive().unwrap().unwrap();
    connection.send(&Header::new("text/json", "\u{1B}[2J", 0), b"").unwrap();
    ends(&mut connection);

    let received = || server.output.find(|line| line.starts_with("received "));
    let json = r#"received request {"action": "search", "value": "\u{202e}\u001b]0;title\u0007"} from "#;
    assert!(received().starts_with(json));
    assert!(received().starts_with(r"received \u{1b}[2J request from "));
    assert!(server.errors.next().starts_with(r#"error: the content-encoding is "\u{1b}[2J", which"#));
}

fn a_large_message_is_shown_by_its_beginning(on: AppServer) {
    let server = on.start(&[]);
    let value = "x".repeat(100_000);
    let run = server.client(&["search", &value]).assert().success();
    let output = text(&run.get_output().stdout);
    assert!(output.lines().all(|line| line.len() < 1500));
    assert!(output.contains("xxx\" … and 991"), "{output}");
    assert!(server.output.find(|line| line.starts_with("received ")).contains("xxx … and 99009 more bytes from "));
}

/// What a server does after it has received a request.
type Serve = fn(&mut Connection<TcpStream>);

#[test]
fn the_client_fails_in_one_line_without_an_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let cases: [(Serve, &str); 5] = [
        (|_| {}, "the server closed the connection without an answer"),
        (
            |connection| connection.send_json(&json!({"error": "out of \u{1B}[31mrabbits"})).unwrap(),
            "the server answers with an error: out of \\u{1b}[31mrabbits",
        ),
        (
            |connection| connection.send_json(&json!([])).unwrap(),
            "the content does not fit: expected value at line 1 column 1",
        ),
        (
            |connection| connection.get_mut().write_all(b"\0\x0A{").unwrap(),
            "no answer from ADDRESS: the stream ends inside a message; bytes missing: at least 9 (at byte 3)",
        ),
        (
            |connection| assert_eq!(connection.get_mut().read(&mut [0]).unwrap(), 0, "the client should leave first"),
            "timed out after 1 s waiting for the answer from ADDRESS",
        ),
    ];
    for (serve, reason) in cases {
        let server = {
            let listener = listener.try_clone().unwrap();
            thread::spawn(move || {
                let (stream, _) = listener.accept().unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut connection = Connection::new(stream);
                connection.receive().unwrap().unwrap().content().unwrap();
                serve(&mut connection);
            })
        };
        let timeout = if reason.contains("timed out") { "1" } else { "60" };
        let run = client(&["127.0.0.1", &port, "search", "needle", "--timeout", timeout]).assert().code(1);
        let reason = reason.replace("ADDRESS", &format!("127.0.0.1:{port}"));
        assert_eq!(text(&run.get_output().stderr), format!("app-client: {reason}\n"));
        assert!(text(&run.get_output().stdout).ends_with(&format!("\nclosing connection to 127.0.0.1:{port}\n")));
        server.join().unwrap();
    }

    // An address that is taken, but at which nobody listens.
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    silent.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let port = silent.local_addr().unwrap().as_socket().unwrap().port().to_string();
    let run = client(&["127.0.0.1", &port, "search", "needle"]).assert().code(1);
    let complaint = text(&run.get_output().stderr);
    assert!(complaint.starts_with(&format!("app-client: cannot connect to 127.0.0.1:{port}: ")), "{complaint}");
    assert_eq!(complaint.lines().count(), 1);
}

#[test]
fn a_port_that_is_taken_is_reported_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = program(env!("CARGO_BIN_EXE_app-server"), &["127.0.0.1", &port]).assert().code(1).stdout("");
    let complaint = text(&run.get_output().stderr);
    assert!(complaint.starts_with(&format!("app-server: cannot listen on 127.0.0.1 port {port}: ")), "{complaint}");
    assert_eq!(complaint.lines().count(), 1);
}

fn a_quiet_server_prints_where_it_listens(on: AppServer) {
    let mut server = on.start(&["--quiet"]);
    server.client(&["search", "ring", "dance", "x"]).assert().success();
    let mut connection = Connection::new(server.connect());
    connection.get_mut().write_all(b"\0\0").unwrap();
    assert!(ends_after(&mut connection, 1));
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
    assert!(server.output.rest().is_empty());
    let errors = server.errors.rest();
    assert!(errors[0].starts_with("error: the header length is 0; "), "{errors:?}");
    assert_eq!(errors.len(), 1);
}

/// Whether the connection ends after so many messages.
fn ends_after(connection: &mut Connection<TcpStream>, messages: usize) -> bool {
    for _ in 0..messages {
        connection.receive().expect("a message comes").expect("it comes before the end").content().expect("whole");
    }
    ends(connection)
}

#[test]
fn a_verbose_server_logs() {
    let server = Server::start(&["-vv", "--quiet"]);
    server.client(&["search", "ring"]).assert().success();
    let mut connection = Connection::new(server.connect());
    connection.send(&Header::new("\u{1B}[2J", "\u{9B}2J", 1), b"\x1B").unwrap();
    connection.receive().unwrap().unwrap();
    for expected in [" accepted connection=1 ", " content_type=text/json content_length=37", " closed connection=1 "] {
        server.errors.find(|line| line.contains(expected));
    }
    let line = server.errors.find(|line| line.contains("[2J"));
    assert!(!line.contains('\u{1B}') && !line.contains('\u{9B}'), "{line:?}");
}

#[test]
fn how_much_is_logged_can_be_chosen() {
    for (option, accepted, request) in [("--quiet", false, false), ("-v", true, false), ("-vv", true, true)] {
        let mut server = Server::start(&["--max-connections", "1", "--at-limit", "refuse", option]);
        let mut connection = Connection::new(server.connect());
        ask(&mut connection, &json!({"action": "search", "value": "ring"}));
        assert_eq!(server.connect().read(&mut [0]).unwrap(), 0);
        server.signal("TERM");
        assert!(ends(&mut connection));
        drop(connection);
        assert_eq!(server.exit_code(), Some(0));
        let log = server.errors.rest().join("\n");
        assert_eq!(log.contains(" accepted connection=1 "), accepted, "{log}");
        assert_eq!(log.contains(" refused address=127.0.0.1:"), accepted, "{log}");
        assert_eq!(log.contains(" shutting down"), accepted, "{log}");
        assert_eq!(log.contains(" content_type=text/json "), request, "{log}");
        assert_eq!(log.matches("error: there are as many connections as there may be; refused 127.0.0.1:").count(), 1);
    }
}

fn several_threads_may_serve(on: AppServer) {
    let server = on.start(&["--workers", "3"]);
    let mut connections: Vec<_> = (0..30).map(|_| Connection::new(server.connect())).collect();
    for _ in 0..3 {
        for connection in &mut connections {
            ask(connection, &json!({"action": "search", "value": "ring"}));
        }
    }
    drop(connections);
    for _ in 0..30 {
        server.output.find(|line| line.starts_with("closing connection to "));
    }
    assert!(server.errors.so_far().is_empty());
}

/// Half a request, sent to a server that is then told to end.
#[cfg(unix)]
fn begin_and_signal(server: &Server, signal: &str) -> (TcpStream, Vec<u8>) {
    let content = br#"{"action": "search", "value": "ring"}"#;
    let request = Message::new(Header::for_json(37), content).unwrap().to_vec().unwrap();
    let (half, rest) = request.split_at(50);
    let mut stream = server.connect();
    stream.write_all(half).unwrap();
    // An answer on another connection shows that the half has been read.
    ask(&mut Connection::new(server.connect()), &json!({"action": "search", "value": "ring"}));
    server.signal(signal);
    // It listens no more.
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(server.address).is_ok() {
        assert!(Instant::now() < deadline, "the server goes on");
        thread::sleep(Duration::from_millis(5));
    }
    (stream, rest.to_vec())
}

#[cfg(unix)]
fn a_request_under_way_is_answered_before_the_server_ends(on: AppServer) {
    for signal in ending_signals() {
        let mut server = on.start(&[]);
        let idle = server.connect();
        let (mut stream, rest) = begin_and_signal(&server, signal);
        stream.write_all(&rest).unwrap();
        let mut connection = Connection::new(stream);
        assert_eq!(answer(&mut connection), json!({"result": "In the caves beneath the Misty Mountains. 💍"}));
        assert!(ends(&mut connection));
        assert!(ends(&mut Connection::new(idle)));
        drop(connection);
        assert_eq!(server.exit_code(), Some(0));
        assert!(server.errors.rest().is_empty());
    }
}

#[cfg(unix)]
fn a_signal_under_load_cuts_no_answer(on: AppServer) {
    let patient = ["--linger", "60", "--linger-silence", "60", "--shutdown-timeout", "60"];
    let mut server = on.start(&[&["--quiet", "--workers", "2"], &patient[..]].concat());
    let (answered, answers) = mpsc::channel();
    let clients: Vec<_> = (0..10)
        .map(|_| {
            let (stream, answered) = (server.connect(), answered.clone());
            thread::spawn(move || {
                let mut connection = Connection::new(stream);
                let (mut sent, mut received) = (0, 0);
                loop {
                    // Several at a time, so that some are under way whenever the end comes. It may have come already.
                    for _ in 0..5 {
                        let request = json!({"action": "search", "value": format!("{sent}{}", "x".repeat(5000))});
                        sent += usize::from(connection.send_json(&request).is_ok());
                    }
                    while received < sent {
                        let Some(answer) = connection.receive().expect("no answer is cut") else { return received };
                        let answer: Value = answer.json().expect("it is JSON");
                        let text = answer["result"].as_str().expect("a result");
                        assert!(text.starts_with(&format!("No match for \"{received}x")), "answers come in order");
                        received += 1;
                    }
                    let _ = answered.send(());
                }
            })
        })
        .collect();
    for _ in 0..100 {
        answers.recv_timeout(PATIENCE).unwrap();
    }
    server.signal("TERM");
    assert!(clients.into_iter().map(|client| client.join().unwrap()).sum::<usize>() >= 500);
    assert_eq!(server.exit_code(), Some(0));
    assert!(server.errors.rest().is_empty());
}

#[cfg(unix)]
fn what_has_arrived_before_a_signal_is_answered(on: AppServer) {
    const CLIENTS: usize = 50;
    const REQUESTS: usize = 30;
    let request = json!({"action": "search", "value": "ring"});
    let mut server = on.start(&["--quiet"]);
    let mut connections: Vec<_> = (0..CLIENTS).map(|_| Connection::new(server.connect())).collect();
    for connection in &mut connections {
        ask(connection, &request);
    }
    let frame =
        Message::new(Header::for_json(37), br#"{"action": "search", "value": "ring"}"#).unwrap().to_vec().unwrap();
    // Stopped, the server hears of the signal and of the requests at once.
    server.signal("STOP");
    for connection in &mut connections {
        connection.get_mut().write_all(&frame.repeat(REQUESTS)).unwrap();
    }
    server.signal("TERM");
    server.signal("CONT");
    for connection in &mut connections {
        assert!(ends_after(connection, REQUESTS));
    }
    drop(connections);
    assert_eq!(server.exit_code(), Some(0));
    assert!(server.errors.rest().is_empty());
}

#[cfg(unix)]
fn what_waits_to_be_accepted_at_a_signal_is_answered(on: AppServer) {
    let request = json!({"action": "search", "value": "ring"});
    // With a place for all of them, and with one for none.
    for places in ["8", "1"] {
        let mut server = on.start(&["--quiet", "--max-connections", places]);
        let mut first = Connection::new(server.connect());
        ask(&mut first, &request);
        server.signal("STOP");
        let frame =
            Message::new(Header::for_json(37), br#"{"action": "search", "value": "ring"}"#).unwrap().to_vec().unwrap();
        let mut waiting: Vec<_> = (0..5).map(|_| Connection::new(server.connect())).collect();
        for connection in &mut waiting {
            connection.get_mut().write_all(&frame).unwrap();
        }
        server.signal("TERM");
        server.signal("CONT");
        drop(first);
        for mut connection in waiting {
            assert!(ends_after(&mut connection, 1), "{places}");
        }
        assert_eq!(server.exit_code(), Some(0));
    }
}

#[cfg(unix)]
fn a_second_signal_ends_the_server_at_once(on: AppServer) {
    let mut server = on.start(&["--shutdown-timeout", "600"]);
    let (_stream, _) = begin_and_signal(&server, "TERM");
    assert!(server.is_running());
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(130));
}

#[cfg(unix)]
fn the_server_does_not_wait_for_ever_before_it_ends(on: AppServer) {
    let mut server = on.start(&["--shutdown-timeout", "0.2"]);
    let (stream, _) = begin_and_signal(&server, "TERM");
    assert_eq!(server.exit_code(), Some(0));
    let peer = stream.local_addr().unwrap();
    let complaint = format!("error: the server has been shut down, with the connection in use from {peer}");
    assert_eq!(server.errors.rest(), [complaint]);
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    for arguments in [
        &[][..],
        &["search"],
        &["127.0.0.1", "65432", "search"],
        &["127.0.0.1", "65432", "search", "x", "y"],
        &["127.0.0.1", "65536", "search", "x"],
        &["127.0.0.1", "http", "search", "x"],
        &["search", "x", "--timeout", "0"],
        &["search", "x", "--wait"],
        &["127.0.0.1", "65432", "search", "x", "search"],
        &["search", "x", "--request", "search", "y"],
        &["127.0.0.1", "--request", "search", "y"],
        &["127.0.0.1", "65432", "search", "x", "--request", "search", "y"],
        &["--request", "search"],
        &["--pipeline"],
    ] {
        client(arguments).assert().code(2).stdout("");
    }
    for arguments in [
        &["127.0.0.1", "65536"][..],
        &["127.0.0.1", "0", "x"],
        &["--idle-timeout", "0"],
        &["--idle-timeout", "soon"],
        &["--at-limit", "panic"],
        &["--workers", "0"],
        &["--max-header", "65536"],
        &["--max-connections", "0"],
        &["--max-content", "-1"],
    ] {
        program(env!("CARGO_BIN_EXE_app-server"), arguments).assert().code(2).stdout("");
    }
}

#[test]
fn help_shows_examples() {
    for path in [env!("CARGO_BIN_EXE_app-client"), env!("CARGO_BIN_EXE_app-server")] {
        let help = program(path, &["--help"]).assert().success();
        assert!(text(&help.get_output().stdout).contains("\nExamples:\n"));
        let version = program(path, &["--version"]).assert().success();
        assert!(text(&version.get_output().stdout).ends_with(&format!(" {}\n", env!("CARGO_PKG_VERSION"))));
    }
}

#[test]
fn a_program_whose_output_nobody_reads_ends_quietly() {
    let server = Server::start(&[]);
    let (host, port) = (server.address.ip().to_string(), server.address.port().to_string());
    assert!(ends_quietly_unread(env!("CARGO_BIN_EXE_app-client"), &[&host, &port, "search", "ring"]));
}
