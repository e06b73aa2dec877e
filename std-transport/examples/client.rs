//! A blocking client: `cargo run -p jsonframe-std --example client`.
//!
//! Without an argument it brings its own server, to have somebody to talk to. With one, it asks that address, where a
//! `search` must be understood: `cargo run -p jsonframe-std --example client -- 127.0.0.1:65432`, with the demos'
//! `app-server` or the tutorial's `app-server.py` running.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use std::{env, thread};

use jsonframe_std::{Connection, Error};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Request {
    action: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    result: String,
}

fn main() -> Result<(), Error> {
    let address = match env::args().nth(1) {
        Some(address) => address,
        None => own_server()?.to_string(),
    };

    // Nothing waits for ever: 5 seconds to connect, 10 for each read and each write.
    let wait = Some(Duration::from_secs(10));
    let mut connection = Connection::connect_timeout(&address, Duration::from_secs(5))?.with_timeouts(wait, wait)?;

    connection.send_json(&Request { action: "search".into(), value: "needle".into() })?;
    match connection.receive()? {
        Some(message) => {
            println!("{}", message.header());
            let answer: Answer = message.json()?;
            println!("{}", answer.result);
            assert!(answer.result.contains("needle"));
        }
        None => panic!("the server has closed the connection without an answer"),
    }
    Ok(())
}

/// A server for one client, in a thread.
fn own_server() -> Result<SocketAddr, Error> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || -> Result<(), Error> {
        let mut connection = Connection::new(listener.accept()?.0);
        while let Some(message) = connection.receive()? {
            let request: Request = message.json()?;
            connection.send_json(&Answer { result: format!("No match for \"{}\".", request.value) })?;
        }
        Ok(())
    });
    Ok(address)
}
