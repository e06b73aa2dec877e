//! The application's client, and a server that is not there yet.

mod common;
mod taken;

use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use common::{Program, accept, client, text};
use jsonframe_demos::application::answer_json;
use jsonframe_std::Connection;
use taken::taken;

#[test]
fn a_client_that_is_started_before_its_server_is_answered() {
    let (socket, address) = taken();
    let mut command = Command::new(env!("CARGO_BIN_EXE_app-client"));
    let port = address.port().to_string();
    let mut client = Program::spawn(command.args(["--retry", "60", "127.0.0.1", &port, "search", "ring"]));
    assert_eq!(client.output.next(), format!("starting connection to {address}"));
    // It has been refused by now, or is about to be; some more times do no harm.
    thread::sleep(Duration::from_millis(200));
    assert!(client.is_running());

    socket.listen(1).unwrap();
    let mut connection = Connection::new(accept(&TcpListener::from(socket)));
    let request = connection.receive().unwrap().unwrap().text().unwrap();
    connection.send_json(&answer_json(&request).unwrap()).unwrap();

    let lines = client.output.rest();
    assert!(lines.contains(&"got result: In the caves beneath the Misty Mountains. 💍".to_owned()), "{lines:?}");
    // However often it was tried, it is said once.
    assert!(!lines.iter().any(|line| line.starts_with("starting connection")), "{lines:?}");
    assert_eq!(client.errors.rest(), [""; 0]);
    assert_eq!(client.exit_code(), Some(0));
}

#[test]
fn a_client_gives_up_when_it_has_waited_long_enough() {
    let (_kept, address) = taken();
    let port = address.port().to_string();
    for (options, least) in [(&[][..], Duration::ZERO), (&["--retry", "0.3"], Duration::from_millis(300))] {
        let start = Instant::now();
        let run = client(options).args(["127.0.0.1", &port, "search", "ring"]).assert().code(1);
        assert!(start.elapsed() >= least);
        assert_eq!(text(&run.get_output().stdout), format!("starting connection to {address}\n"));
        let complaint = text(&run.get_output().stderr);
        assert!(complaint.starts_with(&format!("app-client: cannot connect to {address}: ")), "{complaint}");
        assert_eq!(complaint.lines().count(), 1);
    }
    for wrong in ["0", "-1", "soon"] {
        client(&["--retry", wrong, "search", "ring"]).assert().code(2).stdout("");
    }
}
