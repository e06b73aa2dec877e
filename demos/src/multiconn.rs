//! The multi-connection pair of the tutorial: bytes over many connections at once, in one thread.
//!
//! The tutorial asks a selector which connections are ready, and keeps for each what is to be done next. Here tokio does both: what
//! is written for a connection reads as if it were the only one, and the others have their turn wherever it waits.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::mem;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};
use jsonframe_cli::console::{Console, Kind};
use jsonframe_cli::dial::look_up;
use jsonframe_cli::text::{ByteString, count_of_bytes};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{self, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

/// How many may wait to be accepted. The system may allow fewer. The standard library's 128 make the thousandth client wait
/// for seconds.
const BACKLOG: i32 = 4096;

/// How long the server waits when it cannot accept a connection: others may end meanwhile and set resources free.
const PAUSE: Duration = Duration::from_millis(100);

/// How much the server reads at a time, in bytes. No connection has more on its way back.
const CHUNK: usize = 16 * 1024;

/// What the client sends on each connection.
const MESSAGES: [&[u8]; 2] = [b"Message 1 from client.", b"Message 2 from client."];

/// All connections are served by the thread that waits for this.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().enable_time().build()
}

/// Sends back to each client what it sends, until that fails. Nothing that a client does ends it.
///
/// A connection on which nothing moves for `patience`, in either direction, is closed, if there is an end to that.
///
/// # Errors
///
/// If the system cannot tell what connections are ready for.
pub fn serve(listener: TcpListener, patience: Option<Duration>, console: &Console) -> io::Result<Infallible> {
    SockRef::from(&listener).listen(BACKLOG)?;
    listener.set_nonblocking(true)?;
    runtime()?.block_on(async {
        let listener = net::TcpListener::from_std(listener)?;
        console.say(format_args!("listening on {}", listener.local_addr()?));
        let mut is_failing = false;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    is_failing = false;
                    tokio::spawn(echo(stream, peer, patience, console.clone()));
                }
                // The one who was to be accepted may be gone; there may be others.
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(error) => {
                    // Once is enough, however long it lasts.
                    if !mem::replace(&mut is_failing, true) {
                        console
                            .complain_of(Kind::NotAccepted, format_args!("error: cannot accept a connection: {error}"));
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    })
}

/// Serves one client.
async fn echo(stream: TcpStream, peer: SocketAddr, patience: Option<Duration>, console: Console) {
    console.say(format_args!("accepted connection from {peer}"));
    if let Err(error) = send_back(stream, peer, patience, &console).await {
        console.complain_of(Kind::Failed, format_args!("error: {error} from {peer}"));
    }
    console.say(format_args!("closing connection to {peer}"));
}

/// Sends back what comes. Nothing is read before everything that was read is sent.
async fn send_back(
    mut stream: TcpStream,
    peer: SocketAddr,
    patience: Option<Duration>,
    console: &Console,
) -> io::Result<()> {
    // It works without, only slower.
    let _ = stream.set_nodelay(true);
    loop {
        in_time(patience, stream.readable()).await?;
        // A connection that is silent takes no memory for what it may send.
        let mut chunk = Vec::with_capacity(CHUNK);
        match stream.try_read_buf(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(_) => console.say(format_args!("echoing {} to {peer}", ByteString(&chunk))),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        let mut unsent = &chunk[..];
        while !unsent.is_empty() {
            if in_time(patience, stream.write_buf(&mut unsent)).await? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
    }
}

async fn in_time<T>(patience: Option<Duration>, operation: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let outcome = timeout(patience.unwrap_or(Duration::MAX), operation).await;
    outcome.unwrap_or_else(|_| Err(io::Error::other("nothing happened for too long")))
}

/// Opens this many connections to an echo server at once, sends two messages on each, and closes each when both came back.
///
/// A connection that fails does not end the others. When for the time given none of them has been opened or has come to its
/// end, the client ends them: bytes that trickle in are not enough.
///
/// # Errors
///
/// How many connections failed, and why the one of the lowest number did; or why not all could be opened.
pub fn converse(server: (&str, u16), connections: usize, patience: Duration, console: &Console) -> Result<(), String> {
    let addresses = look_up(server)?;
    let progress = Progress { patience, last: Cell::new(Instant::now()) };
    let talk = async |number| (number, talk(number, &addresses, &progress, console).await);
    let all = async {
        let mut open: FuturesUnordered<_> = (1..=connections).map(talk).collect();
        let mut failures = BTreeMap::new();
        while let Some((number, outcome)) = open.next().await {
            match outcome {
                Ok(()) => {}
                Err(error) if is_lack_of_room(&error) => {
                    return Err(format!(
                        "cannot open connection {number} of {connections}: {error}; `ulimit -n` shows and sets the limit"
                    ));
                }
                Err(error) => _ = failures.insert(number, error),
            }
            console.say(format_args!("closing connection {number}"));
        }
        failures.first_key_value().map_or(Ok(()), |(number, reason)| {
            let failed = failures.len();
            Err(format!("{failed} of {connections} connections failed; connection {number}: {reason}"))
        })
    };
    runtime().map_err(|error| format!("cannot wait for events: {error}"))?.block_on(all)
}

/// When a connection was last opened, or came to its end, and how long to wait for the next one.
struct Progress {
    patience: Duration,
    last: Cell<Instant>,
}

impl Progress {
    fn made(&self) {
        self.last.set(Instant::now());
    }

    /// Waits for the end of a connection, as long as any of them makes progress.
    async fn wait<T>(&self, end: impl Future<Output = T>) -> Option<T> {
        let mut end = pin!(end);
        loop {
            let left = self.patience.saturating_sub(self.last.get().elapsed());
            if let Ok(outcome) = timeout(left, &mut end).await {
                self.made();
                return Some(outcome);
            }
            // Another one may have made some meanwhile.
            if self.last.get().elapsed() >= self.patience {
                return None;
            }
        }
    }
}

/// Opens the connection of this number, sends the messages on it, and has the same bytes come back.
async fn talk(number: usize, addresses: &[SocketAddr], progress: &Progress, console: &Console) -> io::Result<()> {
    let (mut address, mut is_open, mut awaited) = (addresses[0], false, MESSAGES.concat());
    let dialogue = async {
        let mut stream = connect(number, addresses, &mut address, console).await?;
        progress.made();
        is_open = true;
        for message in MESSAGES {
            console.say(format_args!("sending {} to connection {number}", ByteString(message)));
            stream.write_all(message).await?;
        }
        let mut chunk = [0; 1024];
        while !awaited.is_empty() {
            let count = stream.read(&mut chunk).await?;
            if count == 0 {
                let missing = awaited.len();
                return Err(io::Error::other(format!("the server closed the connection; bytes missing: {missing}")));
            }
            let received = &chunk[..count];
            console.say(format_args!("received {} from connection {number}", ByteString(received)));
            if !awaited.starts_with(received) {
                return Err(io::Error::other("other bytes came back than were sent"));
            }
            awaited.drain(..count);
        }
        Ok(())
    };
    progress.wait(dialogue).await.unwrap_or_else(|| {
        let seconds = progress.patience.as_secs_f64();
        Err(io::Error::other(if is_open {
            let missing = count_of_bytes(awaited.len() as u64);
            format!("timed out after {seconds} s waiting for {missing} more from {address}")
        } else {
            format!("cannot connect to {address}: timed out after {seconds} s")
        }))
    })
}

/// Connects to the first of these addresses that answers, of which `address` is the one that is tried.
async fn connect(
    number: usize,
    addresses: &[SocketAddr],
    address: &mut SocketAddr,
    console: &Console,
) -> io::Result<TcpStream> {
    let mut failure = ErrorKind::AddrNotAvailable.into();
    for next in addresses {
        *address = *next;
        console.say(format_args!("starting connection {number} to {address}"));
        match TcpStream::connect(next).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Whether the process or the system has no descriptor left.
fn is_lack_of_room(error: &io::Error) -> bool {
    // std has no name for ENFILE and EMFILE, or WSAEMFILE.
    let codes: &[i32] = if cfg!(windows) { &[10024] } else { &[23, 24] };
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}
