//! Many tasks call one server, which answers out of order: `cargo run -p jsonframe-std --all-features --example calls_tokio`.
//!
//! Both ends agree on ids: a request carries one, and its reply names it. The server answers each request when it is
//! done with it, and says welcome without being asked.

use std::time::Duration;

use jsonframe_std::client::Options;
use jsonframe_std::tokio::{Client, Connection};
use jsonframe_std::{Error, REPLY_TO, REQUEST_ID};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { serve(listener.accept().await?.0).await });

    let (client, mut pushes) = Client::with_pushes(move || TcpStream::connect(address), Options::default().with_ids());
    let mut calls = JoinSet::new();
    for time in [300, 200, 100, 0] {
        let client = client.clone();
        calls.spawn(async move { client.call_json::<u64>(&time).await });
    }
    // What takes less time is answered before what was asked first.
    let mut replies = Vec::new();
    while let Some(reply) = calls.join_next().await {
        replies.push(reply??);
    }
    assert_eq!(replies, [0, 100, 200, 300]);
    let push = pushes.receive().await.expect("the client is there");
    println!("out of order: {replies:?}; by itself: {}", push.json::<String>()?);
    Ok(())
}

async fn serve(stream: TcpStream) -> Result<(), Error> {
    let (mut receiving, mut sending) = Connection::new(stream).split();
    let (done, mut replies) = mpsc::channel(16);
    tokio::spawn(async move {
        sending.send_json("welcome").await?;
        while let Some((id, time)) = replies.recv().await {
            sending.send_json_with(&time, &[(REPLY_TO, u64::into(id))]).await?;
        }
        Ok::<(), Error>(())
    });
    while let Some(request) = receiving.receive_message().await? {
        let Some(id) = request.header().extension(REQUEST_ID).and_then(|id| id.as_u64()) else { continue };
        let (time, done) = (request.json::<u64>()?, done.clone());
        tokio::spawn(async move {
            sleep(Duration::from_millis(time)).await;
            done.send((id, time)).await
        });
    }
    Ok(())
}
