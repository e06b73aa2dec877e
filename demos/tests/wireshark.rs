//! The dissector for Wireshark, on captures that are made here, against what the decoder reports of the same streams.

mod common;

#[path = "wireshark/capture.rs"]
mod capture;
#[path = "wireshark/expected.rs"]
mod expected;
#[path = "wireshark/tshark.rs"]
mod tshark;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use capture::Side::{Client, Server};
use capture::{Capture, HEADERS, Side};
use expected::{expected, expected_by};
use jsonframe::{ByteOrder, Header, Message, Value};
use tshark::{Columns, Saved};

/// The port that the dissector takes without being told.
const PORT: u16 = 65432;

/// The messages of the specification.
const REQUEST: &[u8] = b"\0g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 39}{\"action\": \"search\", \"value\": \"needle\"}";
const REPLY: &[u8] = b"\0g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 38}{\"result\": \"No match for \\\"needle\\\".\"}";

/// TCP puts segments in order before it hands them on.
const IN_ORDER: [&str; 2] = ["-o", "tcp.reassemble_out_of_order:TRUE"];

fn binary(content: &[u8], extensions: &[(&str, Value<'_>)]) -> Vec<u8> {
    let header = Header::new("application/octet-stream", "binary", content.len() as u64).with_extensions(extensions);
    Message::new(header.with_byte_order(ByteOrder::Big), content).unwrap().to_vec().unwrap()
}

/// Numbers without much of a pattern.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state: u64 = 1;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % below as u64).unwrap()
    }
}

/// Streams of a capture, and what is to be seen of them.
#[derive(Default)]
struct Streams(BTreeMap<(u16, Side), (Columns, String)>);

impl Streams {
    fn expect(&mut self, number: u16, side: Side, columns: Columns, what: impl Into<String>) {
        self.0.insert((number, side), (columns, what.into()));
    }

    fn compare(&self, saved: &Saved, options: &[&str]) {
        let seen = saved.streams(options);
        for (stream, (columns, what)) in &self.0 {
            let seen = seen.get(stream).cloned().unwrap_or_default();
            for ((field, seen), (_, expected)) in seen.texts().iter().zip(&columns.texts()) {
                assert_eq!(seen, expected, "{field}: {what}, stream {stream:?}, {options:?}");
            }
        }
        println!("{} streams are seen as they are decoded: {options:?}", self.0.len());
    }
}

/// The bytes of all test vectors, each by its name.
fn vectors() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/tests/vectors");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    let mut vectors = Vec::new();
    for file in files {
        let file: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        for vector in file["vectors"].as_array().unwrap() {
            let bytes = hex::decode(vector["bytes"].as_str().unwrap()).unwrap();
            vectors.push((vector["name"].as_str().unwrap().into(), bytes));
        }
    }
    assert!(vectors.len() > 500, "{}", vectors.len());
    vectors
}

#[test]
fn messages_are_seen_however_they_are_cut() {
    if !tshark::is_there() {
        return;
    }
    let mut capture = Capture::new();
    let mut streams = Streams::default();
    let three = [REQUEST, &binary(b"", &[("id", 7.into())]), REQUEST].concat();
    for cut in 1..three.len() {
        let mut connection = capture.connect(PORT);
        connection.send_cut(Client, &three, [cut, three.len()]);
        connection.send_cut(Server, REPLY, [cut % REPLY.len() + 1, REPLY.len()]);
        connection.finish(Client, &[]);
        streams.expect(connection.number, Client, expected(&three, true), format!("cut at {cut}"));
        streams.expect(connection.number, Server, expected(REPLY, false), format!("cut at {cut}, the reply"));
    }
    let mut any = numbers();
    for size in [1, 2, 3, 7, 50, 103, 105, 144] {
        let mut connection = capture.connect(PORT);
        let stream = three.repeat(5);
        let sizes = (0..stream.len()).map(|_| 1 + any(size));
        connection.send_cut(Client, &stream, sizes);
        connection.finish(Client, &[]);
        streams.expect(connection.number, Client, expected(&stream, true), format!("cut by {size}"));
    }
    let saved = Saved::new(&capture);
    streams.compare(&saved, &[]);
    streams.compare(&saved, &IN_ORDER);
    streams.compare(&saved, &["-2"]);
}

#[test]
fn every_vector_is_judged_as_by_the_decoder() {
    if !tshark::is_there() {
        return;
    }
    let mut capture = Capture::new();
    let mut streams = Streams::default();
    let mut any = numbers();
    for (name, bytes) in vectors() {
        let most = if bytes.len() > 10_000 { 5000 } else { 64 };
        for (cutting, size) in [("whole", 60_000), ("cut", most)] {
            let mut connection = capture.connect(PORT);
            let sizes: Vec<usize> =
                (0..bytes.len()).map(|_| if size < 60_000 { 1 + any(size) } else { size }).collect();
            connection.send_cut(Client, &bytes, sizes);
            connection.finish(Client, &[]);
            streams.expect(connection.number, Client, expected(&bytes, true), format!("{name}, {cutting}"));
        }
    }
    streams.compare(&Saved::new(&capture), &[]);
}

#[test]
fn both_passes_see_the_same() {
    if !tshark::is_there() {
        return;
    }
    let mut capture = Capture::new();
    let mut streams = Streams::default();
    let mut any = numbers();
    for (name, bytes) in vectors().into_iter().filter(|(_, bytes)| bytes.len() < 1000) {
        let mut connection = capture.connect(PORT);
        let stream = [REQUEST, &bytes].concat();
        let sizes = (0..stream.len()).map(|_| 1 + any(100));
        connection.send_cut(Client, &stream, sizes);
        connection.finish(Client, &[]);
        streams.expect(connection.number, Client, expected(&stream, true), name);
    }
    // With a filter fields are there in both passes.
    let saved = Saved::new(&capture);
    streams.compare(&saved, &["-2"]);
    streams.compare(&saved, &["-2", "-R", "tcp"]);
}

#[test]
fn segments_may_be_lost_repeated_or_out_of_order() {
    if !tshark::is_there() {
        return;
    }
    let mut capture = Capture::new();
    let mut streams = Streams::default();
    let messages = [REQUEST, &binary(&[0; 100], &[]), REPLY].concat();

    // Every segment twice, and the beginning once more at the end.
    let mut connection = capture.connect(PORT);
    for piece in messages.chunks(60) {
        let position = connection.position(Client);
        connection.send(Client, piece);
        connection.send_at(Client, position, piece);
    }
    connection.send_at(Client, 1, &messages[..200]);
    connection.send(Client, REQUEST);
    connection.finish(Client, &[]);
    let stream = [&messages, REQUEST].concat();
    streams.expect(connection.number, Client, expected(&stream, true), "repeated");

    // The capture begins in the middle of a message.
    let mut connection = capture.join(PORT);
    connection.send(Client, &REQUEST[100..]);
    connection.send(Client, &REPLY[..50]);
    connection.send(Client, &REPLY[50..]);
    let begins = connection.position(Client) - 1;
    connection.send_cut(Client, &messages, [200]);
    let mut columns = expected(&messages, false);
    columns.shift(begins.into());
    streams.expect(connection.number, Client, columns, "from the middle");

    // A segment is missing from the middle of the second message: the third is found by where the second ends.
    let mut connection = capture.connect(PORT);
    let head = REQUEST.len() + 2 + 120;
    assert!(head < messages.len() - REPLY.len() - 90, "the rest is content");
    connection.send(Client, &messages[..head]);
    connection.skip(Client, 90);
    connection.send(Client, &messages[head + 90..messages.len() - REPLY.len()]);
    connection.send(Client, REPLY);
    connection.finish(Client, &[]);
    let mut columns = expected(REQUEST, false);
    columns.append(&expected(REPLY, true), (messages.len() - REPLY.len()) as u64);
    streams.expect(connection.number, Client, columns, "content lost");

    // A segment is missing that ends a message and begins another: one that begins with a segment is found.
    let mut connection = capture.connect(PORT);
    connection.send(Client, REQUEST);
    connection.send(Client, &REQUEST[..50]);
    connection.skip(Client, 150);
    connection.send(Client, &[0x55; 20]);
    let begins = connection.position(Client) - 1;
    connection.send(Client, &messages);
    connection.finish(Client, &[]);
    let mut columns = expected(REQUEST, false);
    columns.append(&expected(&messages, true), begins.into());
    streams.expect(connection.number, Client, columns, "lost");

    let saved = Saved::new(&capture);
    streams.compare(&saved, &[]);
    streams.compare(&saved, &["-2"]);
    let lost = saved.frames("jsonframe.lost", &[]);
    assert_eq!(lost.len(), 4, "{lost:?}");
}

#[test]
fn segments_out_of_order_are_put_in_order_if_tcp_is_told_to() {
    if !tshark::is_there() {
        return;
    }
    let mut capture = Capture::new();
    let mut streams = Streams::default();
    let stream = [REQUEST, &binary(&[7; 300], &[("id", 1.into())]), REPLY, REPLY].concat();
    for first in 1..stream.len() - 2 {
        let second = first + 1 + (stream.len() - first - 1) / 2;
        let mut connection = capture.connect(PORT);
        connection.send(Client, &stream[..first]);
        let position = connection.position(Client);
        connection.send_at(Client, position + u32::try_from(second - first).unwrap(), &stream[second..]);
        connection.send_at(Client, position, &stream[first..second]);
        connection.skip(Client, u32::try_from(stream.len() - first).unwrap());
        connection.send(Client, REQUEST);
        connection.finish(Client, &[]);
        let whole = [&stream, REQUEST].concat();
        streams.expect(connection.number, Client, expected(&whole, true), format!("{first} and {second} exchanged"));
    }
    streams.compare(&Saved::new(&capture), &IN_ORDER);
}

#[test]
fn long_content_is_not_collected_and_what_follows_is_found() {
    const MAX: u64 = 1000;
    if !tshark::is_there() {
        return;
    }
    let limit = ["-o", "jsonframe.max_reassembled:1000"];
    let mut capture = Capture::new();
    let mut streams = Streams::default();
    let content: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let long = binary(&content, &[("sha256", "?".into())]);
    let stream = [REQUEST, &long, REPLY, &long, &long[..long.len() - 7]].concat();
    for size in [17, 300, 999, 1460, 6000, 20_000] {
        let mut connection = capture.connect(PORT);
        connection.send_cut(Client, &stream, [size]);
        connection.finish(Client, &[]);
        streams.expect(connection.number, Client, expected_by(&stream, true, MAX), format!("cut by {size}"));
    }
    // A hole in it does no harm.
    let mut connection = capture.connect(PORT);
    connection.send(Client, &long[..2000]);
    connection.skip(Client, 1500);
    connection.send(Client, &long[3500..]);
    let begins = connection.position(Client) - 1;
    connection.send(Client, REPLY);
    connection.finish(Client, &[]);
    let mut columns = expected_by(&long[..2000], false, MAX);
    columns.push("content", hex::encode(&long[3500..]));
    columns.append(&expected(REPLY, true), begins.into());
    streams.expect(connection.number, Client, columns, "with a hole");
    let saved = Saved::new(&capture);
    streams.compare(&saved, &limit);
    streams.compare(&saved, &["-2", limit[0], limit[1]]);

    let pieces = saved.fields(
        "jsonframe.message_in && tcp.stream == 2",
        &["jsonframe.message_in", "jsonframe.content.offset"],
        &limit,
    );
    assert!(pieces.len() > 5, "{pieces:?}");
    let longest = saved.fields("jsonframe.content_length > 1000 && tcp.stream == 2", &["frame.number"], &limit);
    assert_eq!(pieces[0][0], longest[0][0], "{pieces:?}");
}

#[test]
fn a_message_is_found_behind_more_content_than_tcp_can_count() {
    const LENGTH: u64 = 5_000_000_000;
    if !tshark::is_there() {
        return;
    }
    let mut capture = Capture::new();
    let mut connection = capture.connect(PORT);
    let mut buffer = [0; 512];
    let header = Header::new("application/octet-stream", "binary", LENGTH).encode(&mut buffer).unwrap().to_vec();
    connection.send(Client, &header);
    // Hardly any of it is in the capture, but that it goes on.
    for _ in 0..5 {
        connection.skip(Client, 1_000_000_000 - 1);
        connection.send(Client, b"x");
        connection.acknowledge(Server);
    }
    connection.send(Client, REQUEST);
    connection.finish(Client, &[]);
    let number = connection.number;

    let mut columns = expected(&header, false);
    columns.push("content", hex::encode("xxxxx"));
    columns.append(&expected(REQUEST, true), header.len() as u64 + LENGTH);
    let mut streams = Streams::default();
    streams.expect(number, Client, columns, "behind 5 GB");
    let saved = Saved::new(&capture);
    streams.compare(&saved, &[]);
    assert_eq!(saved.frames("jsonframe.content_length > 4294967296", &[]), [4]);
    let offsets = saved.fields("jsonframe.content.offset", &["jsonframe.content.offset"], &[]);
    assert_eq!(offsets.last().unwrap()[0], "4999999999");
}

#[test]
fn frames_that_are_cut_off_show_their_headers() {
    if !tshark::is_there() {
        return;
    }
    let mut capture = Capture::new();
    capture.snap_length = HEADERS + 250;
    let mut connection = capture.connect(PORT);
    let long = binary(&[b'x'; 3000], &[]);
    connection.send_cut(Client, &long, [1460]);
    connection.send(Client, REQUEST);
    connection.finish(Client, &[]);
    let number = connection.number;
    let saved = Saved::new(&capture);
    let seen = saved.streams(&[])[&(number, Client)].texts();
    assert_eq!(seen["jsonframe.content_length"], format!("3000{}39", tshark::BETWEEN));
    assert_eq!(seen["jsonframe.offset"], format!("0{}{}", tshark::BETWEEN, long.len()));
    assert_eq!(seen["jsonframe.error.kind"], "");
    // What is there of the three segments with content, and the whole content of the request.
    let head = long.len() - 3000;
    assert_eq!(seen["jsonframe.content"].len() / 2, (250 - head) + 250 + (long.len() - 2 * 1460) + 39);
}

#[test]
fn filters_find_messages() {
    if !tshark::is_there() {
        return;
    }
    let mut capture = Capture::new();
    let mut connection = capture.connect(PORT);
    let large = binary(&[b'x'; 1001], &[("id", 7.into()), ("label", "café".into())]);
    let small = binary(&[b'x'; 1000], &[("id", "7".into())]);
    let [large_length, small_length] = [large.len(), small.len()];
    let mut frames = Vec::new();
    for (side, bytes) in [(Client, REQUEST), (Server, REPLY), (Client, &large), (Client, &small), (Server, b"\0\x02{}")]
    {
        connection.send(side, bytes);
        frames.push(connection.frame());
    }
    connection.send(Server, REPLY);
    let behind = connection.frame();
    connection.finish(Client, &REQUEST[..120]);
    let end = connection.frame();
    let saved = Saved::new(&capture);
    let [request, reply, large, small, fault] = frames.try_into().unwrap();
    for (filter, expected) in [
        ("jsonframe", &[request, reply, large, small, fault, behind, end][..]),
        ("jsonframe.content_length > 1000", &[large]),
        ("jsonframe.content_type == \"text/json\"", &[request, reply, end]),
        ("jsonframe.byteorder == \"big\"", &[large, small]),
        ("jsonframe.extension.value == \"café\"", &[large]),
        ("jsonframe.content contains \"needle\"", &[request, reply]),
        ("json.value.string == \"needle\"", &[request]),
        ("jsonframe.malformed", &[fault]),
        ("jsonframe.truncated", &[end]),
        ("jsonframe.error.kind == \"missing-member\" && jsonframe.error.member == \"byteorder\"", &[fault]),
        ("jsonframe.error.missing == 24", &[end]),
        ("jsonframe.error.in", &[behind]),
    ] {
        assert_eq!(saved.frames(filter, &[]), expected, "{filter}");
    }
    let fields = ["_ws.col.Protocol", "_ws.col.Info", "_ws.expert.message"];
    let lines = saved.fields("jsonframe", &fields, &[]);
    let info: Vec<&str> = lines.iter().map(|line| line[1].as_str()).collect();
    assert_eq!(
        info[..6],
        [
            "text/json, 39 bytes",
            "text/json, 38 bytes",
            "application/octet-stream, 1001 bytes",
            "application/octet-stream, 1000 bytes",
            "malformed: missing-member byteorder (at byte 146)",
            "behind a fault",
        ]
    );
    let truncated = REQUEST.len() + large_length + small_length + 120;
    assert!(info[6].ends_with(&format!(" [truncated (at byte {truncated})]")), "{info:?}");
    assert!(lines[..6].iter().all(|line| line[0] == "jsonframe"), "{lines:?}");
    assert_eq!(lines[4][2], "missing-member byteorder (at byte 146)");
}

#[test]
fn several_messages_of_a_segment_are_told_apart_in_the_list() {
    if !tshark::is_there() {
        return;
    }
    let mut capture = Capture::new();
    let mut connection = capture.connect(PORT);
    connection.send(Client, &REQUEST[..10]);
    connection.send(Client, &[&REQUEST[10..], REQUEST, &REPLY[..130]].concat());
    connection.send(Client, &[&REPLY[130..], REQUEST].concat());
    let saved = Saved::new(&capture);
    let lines = saved.fields("jsonframe", &["frame.number", "_ws.col.Info"], &[]);
    let expected =
        [["5", "text/json, 39 bytes; text/json, 39 bytes"], ["6", "text/json, 38 bytes; text/json, 39 bytes"]];
    assert_eq!(lines, expected);
}

#[test]
fn json_content_is_dissected_as_json() {
    if !tshark::is_there() {
        return;
    }
    let content = br#"{"answer": 42}"#;
    let mut capture = Capture::new();
    let mut connection = capture.connect(PORT);
    let kinds = [
        ("text/json", "utf-8", true),
        ("TEXT/JSON; charset=utf-8", "UTF8", true),
        ("application/json", "utf_8", true),
        ("application/problem+json", "ascii", true),
        ("text/json", "utf-16", false),
        ("text/jsonx", "utf-8", false),
        ("text/plain", "utf-8", false),
        ("", "", false),
    ];
    for (kind, encoding, _) in kinds {
        let header = Header::new(kind, encoding, content.len() as u64);
        connection.send(Client, &Message::new(header, content).unwrap().to_vec().unwrap());
    }
    // Not JSON although it says so: the message behind it is found all the same.
    let header = Header::for_json(5);
    let wrong = Message::new(header, b"{\"a\":").unwrap().to_vec().unwrap();
    connection.send(Client, &[&wrong, REQUEST].concat());
    let saved = Saved::new(&capture);
    let lines = saved.fields("jsonframe", &["jsonframe.content_type", "json.value.number"], &[]);
    for (line, (kind, encoding, is_json)) in lines.iter().zip(kinds) {
        assert_eq!(line[1] == "42", is_json, "{kind} {encoding}: {line:?}");
    }
    assert_eq!(lines[kinds.len()][0], format!("text/json{}text/json", tshark::BETWEEN));

    let frames: serde_json::Value =
        serde_json::from_str(&saved.tshark(&["-Y", "frame.number == 4", "-T", "json"])).unwrap();
    let layers = &frames[0]["_source"]["layers"];
    let message = &layers["jsonframe"];
    assert_eq!(message["jsonframe.header_length"], "103");
    assert_eq!(message["jsonframe.header_tree"]["jsonframe.content_length"], "14");
    assert!(message["json"].is_object() || layers["json"].is_object(), "{layers}");
}

#[test]
fn any_port_can_be_dissected() {
    if !tshark::is_there() {
        return;
    }
    let mut capture = Capture::new();
    for port in [PORT, 47000, 47001] {
        let mut connection = capture.connect(port);
        connection.send(Client, REQUEST);
        connection.send(Server, &[REPLY, &REPLY[..20]].concat());
        connection.send(Server, &REPLY[20..]);
    }
    let saved = Saved::new(&capture);
    let streams = |options: &[&str]| {
        let lines = saved.fields("jsonframe", &["tcp.stream"], options);
        lines.into_iter().map(|fields| fields[0].clone()).collect::<Vec<_>>().concat()
    };
    assert_eq!(streams(&[]), "000");
    assert_eq!(streams(&["-d", "tcp.port==47000,jsonframe"]), "000111");
    assert_eq!(streams(&["-o", "jsonframe.ports:47000-47001"]), "111222");
    assert_eq!(streams(&["-o", "jsonframe.ports:"]), "");
    assert_eq!(streams(&["-o", "jsonframe.heuristic:TRUE"]), "000111222");
}

#[test]
fn headers_of_any_size_take_their_time_and_no_more() {
    if !tshark::is_there() {
        return;
    }
    let mut capture = Capture::new();
    let mut streams = Streams::default();
    // As long as a header can be: of escapes, of numbers, of brackets, of members.
    let escapes = "\u{1}".repeat(10_890);
    let numbers = format!("[{}1]", "1, ".repeat(21_700));
    let brackets = format!("[{}[]]", "[], ".repeat(16_000));
    let names: Vec<String> = (0..4600).map(|number| format!("{number:04}")).collect();
    let many: Vec<(&str, Value<'_>)> = names.iter().map(|name| (name.as_str(), true.into())).collect();
    let headers: [&[(&str, Value<'_>)]; 4] = [
        &[("a", escapes.as_str().into())],
        &[("a", Value::from_json(&numbers).unwrap())],
        &[("a", Value::from_json(&brackets).unwrap())],
        &many,
    ];
    for (number, extensions) in headers.into_iter().enumerate() {
        let message = binary(b"content", extensions);
        assert!(message.len() > 60_000, "{number}: {}", message.len());
        let mut connection = capture.connect(PORT);
        let stream = message.repeat(3);
        connection.send_cut(Client, &stream, [1460]);
        connection.finish(Client, &[]);
        streams.expect(connection.number, Client, expected(&stream, true), format!("large header {number}"));
    }
    streams.compare(&Saved::new(&capture), &[]);
}
