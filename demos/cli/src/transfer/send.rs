//! The sending side.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use jsonframe::Header;
use jsonframe_std::{Connection, Error};

use super::file_name;
use super::progress::Progress;
use super::source::{Source, Stop, Summary, summarize};
use super::verdict::Verdict;
use crate::address::Address;
use crate::connect::{ServerOptions, Stream};
use crate::text::{Printable, count_of_bytes};
use crate::watched::{Watched, no_answer};

/// The longest answer that is read.
const MAX_ANSWER: u64 = 64 * 1024;

/// The least rate at which the receiver takes the file, in bytes per second.
const MIN_RATE: u64 = 128;

/// Sends a file to a receiver, waits until it has answered, and prints one line.
///
/// The file is read twice: first for its checksum, which goes before the content.
///
/// The time given is that for the connection, and then for the whole answer. Sending may take longer, but in each such time
/// the receiver must take 128 bytes per second.
///
/// # Errors
///
/// Why the file is not stored there, in words.
pub(super) fn send(
    path: &Path,
    receiver: &ServerOptions,
    timeout: Duration,
    progress: &Progress,
) -> Result<(), String> {
    let shown = path.display().to_string();
    let of_file = |error| format!("{shown}: {error}");
    // To open a pipe would wait for its other end.
    if !fs::metadata(path).map_err(of_file)?.is_file() {
        return Err(format!("{shown}: not a regular file"));
    }
    let mut file = File::open(path).map_err(of_file)?;
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| format!("{shown}: its name is not UTF-8, and cannot be sent"))?;

    let length = file.metadata().map_err(of_file)?.len();
    let bar = progress.bar("reading", name, length);
    let summary = summarize(&mut bar.wrap_read(&file)).map_err(of_file)?;
    drop(bar);
    file.seek(SeekFrom::Start(0)).map_err(of_file)?;

    let address = receiver.address();
    let stream = receiver.connect(timeout)?;
    let verdict = exchange(stream, address, file, name, summary, timeout, progress);
    let Summary { length, sum } = summary;
    let size = count_of_bytes(length);
    match verdict.map_err(|failure| failure.in_words(&shown, address))? {
        Verdict::Received { bytes, .. } if bytes == length => {
            progress.say(format_args!("sent {} ({size}, sha256 {sum}) to {address}", Printable(name)));
            Ok(())
        }
        Verdict::Received { bytes, .. } => Err(format!("{shown}: the receiver has {bytes} of {size}")),
        Verdict::Refused { error } => Err(format!("{shown}: the receiver refuses it: {error}")),
    }
}

/// Why there is no verdict.
enum Failure {
    Stopped(Stop),
    Closed,
    Connection(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Connection(error)
    }
}

impl Failure {
    fn in_words(self, file: &str, receiver: &Address) -> String {
        match self {
            Self::Stopped(Stop::Unreadable(error)) => format!("{file}: {error}"),
            Self::Stopped(_) => format!("{file}: it has changed while it was sent"),
            Self::Closed => format!("{file}: {receiver} closed the connection without an answer"),
            Self::Connection(error) => format!("{file}: {}", no_answer(error, receiver)),
        }
    }
}

/// Sends the file and receives the answer, which may come before everything is sent.
fn exchange(
    stream: Stream,
    address: &Address,
    file: File,
    name: &str,
    summary: Summary,
    timeout: Duration,
    progress: &Progress,
) -> Result<Verdict, Failure> {
    let stream = Watched::new(stream);
    let mut connection = Connection::new(&stream).with_max_content(MAX_ANSWER);
    let sum = summary.sum.to_hex();
    let extensions = [(file_name::MEMBER, name.into()), sum.member()];
    let header = Header::new("application/octet-stream", "binary", summary.length).with_extensions(&extensions);

    let mut source = Source::new(file, summary, &stream);
    let bar = progress.bar("sending", name, summary.length);
    stream.at_rate(MIN_RATE, timeout);
    stream.doing(format!("sending to {address}"));
    let sent = connection.send_stream(&header, &mut bar.wrap_read(&mut source));
    drop(bar);
    stream.within(timeout);
    stream.doing(format!("waiting for the answer from {address}"));
    let verdict = match (source.into_stop(), sent) {
        (None, Ok(())) | (Some(Stop::Answered), _) => receive(&mut connection),
        (Some(stop), _) => Err(Failure::Stopped(stop)),
        // A receiver that is gone may have said why.
        (None, Err(error)) if is_closed(&error) => receive(&mut connection).map_err(|_| error.into()),
        (None, Err(error)) => Err(error.into()),
    };
    // Over TLS an end that is not said looks like one that was cut off. Whether it arrives changes nothing.
    let _ = stream.with(Stream::end_sending);
    verdict
}

fn receive(connection: &mut Connection<impl Read>) -> Result<Verdict, Failure> {
    let answer = connection.receive()?.ok_or(Failure::Closed)?;
    Ok(answer.json()?)
}

fn is_closed(error: &Error) -> bool {
    matches!(error, Error::Io(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset))
}
