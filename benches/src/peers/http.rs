//! [httparse](https://docs.rs/httparse): the same four values as fields of an HTTP/1.1 request, found by their names
//! without regard to case, as HTTP wants it, and read as text and as a number.

use std::hint::black_box;
use std::str;

use httparse::{EMPTY_HEADER, Request, Status};
use jsonframe::ByteOrder;

use crate::sink::{Head, Sink};
use crate::work::Work;

const REQUEST: &[u8] = b"POST / HTTP/1.1\r\n\
    byteorder: little\r\n\
    content-type: text/json\r\n\
    content-encoding: utf-8\r\n\
    content-length: 39\r\n\
    \r\n";

/// Decodes the request's head, a number of times.
#[derive(Debug)]
pub struct Heads {
    /// So many times.
    pub repetitions: u64,
}

impl Work for Heads {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for _ in 0..self.repetitions {
            let mut fields = [EMPTY_HEADER; 4];
            let mut request = Request::new(&mut fields);
            let status = request.parse(black_box(REQUEST)).expect("a valid request");
            assert!(matches!(status, Status::Complete(_)), "the head is whole");
            sink.head(&head(&request).expect("all four fields"));
        }
    }
}

#[inline]
fn head<'a>(request: &Request<'_, 'a>) -> Option<Head<'a>> {
    let (mut byte_order, mut content_type, mut content_encoding, mut content_length) = (None, None, None, None);
    for field in &*request.headers {
        let value = || str::from_utf8(field.value).ok();
        if field.name.eq_ignore_ascii_case("byteorder") {
            byte_order = match field.value {
                b"little" => Some(ByteOrder::Little),
                b"big" => Some(ByteOrder::Big),
                _ => return None,
            };
        } else if field.name.eq_ignore_ascii_case("content-type") {
            content_type = Some(value()?);
        } else if field.name.eq_ignore_ascii_case("content-encoding") {
            content_encoding = Some(value()?);
        } else if field.name.eq_ignore_ascii_case("content-length") {
            content_length = Some(value()?.parse().ok()?);
        }
    }
    Some(Head {
        byte_order: byte_order?,
        content_type: content_type?,
        content_encoding: content_encoding?,
        content_length: content_length?,
    })
}
