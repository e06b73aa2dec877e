//! Captures of packets, made here and by the programs of Wireshark, and read by `jsonframe inspect`.

use std::env;
use std::fs;
use std::process::{Command, Stdio};

use jsonframe::{ByteOrder, Header, Message};
use serde_json::Value as Json;

const JSONFRAME: &str = env!("CARGO_BIN_EXE_jsonframe");

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

fn inspect(arguments: &[&str], input: &[u8]) -> (String, String, i32) {
    let mut command = assert_cmd::Command::new(JSONFRAME);
    let output = command.arg("inspect").args(arguments).write_stdin(input).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

/// The events of a capture, of those kinds that there are, by connection and direction.
fn events(arguments: &[&str], capture: &[u8]) -> (Vec<Json>, i32) {
    let (lines, errors, code) = inspect(&[&["--json"], arguments].concat(), capture);
    assert_eq!(errors, "", "{lines}");
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), code)
}

fn message(content: &str) -> Vec<u8> {
    let header = Header::for_json(content.len() as u64).with_byte_order(ByteOrder::Little);
    Message::new(header, content.as_bytes()).unwrap().to_vec().unwrap()
}

/// A link, the number it has in a capture, and the bytes before a packet of IPv4 or IPv6.
fn links() -> Vec<(u32, Vec<u8>, Vec<u8>)> {
    let ethernet = |kind: [u8; 2]| [&[2; 12][..], &kind].concat();
    let tagged = |kind: [u8; 2]| [&[2; 12][..], &[0x81, 0, 0, 7], &kind].concat();
    let cooked = |kind: [u8; 2]| [&[0, 0, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0][..], &kind].concat();
    let cooked2 = |kind: [u8; 2]| [&kind[..], &[0; 18]].concat();
    let (four, six) = ([0x08, 0x00], [0x86, 0xDD]);
    vec![
        (1, ethernet(four), ethernet(six)),
        (1, tagged(four), tagged(six)),
        (113, cooked(four), cooked(six)),
        (276, cooked2(four), cooked2(six)),
        (0, vec![2, 0, 0, 0], vec![30, 0, 0, 0]),
        (101, vec![], vec![]),
    ]
}

/// A packet with a segment, from this side to the other.
fn packet(is_six: bool, to_server: bool, ports: [u16; 2], number: u32, flags: u8, bytes: &[u8]) -> Vec<u8> {
    let [from, to] = if to_server { ports } else { [ports[1], ports[0]] };
    let segment = [
        &from.to_be_bytes()[..],
        &to.to_be_bytes(),
        &number.to_be_bytes(),
        &[0; 4],
        &[0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0],
        bytes,
    ]
    .concat();
    let hosts = if to_server { [1, 2] } else { [2, 1] };
    let length = u16::try_from(segment.len()).unwrap();
    if is_six {
        let address = |host: u8| [&[0xFD; 15][..], &[host]].concat();
        let head = [&[0x60, 0, 0, 0][..], &length.to_be_bytes(), &[6, 64], &address(hosts[0]), &address(hosts[1])];
        return [head.concat(), segment].concat();
    }
    let head = [&[0x45, 0][..], &(length + 20).to_be_bytes(), &[0, 0, 0x40, 0, 64, 6, 0, 0]];
    [head.concat(), vec![192, 0, 2, hosts[0], 192, 0, 2, hosts[1]], segment].concat()
}

/// A capture of frames, which are kept up to a length.
fn capture(link: u32, frames: &[Vec<u8>], snap: usize) -> Vec<u8> {
    let fields = [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 0x0004_0000, link];
    let mut file: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
    for frame in frames {
        let kept = &frame[..frame.len().min(snap)];
        for field in [0, 0, kept.len(), frame.len()] {
            file.extend(u32::try_from(field).unwrap().to_le_bytes());
        }
        file.extend(kept);
    }
    file
}

const PORTS: [u16; 2] = [50_000, 65_432];

/// The segments of one direction from a first number, without links before them.
fn plain(to_server: bool, first: u32, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut number = first;
    let segment = |piece: &&[u8]| {
        let packet = packet(false, to_server, PORTS, number, ACK, piece);
        number += u32::try_from(piece.len()).unwrap();
        packet
    };
    pieces.iter().map(segment).collect()
}

#[test]
fn every_link_and_both_versions_of_ip_are_read() {
    let (request, reply) = (message("{\"a\": 1}"), message("{\"b\": 2}"));
    for (link, four, six) in links() {
        for (is_six, before) in [(false, four), (true, six)] {
            let frame = |to_server, number, flags, bytes: &[u8]| {
                [before.clone(), packet(is_six, to_server, PORTS, number, flags, bytes)].concat()
            };
            let mut frames = vec![
                frame(true, 99, SYN, b""),
                frame(false, 499, SYN | ACK, b""),
                frame(true, 100, ACK, &request),
                frame(false, 500, ACK, &reply),
                frame(true, 100 + u32::try_from(request.len()).unwrap(), FIN | ACK, b""),
                frame(false, 500 + u32::try_from(reply.len()).unwrap(), FIN | ACK, b""),
            ];
            // Padding of short frames is no part of a segment.
            if link == 1 {
                frames[0].extend([0; 6]);
            }
            let (events, code) = events(&[], &capture(link, &frames, 65_535));
            let found: Vec<String> = events
                .iter()
                .map(|event| {
                    format!("{} {}", event["event"].as_str().unwrap(), event["direction"].as_str().unwrap_or("-"))
                })
                .collect();
            let expected = ["to-server", "to-client"]
                .map(|direction| ["stream", "header", "content", "end"].map(|event| format!("{event} {direction}")));
            assert_eq!(found, [expected.concat(), vec!["capture -".into()]].concat(), "link {link}, IPv6 {is_six}");
            assert_eq!((events[2]["hex"].as_str(), code), (Some(hex::encode(b"{\"a\": 1}").as_str()), 0));
            let server = if is_six { "[fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fd02]:65432" } else { "192.0.2.2:65432" };
            assert_eq!((&events[0]["to"], &events[0]["begins_anywhere"]), (&server.into(), &false.into()));
        }
    }
}

#[test]
fn segments_in_any_order_repeated_and_overlapping_are_one_stream() {
    let stream = [message("{\"a\": 1}"), message("[]")].concat();
    let (a, rest) = stream.split_at(40);
    let (b, c) = rest.split_at(60);
    let at = |offset: u32, bytes: &[u8]| packet(false, true, PORTS, 1000_u32.wrapping_add(offset), ACK, bytes);
    let syn = packet(false, true, PORTS, 999, SYN, b"");
    let frames =
        [syn.clone(), at(100, c), at(0, a), at(0, &stream[..20]), syn, at(20, &stream[20..90]), at(40, b), at(40, b)];
    let (found, code) = events(&[], &capture(101, &frames, 65_535));
    assert_eq!((found.len(), code), (1 + 3 + 3 + 1, 0), "{found:?}");
    assert_eq!(found[6]["offset"], stream.len());
}

#[test]
fn what_was_not_captured_is_said_and_the_next_message_found() {
    let one = message("{\"a\": 1}");
    let stream = one.repeat(4);
    let length = one.len();
    let mut frames = vec![packet(false, true, PORTS, 999, SYN, b"")];
    frames.extend(plain(
        true,
        1000,
        &[&stream[..length + 50], &stream[length + 50..length + 70], &stream[length + 70..]],
    ));
    frames.remove(2);
    frames.push(packet(false, true, PORTS, 1000 + u32::try_from(stream.len()).unwrap(), FIN | ACK, b""));
    let (found, code) = events(&[], &capture(101, &frames, 65_535));
    let kinds: Vec<&str> = found.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds.join(" "), "stream header content end gap skipped header content end header content end capture");
    assert_eq!((&found[4]["offset"], &found[4]["length"]), (&(length + 50).into(), &20.into()));
    assert_eq!((&found[5]["offset"], &found[5]["length"]), (&(length + 70).into(), &(length - 70).into()));
    assert_eq!((&found[6]["offset"], code), (&(2 * length).into(), 1));
    let (text, ..) = inspect(&[], &capture(101, &frames, 65_535));
    assert!(text.contains("gap: 20 bytes of connection 1, 192.0.2.1:50000 to 192.0.2.2:65432 not captured; the next message is looked for\n"), "{text}");

    // Of each packet only the beginning was kept.
    let cut = capture(101, &frames[..2], 40 + length + 10);
    let (found, code) = events(&[], &cut);
    let gap = found.iter().find(|event| event["event"] == "gap").unwrap();
    assert_eq!((&gap["offset"], &gap["length"], code), (&(length + 10).into(), &40.into(), 1));
}

#[test]
fn a_capture_that_begins_in_a_connection_begins_with_the_next_message() {
    let stream = [&message("{\"a\": 1}")[30..], &message("[]")].concat();
    let (found, code) = events(&[], &capture(101, &plain(true, 7, &[&stream]), 65_535));
    let kinds: Vec<&str> = found.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((kinds.join(" ").as_str(), code), ("stream skipped header content end capture", 0));
    assert_eq!(found[0]["begins_anywhere"], true);
    let (text, ..) = inspect(&[], &capture(101, &plain(true, 7, &[&stream]), 65_535));
    assert!(
        text.starts_with("connection 1, 192.0.2.1:50000 to 192.0.2.2:65432: its beginning was not captured"),
        "{text}"
    );
}

#[test]
fn connections_are_told_apart_and_one_port_is_selected() {
    let one = message("[1]");
    let send =
        |port: u16, first: u32, flags: u8, bytes: &[u8]| packet(false, true, [50_000, port], first, flags, bytes);
    let next = 11 + u32::try_from(one.len()).unwrap();
    let frames = [
        send(1, 10, SYN, b""),
        send(2, 10, SYN, b""),
        send(1, 11, ACK, &one),
        send(2, 11, ACK, &one[..50]),
        send(2, 11 + 50, RST, b""),
        send(1, next, FIN | ACK, b""),
        // The same addresses again.
        send(1, 70_000, SYN, b""),
        send(1, 70_001, ACK, &one),
    ];
    let (found, code) = events(&[], &capture(101, &frames, 65_535));
    let of = |connection: u64| {
        let of = found.iter().filter(|event| event["connection"] == connection);
        of.map(|event| event["event"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!([of(1), of(2), of(3)], ["stream header content end", "stream truncated", "stream header content end"]);
    assert_eq!((&found.last().unwrap()["connections"], code), (&3.into(), 1));
    let (found, code) = events(&["--port", "1"], &capture(101, &frames, 65_535));
    assert_eq!((found.len(), &found.last().unwrap()["connections"], code), (9, &2.into(), 0));
    let (text, _, code) = inspect(&["--port", "9"], &capture(101, &frames, 65_535));
    assert_eq!((text.as_str(), code), ("\nend of the capture, 0 connections of port 9\n", 1));
}

#[test]
fn a_capture_that_is_cut_off_or_wrong_is_said_after_what_it_holds() {
    let frames = plain(true, 1, &[&message("[1]"), &message("[2]")]);
    let file = capture(101, &frames, 65_535);
    let (output, errors, code) = inspect(&["--json"], &file[..file.len() - 1]);
    assert!(
        output.contains("\"event\":\"end\"") && errors.ends_with("the capture file ends inside a block\n"),
        "{output}{errors}"
    );
    assert_eq!(code, 1);
    for length in 0..file.len() {
        let (_, _, code) = inspect(&["--format", "pcap"], &file[..length.min(300)]);
        assert!((0..=2).contains(&code), "{length}");
        if length > 120 {
            break;
        }
    }
}

/// Whether there is this program. If not, what needs it is skipped, or fails where tests are to be complete.
fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    let ran = command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if ran.is_err() {
        assert!(env::var_os("CI").is_none(), "{program} is missing");
        eprintln!("SKIPPED: {program} is missing");
    }
    ran.is_ok()
}

#[test]
fn what_the_programs_of_wireshark_write_is_read() {
    if !["text2pcap", "editcap", "tshark", "xxd"].into_iter().all(is_there) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).env("HOME", folder.path()).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let stream = message("{\"a\": \"b\"}");
    fs::write(path("stream"), &stream).unwrap();
    let dump = run("xxd", &["-g1", &path("stream")]);
    fs::write(path("dump"), String::from_utf8(dump).unwrap().replace(": ", "  ")).unwrap();
    let content = hex::encode(b"{\"a\": \"b\"}");
    for (version, addresses) in [("-4", "192.0.2.1,192.0.2.2"), ("-6", "2001:db8::1,2001:db8::2")] {
        run("text2pcap", &["-q", "-T", "50000,65432", version, addresses, &path("dump"), &path("new.pcapng")]);
        run("editcap", &["-F", "pcap", &path("new.pcapng"), &path("old.pcap")]);
        run("editcap", &["-F", "nsecpcap", &path("new.pcapng"), &path("nano.pcap")]);
        let dumped = run("tshark", &["-r", &path("new.pcapng"), "-x"]);
        fs::write(path("dumped"), dumped).unwrap();
        let verbose = run("tshark", &["-r", &path("new.pcapng"), "-P", "-x"]);
        fs::write(path("verbose"), verbose).unwrap();
        for name in ["new.pcapng", "old.pcap", "nano.pcap", "dumped", "verbose"] {
            let (lines, errors, code) = inspect(&["--json", &path(name)], b"");
            assert!(
                lines.contains(&content) && lines.contains("\"connections\":1"),
                "{name}, {version}: {lines}{errors}"
            );
            assert_eq!((errors.as_str(), code), ("", 0), "{name}");
        }
    }
}

#[test]
fn many_connections_and_a_long_one_pass_in_little_memory() {
    let one = message(&format!("[\"{}\"]", "x".repeat(1000)));
    let mut frames = Vec::new();
    for port in 1024..6000 {
        let ports = [port, 65_432];
        frames.push(packet(false, true, ports, 9, SYN, b""));
        frames.push(packet(false, true, ports, 10, ACK, &one));
    }
    let long = plain(true, 1, &vec![&one[..]; 8000]);
    frames.extend(long);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.pcap");
    fs::write(&path, capture(101, &frames, 65_535)).unwrap();
    // The shell says how much memory the largest of its children had.
    let program = "import resource, subprocess, sys\n\
        code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)\n\
        print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    if !is_there("python3") {
        return;
    }
    for arguments in [&["inspect", "--json"][..], &["inspect", "--guess"], &["convert"], &["convert", "--guess"]] {
        let mut command = Command::new("python3");
        let output = command.args(["-c", program, JSONFRAME]).args(arguments).arg(&path).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (code, peak) = text.trim().split_once(' ').unwrap();
        assert_eq!(code, "0", "{arguments:?}");
        assert!(peak.parse::<u64>().unwrap() < 200 * 1024, "{arguments:?}: {peak} KiB");
    }
}

/// A message in another dialect: a length of four bytes, and no byte order.
fn in_other_dialect(content: &str) -> Vec<u8> {
    let length = content.len();
    let header = format!(r#"{{"content-type": "text/json", "content-encoding": "utf-8", "content-length": {length}}}"#);
    [&u32::try_from(header.len()).unwrap().to_be_bytes()[..], header.as_bytes(), content.as_bytes()].concat()
}

/// A whole connection of a client with this port: what it sends and what it receives.
fn connection(port: u16, [request, reply]: [&[u8]; 2]) -> Vec<Vec<u8>> {
    let frame = |to_server, number: usize, flags, bytes: &[u8]| {
        packet(false, to_server, [port, 65_432], u32::try_from(number).unwrap(), flags, bytes)
    };
    vec![
        frame(true, 99, SYN, b""),
        frame(false, 499, SYN | ACK, b""),
        frame(true, 100, ACK, &request[..request.len() / 2]),
        frame(false, 500, ACK, reply),
        frame(true, 100 + request.len() / 2, ACK, &request[request.len() / 2..]),
        frame(true, 100 + request.len(), FIN | ACK, b""),
        frame(false, 500 + reply.len(), FIN | ACK, b""),
    ]
}

fn convert(arguments: &[&str], input: &[u8]) -> (Vec<u8>, String, i32) {
    let mut command = assert_cmd::Command::new(JSONFRAME);
    let output = command.arg("convert").args(arguments).write_stdin(input).output().unwrap();
    (output.stdout, String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
}

#[test]
fn a_capture_is_converted_and_each_direction_comes_back() {
    let whole = [message("{\"a\": 1}"), message("[]")].concat();
    let faulty = [&message("[2]")[..], b"\0\x02[]rest"].concat();
    let cut = &message("[3]")[..50];
    let streams: [[&[u8]; 2]; 2] = [[&whole, &faulty], [cut, &whole]];
    let frames = [connection(50_000, streams[0]), connection(50_001, streams[1])].concat();
    let file = capture(101, &frames, 65_535);
    let (lines, errors, code) = convert(&[], &file);
    assert_eq!((errors.as_str(), code), ("", 1));
    let of_kind = |text: &[u8], kinds: &[&str]| -> Vec<String> {
        let lines = text.split(|byte| *byte == b'\n').map(|line| String::from_utf8(line.to_vec()).unwrap());
        lines.filter(|line| kinds.iter().any(|kind| line.contains(&format!("\"event\":\"{kind}\"")))).collect()
    };
    let (shown, ..) = inspect(&["--json"], &file);
    for kinds in [["stream"], ["header"], ["end"], ["truncated"], ["capture"]] {
        let (mut found, mut expected) = (of_kind(&lines, &kinds), of_kind(shown.as_bytes(), &kinds));
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert!(!found.is_empty());
    }
    for (number, directions) in (1..).zip(streams) {
        for (direction, stream) in ["to-server", "to-client"].into_iter().zip(directions) {
            let number = number.to_string();
            let choice = ["--to", "bytes", "--connection", &number, "--direction", direction];
            for input in [&lines, &file] {
                let (bytes, errors, code) = convert(&choice, input);
                assert_eq!((errors.as_str(), code), ("", 0), "{choice:?}");
                assert!(bytes == stream, "{choice:?}: {}", bytes.escape_ascii());
            }
        }
    }
    let (chosen, ..) = convert(&["--connection", "2", "--direction", "to-client"], &file);
    let is_other = |line: &String| !line.contains("\"connection\":2,\"direction\":\"to-client\"");
    let kinds = ["stream", "header", "content", "end", "raw", "truncated"];
    assert_eq!(of_kind(&chosen, &kinds).iter().filter(|line| is_other(line)).count(), 0);
    assert_eq!(of_kind(&chosen, &kinds).len(), 7);
}

#[test]
fn of_several_streams_one_must_be_chosen() {
    let one = message("[1]");
    let file = capture(101, &connection(50_000, [&one, &one]), 65_535);
    let (lines, ..) = convert(&[], &file);
    let none = "jsonframe: the input has nothing of this --connection and --direction\n";
    for input in [&lines, &file] {
        let (_, errors, code) = convert(&["--to", "hex"], input);
        let words = ["connection 1, to-server", " comes after ", "connection 1, to-client", " only one can be written"];
        assert!(words.iter().all(|words| errors.contains(words)) && code == 2, "{errors}");
        let (bytes, errors, code) = convert(&["--to", "bytes", "--connection", "2"], input);
        assert_eq!((bytes.len(), errors.as_str(), code), (0, none, 2));
        let (_, errors, code) = convert(&["--to", "bytes", "--port", "65432", "--direction", "to-client"], input);
        assert_eq!((errors.as_str(), code), ("", 0));
    }
    let (_, errors, code) = convert(&["--connection", "1"], &one);
    assert_eq!((errors.as_str(), code), (none, 2));
    // A line that is added by hand belongs to the stream of the line before it.
    let lines = String::from_utf8(lines).unwrap();
    let end = lines.lines().find(|line| line.contains("\"end\"") && line.contains("to-server")).unwrap();
    let added = format!("{end}\n{{\"event\":\"raw\",\"text\":\"more\"}}");
    let (bytes, errors, _) = convert(&["--direction", "to-server"], lines.replacen(end, &added, 1).as_bytes());
    assert_eq!((bytes, errors.as_str()), ([&one[..], b"more"].concat(), ""));
    let (bytes, ..) = convert(&["--direction", "to-client"], lines.replacen(end, &added, 1).as_bytes());
    assert_eq!(bytes, one);
}

#[test]
fn what_comes_before_the_first_message_of_a_capture_is_kept() {
    let one = message("[1]");
    let stream = [&one[30..], &one, &one].concat();
    let file = capture(101, &plain(true, 7, &[&stream[..70], &stream[70..200], &stream[200..]]), 65_535);
    let (lines, errors, code) = convert(&[], &file);
    assert_eq!((errors.as_str(), code), ("", 0));
    let text = String::from_utf8(lines.clone()).unwrap();
    let events: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> =
        events.iter().map(|event| event["event"].as_str().unwrap()).filter(|kind| *kind != "raw").collect();
    assert_eq!(kinds.join(" "), "stream header content end header content end capture");
    assert!(convert(&[], &lines).0 == stream);
    let (_, _, code) = convert(&[], &capture(101, &plain(true, 7, &[&one[30..]]), 65_535));
    assert_eq!(code, 1);
}

#[test]
fn after_a_gap_the_next_message_is_converted_and_nothing_before_it_lost() {
    let one = message("[1]");
    let length = one.len();
    let stream = one.repeat(4);
    for (from, to) in [(length + 50, length + 70), (length, length + 1), (2 * length - 2, 2 * length - 1)] {
        let mut frames = vec![packet(false, true, PORTS, 999, SYN, b"")];
        frames.extend(plain(true, 1000, &[&stream[..from], &stream[from..to], &stream[to..]]));
        frames.remove(2);
        frames.push(packet(false, true, PORTS, 1000 + u32::try_from(stream.len()).unwrap(), FIN | ACK, b""));
        let file = capture(101, &frames, 65_535);
        let (lines, errors, code) = convert(&[], &file);
        assert_eq!((errors.as_str(), code), ("", 1));
        let text = String::from_utf8(lines).unwrap();
        let gap = text.lines().find(|line| line.contains("\"event\":\"gap\"")).unwrap();
        assert!(gap.contains(&format!("\"offset\":{from},\"length\":{},", to - from)), "{gap}");
        assert_eq!(text.matches("\"event\":\"end\"").count(), 3, "{text}");
        let (_, errors, code) = convert(&["--to", "bytes"], text.as_bytes());
        assert!(errors.contains("there are no bytes for an event `gap`") && code == 2, "{errors}");
        let (_, errors, code) = convert(&["--to", "bytes"], &file);
        assert!(errors.contains("not captured, so that what follows cannot be written") && code == 1, "{errors}");
        let filled = format!("{{\"event\":\"raw\",\"hex\":\"{}\"}}", hex::encode(&stream[from..to]));
        let (bytes, errors, code) = convert(&[], text.replace(gap, &filled).as_bytes());
        assert_eq!((errors.as_str(), code), ("", 0));
        assert!(bytes == stream, "{}", bytes.escape_ascii());
    }
}

#[test]
fn each_direction_of_a_capture_has_a_dialect_of_its_own() {
    let (request, reply) = ([in_other_dialect("{\"a\": 1}"), in_other_dialect("[]")].concat(), message("[1]"));
    let frames = [connection(50_000, [&request, &reply]), connection(50_001, [b"GET / HTTP/1.1\r\n\r\n", &reply])];
    let file = capture(101, &frames[0], 65_535);
    let (text, errors, code) = inspect(&["--guess"], &file);
    assert_eq!((errors.as_str(), code), ("", 0));
    for words in [
        "\nconnection 1, 192.0.2.1:50000 to 192.0.2.2:65432\n--dialect u32,no-byteorder\n  decoded: 2 headers, 2 whole messages;",
        "\nconnection 1, 192.0.2.2:65432 to 192.0.2.1:50000\n--dialect standard\n  decoded: 1 header, 1 whole message;",
        "\nend of the capture, 1 connection\n",
    ] {
        assert!(text.contains(words), "{text}");
    }
    let (lines, _, code) = inspect(&["--guess", "--json"], &capture(101, &frames.concat(), 65_535));
    let verdicts: Vec<Json> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<_> =
        verdicts.iter().map(|verdict| (&verdict["connection"], &verdict["direction"], &verdict["dialect"])).collect();
    let of = |connection: u64, direction: &str, dialect: Option<&str>| {
        (Json::from(connection), Json::from(direction), Json::from(dialect))
    };
    for (connection, direction, dialect) in [
        of(1, "to-server", Some("u32,no-byteorder")),
        of(1, "to-client", Some("standard")),
        of(2, "to-server", None),
        of(2, "to-client", Some("standard")),
    ] {
        assert!(said.contains(&(&connection, &direction, &dialect)), "{lines}");
    }
    assert_eq!((verdicts.len(), &verdicts[4]["event"], code), (5, &"capture".into(), 1));

    let (lines, errors, code) = convert(&["--guess"], &file);
    assert_eq!((errors.as_str(), code), ("", 0));
    let text = String::from_utf8(lines.clone()).unwrap();
    let dialects: Vec<_> = text.lines().filter(|line| line.contains("to-server")).collect();
    assert_eq!(dialects.len(), 7);
    assert!(dialects.iter().all(|line| line.contains("\"dialect\":\"u32,no-byteorder\"")), "{text}");
    assert_eq!(convert(&["--direction", "to-server"], &lines).0, request);
    assert_eq!(convert(&["--direction", "to-client"], &lines).0, reply);
    // Without a content-length it is counted, and the header written in its dialect.
    let edited = text.replace("\"content_length\":8,", "").replace("7b2261223a20317d", "7b7d");
    let edited = edited.replace("\"length\":8", "\"length\":2");
    let expected = [in_other_dialect("{}"), in_other_dialect("[]")].concat();
    assert_eq!(convert(&["--direction", "to-server"], edited.as_bytes()).0, expected);
    // A stream without packets has one dialect.
    let (lines, _, code) = convert(&["--guess"], &request);
    assert!(String::from_utf8(lines).unwrap().contains("\"dialect\":\"u32,no-byteorder\"") && code == 0);
}
