//! The servers beside ours, as a good user would write them: under tokio, all answers of one read in one write.

use std::borrow::Cow;
use std::io::{self, Error, ErrorKind};
use std::num::NonZeroUsize;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec};

use super::HAND_WRITTEN;

/// How long content may be, in bytes.
const MAX_CONTENT: usize = 8 << 20;

/// Is the server of this name, on a free port, which the first line says.
///
/// # Errors
///
/// If there is none, or it cannot listen.
pub fn serve(name: &str, workers: NonZeroUsize) -> io::Result<()> {
    match name {
        HAND_WRITTEN => listen(workers, |stream| converse(stream, hand_written)),
        "length-delimited" => listen(workers, |stream| {
            let mut codec = LengthDelimitedCodec::new();
            converse(stream, move |received, answers| length_delimited(&mut codec, received, answers))
        }),
        "echo" => listen(workers, echo),
        _ => Err(Error::new(ErrorKind::NotFound, "there is no such server")),
    }
}

fn listen<F>(workers: NonZeroUsize, serve: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let mut builder = if workers.get() == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.worker_threads(workers.get()).enable_io().build()?.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("listening on {}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(serve(stream));
        }
    })
}

/// Answers what comes, until the client ends the stream. `answer` takes a request that is whole and appends the answer to
/// it, or returns false.
async fn converse(
    mut stream: TcpStream,
    mut answer: impl FnMut(&mut BytesMut, &mut BytesMut) -> io::Result<bool>,
) -> io::Result<()> {
    let (mut received, mut answers) = (BytesMut::new(), BytesMut::new());
    loop {
        if received.is_empty() {
            received.reserve(8 * 1024);
        }
        if stream.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
        while answer(&mut received, &mut answers)? {}
        stream.write_all(&answers).await?;
        answers.clear();
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count]).await?,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Header<'a> {
    #[serde(borrow)]
    byteorder: Cow<'a, str>,
    #[serde(borrow)]
    content_type: Cow<'a, str>,
    #[serde(borrow)]
    content_encoding: Cow<'a, str>,
    content_length: usize,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Serialize)]
struct Answer {
    result: String,
}

fn hand_written(received: &mut BytesMut, answers: &mut BytesMut) -> io::Result<bool> {
    let Some((length, rest)) = received.split_first_chunk() else { return Ok(false) };
    let Some((header, rest)) = rest.split_at_checked(u16::from_be_bytes(*length).into()) else { return Ok(false) };
    let header_length = header.len();
    let header: Header<'_> = serde_json::from_slice(header)?;
    let content_length = header.content_length;
    if content_length > MAX_CONTENT {
        return Err(ErrorKind::InvalidData.into());
    }
    let Some(content) = rest.get(..content_length) else {
        let missing = content_length - rest.len();
        received.reserve(missing);
        return Ok(false);
    };
    if header.content_type != "text/json" || header.content_encoding != "utf-8" {
        return Err(ErrorKind::InvalidData.into());
    }
    let content = search(content)?;
    let header = serde_json::to_vec(&Header {
        byteorder: "little".into(),
        content_type: "text/json".into(),
        content_encoding: "utf-8".into(),
        content_length: content.len(),
    })?;
    answers.put_u16(u16::try_from(header.len()).map_err(Error::other)?);
    answers.put_slice(&header);
    answers.put_slice(&content);
    let _ = received.split_to(2 + header_length + content_length);
    Ok(true)
}

fn length_delimited(
    codec: &mut LengthDelimitedCodec,
    received: &mut BytesMut,
    answers: &mut BytesMut,
) -> io::Result<bool> {
    let Some(request) = codec.decode(received)? else { return Ok(false) };
    codec.encode(Bytes::from(search(&request)?), answers)?;
    Ok(true)
}

fn search(content: &[u8]) -> io::Result<Vec<u8>> {
    let Request { action, value } = serde_json::from_slice(content)?;
    let result = if action == "search" {
        format!("No match for \"{value}\".")
    } else {
        format!("Error: invalid action \"{action}\".")
    };
    Ok(serde_json::to_vec(&Answer { result })?)
}
