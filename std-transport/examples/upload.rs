//! An upload of 5 GiB under tokio in constant memory, with small messages before and after it on the same stream:
//! `cargo run --release -p jsonframe-std --all-features --example upload`.
//!
//! With an argument, that many bytes: `… --example upload -- 50000000`. The server answers each upload with the length
//! and the sum of its bytes, and everything else with "pong".

use std::env;

use jsonframe_std::protocol::Header;
use jsonframe_std::tokio::Connection;
use jsonframe_std::{Error, UNLIMITED};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::{TcpListener, TcpStream};

const UPLOAD: &str = "application/octet-stream";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let length = env::args().nth(1).map_or(5 << 30, |bytes| bytes.parse().expect("a number of bytes"));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { serve(listener.accept().await?.0).await });

    let mut client = Connection::connect(address).await?;
    client.send_json("ping").await?;
    assert_eq!(answer(&mut client).await?, "pong");

    // Any `AsyncRead` can be sent; of a file, its length is `file.metadata().await?.len()`.
    let mut source = tokio::io::repeat(7);
    client.send_stream(&Header::new(UPLOAD, "binary", length), &mut source).await?;
    assert_eq!(answer(&mut client).await?, format!("{length} bytes, sum {}", 7 * length));

    client.send_json("ping").await?;
    assert_eq!(answer(&mut client).await?, "pong");
    println!("{length} bytes uploaded");

    client.finish().await?;
    server.await.expect("the server does not panic")
}

async fn answer(client: &mut Connection<TcpStream>) -> Result<String, Error> {
    client.receive().await?.expect("an answer").json().await
}

async fn serve(stream: TcpStream) -> Result<(), Error> {
    let mut connection = Connection::new(stream).with_max_content(UNLIMITED);
    while let Some(message) = connection.receive().await? {
        let answer = if message.header().content_type() == UPLOAD {
            // It is a reader: `tokio::io::copy` to a file works as well.
            let (length, sum) = sum(message).await?;
            format!("{length} bytes, sum {sum}")
        } else {
            "pong".to_owned()
        };
        connection.send_json(&answer).await?;
    }
    Ok(())
}

async fn sum(content: impl AsyncRead + Unpin) -> Result<(u64, u64), Error> {
    let mut content = BufReader::with_capacity(64 * 1024, content);
    let (mut length, mut sum) = (0, 0);
    loop {
        let piece = content.fill_buf().await?;
        if piece.is_empty() {
            return Ok((length, sum));
        }
        let count = piece.len();
        sum += piece.iter().copied().map(u64::from).sum::<u64>();
        length += count as u64;
        content.consume(count);
    }
}
