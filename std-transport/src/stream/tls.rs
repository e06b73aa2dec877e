//! TLS over a stream that does not block.

use std::io::{self, ErrorKind, IoSlice, Read, Write};

use rustls::Connection;

use super::error::{OpenError, Start};
use crate::io::retry;

/// How much plaintext waits at most, encrypted, for a stream that is blocked. The handshake's own messages come on top.
pub(super) const BUFFER: usize = 64 * 1024;

const NAME: &str = "the TLS handshake";

/// One end of TLS.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) session: Connection,
    /// What the peer began with.
    start: Start,
    /// Why nothing more can be received.
    failure: Option<rustls::Error>,
    /// Whether the last [`read`](Self::read) has got less from the raw stream than it could have had. What came from it
    /// earlier does not count: since then it may have become readable again.
    pub(super) is_drained: bool,
}

impl Tls {
    pub(super) fn new(mut session: Connection) -> Self {
        session.set_buffer_limit(Some(BUFFER));
        Self { session, start: Start::default(), failure: None, is_drained: false }
    }

    /// Goes on with the handshake.
    pub(super) fn open(&mut self, raw: &mut (impl Read + Write)) -> io::Result<()> {
        while self.session.is_handshaking() {
            if let Some(failure) = &self.failure {
                return Err(self.refusal(failure).into());
            }
            self.push_some(raw)?;
            let count = match self.fill(raw) {
                // A server has not said anything yet that could have been refused.
                Err(error)
                    if error.kind() == ErrorKind::ConnectionReset
                        && self.start.is_empty()
                        && matches!(self.session, Connection::Server(_)) =>
                {
                    0
                }
                outcome => outcome?,
            };
            if count == 0 && self.session.is_handshaking() {
                return Err(if self.start.is_empty() { OpenError::Nothing(NAME) } else { OpenError::Cut(NAME) }.into());
            }
        }
        // The last message of the handshake, or tickets for later connections.
        self.push_some(raw)
    }

    /// Why the peer is refused: by its first bytes, if they are not TLS at all.
    fn refusal(&self, failure: &rustls::Error) -> OpenError {
        match failure {
            rustls::Error::InvalidMessage(_) if self.start.protocol() != Some("TLS") => OpenError::NotTls(self.start),
            failure => OpenError::Handshake(failure.clone()),
        }
    }

    /// Reads once and decrypts it. Returns the byte count before decryption.
    fn fill(&mut self, raw: &mut (impl Read + Write)) -> io::Result<usize> {
        let mut noted = Noted { raw: &mut *raw, start: &mut self.start, is_drained: &mut self.is_drained };
        let count = retry(|| self.session.read_tls(&mut noted))?;
        let state = self.session.process_new_packets();
        // An end and a failure are still to be read, and no poller knows of them.
        self.is_drained &= state.as_ref().is_ok_and(|state| !state.peer_has_closed());
        self.failure = state.err();
        if self.failure.is_some() {
            // The alert that tells the peer why.
            let _ = self.push(raw);
        }
        Ok(count)
    }

    pub(super) fn read(&mut self, raw: &mut (impl Read + Write), space: &mut [u8]) -> io::Result<usize> {
        self.is_drained = false;
        loop {
            // What came before a failure is received first, however the stream was cut.
            match self.session.reader().read(space) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Err(io::Error::new(
                        ErrorKind::UnexpectedEof,
                        "the stream was cut off: it ended without TLS's close_notify",
                    ));
                }
                outcome => return outcome,
            }
            if let Some(failure) = &self.failure {
                return Err(io::Error::new(ErrorKind::InvalidData, failure.clone()));
            }
            self.fill(raw)?;
        }
    }

    /// Encrypts, and writes as much of it as the raw stream takes. What remains of it is kept.
    pub(super) fn write(&mut self, raw: &mut impl Write, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.session.is_handshaking() {
            return Err(ErrorKind::WouldBlock.into());
        }
        if slices.iter().all(|slice| slice.is_empty()) {
            return Ok(0);
        }
        loop {
            let was_empty = !self.session.wants_write();
            let count = self.session.writer().write_vectored(slices)?;
            match self.push(raw) {
                Err(error) if error.kind() == ErrorKind::WouldBlock && count > 0 => return Ok(count),
                // The buffer was full and is empty now. If it was empty, TLS takes nothing any more.
                Ok(()) if count == 0 && !was_empty => {}
                outcome => return outcome.map(|()| count),
            }
        }
    }

    /// Writes what is encrypted.
    pub(super) fn push(&mut self, raw: &mut impl Write) -> io::Result<()> {
        while self.session.wants_write() {
            if retry(|| self.session.write_tls(raw))? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// The same as far as the raw stream takes it.
    fn push_some(&mut self, raw: &mut impl Write) -> io::Result<()> {
        match self.push(raw) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            outcome => outcome,
        }
    }

    /// Tells the peer that nothing more is sent, after all that was written.
    pub(super) fn close(&mut self, raw: &mut impl Write) -> io::Result<()> {
        self.session.send_close_notify();
        self.push(raw)
    }
}

/// Reads, and notes how the stream begins and whether a read has got all there was.
struct Noted<'a, R> {
    raw: &'a mut R,
    start: &'a mut Start,
    is_drained: &'a mut bool,
}

impl<R: Read> Read for Noted<'_, R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.raw.read(space)?;
        *self.is_drained = count < space.len();
        self.start.add(space.get(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
