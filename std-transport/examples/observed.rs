//! What is seen of a server from outside: a line for each event, and figures as Prometheus reads them.
//! `cargo run -p jsonframe-std --features metrics,tracing --example observed`

use std::thread;
use std::time::Duration;

use jsonframe_std::Connection;
use jsonframe_std::server::{Limits, Server, from_fn};
use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::filter::LevelFilter;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Before the server is made. `app-server --metrics` shows how to serve the figures over HTTP.
    tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG).init();
    let figures = PrometheusBuilder::new().set_buckets(&[0.001, 0.01, 0.1])?.install_recorder()?;

    let server = Server::bind("127.0.0.1:0", Limits::default())?;
    let (address, handle) = (server.address(), server.handle());
    let serving = thread::spawn(move || {
        server.run(from_fn(|peer, message| peer.send(&message.header(), message.content()).expect("it fits")))
    });

    let mut client = Connection::connect(address)?;
    for _ in 0..3 {
        client.send_json("echo")?;
        assert_eq!(client.receive()?.ok_or("no answer")?.json::<String>()?, "echo");
    }
    drop(client);
    handle.shutdown(Duration::from_secs(5));
    serving.join().expect("it does not panic")?;

    let figures = figures.render();
    println!("{figures}");
    for expected in [
        "jsonframe_accepted_total 1",
        "jsonframe_connections 0",
        "jsonframe_messages_received_total 3",
        "jsonframe_answer_seconds_count 3",
    ] {
        assert!(figures.lines().any(|line| line == expected), "{expected}");
    }
    Ok(())
}
