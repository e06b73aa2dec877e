//! The link to the host, simulated through semihosting: packets come from standard input, bytes go to standard output.
//!
//! ```text
//! +------+-------------------+------------------+
//! | kind | length            | payload          |
//! | u8   | u16, big-endian   | length bytes     |
//! +------+-------------------+------------------+
//!
//! O  a peer has connected: the longest header (u16) and the longest content (u64) to take from it
//! D  the peer's stream goes on: these bytes
//! C  the peer's stream has ended
//! ```
//!
//! Packets cut the stream where it suits the link, which knows nothing of messages.

use jsonframe::{EncodeError, Header, Outgoing};

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
pub struct Sender<'h> {
    output: Output<'h>,
    header: [u8; LONGEST_HEADER],
}

/// What the link brings.
pub enum Packet<'a> {
    /// A peer has connected.
    Open {
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
            (b'O', [a, b, limit @ ..]) => Ok(Some(Packet::Open {
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
        Self { output, header: [0; LONGEST_HEADER] }
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// [`Unsent`]; nothing of the message has been sent if it cannot be encoded.
    pub fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), Unsent> {
        let mut message = Outgoing::new(header, content, &mut self.header).map_err(Unsent::Refused)?;
        while !message.is_empty() {
            let [head, content] = message.parts();
            let part = if head.is_empty() { content } else { head };
            let window = part.get(..WINDOW).unwrap_or(part);
            match self.output.write(window) {
                None | Some(0) => return Err(Unsent::Down),
                Some(count) => message.advance(count),
            }
        }
        Ok(())
    }
}

/// Fills the place with what comes: false if nothing does.
fn fill(input: &mut Input<'_>, place: &mut [u8]) -> Result<bool, Down> {
    let mut filled = 0;
    while let Some(rest) = place.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Some(0) if filled == 0 => return Ok(false),
            None | Some(0) => return Err(Down),
            Some(count) => filled = filled.saturating_add(count),
        }
    }
    Ok(true)
}
