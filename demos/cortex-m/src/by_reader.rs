//! The same application over a reader: jsonframe reads the stream itself.

use embedded_io::Read;
use jsonframe::embedded::{self, Incoming, ReceiveError};

use crate::answer;
use crate::digest::Digest;
use crate::link::{Down, Receiver, Sender, Stream};

/// Serves one peer, with this room for a header.
pub(crate) fn serve(
    room: &mut [u8],
    content_limit: u64,
    link: &mut Receiver<'_>,
    sender: &mut Sender<'_>,
) -> Result<(), Down> {
    let mut receiver = embedded::Receiver::new(Stream::new(link), room);
    let mut start = 0;
    let fault = loop {
        let mut incoming = match receiver.receive() {
            Ok(Some(incoming)) => incoming,
            Ok(None) => return answer::to_end(receiver.position(), sender),
            Err(error) => break error,
        };
        answer::to_header(&incoming.header(), start, incoming.position(), sender)?;
        match content(&mut incoming, content_limit) {
            Ok(content) => {
                start = incoming.position();
                answer::to_message(&content, start, sender)?;
            }
            Err(error) => break error,
        }
    };
    let ReceiveError::Decode(error) = fault else {
        return Err(Down);
    };
    answer::to_fault(&error, sender)?;
    pass_over(receiver.into_reader())
}

fn content<R: Read>(incoming: &mut Incoming<'_, R, &mut [u8]>, limit: u64) -> Result<Digest, ReceiveError<R::Error>> {
    incoming.limit_content(limit)?;
    let mut content = Digest::new();
    let mut piece = [0; 50];
    loop {
        match incoming.read(&mut piece)? {
            0 => return Ok(content),
            count => content.add(piece.get(..count).unwrap_or_default()),
        }
    }
}

/// Reads to the end of the peer's stream, for the next peer comes behind it.
fn pass_over(mut stream: Stream<'_, '_>) -> Result<(), Down> {
    while stream.read(&mut [0; 50])? > 0 {}
    Ok(())
}
