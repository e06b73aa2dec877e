//! What every driver needs: calls that go on after a signal, and writes that may be short.

use std::io::{self, ErrorKind, IoSlice, Write};

use jsonframe::{Header, Outgoing};

use crate::Error;
use crate::engine::{Outbox, copy};

/// How many pieces of memory are written at once.
const AT_ONCE: usize = 32;

/// Calls again after an interruption by a signal.
pub(crate) fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// Writes what is queued until nothing is, or the stream is blocked, or about `budget` bytes are written, and flushes the
/// stream when nothing is: true if it is blocked.
pub(crate) fn flush(outbox: &mut Outbox, stream: &mut (impl Write + ?Sized), budget: usize) -> io::Result<bool> {
    Ok(write_queued(outbox, stream, budget)? || (outbox.queued() == 0 && pass_on(outbox, stream)?))
}

/// The same without flushing the stream.
pub(crate) fn write_queued(
    outbox: &mut Outbox,
    stream: &mut (impl Write + ?Sized),
    mut budget: usize,
) -> io::Result<bool> {
    while outbox.queued() > 0 && budget > 0 {
        match retry(|| write_once(outbox, stream)) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                outbox.wrote(written);
                budget = budget.saturating_sub(written);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn write_once(outbox: &Outbox, stream: &mut (impl Write + ?Sized)) -> io::Result<usize> {
    match outbox.in_one_piece() {
        Some(bytes) => stream.write(bytes),
        None => write_slices(stream, outbox.write_slices()),
    }
}

/// Writes the first of these pieces of memory by one call.
pub(crate) fn write_slices<'p>(
    stream: &mut (impl Write + ?Sized),
    pieces: impl Iterator<Item = IoSlice<'p>>,
) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); AT_ONCE];
    let mut count = 0;
    for (slice, bytes) in slices.iter_mut().zip(pieces) {
        *slice = bytes;
        count += 1;
    }
    match &slices[..count] {
        [single] => stream.write(single),
        several => stream.write_vectored(several),
    }
}

/// Flushes the stream, which may have a buffer of its own: true if it is blocked.
fn pass_on(outbox: &mut Outbox, stream: &mut (impl Write + ?Sized)) -> io::Result<bool> {
    if !outbox.is_done() {
        match retry(|| stream.flush()) {
            Ok(()) => outbox.flushed(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Sends a message: writes at once if nothing is queued, and queues a copy of what the stream does not take.
pub(crate) fn send(
    outbox: &mut Outbox,
    stream: &mut (impl Write + ?Sized),
    header: &Header<'_>,
    content: &[u8],
) -> Result<(), Error> {
    if outbox.queued() > 0 {
        if content.len() <= Outbox::SMALL {
            return Ok(outbox.queue_copy(header, content)?);
        }
        return Ok(outbox.queue(header, copy(content).map_err(io::Error::from)?.into())?);
    }
    let (mut message, content) = outbox.begin_whole(header, content)?;
    let outcome = write_some(stream, &mut message);
    let left = message.parts().map(<[u8]>::len);
    // Also after an error: what the stream has got must be followed by what it has not.
    let kept = outbox.keep_rest(left, content);
    outcome?;
    kept.map_err(io::Error::from)?;
    if outbox.queued() == 0 {
        pass_on(outbox, stream)?;
    }
    Ok(())
}

/// Writes a message until it is written or the stream is blocked.
pub(crate) fn write_some(stream: &mut (impl Write + ?Sized), message: &mut Outgoing<'_>) -> io::Result<()> {
    while !message.is_empty() {
        let outcome = retry(|| match message.parts() {
            [bytes, []] | [[], bytes] => stream.write(bytes),
            [head, content] => stream.write_vectored(&[IoSlice::new(head), IoSlice::new(content)]),
        });
        match outcome {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => message.advance(written),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
