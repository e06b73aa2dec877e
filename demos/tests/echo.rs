//! The echo client and server, as programs.

mod common;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use common::{Program, Server, accept, ends_quietly_unread, program, text};
use socket2::SockRef;

const SERVER: &str = env!("CARGO_BIN_EXE_echo-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_echo-client");

fn server() -> Server {
    Server::announced(Program::spawn(Command::new(SERVER).args(["127.0.0.1", "0"])), |program| &program.errors)
}

fn client(server: SocketAddr, options: &[&str]) -> assert_cmd::Command {
    let mut command = program(CLIENT, &[&server.ip().to_string(), &server.port().to_string()]);
    command.args(options);
    command
}

#[test]
fn both_sides_print_the_transcripts() {
    let mut server = server();
    client(server.address, &[]).assert().success().stdout("Received b\"Hello,world\"\n").stderr("");
    let line = server.output.next();
    let peer: SocketAddr = line.strip_prefix("Connected by: ").expect(&line).parse().expect(&line);
    assert_eq!(peer.ip(), server.address.ip());
    assert_eq!(server.exit_code(), Some(0));
    assert!(server.output.rest().is_empty());
    assert!(server.errors.rest().is_empty());
}

#[test]
fn any_text_comes_back() {
    let long = "x".repeat(100_000);
    for (message, shown) in [
        ("", "b\"\"".to_owned()),
        ("-it's \"näh\"\n", r#"b"-it's \"n\xc3\xa4h\"\n""#.to_owned()),
        (&long, format!("b\"{}\" … and 98976 more bytes", "x".repeat(1024))),
    ] {
        let mut server = server();
        let run = client(server.address, &["--message", message]).assert().success().stderr("");
        assert_eq!(text(&run.get_output().stdout), format!("Received {shown}\n"));
        assert_eq!(server.exit_code(), Some(0));
    }
}

#[test]
fn any_bytes_come_back_to_the_last() {
    let mut server = server();
    let mut stream = server.connect();
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(20_000_000).collect();
    let received = thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(&bytes).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        });
        let mut received = Vec::new();
        (&stream).read_to_end(&mut received).unwrap();
        received
    });
    assert!(received == bytes);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_connection_that_is_reset_ends_the_server_with_one_line() {
    let mut server = server();
    let mut stream = server.connect();
    stream.write_all(b"abc").unwrap();
    assert_eq!(stream.read(&mut [0; 3]).unwrap(), 3);
    let peer = stream.local_addr().unwrap();
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    assert_eq!(server.exit_code(), Some(1));
    let lines = server.errors.rest();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with(&format!("echo-server: the connection to {peer} failed: ")), "{lines:?}");
}

/// What a server does with its connection.
type Serve = fn(TcpStream) -> io::Result<()>;

#[test]
fn the_client_fails_in_one_line_when_the_text_does_not_come_back() {
    let cases: [(Serve, &str, &str); 4] = [
        (
            |mut stream| {
                stream.read_exact(&mut [0; 11])?;
                stream.write_all(b"Hell")
            },
            "Received b\"Hell\"\n",
            "the server closed the connection; bytes missing: 7",
        ),
        (
            |mut stream| {
                stream.read_exact(&mut [0; 11])?;
                stream.write_all(b"Hello,\x1B[31m and more")
            },
            "Received b\"Hello,\\x1b[31m\"\n",
            "other bytes came back than were sent",
        ),
        (
            |mut stream| stream.read_exact(&mut [0; 12]),
            "",
            "timed out after 1 s waiting for what comes back from ADDRESS",
        ),
        (
            |mut stream| {
                stream.read_exact(&mut [0; 11])?;
                SockRef::from(&stream).set_linger(Some(Duration::ZERO))
            },
            "",
            "no answer from ADDRESS: Connection reset by peer (os error 104)",
        ),
    ];
    for (serve, output, reason) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || serve(accept(&listener)));
        let timeout = if reason.contains("timed out") { "1" } else { "60" };
        let run = client(address, &["--timeout", timeout]).assert().code(1).stdout(output);
        if cfg!(target_os = "linux") || !reason.contains("os error") {
            let reason = reason.replace("ADDRESS", &address.to_string());
            assert_eq!(text(&run.get_output().stderr), format!("echo-client: {reason}\n"));
        }
        // The one who waited for more than is sent gets an error, and that is all.
        let _ = server.join().unwrap();
    }
}

#[test]
fn a_server_that_is_not_there_is_reported_in_one_line() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = client(address, &[]).assert().code(1).stdout("");
    let complaint = text(&run.get_output().stderr);
    assert!(complaint.starts_with(&format!("echo-client: cannot connect to {address}: ")), "{complaint}");
    assert_eq!(complaint.lines().count(), 1);
}

#[test]
fn a_port_that_is_taken_is_reported_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = program(SERVER, &["127.0.0.1", &port]).assert().code(1).stdout("");
    let complaint = text(&run.get_output().stderr);
    assert!(complaint.starts_with(&format!("echo-server: cannot listen on 127.0.0.1 port {port}: ")), "{complaint}");
    assert_eq!(complaint.lines().count(), 1);
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    for (path, name) in [(SERVER, "echo-server"), (CLIENT, "echo-client")] {
        for arguments in [&["127.0.0.1", "65536"][..], &["127.0.0.1", "http"], &["127.0.0.1", "1", "x"], &["--wait"]] {
            program(path, arguments).assert().code(2).stdout("");
        }
        let help = program(path, &["--help"]).assert().success();
        assert!(text(&help.get_output().stdout).contains("\nExamples:\n"));
        let version = format!("{name} {}\n", env!("CARGO_PKG_VERSION"));
        program(path, &["--version"]).assert().success().stdout(version);
    }
    program(CLIENT, &["--timeout", "0"]).assert().code(2).stdout("");
}

#[test]
fn a_program_whose_output_nobody_reads_ends_quietly() {
    let server = server();
    let [host, port] = server.host_and_port();
    assert!(ends_quietly_unread(CLIENT, &[&host, &port]));

    // The server still serves its client.
    let unread = Program::unread(Command::new(SERVER).args(["127.0.0.1", "0"]));
    let mut server = Server::announced(unread, |program| &program.errors);
    client(server.address, &[]).assert().success();
    assert_eq!(server.exit_code(), Some(0));
    assert!(server.errors.rest().is_empty());
}
