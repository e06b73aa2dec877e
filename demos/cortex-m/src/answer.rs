//! What the device says about what it has received. Each answer is a message.

use heapless::Vec;
use jsonframe::{ByteOrder, DecodeError, DecodeErrorKind, Header, Value};

use crate::digest::Digest;
use crate::link::{Down, Sender, Unsent};

/// How many members of a received header are repeated at most.
const REPEATED: usize = 16;

/// How many members the device adds of its own at most.
const OWN: usize = 6;

type Members<'a> = Vec<(&'a str, Value<'a>), { REPEATED + OWN }>;

/// Answers a header with the same one, with what is known about it before its extension members, and without content.
///
/// If that is longer than the device can send, it answers with what is known about it alone.
pub(crate) fn to_header(header: &Header<'_>, start: u64, end: u64, sender: &mut Sender<'_>) -> Result<(), Down> {
    let length = end.saturating_sub(start).saturating_sub(2);
    let count = header.extensions().count() as u64;
    let facts = [
        ("event", "header".into()),
        ("offset", start.into()),
        ("header-length", length.into()),
        ("announced", header.content_length().into()),
        ("members", count.into()),
    ];
    let mut members = Members::new();
    for member in facts.into_iter().chain(header.extensions().take(REPEATED)) {
        // There is room for as many.
        let _ = members.push(member);
    }
    let same = Header::new(header.content_type(), header.content_encoding(), 0);
    match sender.send(&same.with_byte_order(header.byte_order()).with_extensions(&members), b"") {
        Ok(()) => Ok(()),
        Err(Unsent::Refused(_)) => say(&facts, b"", sender),
        Err(Unsent::Down) => Err(Down),
    }
}

/// Answers a whole message with the beginning of its content.
pub(crate) fn to_message(content: &Digest, end: u64, sender: &mut Sender<'_>) -> Result<(), Down> {
    let facts = [
        ("event", "message".into()),
        ("end", end.into()),
        ("length", content.length().into()),
        ("checksum", content.checksum().into()),
    ];
    say(&facts, content.first(), sender)
}

/// Answers a fault.
pub(crate) fn to_fault(error: &DecodeError, sender: &mut Sender<'_>) -> Result<(), Down> {
    let kind = error.kind();
    let mut facts = Members::new();
    let mut add = |name, value| {
        // There is room for as many.
        let _ = facts.push((name, value));
    };
    add("event", "error".into());
    add("kind", kind.name().into());
    add("offset", error.offset().into());
    if let Some(member) = kind.member() {
        add("member", member.as_str().into());
    }
    match kind {
        DecodeErrorKind::HeaderTooLong { length, capacity } => {
            add("length", u64::from(length).into());
            add("capacity", u64::from(capacity).into());
        }
        DecodeErrorKind::ContentTooLong { length, limit } => {
            add("length", length.into());
            add("limit", limit.into());
        }
        DecodeErrorKind::TooDeep { limit } => add("limit", u64::from(limit).into()),
        DecodeErrorKind::Truncated { missing } => add("missing", missing.into()),
        _ => {}
    }
    say(&facts, b"", sender)
}

/// Answers the end of a stream that has ended between messages.
pub(crate) fn to_end(position: u64, sender: &mut Sender<'_>) -> Result<(), Down> {
    say(&[("event", "closed".into()), ("offset", position.into())], b"", sender)
}

/// Answers a decoder that has broken a promise.
pub(crate) fn to_defect(defect: &str, sender: &mut Sender<'_>) -> Result<(), Down> {
    say(&[("event", "defect".into()), ("defect", defect.into())], b"", sender)
}

fn say(facts: &[(&str, Value<'_>)], content: &[u8], sender: &mut Sender<'_>) -> Result<(), Down> {
    let header = Header::new("binary/custom-server-binary-type", "binary", content.len() as u64);
    sender.send(&header.with_byte_order(ByteOrder::Big).with_extensions(facts), content).map_err(|_| Down)
}
