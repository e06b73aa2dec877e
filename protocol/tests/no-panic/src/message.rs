//! `Message` and `Outgoing`: what goes out whole.

use jsonframe::{EncodeError, Header, Message, Outgoing};

crate::prove::prove! {
    "",

    "Message::new"
    fn message<'a>(header: Header<'a>, content: &'a [u8]) -> Result<Message<'a>, EncodeError> {
        Message::new(header, content)
    }

    "Message::header"
    fn header<'a>(message: &Message<'a>) -> Header<'a> {
        message.header()
    }

    "Message::content"
    fn content<'a>(message: &Message<'a>) -> &'a [u8] {
        message.content()
    }

    "Outgoing::new"
    fn new<'a>(header: &Header<'_>, content: &'a [u8], buffer: &'a mut [u8]) -> Result<Outgoing<'a>, EncodeError> {
        Outgoing::new(header, content, buffer)
    }

    "Outgoing::from_parts"
    fn from_parts<'a>(parts: [&'a [u8]; 2]) -> Outgoing<'a> {
        Outgoing::from_parts(parts)
    }

    "Outgoing::parts"
    fn parts<'a>(outgoing: &Outgoing<'a>) -> [&'a [u8]; 2] {
        outgoing.parts()
    }

    "Outgoing::len"
    fn len(outgoing: &Outgoing<'_>) -> usize {
        outgoing.len()
    }

    "Outgoing::is_empty"
    fn is_empty(outgoing: &Outgoing<'_>) -> bool {
        outgoing.is_empty()
    }

    "Outgoing::advance"
    fn advance(outgoing: &mut Outgoing<'_>, count: usize) {
        outgoing.advance(count);
    }
}
