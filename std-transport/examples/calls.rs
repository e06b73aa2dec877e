//! Eight threads call one server over one connection: `cargo run -p jsonframe-std --features client --example calls`.
//!
//! The server is as those in the field: it knows no ids, and answers in order. It takes its time for every tenth request, so
//! that calls with little time are over before their replies come; those go to nobody.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use jsonframe_std::client::{Client, Options};
use jsonframe_std::{Connection, Error};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || serve(&listener));

    let options = Options::default().with_timeout(Some(Duration::from_secs(60))).with_max_pending(100);
    let client = Client::connect(address, options)?;
    let threads = [1, 2, 3, 4, 5, 6, 7, 8].map(|thread| {
        let client = client.clone();
        thread::spawn(move || call(&client, thread))
    });
    let late: u64 = threads.map(|thread| thread.join().expect("it does not panic")).iter().sum();
    // One more, whose reply comes after all others.
    assert_eq!(client.call_json::<u64>(&1)?, 2);
    assert!(client.stats().late_replies <= late);
    println!("{late} calls were over before their replies came; {:?}", client.stats());
    Ok(())
}

/// Makes a hundred calls, each second one with very little time. Returns how many were too late.
fn call(client: &Client, thread: u64) -> u64 {
    let hasty = client.within(Some(Duration::from_millis(2)));
    let mut late = 0;
    for number in thread * 100..(thread + 1) * 100 {
        let client = if number % 2 == 0 { client } else { &hasty };
        match client.call_json::<u64>(&number) {
            Ok(reply) => assert_eq!(reply, 2 * number, "it is the reply to this request"),
            Err(error) => {
                assert!(error.is_timeout(), "{error}");
                late += 1;
            }
        }
    }
    late
}

fn serve(listener: &TcpListener) -> Result<(), Error> {
    let mut connection = Connection::new(listener.accept()?.0);
    while let Some(request) = connection.receive()? {
        let number: u64 = request.json()?;
        if number % 10 == 0 {
            thread::sleep(Duration::from_millis(3));
        }
        connection.send_json(&(2 * number))?;
    }
    Ok(())
}
