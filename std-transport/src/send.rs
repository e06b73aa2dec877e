//! The sending side of a connection: whole messages through short writes.

use std::io::{self, IoSlice, Read, Write};

use jsonframe::{Dialect, EncodeError, Header, Outgoing};

use crate::Error;
use crate::ahead::retry;
use crate::failure::plain;
use crate::outbox::check_length;
use crate::receive::at_most;

/// What the sending side keeps from message to message.
#[derive(Debug)]
pub(crate) struct Sender {
    dialect: &'static Dialect,
    /// Room for a head, used again.
    head: Vec<u8>,
    /// Whether a message may have gone out only in part.
    broken: bool,
}

impl Sender {
    /// How much of a streamed content is held at a time, in bytes.
    const CHUNK: usize = 64 * 1024;

    pub(crate) const fn new(dialect: &'static Dialect) -> Self {
        Self { dialect, head: Vec::new(), broken: false }
    }

    pub(crate) fn send(&mut self, stream: &mut impl Write, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        self.check()?;
        check_length(header, content)?;
        let head = encode(header, self.dialect, &mut self.head)?;
        self.broken = true;
        write_all(stream, Outgoing::from_parts([head, content]))?;
        flush(stream)?;
        self.broken = false;
        Ok(())
    }

    #[cfg(feature = "json")]
    pub(crate) fn send_json<T>(&mut self, stream: &mut impl Write, value: &T) -> Result<(), Error>
    where
        T: serde::Serialize + ?Sized,
    {
        let content = jsonframe::to_json(value)?;
        self.send(stream, &Header::for_json(content.len() as u64), &content)
    }

    pub(crate) fn send_stream(
        &mut self,
        stream: &mut impl Write,
        header: &Header<'_>,
        source: &mut impl Read,
    ) -> Result<(), Error> {
        self.check()?;
        let mut head = encode(header, self.dialect, &mut self.head)?;
        let mut left = header.content_length();
        let mut chunk = vec![0; at_most(Self::CHUNK, left)];
        loop {
            let wanted = at_most(chunk.len(), left);
            let count = retry(|| source.read(&mut chunk[..wanted]))?.min(wanted);
            if count == 0 && left > 0 {
                return Err(Error::SourceTooShort { missing: left });
            }
            self.broken = true;
            write_all(stream, Outgoing::from_parts([head, &chunk[..count]]))?;
            head = &[];
            left -= count as u64;
            if left == 0 {
                break;
            }
        }
        flush(stream)?;
        self.broken = false;
        Ok(())
    }

    const fn check(&self) -> Result<(), Error> {
        if self.broken { Err(Error::SendBroken) } else { Ok(()) }
    }
}

/// Encodes a head into a room that grows as it must, which no header makes it do that is too long to be sent.
fn encode<'a>(header: &Header<'_>, dialect: &Dialect, room: &'a mut Vec<u8>) -> Result<&'a [u8], EncodeError> {
    let length = match dialect.encode(header, room) {
        Err(EncodeError::BufferTooSmall { needed, .. }) => {
            room.resize(needed, 0);
            dialect.encode(header, room)?.len()
        }
        encoded => encoded?.len(),
    };
    Ok(&room[..length])
}

fn flush(stream: &mut impl Write) -> io::Result<()> {
    retry(|| stream.flush()).map_err(|error| plain(error, "writing"))
}

fn write_all(stream: &mut impl Write, mut message: Outgoing<'_>) -> io::Result<()> {
    while !message.is_empty() {
        let [head, content] = message.parts();
        let written = retry(|| match (head, content) {
            (bytes, []) | ([], bytes) => stream.write(bytes),
            _ => stream.write_vectored(&[IoSlice::new(head), IoSlice::new(content)]),
        })
        .map_err(|error| plain(error, "writing"))?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        message.advance(written);
    }
    Ok(())
}
