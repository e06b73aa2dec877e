//! The report in a line or two a message, for whoever watches a stream.

use std::fmt::Write as _;
use std::io::{self, Write};

use jsonframe::Header;

use super::Output;
use super::content::{Body, View};
use super::message::Message;
use super::report::{Fault, Report};
use super::watch::Explained;
use crate::text::{ByteString, Printable, count_of_bytes};

pub(super) struct Brief<'a>(Output<'a>, &'a Explained);

impl<'a> Brief<'a> {
    pub(super) const fn new(output: Output<'a>, explained: &'a Explained) -> Self {
        Self(output, explained)
    }
}

impl Report for Brief<'_> {
    fn header(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        let (number, head, length) = (message.number, message.head().len(), header.content_length());
        let (content_type, encoding) = (header.content_type(), header.content_encoding());
        let mut line = format!("message {number}: {head} + {length} bytes, {content_type}, {encoding}");
        for (name, value) in header.extensions() {
            // A string takes everything.
            let _ = write!(line, ", {name}={value}");
        }
        writeln!(self.0, "{}", Printable(&line))
    }

    fn end(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        let content = &message.content;
        if content.received == 0 {
            return Ok(());
        }
        let View { kind, body, shown } = View::of(header, &content.kept);
        self.0.write_all(b"  ")?;
        match body {
            Body::Json(pretty) => {
                let as_sent = header.encoding().and_then(|encoding| encoding.decode(&content.kept).ok());
                write!(self.0, "{}", Printable(&as_sent.unwrap_or(pretty.into())))?;
            }
            Body::Text(text) if kind == "text" => write!(self.0, "{}", Printable(&text))?,
            Body::Text(text) => write!(self.0, "{kind}: {}", Printable(&text))?,
            Body::Bytes(bytes) if kind == "binary" => write!(self.0, "{}", ByteString(bytes))?,
            Body::Bytes(bytes) => write!(self.0, "{kind}: {}", ByteString(bytes))?,
        }
        match content.received - shown as u64 {
            0 => writeln!(self.0)?,
            left_out => writeln!(self.0, " … and {} more", count_of_bytes(left_out))?,
        }
        match content.hint_for_person() {
            Some(hint) => writeln!(self.0, "  hint: {hint}"),
            None => Ok(()),
        }
    }

    fn fault(&mut self, fault: &Fault<'_>) -> io::Result<()> {
        if let Some(hint) = fault.hint().filter(|_| self.1.get() != Some(fault.message.start)) {
            writeln!(self.0, "{hint}")?;
        }
        writeln!(self.0, "{}: {}", fault.kind.name(), fault.error())?;
        match fault.first_bytes() {
            Some(first_bytes) => writeln!(self.0, "  {first_bytes}"),
            None => Ok(()),
        }
    }

    fn finish(&mut self, _: &Message) -> io::Result<()> {
        Ok(())
    }

    fn skipped(&mut self, offset: u64, length: u64, is_found: bool) -> io::Result<()> {
        let next = if is_found { "here a message seems to begin" } else { "no message was found" };
        writeln!(self.0, "{} passed over at byte {offset}; {next}", count_of_bytes(length))
    }

    fn gap(&mut self, offset: u64, length: u64) -> io::Result<()> {
        writeln!(self.0, "{} missing at byte {offset}", count_of_bytes(length))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
