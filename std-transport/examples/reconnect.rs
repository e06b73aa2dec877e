//! Calls of a server that comes and goes: `cargo run -p jsonframe-std --features client --example reconnect`.
//!
//! The client connects again, later and later. What had not been sent is sent then; what had been, and has no reply, is an error
//! that says so: only the caller knows whether it does harm to ask twice.

use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use jsonframe_std::client::{CallError, Client, Options};
use jsonframe_std::{Backoff, Connection, Error};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || serve(listener, address));

    let backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(1));
    let client = Client::connect(address, Options::default().with_backoff(backoff))?;
    let mut repeated = 0;
    for number in 1..=10 {
        let reply = loop {
            match client.call_json::<u32>(&number) {
                // It may have been processed. To double a number twice does no harm.
                Err(CallError::Lost { is_sent: true, why }) => {
                    println!("{number} again: {why}");
                    repeated += 1;
                }
                outcome => break outcome?,
            }
        };
        assert_eq!(reply, 2 * number);
    }
    println!("10 replies, {repeated} requests repeated, {} connections", client.stats().connections);
    assert!(client.stats().connections >= 3);
    Ok(())
}

/// Answers four requests, is not there for a while, and begins again.
fn serve(mut listener: TcpListener, address: SocketAddr) -> Result<(), Error> {
    loop {
        let mut connection = Connection::new(listener.accept()?.0);
        drop(listener);
        for _ in 0..4 {
            let Some(request) = connection.receive()? else { return Ok(()) };
            let number: u32 = request.json()?;
            connection.send_json(&(2 * number))?;
        }
        drop(connection);
        thread::sleep(Duration::from_millis(50));
        listener = TcpListener::bind(address)?;
    }
}
