//! The header as a type for serde, which all peers that use serde share.

use std::borrow::Cow;

use jsonframe::ByteOrder;
use serde::{Deserialize, Serialize};

use crate::sink::Head;

/// A header that borrows its texts, which therefore must not hold escapes: the fastest there is with serde.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Borrowed<'a> {
    /// `byteorder`
    pub byteorder: Order,
    /// `content-type`
    pub content_type: &'a str,
    /// `content-encoding`
    pub content_encoding: &'a str,
    /// `content-length`
    pub content_length: u64,
}

/// A header that borrows its texts where it can.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Escaped<'a> {
    byteorder: Order,
    #[serde(borrow)]
    content_type: Cow<'a, str>,
    #[serde(borrow)]
    content_encoding: Cow<'a, str>,
    content_length: u64,
}

/// A byte order.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// `little`
    Little,
    /// `big`
    Big,
}

impl From<Order> for ByteOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::Little => Self::Little,
            Order::Big => Self::Big,
        }
    }
}

impl Borrowed<'_> {
    /// The four members.
    #[must_use]
    #[inline]
    pub fn head(&self) -> Head<'_> {
        Head {
            byte_order: self.byteorder.into(),
            content_type: self.content_type,
            content_encoding: self.content_encoding,
            content_length: self.content_length,
        }
    }
}

impl Escaped<'_> {
    /// The four members.
    #[must_use]
    #[inline]
    pub fn head(&self) -> Head<'_> {
        Head {
            byte_order: self.byteorder.into(),
            content_type: &self.content_type,
            content_encoding: &self.content_encoding,
            content_length: self.content_length,
        }
    }
}

/// Takes the header that the first two bytes announce from the front of the input.
#[must_use]
#[inline]
pub fn split_header(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = input.split_first_chunk()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

/// One header on the wire, to be decoded a number of times.
#[derive(Debug)]
pub struct Wire {
    bytes: Vec<u8>,
    repetitions: u64,
}

impl Wire {
    /// This header, so many times.
    #[must_use]
    pub fn new(header: &str, repetitions: u64) -> Self {
        Self { bytes: crate::headers::wire(header), repetitions }
    }

    /// Hands over the header's JSON, again and again.
    #[inline]
    pub fn each(&self, mut read: impl FnMut(&[u8])) {
        for _ in 0..self.repetitions {
            let (json, _) = split_header(std::hint::black_box(&self.bytes)).expect("a whole header");
            read(json);
        }
    }
}
