//! [serde_json](https://docs.rs/serde_json), into a struct that borrows, into a `Value`, and back.

use std::hint::black_box;
use std::io;

use jsonframe::ByteOrder;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter};

use super::shape::{Borrowed, Escaped, Order, Wire};
use crate::sink::{Head, Sink};
use crate::work::Work;

/// Decodes a header into a struct that borrows its texts.
#[derive(Debug)]
pub struct IntoBorrowed(pub Wire);

impl Work for IntoBorrowed {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.0.each(|json| {
            let header: Borrowed<'_> = serde_json::from_slice(json).expect("a valid header");
            sink.head(&header.head());
        });
    }
}

/// Decodes a header that may hold escapes into a struct that borrows where it can.
#[derive(Debug)]
pub struct IntoEscaped(pub Wire);

impl Work for IntoEscaped {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.0.each(|json| {
            let header: Escaped<'_> = serde_json::from_slice(json).expect("a valid header");
            sink.head(&header.head());
        });
    }
}

/// Decodes a header into a `Value`, as programs do that know nothing of its members beforehand.
#[derive(Debug)]
pub struct IntoValue {
    wire: Wire,
    extensions: Vec<String>,
}

impl IntoValue {
    /// Decodes this header.
    #[must_use]
    pub fn new(wire: Wire) -> Self {
        Self { wire, extensions: Vec::new() }
    }

    /// The same, and reads these extensions as well, in this order: a `Value` does not keep that of the header.
    #[must_use]
    pub fn and_extensions(self, extensions: Vec<String>) -> Self {
        Self { extensions, ..self }
    }
}

impl Work for IntoValue {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.wire.each(|json| {
            let header: Value = serde_json::from_slice(json).expect("a valid header");
            sink.head(&head(&header).expect("all four members"));
            for name in &self.extensions {
                let value = &header[name];
                sink.extension(name, value.as_str(), value.as_u64());
            }
        });
    }
}

fn head(header: &Value) -> Option<Head<'_>> {
    let byte_order = match header.get("byteorder")?.as_str()? {
        "little" => ByteOrder::Little,
        "big" => ByteOrder::Big,
        _ => return None,
    };
    Some(Head {
        byte_order,
        content_type: header.get("content-type")?.as_str()?,
        content_encoding: header.get("content-encoding")?.as_str()?,
        content_length: header.get("content-length")?.as_u64()?,
    })
}

/// Encodes a header into a buffer that is used again, with a formatter for the white space.
#[derive(Debug)]
pub struct Encode<F> {
    header: Borrowed<'static>,
    buffer: Vec<u8>,
    repetitions: u64,
    formatter: F,
}

impl<F> Encode<F> {
    fn new(repetitions: u64, formatter: F) -> Self {
        let header = Borrowed {
            byteorder: Order::Little,
            content_type: "text/json",
            content_encoding: "utf-8",
            content_length: 39,
        };
        Self { header, buffer: Vec::new(), repetitions, formatter }
    }

    /// [`OTHER_TEXTS`](crate::headers::OTHER_TEXTS) instead of the golden request's.
    #[must_use]
    pub fn other_texts(self) -> Self {
        let header = Borrowed {
            byteorder: Order::Big,
            content_type: "image/svg+xml",
            content_encoding: "iso-8859-1",
            content_length: 1024,
        };
        Self { header, ..self }
    }
}

impl Encode<CompactFormatter> {
    /// Without white space, as `to_writer` does.
    #[must_use]
    pub fn compact(repetitions: u64) -> Self {
        Self::new(repetitions, CompactFormatter)
    }
}

impl Encode<Spaced> {
    /// With the white space of the emitted form: the same bytes as ours.
    #[must_use]
    pub fn spaced(repetitions: u64) -> Self {
        Self::new(repetitions, Spaced)
    }
}

impl<F: Formatter + Clone> Work for Encode<F> {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for _ in 0..self.repetitions {
            let header = black_box(&self.header);
            self.buffer.clear();
            self.buffer.extend_from_slice(&[0; 2]);
            // This is what `to_writer` does, for a formatter of one's own.
            let mut serializer = serde_json::Serializer::with_formatter(&mut self.buffer, self.formatter.clone());
            header.serialize(&mut serializer).expect("a header that can be written");
            let length = u16::try_from(self.buffer.len() - 2).expect("a short header");
            self.buffer[..2].copy_from_slice(&length.to_be_bytes());
            sink.encoded(&self.buffer);
        }
    }
}

/// Writes the white space that Python's `json.dumps` writes.
#[derive(Clone, Copy, Debug)]
pub struct Spaced;

impl Formatter for Spaced {
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::OTHER_TEXTS;
    use crate::{ours, sink::Head as SinkHead};

    /// Keeps what was encoded last.
    #[derive(Default)]
    struct Last(Vec<u8>);

    impl Sink for Last {
        fn head(&mut self, _: &SinkHead<'_>) {}
        fn extension(&mut self, _: &str, _: Option<&str>, _: Option<u64>) {}
        fn content(&mut self, _: &[u8]) {}
        fn end(&mut self) {}
        fn frame(&mut self, _: &[u8]) {}
        fn encoded(&mut self, head: &[u8]) {
            self.0 = head.to_vec();
        }
        fn number(&mut self, _: u64) {}
    }

    #[test]
    fn the_spaced_form_is_ours_byte_for_byte() {
        let (mut ours, mut spaced) = (Last::default(), Last::default());
        ours::Encode::new(1).run(&mut ours);
        Encode::spaced(1).run(&mut spaced);
        assert_eq!(ours.0, spaced.0);
        ours::Encode::other_texts(1).run(&mut ours);
        Encode::spaced(1).other_texts().run(&mut spaced);
        assert_eq!(ours.0, spaced.0);
        assert_eq!(ours.0[2..], *OTHER_TEXTS.as_bytes());
    }
}
