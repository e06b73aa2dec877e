//! Remote procedure calls by tarpc, in messages of JSON: `cargo run -p jsonframe-demos --example tarpc`.
//!
//! tarpc takes any stream of requests with a sink of answers as its transport. A `Framed` with a `JsonCodec` is one, and the
//! deadline of a request goes with it.

use std::error::Error;
use std::future::pending;
use std::io;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use jsonframe::{Codec, JsonCodec};
use tarpc::client::{self, RpcError};
use tarpc::server::{BaseChannel, Channel};
use tarpc::{ClientMessage, Response, context};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::Framed;

#[tarpc::service]
trait Library {
    /// What is known of a thing.
    async fn search(value: String) -> Option<String>;
    /// How long the client is going to wait.
    async fn patience() -> Duration;
    /// Takes longer than anybody waits.
    async fn ponder();
}

#[derive(Clone)]
struct Librarian;

impl Library for Librarian {
    async fn search(self, _: context::Context, value: String) -> Option<String> {
        (value == "ring").then(|| "In the caves beneath the Misty Mountains.".into())
    }

    async fn patience(self, context: context::Context) -> Duration {
        context.deadline.saturating_duration_since(Instant::now())
    }

    async fn ponder(self, _: context::Context) {
        pending::<()>().await;
    }
}

async fn serve(stream: TcpStream) -> io::Result<()> {
    // What a client may send is limited by the codec that the messages go through.
    let codec = JsonCodec::<ClientMessage<LibraryRequest>, Response<LibraryResponse>>::from(
        Codec::new().with_max_content(64 * 1024),
    );
    let requests = BaseChannel::with_defaults(Framed::new(stream, codec)).execute(Librarian.serve());
    requests.for_each(|request| async { drop(tokio::spawn(request)) }).await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { serve(listener.accept().await?.0).await });

    let codec = JsonCodec::<Response<LibraryResponse>, ClientMessage<LibraryRequest>>::new();
    let transport = Framed::new(TcpStream::connect(address).await?, codec);
    let client = LibraryClient::new(client::Config::default(), transport).spawn();

    let found = client.search(context::current(), "ring".into()).await?;
    println!("{found:?}");
    assert_eq!(found.as_deref(), Some("In the caves beneath the Misty Mountains."));

    // The server knows the deadline, …
    let mut context = context::current();
    context.deadline = Instant::now() + Duration::from_secs(1000);
    let patience = client.patience(context).await?;
    println!("{patience:?}");
    assert!(patience > Duration::from_secs(500));

    // … and when it expires, the client has an error.
    context.deadline = Instant::now() + Duration::from_millis(50);
    let outcome = client.ponder(context).await;
    println!("{outcome:?}");
    assert!(matches!(outcome, Err(RpcError::DeadlineExceeded)));

    // The connection goes on.
    assert_eq!(client.search(context::current(), "needle".into()).await?, None);
    drop(client);
    server.await??;
    Ok(())
}

#[test]
fn a_request_is_answered_and_another_one_expires() {
    main().unwrap();
}
