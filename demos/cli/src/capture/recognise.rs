//! In which format an input is, by what it begins with.

use std::io::{self, ErrorKind, Read};

use super::array::Array;
use super::base64::Base64;
use super::decode::{Notation, beginning};
use super::dump::{Blocks, Dump};
use super::hex::Hex;
use super::packets::Link;
use super::python::Python;
use super::{Format, invalid, log};

/// How much of an input is looked at, at most, in bytes.
const SAMPLE: usize = 64 * 1024;

/// Within how many bytes a header begins in what base64 stands for.
const BEFORE: usize = 32;

/// How many bytes an input has to stand for, at least, to be taken for text without being named.
const LEAST: usize = 2;

/// How an input is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Raw,
    Hex,
    Array(u8),
    Dump,
    Python,
    /// Text as programs print it, in which there may be literals further on.
    Log,
    Base64,
    /// A dump of packets, which begin with this layer.
    Packets(Link),
    /// A capture file.
    File,
}

/// The first bytes of an input: as much as it takes.
pub(super) fn sample(input: &mut dyn Read, is_enough: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
    let mut sample = Vec::new();
    let mut looked_at = 0;
    while sample.len() < SAMPLE && (sample.len() < 2 * looked_at.max(1) || !is_enough(&sample)) {
        // It is looked at anew only when there is much more of it, or a line more: else a slow input would be much work.
        if sample.len() >= 2 * looked_at.max(1) {
            looked_at = sample.len();
        }
        let length = sample.len();
        sample.resize(SAMPLE, 0);
        match input.read(&mut sample[length..]) {
            Ok(count) => {
                sample.truncate(length + count);
                if count == 0 {
                    break;
                }
                if sample.ends_with(b"\n") || sample.len() < 64 {
                    looked_at = 0;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => sample.truncate(length),
            Err(error) => return Err(error),
        }
    }
    Ok(sample)
}

/// Whether there are bytes that no text has.
pub(super) fn is_binary(sample: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte == 0x7F || (*byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C));
    sample.iter().any(is_control) || str::from_utf8(sample).is_err_and(|error| error.error_len().is_some())
}

/// Whether enough of an input is known to say in which format it is.
pub(super) fn is_enough(sample: &[u8], format: Format, begins_message: &dyn Fn(&[u8]) -> bool) -> bool {
    if sample.len() < 4 {
        return matches!(sample, [0..=8, ..]) && !is_file(sample) && format == Format::Auto;
    }
    match format {
        Format::Auto => {
            begins_message(sample)
                || is_binary(sample) && !is_file(sample)
                || is_file(sample) && sample.len() >= 64
                || sample.len() >= 16
                    && kind(sample, format, begins_message).is_ok_and(|kind| !matches!(kind, Kind::Raw | Kind::Log))
                || is_other_protocol(sample)
        }
        Format::Pcap => sample.len() >= 64,
        // What has a whole row of a dump, and one more, can be told from digits.
        _ => sample.len() >= 1024 || is_binary(sample),
    }
}

fn is_other_protocol(sample: &[u8]) -> bool {
    let line = sample.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_http = line.len() < sample.len() && line.windows(6).any(|window| window == b"HTTP/1");
    is_http || [&b"SSH-"[..], b"PROXY "].iter().any(|start| sample.starts_with(start)) && line.len() < sample.len()
}

/// Whether it begins as a capture file.
fn is_file(sample: &[u8]) -> bool {
    let magic = |magic: [u8; 4]| {
        let length = sample.len().min(4);
        length > 0 && sample[..length] == magic[..length]
    };
    let known = [0xA1B2_C3D4_u32, 0xA1B2_3C4D];
    magic([0x0A, 0x0D, 0x0D, 0x0A])
        || known.iter().any(|known| magic(known.to_le_bytes()) || magic(known.to_be_bytes()))
}

/// How an input of this beginning is read, whether its format is named or not.
pub(super) fn kind(sample: &[u8], format: Format, begins_message: &dyn Fn(&[u8]) -> bool) -> io::Result<Kind> {
    Ok(match format {
        Format::Raw => Kind::Raw,
        Format::Hex => hex(sample, false).unwrap_or(Kind::Hex),
        Format::Python => Kind::Python,
        Format::Base64 => Kind::Base64,
        Format::Pcap if is_file(sample) && sample.len() >= 4 => Kind::File,
        Format::Pcap => return Err(invalid("the input is not a capture file: it begins with no number of one")),
        Format::Auto if is_file(sample) && sample.len() >= 24 && !begins_message(sample) => Kind::File,
        Format::Auto if begins_message(sample) || is_binary(sample) => Kind::Raw,
        Format::Auto => {
            let is_base64 = || {
                let (bytes, is_right) = beginning(Base64::default(), sample);
                // A header begins soon, whatever comes before it.
                is_right && bytes[..bytes.len().min(BEFORE)].windows(2).any(|start| start == b"{\"")
            };
            match hex(sample, true) {
                Some(kind) => kind,
                None if is_python(sample) => Kind::Python,
                None if is_base64() => Kind::Base64,
                None if may_be_printed(sample) && log::is_one(sample) => Kind::Log,
                None => Kind::Raw,
            }
        }
    })
}

fn is_python(sample: &[u8]) -> bool {
    let (bytes, is_right) = beginning(Python::default(), sample);
    is_right && bytes.len() >= LEAST
}

/// The form of hex text that it is, if it is any; unless `strict`, something in it may be wrong.
fn hex(sample: &[u8], strict: bool) -> Option<Kind> {
    let is = |(bytes, is_right): (Vec<u8>, bool)| (is_right || !strict) && bytes.len() >= LEAST;
    if is_dump(sample, strict) {
        return Some(packets(sample).map_or(Kind::Dump, Kind::Packets));
    }
    let array = |open: u8| sample.contains(&open) && is(beginning(Array::new(open), sample));
    [b'{', b'['].into_iter().find(|open| array(*open)).map(Kind::Array).or_else(|| {
        let is_hex = is(beginning(Hex::default(), sample));
        is_hex.then_some(Kind::Hex)
    })
}

/// Whether it has a row of a dump, and none that is broken if `strict`.
fn is_dump(sample: &[u8], strict: bool) -> bool {
    let (mut whole, is_right) = beginning(Dump::default(), sample);
    if !is_right && strict {
        return false;
    }
    // The last line may be cut off; if it is the only one, it must be a row.
    if whole.is_empty() && !sample.contains(&b'\n') {
        let mut dump = Dump::default();
        let is_right = sample.iter().all(|character| dump.take(*character, &mut whole).is_ok());
        return is_right && dump.end(&mut whole).is_ok() && !whole.is_empty();
    }
    whole.len() >= LEAST
}

/// The layer that the packets of a dump begin with, if it is one of packets.
fn packets(sample: &[u8]) -> Option<Link> {
    let mut blocks = Blocks::default();
    let first = sample.split(|byte| *byte == b'\n').find_map(|line| blocks.line(line).ok().flatten());
    let first = first.or_else(|| blocks.take())?;
    Link::guess(&first)
}

/// What an input looks like that is taken for the bytes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resembled {
    /// This format, although something in it is wrong.
    Format(Format),
    /// Text that a program has printed, and no bytes in it.
    Prose,
}

/// What an input looks like, if it is not clear enough to be taken for that.
pub(super) fn resembles(sample: &[u8]) -> Option<Resembled> {
    /// How many bytes must have been read before what is wrong.
    const CLEAR: usize = 4;
    if is_file(sample) && sample.len() >= 4 {
        return Some(Resembled::Format(Format::Pcap));
    }
    if is_binary(sample) {
        return None;
    }
    let (dump, _) = beginning(Dump::default(), sample);
    let (digits, _) = beginning(Hex::default(), sample);
    let (array, _) = beginning(Array::new(b'{'), sample);
    let (python, _) = beginning(Python::default(), sample);
    let (base64, is_right) = beginning(Base64::default(), sample);
    let format = if [dump, digits, array].iter().any(|bytes| bytes.len() >= CLEAR) {
        Format::Hex
    } else if python.len() >= LEAST {
        Format::Python
    } else if is_prose(sample) {
        return Some(Resembled::Prose);
    } else if is_right && base64.len() >= 4 * CLEAR {
        Format::Base64
    } else {
        return None;
    };
    Some(Resembled::Format(format))
}

/// Whether it has a line, and words. Those of most protocols end with a carriage return.
fn is_prose(sample: &[u8]) -> bool {
    let has = |byte: u8| sample.contains(&byte);
    may_be_printed(sample) && has(b'\n') && has(b' ') && !has(b'\r')
}

/// Whether it may be what a program has printed: it is no other protocol, JSON or HTML.
fn may_be_printed(sample: &[u8]) -> bool {
    !matches!(sample, [b'{' | b'<', ..]) && !is_other_protocol(sample)
}
