//! What every driver needs: calls that go on after a signal, and writes that may be short.

use std::io::{self, ErrorKind, IoSlice, Write};

use jsonframe::Header;

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
    Ok(write_queued(outbox, stream, &mut &[][..], budget)? || pass_on(outbox, stream)?)
}

/// Flushes the stream, when all is written: it may have a buffer of its own. True if it is blocked.
fn pass_on(outbox: &mut Outbox, stream: &mut (impl Write + ?Sized)) -> io::Result<bool> {
    if outbox.queued() == 0 && outbox.unflushed {
        match retry(|| stream.flush()) {
            Ok(()) => outbox.unflushed = false,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(outbox.failure.note(error)),
        }
    }
    Ok(false)
}

/// Writes what is queued, and after it `content`, which is then what of it has not been written. Does not flush the stream.
pub(crate) fn write_queued(
    outbox: &mut Outbox,
    stream: &mut (impl Write + ?Sized),
    content: &mut &[u8],
    mut budget: usize,
) -> io::Result<bool> {
    outbox.failure.check()?;
    while (outbox.queued() > 0 || !content.is_empty()) && budget > 0 {
        match retry(|| write_once(outbox, stream, content)) {
            Ok(0) => return Err(outbox.failure.note(ErrorKind::WriteZero.into())),
            Ok(written) => {
                // A stream that says it has written more than there was is not believed.
                let past = written.saturating_sub(outbox.queued()).min(content.len());
                outbox.wrote(written);
                outbox.wrote_past(past);
                *content = &content[past..];
                budget = budget.saturating_sub(written);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(outbox.failure.note(error)),
        }
    }
    Ok(false)
}

fn write_once(outbox: &Outbox, stream: &mut (impl Write + ?Sized), content: &[u8]) -> io::Result<usize> {
    match outbox.in_one_piece() {
        Some(bytes) if content.is_empty() => stream.write(bytes),
        _ => write_slices(stream, outbox.write_slices().chain([IoSlice::new(content)])),
    }
}

/// Writes the first of these pieces of memory by one call, without those that are empty.
pub(crate) fn write_slices<'p>(
    stream: &mut (impl Write + ?Sized),
    pieces: impl Iterator<Item = IoSlice<'p>>,
) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); AT_ONCE];
    let mut count = 0;
    for (slice, bytes) in slices.iter_mut().zip(pieces.filter(|piece| !piece.is_empty())) {
        *slice = bytes;
        count += 1;
    }
    match &slices[..count] {
        [single] => stream.write(single),
        several => stream.write_vectored(several),
    }
}

/// Sends a message: writes at once if nothing is queued, and queues a copy of what the stream does not take.
pub(crate) fn send(
    outbox: &mut Outbox,
    stream: &mut (impl Write + ?Sized),
    header: &Header<'_>,
    content: &[u8],
) -> Result<(), Error> {
    outbox.failure.check()?;
    if outbox.queued() > 0 {
        if content.len() <= Outbox::SMALL {
            return Ok(outbox.queue_copy(header, content)?);
        }
        return Ok(outbox.queue(header, copy(content).map_err(io::Error::from)?.into())?);
    }
    let mut rest = outbox.begin(header, content, Outbox::TINY)?;
    let outcome = write_queued(outbox, stream, &mut rest, usize::MAX);
    // Also after an error: what the stream has got must be followed by what it has not.
    let kept = outbox.keep(rest);
    outcome?;
    kept?;
    pass_on(outbox, stream)?;
    Ok(())
}
