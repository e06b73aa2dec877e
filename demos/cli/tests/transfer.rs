//! The program that sends and receives files.

#[path = "../../tests/certificates/mod.rs"]
mod certificates;
#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use certificates::{Files, words};
use common::{PATIENCE, Program, Server, accept, ending_signals, ends_quietly_unread, program, text};
use jsonframe::{Header, Value};
use jsonframe_std::{Connection, UNLIMITED};
use serde_json::json;
use sha2::{Digest, Sha256};
use socket2::SockRef;
use tempfile::TempDir;

const JSONFRAME: &str = env!("CARGO_BIN_EXE_jsonframe");

/// A receiver to a directory of its own, in a place of its own.
struct Receiver {
    server: Server,
    place: TempDir,
}

impl Receiver {
    fn start(options: &[&str]) -> Self {
        Self::start_by(Command::new(JSONFRAME).args(["transfer", "receive"]), options)
    }

    /// A receiver that is started by this command, with the directory, the address and the options added to it.
    fn start_by(command: &mut Command, options: &[&str]) -> Self {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("files");
        fs::create_dir(&directory).unwrap();
        let server = Server::spawn(command.arg(directory).arg("127.0.0.1:0").args(options));
        Self { server, place }
    }

    fn directory(&self) -> PathBuf {
        self.place.path().join("files")
    }

    /// The names of the files that are there; outside there are none.
    fn names(&self) -> Vec<String> {
        assert_eq!(names(self.place.path()), ["files"]);
        names(&self.directory())
    }

    fn content(&self, name: &str) -> Vec<u8> {
        fs::read(self.directory().join(name)).unwrap()
    }

    /// The command that sends it a file.
    fn send(&self, file: &Path) -> assert_cmd::Command {
        let mut command = program(JSONFRAME, &["transfer", "send"]);
        command.arg(file).arg(self.server.address.to_string());
        command
    }

    fn connect(&self) -> Connection<TcpStream> {
        Connection::new(self.server.connect())
    }

    /// Waits until there is a file that is not whole yet.
    fn wait_for_unfinished(&self) {
        wait_until(|| matches!(self.names().as_slice(), [name] if is_unfinished(name)));
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = directory.read_dir().unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_unfinished(name: &str) -> bool {
    name.starts_with(".transfer-") && name.strip_suffix(".part").is_some()
}

fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "that never happens");
        thread::sleep(Duration::from_millis(5));
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Bytes without much of a pattern.
fn bytes(count: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

/// A file of this content, in a directory of its own.
fn file(name: &str, content: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    (directory, path)
}

fn send(connection: &mut Connection<TcpStream>, extensions: &[(&str, Value<'_>)], content: &[u8]) {
    let header = Header::new("application/octet-stream", "binary", content.len() as u64).with_extensions(extensions);
    connection.send(&header, content).unwrap();
}

fn answer(connection: &mut Connection<TcpStream>) -> serde_json::Value {
    connection.receive().unwrap().expect("there is an answer").json().unwrap()
}

/// The one line in which a program complains that then fails.
fn complaint(command: &mut assert_cmd::Command) -> String {
    let run = command.assert().code(1).stdout("");
    let complaint = text(&run.get_output().stderr);
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    complaint.trim_end().strip_prefix("jsonframe: ").expect(complaint).into()
}

#[test]
fn files_of_all_sizes_arrive() {
    let receiver = Receiver::start(&[]);
    let address = receiver.server.address;
    let mut expected = Vec::new();
    for length in [0, 1, 65_535, 65_536, 65_537, 1_000_000] {
        let content = bytes(length);
        let name = format!("{length} näh.bin");
        let (_directory, path) = file(&name, &content);
        let size = if length == 1 { "1 byte".into() } else { format!("{length} bytes") };
        let what = format!("{name} ({size}, sha256 {})", sha256(&content));
        receiver.send(&path).assert().success().stdout(format!("sent {what} to {address}\n")).stderr("");
        let line = receiver.server.output.next();
        assert!(line.starts_with(&format!("received {what} from 127.0.0.1:")), "{line}");
        assert!(receiver.content(&name) == content);
        expected.push(name);
    }
    expected.sort();
    assert_eq!(receiver.names(), expected);
    assert!(receiver.server.errors.so_far().is_empty());
}

/// What either side may take at most for any file, in KiB.
const MEMORY: u64 = 16 * 1024;

#[test]
fn a_large_file_takes_no_memory_and_shows_no_progress_but_on_a_terminal() {
    let receiver = Receiver::start(&[]);
    let content = bytes(50_000_000);
    let (_directory, path) = file("large", &content);
    receiver.send(&path).assert().success().stderr("");
    assert!(receiver.content("large") == content);
    assert!(receiver.server.output.next().starts_with("received large (50000000 bytes, sha256 "));
    assert!(receiver.server.errors.so_far().is_empty());
    if let Some(kib) = receiver.server.peak_memory() {
        assert!(kib < MEMORY, "the receiver takes {kib} KiB");
    }

    // The sender's is looked at while it waits for the answer.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut sender = sender(&path, &listener, &[]);
    let mut connection = Connection::new(accept(&listener));
    let mut message = connection.receive().unwrap().unwrap();
    assert_eq!(message.header().to_string(), header("large", &content));
    assert!(message.content().unwrap() == content);
    if let Some(kib) = sender.peak_memory() {
        assert!(kib < MEMORY, "the sender takes {kib} KiB");
    }
    connection.send_json(&json!({"result": "received", "bytes": content.len()})).unwrap();
    assert_eq!(sender.exit_code(), Some(0));
    assert!(sender.errors.rest().is_empty());
}

/// A sender of this file to a listener of the test.
fn sender(path: &Path, listener: &TcpListener, options: &[&str]) -> Program {
    let address = listener.local_addr().unwrap().to_string();
    Program::spawn(Command::new(JSONFRAME).args(["transfer", "send"]).arg(path).arg(address).args(options))
}

fn header(name: &str, content: &[u8]) -> String {
    format!(
        "{{\"byteorder\": \"{}\", \"content-type\": \"application/octet-stream\", \"content-encoding\": \"binary\", \
         \"content-length\": {}, \"filename\": \"{name}\", \"sha256\": \"{}\"}}",
        if cfg!(target_endian = "big") { "big" } else { "little" },
        content.len(),
        sha256(content),
    )
}

#[test]
fn a_connection_may_bring_several_files() {
    let receiver = Receiver::start(&[]);
    let mut connection = receiver.connect();
    for name in ["a", "b", "c"] {
        send(&mut connection, &[("filename", name.into()), ("sha256", sha256(b"abc").as_str().into())], b"abc");
    }
    for _ in 0..3 {
        assert_eq!(answer(&mut connection), json!({"result": "received", "bytes": 3}));
    }
    assert_eq!(receiver.names(), ["a", "b", "c"]);
}

#[test]
fn several_files_may_come_at_the_same_time() {
    let receiver = Receiver::start(&[]);
    let mut slow = receiver.server.connect();
    slow.write_all(&begun_message("slow", 100)).unwrap();
    receiver.wait_for_unfinished();
    let (_directory, path) = file("fast", b"abc");
    receiver.send(&path).assert().success();
    slow.write_all(&[b'x'; 90]).unwrap();
    let mut connection = Connection::new(slow);
    assert_eq!(answer(&mut connection), json!({"result": "received", "bytes": 100}));
    assert_eq!(receiver.names(), ["fast", "slow"]);
}

/// The beginning of a message with a file of this length: all but its content, and ten bytes of that.
fn begun_message(name: &str, length: u64) -> Vec<u8> {
    let extensions = [("filename", name.into())];
    let header = Header::new("application/octet-stream", "binary", length).with_extensions(&extensions);
    let mut buffer = [0; 512];
    [header.encode(&mut buffer).unwrap(), &[b'x'; 10]].concat()
}

#[test]
fn content_without_its_checksum_is_not_kept() {
    let receiver = Receiver::start(&[]);
    let mut connection = receiver.connect();
    let (expected, received) = (sha256(b"abc"), sha256(b"abd"));
    send(&mut connection, &[("filename", "a.txt".into()), ("sha256", expected.as_str().into())], b"abd");
    let reason = format!("the content does not have its checksum: expected {expected}, received {received}");
    assert_eq!(answer(&mut connection), json!({"error": reason}));
    let peer = connection.get_ref().local_addr().unwrap();
    assert_eq!(receiver.server.errors.next(), format!("error: a.txt from {peer}: {reason}"));
    assert!(receiver.names().is_empty());
}

#[test]
fn a_file_without_a_checksum_is_said_to_be_without_or_refused() {
    let receiver = Receiver::start(&[]);
    let mut connection = receiver.connect();
    send(&mut connection, &[("filename", "a.txt".into())], b"abc");
    assert_eq!(answer(&mut connection), json!({"result": "received", "bytes": 3}));
    let peer = connection.get_ref().local_addr().unwrap();
    assert_eq!(receiver.server.output.next(), format!("received a.txt (3 bytes, no checksum) from {peer}"));

    let receiver = Receiver::start(&["--require-checksum"]);
    let mut connection = receiver.connect();
    send(&mut connection, &[("filename", "a.txt".into())], b"abc");
    assert_eq!(answer(&mut connection), json!({"error": "the header has no member `sha256`"}));
    assert!(receiver.names().is_empty());
    let (_directory, path) = file("b.txt", b"abc");
    receiver.send(&path).assert().success();
    assert_eq!(receiver.names(), ["b.txt"]);
}

#[test]
fn a_stream_that_ends_too_early_leaves_nothing() {
    let receiver = Receiver::start(&[]);
    let mut stream = receiver.server.connect();
    stream.write_all(&begun_message("a.txt", 100)).unwrap();
    receiver.wait_for_unfinished();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut connection = Connection::new(stream);
    let answer = answer(&mut connection);
    let reason = answer["error"].as_str().expect("it is refused");
    assert!(reason.starts_with("the stream ends inside a message; bytes missing: 90 "), "{reason}");
    let peer = connection.get_ref().local_addr().unwrap();
    assert_eq!(receiver.server.errors.next(), format!("error: a.txt from {peer}: {reason}"));
    assert!(receiver.names().is_empty());

    // One that is reset takes no answer.
    let mut stream = receiver.server.connect();
    stream.write_all(&begun_message("a.txt", 100)).unwrap();
    receiver.wait_for_unfinished();
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    assert!(receiver.server.errors.next().starts_with("error: a.txt from "));
    assert!(receiver.names().is_empty());
}

#[test]
fn a_sender_that_says_no_more_is_left() {
    let receiver = Receiver::start(&["--rate-window", "1"]);
    let mut stream = receiver.server.connect();
    stream.write_all(&begun_message("a.txt", 100)).unwrap();
    let peer = stream.local_addr().unwrap();
    let mut connection = Connection::new(stream);
    let reason = "timed out after 1 s receiving the content";
    assert_eq!(answer(&mut connection), json!({"error": reason}));
    assert!(connection.receive().unwrap().is_none());
    assert_eq!(receiver.server.errors.next(), format!("error: a.txt from {peer}: {reason}"));
    assert!(receiver.names().is_empty());
}

/// Sends these bytes one by one until the receiver closes the connection, or there are no more.
fn trickle(mut stream: TcpStream, bytes: impl IntoIterator<Item = u8>) {
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    for byte in bytes {
        let is_open = stream.write_all(&[byte]).is_ok();
        let waited = stream.read(&mut [0; 1024]);
        if !is_open || !waited.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            return;
        }
    }
    panic!("the receiver bears it");
}

/// A minute of bytes that come ten times a second.
const MINUTE: usize = 600;

#[test]
fn senders_of_a_byte_now_and_then_do_not_hold_every_place() {
    let options = ["--max-connections", "1", "--header-timeout", "1", "--min-rate", "1000", "--rate-window", "1"];
    for (beginning, reason) in [
        (b"\x01\0{".to_vec(), "timed out after 1 s waiting for the rest of the header; "),
        (begun_message("slow", 5000), "too slow receiving the content: "),
    ] {
        let receiver = Receiver::start(&options);
        let mut stream = receiver.server.connect();
        stream.write_all(&beginning).unwrap();
        let peer = stream.local_addr().unwrap();
        let slow = thread::spawn(|| trickle(stream, [b' '; MINUTE]));
        // It is accepted when the place is free.
        let (_directory, path) = file("a", b"abc");
        receiver.send(&path).assert().success();
        slow.join().unwrap();
        let complaint = receiver.server.errors.next();
        assert!(complaint.contains(reason) && complaint.contains(&peer.to_string()), "{complaint}");
        assert_eq!(receiver.names(), ["a"]);
    }
}

#[test]
fn a_sender_that_never_begins_does_not_hold_its_place() {
    let receiver = Receiver::start(&["--max-connections", "1", "--timeout", "1"]);
    let stream = receiver.server.connect();
    let (_directory, path) = file("a", b"abc");
    receiver.send(&path).assert().success();
    let peer = stream.local_addr().unwrap();
    let complaint = format!("error: timed out after 1 s waiting for a message from {peer}");
    assert_eq!(receiver.server.errors.next(), complaint);
}

#[test]
fn all_files_together_have_a_limit_that_is_checked_as_bytes_arrive() {
    let receiver = Receiver::start(&["--max-total", "100000"]);
    let (_directory, path) = file("a", &bytes(50_000));
    receiver.send(&path).assert().success();

    // A file that would be too large is refused when it is, not for what it announces.
    let mut stream = receiver.server.connect();
    stream.write_all(&begun_message("b", 60_000)).unwrap();
    stream.write_all(&[b'x'; 45_000]).unwrap();
    wait_until(|| {
        let part = names(&receiver.directory()).into_iter().find(|name| is_unfinished(name));
        part.is_some_and(|part| receiver.directory().join(part).metadata().is_ok_and(|part| part.len() == 45_010))
    });
    stream.write_all(&[b'x'; 10_000]).unwrap();
    let reason = "this receiver stores at most 100000 bytes in all";
    assert_eq!(answer(&mut Connection::new(stream)), json!({"error": reason}));
    assert!(receiver.server.errors.next().ends_with(reason));
    assert_eq!(receiver.names(), ["a"]);

    // What is given up makes way for others.
    let (_directory, path) = file("c", &bytes(50_000));
    receiver.send(&path).assert().success();
    // An empty file takes place too.
    let (_directory, path) = file("d", b"");
    assert!(complaint(&mut receiver.send(&path)).ends_with(reason));
    assert_eq!(receiver.names(), ["a", "c"]);

    let help = program(JSONFRAME, &["transfer", "receive", "--help"]).assert().success();
    let help = text(&help.get_output().stdout);
    let (_, option) = help.split_once("--max-total <BYTES>").unwrap();
    assert!(option.split_once("[default: ").unwrap().1.starts_with("68719476736]"), "{help}");
}

#[test]
fn hidden_files_and_names_that_cannot_be_seen_are_refused() {
    let receiver = Receiver::start(&["--overwrite"]);
    let hidden = "it begins with a dot, as those of hidden files do";
    let unseen = "it has characters in it that cannot be seen";
    for (name, shown, reason) in [
        (".profile", ".profile", hidden),
        (".ssh", ".ssh", hidden),
        ("\u{200B}", "\\u{200b}", unseen),
        ("\u{2060}\u{FEFF}", "\\u{2060}\\u{feff}", unseen),
        ("a\u{206A}", "a\\u{206a}", unseen),
        ("a\u{206F}.txt", "a\\u{206f}.txt", unseen),
        ("a\u{E000}", "a\\u{e000}", unseen),
        ("\u{3000}", "\u{3000}", "there is nothing in it but spaces"),
    ] {
        let mut connection = receiver.connect();
        send(&mut connection, &[("filename", name.into())], b"evil");
        let reason = format!("the filename cannot be used here: {reason}");
        assert_eq!(answer(&mut connection), json!({"error": reason}));
        let peer = connection.get_ref().local_addr().unwrap();
        assert_eq!(receiver.server.errors.next(), format!("error: {shown} from {peer}: {reason}"));
        assert!(receiver.names().is_empty());
    }
}

#[test]
fn a_file_in_place_of_the_directory_is_named_and_no_temporary_one() {
    let (_directory, path) = file("a", b"abc");
    let reason = complaint(program(JSONFRAME, &["transfer", "receive"]).arg(&path).arg("127.0.0.1:0"));
    assert_eq!(reason, format!("cannot write to {}: not a directory", path.display()));
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    let receiver = Receiver::start(&["--overwrite"]);
    let absolute = receiver.place.path().join("evil");
    for (name, reason) in [
        (absolute.to_str().unwrap(), "it has a directory in it"),
        ("../evil", "it has a directory in it"),
        ("..\\evil", "it has a directory in it"),
        ("sub/evil", "it has a directory in it"),
        ("", "it is empty"),
        (".", "it is a directory"),
        ("..", "it is a directory"),
        ("C:evil", "it has a drive or a stream in it"),
        ("nul.txt", "it is a device on Windows"),
        ("evil\0.txt", "it has characters in it that cannot be seen"),
        ("\u{1B}]0;evil\u{7}", "it has characters in it that cannot be seen"),
        (".transfer-evil", "it begins with a dot, as those of hidden files do"),
    ] {
        let mut connection = receiver.connect();
        send(&mut connection, &[("filename", name.into())], b"evil");
        let reason = format!("the filename cannot be used here: {reason}");
        assert_eq!(answer(&mut connection), json!({"error": reason}));
        let line = receiver.server.errors.next();
        assert!(line.contains(&reason), "{line}");
        assert!(!line.contains('\u{1B}'), "{line}");
        assert!(receiver.names().is_empty());
    }
    assert!(receiver.server.output.so_far().is_empty());
}

#[test]
fn a_message_that_is_no_file_is_refused() {
    let receiver = Receiver::start(&[]);
    for (extensions, reason) in [
        (&[][..], "the header has no member `filename`"),
        (&[("filename", 7_u64.into())], "the filename is not text"),
        (&[("filename", "a".into()), ("sha256", "abc".into())], "the sha256 is not 64 hex digits"),
        (&[("filename", "a".into()), ("sha256", Value::NULL)], "the sha256 is not 64 hex digits"),
    ] {
        let mut connection = receiver.connect();
        send(&mut connection, extensions, b"abc");
        assert_eq!(answer(&mut connection), json!({"error": reason}));
        assert!(connection.receive().unwrap().is_none());
    }
    let mut connection = receiver.connect();
    connection.get_mut().write_all(b"\0\0").unwrap();
    let reason = "the header length is 0; a header is at least a JSON object (at byte 0)";
    assert_eq!(answer(&mut connection), json!({"error": reason}));
    assert!(receiver.names().is_empty());
}

#[test]
fn the_reason_arrives_although_the_peer_goes_on_sending() {
    let receiver = Receiver::start(&[]);
    let mut connection = receiver.connect();
    let header = Header::new("application/octet-stream", "binary", 20_000_000);
    connection.send_stream(&header, &mut io::repeat(0)).expect("the receiver takes it");
    assert_eq!(answer(&mut connection), json!({"error": "the header has no member `filename`"}));
}

#[test]
fn a_file_that_is_there_stays_unless_it_may_be_replaced() {
    let (_directory, path) = file("a.bin", &bytes(10_000_000));
    let shown = path.display();
    let receiver = Receiver::start(&[]);
    fs::write(receiver.directory().join("a.bin"), b"old").unwrap();
    assert_eq!(
        complaint(&mut receiver.send(&path)),
        format!("{shown}: the receiver refuses it: there is such a file already")
    );
    assert_eq!(receiver.names(), ["a.bin"]);
    assert_eq!(receiver.content("a.bin"), b"old");

    let receiver = Receiver::start(&["--overwrite"]);
    fs::write(receiver.directory().join("a.bin"), b"old").unwrap();
    receiver.send(&path).assert().success();
    assert_eq!(receiver.names(), ["a.bin"]);
    assert!(receiver.content("a.bin") == fs::read(&path).unwrap());
    fs::create_dir(receiver.directory().join("b.bin")).unwrap();
    let (_directory, path) = file("b.bin", b"abc");
    assert!(complaint(&mut receiver.send(&path)).ends_with("it: there is a directory of this name"));
}

#[test]
fn a_file_over_the_limit_is_refused_at_its_header() {
    let receiver = Receiver::start(&["--max-size", "100"]);
    let (_directory, path) = file("a", &bytes(100));
    receiver.send(&path).assert().success();
    let (_directory, path) = file("b", &bytes(101));
    let reason = complaint(&mut receiver.send(&path));
    assert!(
        reason.contains("it: the content is 101 bytes long; this receiver takes at most 100 (at byte "),
        "{reason}"
    );

    // A file of any size may be announced; nothing is reserved for it.
    let mut connection = receiver.connect();
    connection.get_mut().write_all(&begun_message("c", u64::MAX)).unwrap();
    assert!(answer(&mut connection)["error"].as_str().unwrap().contains("this receiver takes at most 100"));
    assert_eq!(receiver.names(), ["a"]);
}

/// The limit on the size of files stands for a disk that is full.
#[cfg(unix)]
#[test]
fn a_full_disk_is_reported_to_both_sides() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 100 && exec \"$0\" transfer receive \"$@\"", JSONFRAME]);
    let mut receiver = Receiver::start_by(&mut shell, &[]);
    let (_directory, path) = file("large", &bytes(10_000_000));
    let reason = complaint(&mut receiver.send(&path));
    assert!(reason.contains("the receiver refuses it: it cannot be stored: File too large"), "{reason}");
    let line = receiver.server.errors.next();
    assert!(line.starts_with("error: large from ") && line.contains(": it cannot be stored: File too large"), "{line}");
    assert!(receiver.names().is_empty());

    let (_directory, path) = file("small", b"abc");
    receiver.send(&path).assert().success();
    assert_eq!(receiver.names(), ["small"]);
    assert!(receiver.server.is_running());
}

#[test]
fn a_directory_that_cannot_be_written_to_is_reported() {
    let receiver = Receiver::start(&[]);
    fs::remove_dir(receiver.directory()).unwrap();
    let (_directory, path) = file("a", b"abc");
    let reason = complaint(&mut receiver.send(&path));
    assert!(reason.contains("the receiver refuses it: it cannot be stored: "), "{reason}");
    assert!(!reason.contains("files"), "the sender learns about directories: {reason}");

    let directory = receiver.directory();
    let directory = directory.to_str().unwrap();
    let reason = complaint(&mut program(JSONFRAME, &["transfer", "receive", directory, "127.0.0.1:0"]));
    assert!(reason.starts_with(&format!("cannot write to {directory}: ")), "{reason}");
    if cfg!(target_os = "linux") {
        // Not even the superuser can write there.
        let reason = complaint(&mut program(JSONFRAME, &["transfer", "receive", "/proc", "127.0.0.1:0"]));
        assert!(reason.starts_with("cannot write to /proc: "), "{reason}");
    }
}

#[cfg(unix)]
#[test]
fn a_receiver_that_is_stopped_leaves_nothing_unfinished() {
    for signal in ending_signals() {
        let mut receiver = Receiver::start(&[]);
        let mut stream = receiver.server.connect();
        stream.write_all(&begun_message("a", 100)).unwrap();
        receiver.wait_for_unfinished();
        receiver.server.signal(signal);
        assert_eq!(receiver.server.exit_code(), Some(1));
        assert_eq!(receiver.server.errors.rest(), ["jsonframe: stopped; unfinished files removed: 1"]);
        assert!(receiver.names().is_empty());
    }

    let mut receiver = Receiver::start(&[]);
    receiver.server.signal("TERM");
    assert_eq!(receiver.server.exit_code(), Some(0));
    assert!(receiver.server.errors.rest().is_empty());

    let mut receiver = Receiver::start(&["--once"]);
    receiver.server.signal("TERM");
    assert_eq!(receiver.server.exit_code(), Some(1));
    assert_eq!(receiver.server.errors.rest(), ["jsonframe: stopped before a file was received"]);
}

#[test]
fn one_file_may_be_enough() {
    let mut receiver = Receiver::start(&["--once"]);
    let (_directory, path) = file("a", b"abc");
    receiver.send(&path).assert().success();
    assert_eq!(receiver.server.exit_code(), Some(0));
    assert!(receiver.server.output.next().starts_with("received a (3 bytes, sha256 "));
    assert!(receiver.server.output.rest().is_empty());
    assert!(receiver.server.errors.rest().is_empty());
    assert_eq!(receiver.names(), ["a"]);

    let mut receiver = Receiver::start(&["--once"]);
    fs::write(receiver.directory().join("a"), b"old").unwrap();
    complaint(&mut receiver.send(&path));
    assert_eq!(receiver.server.exit_code(), Some(1));
    let [line] = receiver.server.errors.rest().try_into().unwrap();
    assert!(line.starts_with("jsonframe: a from ") && line.ends_with(": there is such a file already"), "{line}");

    let mut receiver = Receiver::start(&["--once"]);
    let stream = receiver.server.connect();
    let peer = stream.local_addr().unwrap();
    drop(stream);
    assert_eq!(receiver.server.exit_code(), Some(1));
    assert_eq!(receiver.server.errors.rest(), [format!("jsonframe: no file came from {peer}")]);
}

/// Something that happens to a file.
type Change = fn(&mut File);

#[test]
fn a_file_that_changes_while_it_is_sent_is_not_sent_whole() {
    // More than fits between the two ends.
    const LENGTH: u64 = 64 * 1024 * 1024;
    let changes: [Change; 3] = [
        |file| file.set_len(LENGTH - 1).unwrap(),
        |file| file.set_len(LENGTH + 1).unwrap(),
        |file| {
            file.seek(SeekFrom::End(-1)).unwrap();
            file.write_all(b"x").unwrap();
        },
    ];
    for change in changes {
        let (_directory, path) = file("a", b"");
        let mut file = File::options().write(true).open(&path).unwrap();
        file.set_len(LENGTH).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sender = sender(&path, &listener, &[]);
        let mut connection = Connection::new(accept(&listener)).with_max_content(UNLIMITED);
        let mut message = connection.receive().unwrap().unwrap();
        change(&mut file);
        let error = io::copy(&mut message, &mut io::sink()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(sender.exit_code(), Some(1));
        let complaint = format!("jsonframe: {}: it has changed while it was sent", path.display());
        assert_eq!(sender.errors.rest(), [complaint]);
        assert!(sender.output.rest().is_empty());
    }
}

#[test]
fn an_early_answer_ends_the_sending() {
    const LENGTH: u64 = 64 * 1024 * 1024;
    let (_directory, path) = file("a", b"");
    File::options().write(true).open(&path).unwrap().set_len(LENGTH).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut sender = sender(&path, &listener, &[]);
    let mut connection = Connection::new(accept(&listener)).with_max_content(UNLIMITED);
    connection.receive().unwrap().unwrap();
    connection.send_json(&json!({"error": "not \u{1B}[2J today"})).unwrap();
    let mut received = 0;
    let mut stream = connection.get_ref();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut chunk).unwrap() {
            0 => break,
            count => received += count as u64,
        }
    }
    assert!(received < LENGTH / 2, "{received}");
    assert_eq!(sender.exit_code(), Some(1));
    let complaint = format!("jsonframe: {}: the receiver refuses it: not \\u{{1b}}[2J today", path.display());
    assert_eq!(sender.errors.rest(), [complaint]);
}

/// What a receiver does after it has received a file.
type Serve = fn(&mut Connection<TcpStream>);

#[test]
fn the_sender_fails_in_one_line_without_the_right_answer() {
    let (_directory, path) = file("a", b"abc");
    let cases: [(Serve, &str); 6] = [
        (|_| {}, " closed the connection without an answer"),
        (|connection| connection.send_json(&json!({"result": "received", "bytes": 2})).unwrap(), "has 2 of 3 bytes"),
        (
            |connection| connection.send_json(&json!({"result": "lost", "bytes": 3})).unwrap(),
            "the content does not fit",
        ),
        (|connection| connection.get_mut().write_all(b"\0\x0A{").unwrap(), "the stream ends inside a message"),
        (
            |connection| {
                let header = Header::for_json(1 << 40);
                // The sender leaves as soon as it has the header.
                let _ = connection.send_stream(&header, &mut io::repeat(b' '));
            },
            "this receiver takes at most 65536",
        ),
        (
            |connection| assert_eq!(connection.get_mut().read(&mut [0]).unwrap(), 0, "the sender should leave first"),
            "timed out after 1 s waiting for the answer from 127.0.0.1:",
        ),
    ];
    for (serve, reason) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let timeout = if reason.contains("timed out") { "1" } else { "60" };
        let mut sender = sender(&path, &listener, &["--timeout", timeout]);
        let mut connection = Connection::new(accept(&listener));
        assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"abc");
        serve(&mut connection);
        drop(connection);
        assert_eq!(sender.exit_code(), Some(1));
        let [line] = sender.errors.rest().try_into().unwrap();
        assert!(line.starts_with(&format!("jsonframe: {}: ", path.display())) && line.contains(reason), "{line}");
        assert!(sender.output.rest().is_empty());
    }
}

#[test]
fn what_cannot_be_sent_is_reported_in_one_line() {
    let receiver = Receiver::start(&[]);
    let directory = receiver.directory();
    let missing = directory.join("missing");
    assert!(complaint(&mut receiver.send(&missing)).starts_with(&format!("{}: ", missing.display())));
    assert_eq!(complaint(&mut receiver.send(&directory)), format!("{}: not a regular file", directory.display()));
    if cfg!(unix) {
        assert_eq!(complaint(&mut receiver.send(Path::new("/dev/null"))), "/dev/null: not a regular file");
    }

    let (_directory, path) = file("a", b"abc");
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = address.to_string();
    let reason = complaint(program(JSONFRAME, &["transfer", "send"]).arg(path).arg(&address));
    assert!(reason.starts_with(&format!("cannot connect to {address}: ")), "{reason}");
}

#[test]
fn a_port_that_is_taken_is_reported_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let reason = complaint(program(JSONFRAME, &["transfer", "receive"]).arg(directory.path()).arg(&address));
    assert!(reason.starts_with(&format!("cannot listen on {address}: ")), "{reason}");
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    for arguments in [
        &[][..],
        &["copy"],
        &["send"],
        &["send", "a", "127.0.0.1:65536"],
        &["send", "a", "--timeout", "0"],
        &["send", "a", "--once"],
        &["receive"],
        &["receive", ".", "127.0.0.1:http"],
        &["receive", ".", "--max-size", "-1"],
        &["receive", ".", "--max-connections", "0"],
    ] {
        program(JSONFRAME, &["transfer"]).args(arguments).assert().code(2).stdout("");
    }
    for (command, name) in [
        (&[][..], "jsonframe-transfer"),
        (&["send"], "jsonframe-transfer-send"),
        (&["receive"], "jsonframe-transfer-receive"),
    ] {
        let help = program(JSONFRAME, &["transfer"]).args(command).arg("--help").assert().success();
        assert!(text(&help.get_output().stdout).contains("\nExamples:\n"));
        let version = format!("{name} {}\n", env!("CARGO_PKG_VERSION"));
        program(JSONFRAME, &["transfer"]).args(command).arg("--version").assert().success().stdout(version);
    }
}

#[test]
fn a_program_whose_output_nobody_reads_ends_quietly() {
    let receiver = Receiver::start(&[]);
    let address = receiver.server.address.to_string();
    let (_directory, path) = file("a", b"abc");
    assert!(ends_quietly_unread(JSONFRAME, &["transfer", "send", path.to_str().unwrap(), &address]));
    assert_eq!(receiver.names(), ["a"]);
}

#[cfg(unix)]
#[test]
fn a_receiver_goes_on_when_nobody_reads_its_output() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(JSONFRAME);
    let command = command.args(["transfer", "receive"]).arg(directory.path()).arg("127.0.0.1:0");
    let (receiver, line) = Program::unheard(command, false);
    let mut receiver = Server::announced_in(receiver, &line);
    receiver.stop_reading();
    let address = receiver.address.to_string();
    for name in ["a", "b", "c"] {
        let (_directory, path) = file(name, b"abc");
        program(JSONFRAME, &["transfer", "send"]).arg(path).arg(&address).assert().success();
    }
    assert_eq!(names(directory.path()), ["a", "b", "c"]);
    receiver.signal("TERM");
    assert_eq!(receiver.exit_code(), Some(0));
}

#[test]
fn files_arrive_over_tls() {
    let files = Files::new();
    let client_ca = files.path("ca.pem");
    let receiver = Receiver::start(&[&words(&files.of_server())[..], &["--tls-client-ca", &client_ca]].concat());
    let address = format!("localhost:{}", receiver.server.address.port());
    let send = |path: &Path, options: &[&str]| {
        let mut command = program(JSONFRAME, &["transfer", "send"]);
        command.arg(path).arg(&address).args(options);
        command
    };
    let own = files.own("client");
    let known = [&["--tls-ca", &client_ca], &words(&own)[..]].concat();
    for length in [0, 1, 50_000_000] {
        let (name, content) = (format!("{length}.bin"), bytes(length));
        let (_directory, path) = file(&name, &content);
        send(&path, &known).assert().success().stderr("");
        assert!(receiver.content(&name) == content);
    }
    // A refusal is read before everything is sent.
    let (_directory, path) = file("50000000.bin", &bytes(50_000_000));
    let reason = complaint(&mut send(&path, &known));
    assert!(reason.ends_with(": the receiver refuses it: there is such a file already"), "{reason}");
    let line = receiver.server.errors.next();
    assert!(line.starts_with("error: 50000000.bin from 127.0.0.1:"), "{line}");
    if let Some(kib) = receiver.server.peak_memory() {
        assert!(kib < MEMORY, "the receiver takes {kib} KiB");
    }
    // Whom either side does not trust.
    let (_directory, path) = file("other", b"other");
    let reason = complaint(&mut send(&path, &["--tls-ca", &files.path("other-ca.pem")]));
    assert!(reason.contains("invalid peer certificate: UnknownIssuer"), "{reason}");
    assert!(receiver.server.errors.next().starts_with("error: "));
    complaint(&mut send(&path, &["--tls-ca", &client_ca]));
    assert!(receiver.server.errors.next().contains("peer sent no certificates"));
    assert_eq!(receiver.names(), ["0.bin", "1.bin", "50000000.bin"]);
    assert!(receiver.server.errors.so_far().is_empty());
}

#[test]
fn a_sender_is_too_late_over_tls_too() {
    let files = Files::new();
    let receiver = Receiver::start(&[&words(&files.of_server())[..], &["--header-timeout", "0.5"]].concat());
    let (taken, of) = certificates::drip(receiver.server.address, &files.path("ca.pem"), &[b'x'; 100]);
    assert!(taken < of, "{taken} of {of} bytes");
    let line = receiver.server.errors.next();
    assert!(line.starts_with("error: timed out after 0.5 s waiting for the rest of the header; "), "{line}");
}

#[test]
fn a_receiver_is_too_late_over_tls_too() {
    let files = Files::new();
    let (_directory, path) = file("sent.bin", b"content");
    let (receiver, drips) = certificates::dripping_server(&files, [Vec::new(), vec![0; 100]], 1);
    let address = format!("localhost:{}", receiver.port());
    let mut send = program(JSONFRAME, &["transfer", "send"]);
    send.arg(&path).arg(&address).args(["--timeout", "0.5", "--tls-ca", &files.path("ca.pem")]);
    let reason = complaint(&mut send);
    assert!(reason.contains(&format!("timed out after 0.5 s waiting for the answer from {address}")), "{reason}");
    let (taken, of) = drips.join().unwrap();
    assert!(taken < of, "{taken} of {of} bytes");
}

/// A sender with `socket` and `ssl` alone, which says what the receiver answers.
const SENDER: &str = r#"
import json, socket, ssl, struct, sys
context = ssl.create_default_context(cafile=sys.argv[2])
sock = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="localhost")
content = b"from Python"
header = json.dumps({"byteorder": "little", "content-type": "a/b", "content-encoding": "binary",
                     "content-length": len(content), "filename": "python.txt"}).encode()
sock.sendall(struct.pack(">H", len(header)) + header + content)
answer = sock.recv(1000)
print(answer[answer.index(b"}") + 1:].decode())
sock.unwrap()
"#;

#[test]
fn a_sender_in_python_is_served_over_tls() {
    if Command::new("python3").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "python3 is missing");
        return;
    }
    let files = Files::new();
    let receiver = Receiver::start(&words(&files.of_server()));
    let port = receiver.server.address.port().to_string();
    let run = program("python3", &["-c", SENDER, &port, &files.path("ca.pem")]).assert().success().stderr("");
    assert_eq!(text(&run.get_output().stdout), "{\"result\": \"received\", \"bytes\": 11}\n");
    assert_eq!(receiver.content("python.txt"), b"from Python");
    assert!(receiver.server.errors.so_far().is_empty());
}

#[cfg(unix)]
#[test]
fn files_arrive_over_a_unix_socket() {
    let place = tempfile::tempdir().unwrap();
    let (directory, socket) = (place.path().join("files"), place.path().join("socket"));
    fs::create_dir(&directory).unwrap();
    let address = format!("unix:{}", socket.display());
    let mut command = Command::new(JSONFRAME);
    let mut receiver = Program::spawn(command.args(["transfer", "receive"]).arg(&directory).args([&address]));
    assert_eq!(receiver.output.next(), format!("listening on {address}"));
    let content = bytes(10_000_000);
    let (_directory, path) = file("over a socket", &content);
    let send = || {
        let mut command = program(JSONFRAME, &["transfer", "send"]);
        command.arg(&path).arg(&address);
        command
    };
    send().assert().success().stderr("");
    assert!(fs::read(directory.join("over a socket")).unwrap() == content);
    let reason = complaint(&mut send());
    assert!(reason.ends_with(": the receiver refuses it: there is such a file already"), "{reason}");
    if let Some(signal) = ending_signals().last() {
        receiver.signal(signal);
        assert_eq!(receiver.exit_code(), Some(0));
        assert!(!socket.exists());
    }
}
