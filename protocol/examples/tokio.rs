//! A client and a server under tokio, in one program: `cargo run -p jsonframe --example tokio --features tokio`.

use futures_util::{SinkExt, StreamExt};
use jsonframe::{Codec, CodecError, OwnedMessage};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::Framed;

/// Doubles numbers until the client closes the connection.
async fn serve(stream: TcpStream) -> Result<(), CodecError> {
    let mut connection = Framed::new(stream, Codec::new().with_max_content(1_000));
    while let Some(request) = connection.next().await.transpose()? {
        let answer = match request.json::<u32>() {
            Ok(number) => OwnedMessage::from_json(&(2 * u64::from(number))),
            Err(error) => OwnedMessage::from_json(&error.to_string()),
        };
        connection.send(answer.expect("numbers and text can be represented in JSON")).await?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { serve(listener.accept().await?.0).await });

    let mut connection = Framed::new(TcpStream::connect(address).await?, Codec::new());
    for number in [1, 21, u32::MAX] {
        connection.send(OwnedMessage::from_json(&number)?).await?;
        let answer = connection.next().await.ok_or("the server closed the connection")??;
        println!("twice {number} is {}", answer.json::<u64>()?);
    }
    drop(connection);
    server.await??;
    Ok(())
}
