//! The application: it answers every header, every whole message, and the fault or the end of the stream.
//!
//! It gives the packets to a decoder here, and hands those peers on that are to be served [through a reader](by_reader).

use jsonframe::{DecodeError, Decoder, Event};

use crate::answer;
use crate::by_reader;
use crate::digest::Digest;
use crate::link::{Down, Packet, Receiver, Sender};

/// Serves one peer after the other, with this room for a header.
///
/// # Errors
///
/// [`Down`] if the link goes down other than between two peers.
pub fn serve(room: &mut [u8], receiver: &mut Receiver<'_>, sender: &mut Sender<'_>) -> Result<(), Down> {
    while let Some(packet) = receiver.receive()? {
        let Packet::Open { by_reader, header_capacity, content_limit } = packet else {
            return Err(Down);
        };
        let capacity = room.len().min(usize::from(header_capacity));
        let room = room.get_mut(..capacity).ok_or(Down)?;
        if by_reader {
            by_reader::serve(room, content_limit, receiver, sender)?;
        } else {
            Peer::new(room, content_limit).serve(receiver, sender)?;
        }
    }
    Ok(())
}

/// A peer, from its connection to the end of its stream.
struct Peer<'r> {
    decoder: Decoder<&'r mut [u8]>,
    content_limit: u64,
    content: Digest,
    /// Where the message under way has begun.
    start: u64,
    fault: Option<DecodeError>,
}

impl<'r> Peer<'r> {
    const fn new(room: &'r mut [u8], content_limit: u64) -> Self {
        Self { decoder: Decoder::new(room), content_limit, content: Digest::new(), start: 0, fault: None }
    }

    fn serve(&mut self, receiver: &mut Receiver<'_>, sender: &mut Sender<'_>) -> Result<(), Down> {
        loop {
            match receiver.receive()? {
                Some(Packet::Data(bytes)) => self.take(bytes, sender)?,
                Some(Packet::Close) => return self.end(sender),
                Some(Packet::Open { .. }) | None => return Err(Down),
            }
        }
    }

    /// Takes the next bytes of the peer's stream.
    fn take(&mut self, bytes: &[u8], sender: &mut Sender<'_>) -> Result<(), Down> {
        let mut input = bytes;
        loop {
            match self.decode(&mut input, sender)? {
                Ok(true) => {}
                Ok(false) if input.is_empty() => return Ok(()),
                Ok(false) => return answer::to_defect("there is input left", sender),
                Err(error) => return self.fail(error, sender),
            }
        }
    }

    /// Answers what comes next: false if the input is used up.
    fn decode(&mut self, input: &mut &[u8], sender: &mut Sender<'_>) -> Result<Result<bool, DecodeError>, Down> {
        match self.decoder.decode(input) {
            Ok(None) => return Ok(Ok(false)),
            Ok(Some(Event::Header(_))) => {
                // Borrowed anew, so that the decoder can be asked for its position beside it.
                if let Some(header) = self.decoder.header() {
                    answer::to_header(&header, self.start, self.decoder.position(), sender)?;
                }
                self.content = Digest::new();
                if let Err(error) = self.decoder.limit_content(self.content_limit) {
                    return Ok(Err(error));
                }
            }
            Ok(Some(Event::Content(piece))) => self.content.add(piece),
            Ok(Some(Event::End)) => {
                self.start = self.decoder.position();
                answer::to_message(&self.content, self.start, sender)?;
            }
            Err(error) => return Ok(Err(error)),
        }
        Ok(Ok(true))
    }

    /// Answers a fault the first time. It must stay the same from then on.
    fn fail(&mut self, error: DecodeError, sender: &mut Sender<'_>) -> Result<(), Down> {
        match self.fault.replace(error) {
            None => answer::to_fault(&error, sender),
            Some(first) if first == error => Ok(()),
            Some(_) => answer::to_defect("the error has changed", sender),
        }
    }

    fn end(&mut self, sender: &mut Sender<'_>) -> Result<(), Down> {
        match self.decoder.finish() {
            Ok(()) if self.fault.is_none() => answer::to_end(self.decoder.position(), sender),
            Ok(()) => answer::to_defect("the error is forgotten", sender),
            Err(error) => self.fail(error, sender),
        }
    }
}
