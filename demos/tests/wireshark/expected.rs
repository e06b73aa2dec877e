//! What is to be seen of a stream: what the decoder reports.

use jsonframe::{DecodeErrorKind, Decoder, Event, Header};

use super::tshark::Columns;

/// The longest message that the dissector puts together, if it is not told otherwise.
pub(crate) const MAX_REASSEMBLED: u64 = 16 * 1024 * 1024;

/// What the decoder reports of a stream that ends here, or of one that goes on.
pub(crate) fn expected(stream: &[u8], ends: bool) -> Columns {
    expected_by(stream, ends, MAX_REASSEMBLED)
}

/// The same if longer messages than this are not put together.
pub(crate) fn expected_by(stream: &[u8], ends: bool, max_reassembled: u64) -> Columns {
    let mut columns = Columns::default();
    let mut decoder = Decoder::new(vec![0; 65_535]);
    let mut input = stream;
    let mut start = 0;
    let mut content = Vec::new();
    let mut at_once = false;
    let error = loop {
        match decoder.decode(&mut input) {
            Ok(None) => break if ends { decoder.finish().err() } else { None },
            Ok(Some(Event::Header(header))) => {
                // A message is shown when it is whole, or at once.
                let head = (stream.len() - input.len() - start) as u64;
                at_once = head.saturating_add(header.content_length()) > max_reassembled;
                let shown = at_once || header.content_length() <= input.len() as u64;
                if shown {
                    message(&mut columns, stream, start);
                }
                // At the end of the stream what is left is the header.
                if shown || ends {
                    members(&mut columns, &header);
                }
            }
            Ok(Some(Event::Content(piece))) => content.extend_from_slice(piece),
            Ok(Some(Event::End)) => {
                if !content.is_empty() {
                    columns.push("content", hex::encode(&content));
                }
                content.clear();
                start = stream.len() - input.len();
            }
            Err(error) => break Some(error),
        }
    };
    if at_once && !content.is_empty() {
        columns.push("content", hex::encode(&content));
    }
    let Some(error) = error else { return columns };
    let kind = error.kind();
    columns.push("error.kind", kind.name());
    columns.push("error.offset", error.offset());
    if let Some(member) = kind.member() {
        columns.push("error.member", member);
    }
    if let DecodeErrorKind::Truncated { missing } = kind {
        columns.push("error.missing", missing);
    } else {
        message(&mut columns, stream, start);
    }
    columns
}

/// Where the message is, and how long its header.
fn message(columns: &mut Columns, stream: &[u8], start: usize) {
    columns.push("offset", start);
    columns.push("header_length", u16::from_be_bytes([stream[start], stream[start + 1]]));
}

fn members(columns: &mut Columns, header: &Header<'_>) {
    columns.push("byteorder", header.byte_order().as_str());
    columns.push("content_type", header.content_type());
    columns.push("content_encoding", header.content_encoding());
    columns.push("content_length", header.content_length());
    for (name, value) in header.extensions() {
        columns.push("extension.name", name);
        let text = value.as_str().or(value.as_json());
        columns.push("extension.value", text.map_or_else(|| value.to_string(), String::from));
    }
}
