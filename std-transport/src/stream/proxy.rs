//! The PROXY header, in which a proxy says whose connection it passes on.
//!
//! ```text
//! version 1:  PROXY TCP4 192.0.2.1 198.51.100.2 56324 8010\r\n     at most 107 bytes
//! version 2:  signature (12) | version, command | family | length (2) | addresses | more, which is skipped
//! ```
//!
//! The format is that of `proxy-protocol.txt` in the sources of `haproxy`. Not a byte after the header is read, for TLS or
//! messages follow at once.

use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::error::{OpenError, Start};
use crate::io::retry;

/// The longest header of version 1, as its specification says.
const LONGEST: usize = 107;
/// The shortest header of version 1: `PROXY UNKNOWN\r\n`. The fixed part of version 2 is longer.
const SHORTEST: usize = 15;
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The part of a header of version 2 that each has.
const FIXED: usize = 16;
/// Version 2, and the command of a proxy that speaks for itself, or that passes somebody on.
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const NAME: &str = "the PROXY header";

/// A header that is being read. Whatever its length, no more of it is kept than the longest header of version 1; what a
/// header of version 2 has after its addresses, at most 65,535 bytes, is not.
#[derive(Debug)]
pub(super) struct Header {
    bytes: [u8; LONGEST],
    filled: usize,
    /// How many bytes have been skipped after those that are kept.
    skipped: usize,
}

/// How much of the header is there.
enum Progress {
    /// It lacks bytes: this many can be read and kept without reading a byte too many.
    Keep(usize),
    /// It lacks this many bytes that nobody needs.
    Skip(usize),
    /// It is whole.
    Whole(Option<SocketAddr>),
}

impl Header {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; LONGEST], filled: 0, skipped: 0 }
    }

    /// Reads on and returns the address of the client, if the header gives one.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if the header is not whole yet. Others are final.
    pub(super) fn read(&mut self, raw: &mut impl Read) -> io::Result<Option<SocketAddr>> {
        loop {
            match self.progress()? {
                Progress::Whole(address) => return Ok(address),
                Progress::Keep(wanted) => {
                    let space = self.bytes.get_mut(self.filled..).unwrap_or_default();
                    self.filled += read(raw, space, wanted, self.filled == 0)?;
                }
                Progress::Skip(wanted) => self.skipped += read(raw, &mut [0; 512], wanted, false)?,
            }
        }
    }

    /// Whether it is whole and says that the proxy passes nobody on, but speaks for itself, as in a health check.
    pub(super) fn is_local(&self) -> bool {
        self.bytes.starts_with(SIGNATURE) && self.bytes.get(SIGNATURE.len()) == Some(&LOCAL)
    }

    fn progress(&self) -> Result<Progress, OpenError> {
        let known = self.bytes.get(..self.filled).unwrap_or_default();
        if begins(known, SIGNATURE) && !known.is_empty() {
            self.version_2(known)
        } else if begins(known, b"PROXY ") {
            version_1(known)
        } else {
            Err(OpenError::NotProxyHeader(Start::new(known)))
        }
    }

    fn version_2(&self, known: &[u8]) -> Result<Progress, OpenError> {
        let Some((&[.., version_and_command, family, high, low], addresses)) = known.split_first_chunk::<FIXED>()
        else {
            // The first read is one for either version.
            let wanted = if known.len() < SHORTEST { SHORTEST } else { FIXED };
            return Ok(Progress::Keep(wanted - known.len()));
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let kept = match (version_and_command, family) {
            (LOCAL, _) => 0,
            (PROXY, 0x11) => 12,
            (PROXY, 0x21) => 36,
            // Other families, and datagrams: the address is that of the socket.
            (PROXY, _) if family >> 4 <= 3 && family & 0xf <= 2 => 0,
            (PROXY, _) => return Err(OpenError::ProxyHeader("its address family is unknown")),
            _ => return Err(OpenError::ProxyHeader("its version or its command is unknown")),
        };
        if length < kept {
            return Err(OpenError::ProxyHeader("it is too short for its addresses"));
        }
        if addresses.len() < kept {
            return Ok(Progress::Keep(kept - addresses.len()));
        }
        let skipped = kept + self.skipped;
        if skipped < length {
            return Ok(Progress::Skip(length - skipped));
        }
        Ok(Progress::Whole(source(addresses)))
    }
}

/// Whether this is the beginning of a text, or begins with it.
fn begins(known: &[u8], text: &[u8]) -> bool {
    known.iter().zip(text).all(|(one, other)| one == other)
}

/// Reads at most `wanted` bytes.
fn read(raw: &mut impl Read, space: &mut [u8], wanted: usize, is_first: bool) -> io::Result<usize> {
    let wanted = wanted.min(space.len());
    let space = space.get_mut(..wanted).unwrap_or_default();
    match retry(|| raw.read(space)) {
        Err(error) if is_first && error.kind() == ErrorKind::ConnectionReset => Err(OpenError::Nothing(NAME).into()),
        Ok(0) => Err(if is_first { OpenError::Nothing(NAME) } else { OpenError::Cut(NAME) }.into()),
        outcome => outcome.map(|count| count.min(wanted)),
    }
}

/// The address of the source, of the two addresses and two ports of a header of version 2.
fn source(addresses: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = match addresses.len() {
        12 => (IpAddr::from(*addresses.first_chunk::<4>()?), addresses.get(8..10)?),
        36 => (IpAddr::from(*addresses.first_chunk::<16>()?), addresses.get(32..34)?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes(port.try_into().ok()?)))
}

fn version_1(known: &[u8]) -> Result<Progress, OpenError> {
    let whole = known.strip_suffix(b"\r\n");
    let line = whole.or_else(|| known.strip_suffix(b"\r")).unwrap_or(known);
    if !line.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(OpenError::ProxyHeader("expected a line of ASCII characters"));
    }
    if whole.is_some() {
        return Ok(Progress::Whole(client(line)?));
    }
    if known.len() == LONGEST {
        return Err(OpenError::ProxyHeaderTooLong);
    }
    // The line's end has two bytes, of which one may be there.
    let end = if known.ends_with(b"\r") { 1 } else { 2 };
    Ok(Progress::Keep(end.max(SHORTEST.saturating_sub(known.len()))))
}

/// The client's address in a line of version 1.
fn client(line: &[u8]) -> Result<Option<SocketAddr>, OpenError> {
    let text = std::str::from_utf8(line).unwrap_or_default();
    let mut words = text.split(' ').skip(1);
    let addresses = match words.next() {
        Some("UNKNOWN") => return Ok(None),
        Some("TCP4") => both::<Ipv4Addr>(words),
        Some("TCP6") => both::<Ipv6Addr>(words),
        _ => return Err(OpenError::ProxyHeader("it is neither of TCP4 nor of TCP6, nor UNKNOWN")),
    };
    addresses.map(Some).ok_or(OpenError::ProxyHeader("expected two addresses and two ports"))
}

/// The source, if there are two addresses of this family and two ports, and no more.
fn both<'a, A: FromStr + Into<IpAddr>>(mut words: impl Iterator<Item = &'a str>) -> Option<SocketAddr> {
    let source: A = words.next()?.parse().ok()?;
    let _: A = words.next()?.parse().ok()?;
    let from = port(words.next()?)?;
    port(words.next()?)?;
    words.next().is_none().then(|| SocketAddr::new(source.into(), from))
}

/// A port, in digits alone and without leading zeros.
fn port(text: &str) -> Option<u16> {
    let port: u16 = text.parse().ok()?;
    (text == "0" || !text.starts_with(['0', '+'])).then_some(port)
}

#[cfg(test)]
mod tests;
