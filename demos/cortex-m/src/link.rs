//! The link to the host, simulated through semihosting: packets come from standard input, bytes go to standard output.
//!
//! ```text
//! +------+-------------------+------------------+
//! | kind | length            | payload          |
//! | u8   | u16, big-endian   | length bytes     |
//! +------+-------------------+------------------+
//!
//! O  a peer has connected: the longest header (u16) and the longest content (u64) to take from it
//! R  the same, for a peer to be served through a reader
//! D  the peer's stream goes on: these bytes
//! C  the peer's stream has ended
//! ```
//!
//! Packets cut the stream where it suits the link, which knows nothing of messages.

use core::fmt;
use core::ops::Range;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use jsonframe::embedded::SendError;
use jsonframe::{EncodeError, Header, embedded};

use crate::host::{Input, Output};

/// The longest payload of a packet, in bytes.
const LARGEST: usize = 1024;

/// The longest proto-header and header that the device sends, in bytes.
const LONGEST_HEADER: usize = 1024;

/// How many bytes the link takes at once.
const WINDOW: usize = 100;

/// The end of the link that packets arrive at.
pub struct Receiver<'h> {
    input: Input<'h>,
    payload: [u8; LARGEST],
}

/// The end of the link that bytes are sent from.
pub struct Sender<'h>(embedded::Sender<Window<'h>, [u8; LONGEST_HEADER]>);

/// What the link brings.
pub enum Packet<'a> {
    /// A peer has connected.
    Open {
        /// Whether it is to be served through a reader.
        by_reader: bool,
        /// The longest header to take from it, in bytes.
        header_capacity: u16,
        /// The longest content to take from it, in bytes.
        content_limit: u64,
    },
    /// The peer's stream goes on.
    Data(&'a [u8]),
    /// The peer's stream has ended.
    Close,
}

/// The link is down: there is no host, or it has sent what is no packet.
#[derive(Debug)]
pub struct Down;

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the link is down")
    }
}

impl core::error::Error for Down {}

impl embedded_io::Error for Down {
    fn kind(&self) -> ErrorKind {
        ErrorKind::ConnectionAborted
    }
}

/// Why a message was not sent.
#[derive(Debug)]
pub enum Unsent {
    /// The link is down.
    Down,
    /// The message cannot be encoded.
    Refused(EncodeError),
}

impl<'h> Receiver<'h> {
    /// The end of a link over this stream.
    pub const fn new(input: Input<'h>) -> Self {
        Self { input, payload: [0; LARGEST] }
    }

    /// Waits for a packet: `None` if there are no more.
    ///
    /// # Errors
    ///
    /// [`Down`] if what comes is no packet.
    pub fn receive(&mut self) -> Result<Option<Packet<'_>>, Down> {
        let mut head = [0; 3];
        if !fill(&mut self.input, &mut head)? {
            return Ok(None);
        }
        let [kind, high, low] = head;
        let length = u16::from_be_bytes([high, low]);
        let payload = self.payload.get_mut(..usize::from(length)).ok_or(Down)?;
        if !fill(&mut self.input, payload)? && length > 0 {
            return Err(Down);
        }
        match (kind, payload) {
            (b'O' | b'R', [a, b, limit @ ..]) => Ok(Some(Packet::Open {
                by_reader: kind == b'R',
                header_capacity: u16::from_be_bytes([*a, *b]),
                content_limit: u64::from_be_bytes(*limit.first_chunk().ok_or(Down)?),
            })),
            (b'D', payload) => Ok(Some(Packet::Data(payload))),
            (b'C', _) => Ok(Some(Packet::Close)),
            _ => Err(Down),
        }
    }
}

impl<'h> Sender<'h> {
    /// The end of a link over this stream.
    pub const fn new(output: Output<'h>) -> Self {
        Self(embedded::Sender::new(Window(output), [0; LONGEST_HEADER]))
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// [`Unsent`]; nothing of the message has been sent if it cannot be encoded.
    pub fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), Unsent> {
        self.0.send(header, content).map_err(|error| match error {
            SendError::Encode(error) => Unsent::Refused(error),
            _ => Unsent::Down,
        })
    }
}

/// What takes [`WINDOW`] bytes at once.
struct Window<'h>(Output<'h>);

impl ErrorType for Window<'_> {
    type Error = ErrorKind;
}

impl Write for Window<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.0.write(bytes.get(..WINDOW).unwrap_or(bytes))
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.0.flush()
    }
}

/// The stream of the peer that has connected: the payloads of its packets, and then its end.
pub struct Stream<'r, 'h> {
    receiver: &'r mut Receiver<'h>,
    /// What of the last packet's payload has not been read.
    unread: Range<usize>,
    has_ended: bool,
}

impl<'r, 'h> Stream<'r, 'h> {
    /// The stream of the peer whose packets come next.
    pub const fn new(receiver: &'r mut Receiver<'h>) -> Self {
        Self { receiver, unread: 0..0, has_ended: false }
    }
}

impl ErrorType for Stream<'_, '_> {
    type Error = Down;
}

impl Read for Stream<'_, '_> {
    fn read(&mut self, place: &mut [u8]) -> Result<usize, Down> {
        while self.unread.is_empty() && !self.has_ended {
            match self.receiver.receive()? {
                Some(Packet::Data(payload)) => self.unread = 0..payload.len(),
                Some(Packet::Close) => self.has_ended = true,
                Some(Packet::Open { .. }) | None => return Err(Down),
            }
        }
        let unread = self.receiver.payload.get(self.unread.clone()).unwrap_or_default();
        let mut count = 0_usize;
        for (place, byte) in place.iter_mut().zip(unread) {
            *place = *byte;
            count = count.saturating_add(1);
        }
        self.unread.start = self.unread.start.saturating_add(count);
        Ok(count)
    }
}

/// Fills the place with what comes: false if nothing does.
fn fill(input: &mut Input<'_>, place: &mut [u8]) -> Result<bool, Down> {
    let mut filled = 0;
    while let Some(rest) = place.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) if filled == 0 => return Ok(false),
            Err(_) | Ok(0) => return Err(Down),
            Ok(count) => filled = filled.saturating_add(count),
        }
    }
    Ok(true)
}
