//! The sending side of a connection: whole messages through short writes.

use std::io::{self, ErrorKind, Read, Write};

use jsonframe::{Dialect, Header, Outgoing, OwnedHeader};

use crate::engine::Outbox;
use crate::failure::plain;
use crate::io::{retry, write_some};
use crate::receive::at_most;
use crate::{Error, Incoming};

/// What the sending side keeps from message to message.
#[derive(Debug)]
pub(crate) struct Sender {
    /// It encodes heads, always in the same memory. Nothing is queued.
    outbox: Outbox,
    /// Whether a message may have gone out only in part.
    broken: bool,
}

impl Sender {
    /// How much of a streamed content is held at a time, in bytes.
    const CHUNK: usize = 64 * 1024;

    pub(crate) const fn new(dialect: &'static Dialect) -> Self {
        Self { outbox: Outbox::new(dialect), broken: false }
    }

    pub(crate) fn send(&mut self, stream: &mut impl Write, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        self.check()?;
        let message = self.outbox.begin(header, content)?;
        self.broken = true;
        write_all(stream, message)?;
        flush(stream)?;
        self.broken = false;
        Ok(())
    }

    #[cfg(feature = "json")]
    pub(crate) fn send_json<T>(
        &mut self,
        stream: &mut impl Write,
        value: &T,
        extensions: &[(&str, jsonframe::Value<'_>)],
    ) -> Result<(), Error>
    where
        T: serde::Serialize + ?Sized,
    {
        let content = jsonframe::to_json(value)?;
        let header = self.outbox.dialect().json_header(content.len() as u64);
        self.send(stream, &header.with_extensions(extensions), &content)
    }

    pub(crate) fn send_stream(
        &mut self,
        stream: &mut impl Write,
        header: &Header<'_>,
        source: &mut impl Read,
    ) -> Result<(), Error> {
        self.check()?;
        let mut head = self.outbox.begin_head(header)?;
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

    pub(crate) fn forward(
        &mut self,
        stream: &mut impl Write,
        message: &mut Incoming<'_, impl Read>,
    ) -> Result<(), Error> {
        let header = OwnedHeader::try_from(&message.header())?;
        let read = header.header().content_length().saturating_sub(message.content_left());
        if read > 0 {
            return Err(Error::AlreadyRead { read });
        }
        self.send_stream(stream, &header.header(), message)
    }

    const fn check(&self) -> Result<(), Error> {
        if self.broken { Err(Error::SendBroken) } else { Ok(()) }
    }
}

fn flush(stream: &mut impl Write) -> io::Result<()> {
    retry(|| stream.flush()).map_err(|error| plain(error, "writing"))
}

fn write_all(stream: &mut impl Write, mut message: Outgoing<'_>) -> io::Result<()> {
    let blocked = || Err(ErrorKind::WouldBlock.into());
    write_some(stream, &mut message)
        .and_then(|()| if message.is_empty() { Ok(()) } else { blocked() })
        .map_err(|error| plain(error, "writing"))
}
