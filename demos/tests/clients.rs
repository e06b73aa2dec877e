//! What every client does with an address, which servers take too, with a server that is slow, and with one that speaks something else.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use common::{Server, accept, path_of, program, text};
use jsonframe::{Header, Message};
use tempfile::NamedTempFile;

/// A client, and what it needs besides an address.
struct Client {
    program: &'static str,
    before: Vec<String>,
    after: &'static [&'static str],
    /// What it waits for, as it says.
    waits: &'static str,
}

impl Client {
    fn arguments(&self, host: &str, port: u16) -> Vec<String> {
        let (after, port) = (self.after.iter().map(ToString::to_string), port.to_string());
        let place = match host {
            _ if self.program != JSONFRAME => vec![host.into(), port],
            // A bare address of IPv6 does not say where it ends.
            "::1" => vec![format!("[::1]:{port}")],
            _ => vec![format!("{host}:{port}")],
        };
        self.before.iter().cloned().chain(place).chain(after).collect()
    }

    fn command(&self, host: &str, port: u16) -> assert_cmd::Command {
        let mut command = program(path_of(self.program), &[]);
        command.args(self.arguments(host, port));
        command
    }
}

const APP: &str = "app-client";
const ECHO: &str = "echo-client";
const MULTICONN: &str = "multiconn-client";
const JSONFRAME: &str = "jsonframe";

/// Those that wait for messages.
fn speakers(file: &NamedTempFile) -> [Client; 3] {
    let file = file.path().to_str().unwrap().to_owned();
    let search = &["search", "ring"];
    [
        Client { program: APP, before: vec![], after: search, waits: "waiting for the answer from" },
        Client { program: APP, before: vec!["--pipeline".into()], after: search, waits: "waiting for an answer from" },
        Client {
            program: JSONFRAME,
            before: vec!["transfer".into(), "send".into(), file],
            after: &[],
            waits: "waiting for the answer from",
        },
    ]
}

/// Those that wait for bytes.
fn echoes() -> [Client; 2] {
    [
        Client { program: ECHO, before: vec![], after: &[], waits: "waiting for what comes back from" },
        Client { program: MULTICONN, before: vec![], after: &["1"], waits: "waiting for " },
    ]
}

fn all(file: &NamedTempFile) -> Vec<Client> {
    let load = Client { program: JSONFRAME, before: vec!["load".into()], after: &["--duration", "0.1"], waits: "" };
    speakers(file).into_iter().chain(echoes()).chain([load]).collect()
}

fn file() -> NamedTempFile {
    let mut file = NamedTempFile::with_prefix("file").unwrap();
    file.write_all(b"abc").unwrap();
    file
}

/// The one line in which it complains that then fails.
fn complaint(command: &mut assert_cmd::Command) -> String {
    let run = command.assert().code(1);
    let complaint = text(&run.get_output().stderr);
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    assert!(!complaint.contains("panicked"), "{complaint}");
    complaint.into()
}

/// A server for one connection, which says this and then waits until its client leaves.
fn speaks(bytes: Vec<u8>) -> (u16, thread::JoinHandle<()>) {
    serve(move |mut stream| stream.write_all(&bytes).unwrap())
}

fn serve(serve: impl FnOnce(&TcpStream) + Send + 'static) -> (u16, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let stream = accept(&listener);
        serve(&stream);
        // What the client sends is read, so that it is not reset before it has read what it was told.
        let _ = std::io::copy(&mut &stream, &mut std::io::sink());
    });
    (port, server)
}

/// Says a byte now and then, as long as somebody listens.
fn trickle(mut stream: &TcpStream, bytes: impl IntoIterator<Item = u8>) {
    let (left, has_left) = mpsc::channel::<()>();
    let listening = stream.try_clone().unwrap();
    thread::spawn(move || {
        let _ = std::io::copy(&mut &listening, &mut std::io::sink());
        drop(left);
    });
    for byte in bytes {
        let waited = has_left.recv_timeout(Duration::from_millis(50));
        if waited != Err(RecvTimeoutError::Timeout) || stream.write_all(&[byte]).is_err() {
            break;
        }
    }
}

#[test]
fn an_answer_that_trickles_in_does_not_outlast_the_deadline() {
    let file = file();
    for client in speakers(&file) {
        // An answer of more bytes than a deadline for each could be waited for in a minute.
        let header = Header::for_json(60_000);
        let mut buffer = [0; 256];
        let mut head = header.encode(&mut buffer).unwrap().to_vec();
        // The header alone takes more than a second.
        head.resize(60_000, b' ');
        let (port, server) = serve(|stream| trickle(stream, head));
        let complaint = complaint(client.command("127.0.0.1", port).args(["--timeout", "1"]));
        let expected = format!("timed out after 1 s {} 127.0.0.1:{port}", client.waits);
        assert!(complaint.contains(&expected), "{complaint}");
        server.join().unwrap();
    }
}

#[test]
fn an_echo_that_trickles_in_does_not_outlast_the_deadline() {
    let long = "x".repeat(10_000);
    for (client, options, bytes) in [
        (&echoes()[0], &["--timeout", "1", "--message", &long][..], long.as_bytes()),
        (&echoes()[1], &["--timeout", "1"], b"Message 1 from client.Message 2 from client."),
    ] {
        let bytes = bytes.to_vec();
        let (port, server) = serve(|stream| trickle(stream, bytes));
        let complaint = complaint(client.command("127.0.0.1", port).args(options));
        let expected = format!("timed out after 1 s {}", client.waits);
        assert!(complaint.contains(&expected) && complaint.contains(&format!(" 127.0.0.1:{port}")), "{complaint}");
        server.join().unwrap();
    }
}

#[test]
fn a_time_out_says_what_had_come() {
    let file = file();
    let clients = speakers(&file);
    thread::scope(|scope| {
        for client in &clients {
            for (bytes, shown) in [
                (&b""[..], "\n"),
                (b"2", "; 1 byte had come: b\"2\"\n"),
                (b"\0\n", "; 2 bytes had come: b\"\\x00\\n\"\n"),
                (
                    b"\0\x67{\"byteorder\": \"lit",
                    "; 20 bytes had come, the first of them b\"\\x00g{\\\"byteorder\\\": \"\n",
                ),
            ] {
                // All at a time, as each waits for seconds: long enough for the bytes to come.
                scope.spawn(move || {
                    let (port, server) = speaks(bytes.to_vec());
                    let complaint = complaint(client.command("127.0.0.1", port).args(["--timeout", "3"]));
                    let expected = format!("timed out after 3 s {} 127.0.0.1:{port}{shown}", client.waits);
                    assert!(complaint.ends_with(&expected), "{complaint}");
                    assert!(!complaint.contains("os error"), "{complaint}");
                    server.join().unwrap();
                });
            }
        }
    });
}

/// A server of something else is told at once by what it says, however long one is ready to wait for it.
#[test]
fn a_server_of_another_protocol_is_named() {
    let file = file();
    for client in speakers(&file) {
        for (bytes, protocol) in [
            (&b"SSH-2.0-OpenSSH_9.6\r\n"[..], "SSH"),
            (b"220 mail.example.com ESMTP Postfix\r\n", "SMTP or FTP"),
            (b"\x4A\0\0\0\x0A8.0.36\0", "MySQL or a little-endian length"),
            (b"\x15\x03\x03\0\x02\x02\x46", "TLS"),
            (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "HTTP"),
            (b"-ERR unknown command\r\n", "Redis"),
        ] {
            let (port, server) = speaks(bytes.to_vec());
            let complaint = complaint(client.command("127.0.0.1", port).args(["--timeout", "600"]));
            assert!(complaint.contains(&format!("no answer from 127.0.0.1:{port}: ")), "{complaint}");
            assert!(complaint.ends_with(&format!("which looks like {protocol}\n")), "{complaint}");
            server.join().unwrap();
        }
    }
}

#[test]
fn an_address_of_ipv6_may_stand_in_brackets() {
    match TcpListener::bind("[::1]:0") {
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => return,
        bound => drop(bound.unwrap()),
    }
    let file = file();
    let directory = tempfile::tempdir().unwrap();
    let receiver = || {
        let mut command = Command::new(path_of(JSONFRAME));
        command.args(["transfer", "receive", "--overwrite"]).arg(directory.path()).arg("[::1]:0");
        Server::spawn(&mut command)
    };
    let server = |name| Server::spawn(Command::new(path_of(name)).args(["[::1]", "0"]));
    for client in all(&file) {
        let server = match client.program {
            JSONFRAME if client.before[0] == "transfer" => receiver(),
            ECHO | MULTICONN => server("multiconn-server"),
            _ => server("app-server"),
        };
        assert!(server.address.is_ipv6());
        for host in ["::1", "[::1]"] {
            client.command(host, server.address.port()).assert().success().stderr("");
        }
    }
    assert!(server("tokio-server").address.is_ipv6());
    let mut echo = Command::new(path_of("echo-server"));
    let echo = common::Program::spawn(echo.args(["[::1]", "0"]));
    assert!(Server::announced(echo, |program| &program.errors).address.is_ipv6());
}

#[test]
fn a_host_that_cannot_be_looked_up_is_named() {
    let file = file();
    // Longer than a part of a name may be, so that no server of names is asked.
    let host = format!("{}.invalid", "x".repeat(64));
    for client in all(&file) {
        let complaint = complaint(&mut client.command(&host, 1));
        assert!(complaint.contains(&format!("cannot look up \"{host}\": ")), "{complaint}");
    }
}

#[test]
fn a_time_is_refused_in_plain_words_and_may_have_fractions() {
    let file = file();
    for client in all(&file) {
        for (time, reason) in [("0", "must be longer than 0 seconds"), ("soon", "not a number of seconds")] {
            let run = client.command("127.0.0.1", 1).args(["--timeout", time]).assert().code(2).stdout("");
            let complaint = text(&run.get_output().stderr);
            assert!(complaint.contains(reason), "{complaint}");
            assert!(!complaint.contains("non-zero"), "{complaint}");
        }
        let (port, server) = serve(|mut stream| drop(stream.read(&mut [0])));
        let complaint = complaint(client.command("127.0.0.1", port).args(["--timeout", "0.25"]));
        if client.before.first().is_none_or(|word| word != "load") {
            assert!(complaint.contains("timed out after 0.25 s "), "{complaint}");
        }
        server.join().unwrap();
    }
}

/// What nobody reads does not make a verdict of what failed.
#[test]
fn a_failure_is_told_though_nobody_reads_the_output() {
    let file = file();
    for client in speakers(&file).into_iter().chain(echoes()) {
        let (port, server) = speaks(b"no such thing".to_vec());
        let mut command = Command::new(path_of(client.program));
        let mut program = common::Program::unread(command.args(client.arguments("127.0.0.1", port)));
        assert_eq!(program.exit_code(), Some(1), "{}", client.program);
        assert_eq!(program.errors.rest().len(), 1);
        server.join().unwrap();
    }
}

#[test]
fn of_one_byte_it_is_not_said_that_it_is_bytes() {
    let content = "x".repeat(1025 - 2);
    let (port, server) = serve(move |mut stream| {
        let json = format!("\"{content}\"");
        let header = Header::for_json(json.len() as u64);
        stream.write_all(&Message::new(header, json.as_bytes()).unwrap().to_vec().unwrap()).unwrap();
    });
    let client = &speakers(&file())[0];
    let run = client.command("127.0.0.1", port).assert().code(1);
    let output = text(&run.get_output().stdout);
    assert!(output.contains(" … and 1 more byte from "), "{output}");
    server.join().unwrap();
}
