//! The drivers over `embedded-io`, with streams that return anything: any error, and any count.

use core::convert::Infallible;

use embedded_io::{Error, ErrorKind, ErrorType, Read, Write};
use jsonframe::embedded::{Incoming, ReceiveError, Receiver, SendError, Sender};

/// A stream that returns the same result from every call.
#[derive(Clone)]
pub(crate) struct Scripted {
    result: Result<usize, ErrorKind>,
    byte: u8,
}

impl ErrorType for Scripted {
    type Error = ErrorKind;
}

impl Read for Scripted {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        buf.fill(self.byte);
        self.result
    }
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.byte = bytes.first().copied().unwrap_or_default();
        self.result
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.result.map(|_| ())
    }
}

/// A receiver and a sender with this buffer for a header.
macro_rules! drivers_with {
    ($module:ident, $with:literal, $buffer:ty) => {
        pub(crate) mod $module {
            use jsonframe::{DecodeError, Dialect, Header, Message};

            use super::*;

            type Messages = Receiver<Scripted, $buffer>;
            type Received<'r> = Incoming<'r, Scripted, $buffer>;
            type Outgoing = Sender<Scripted, $buffer>;

            crate::prove::prove! {
                $with,

                "Receiver::new"
                fn receiver(reader: Scripted, buffer: $buffer) -> Messages {
                    Receiver::new(reader, buffer)
                }

                "Receiver::with_dialect"
                fn receiver_with_dialect(reader: Scripted, buffer: $buffer, dialect: &'static Dialect) -> Messages {
                    Receiver::new(reader, buffer).with_dialect(dialect)
                }

                "Receiver::receive"
                fn receive<'r>(receiver: &'r mut Messages) -> Result<Option<Received<'r>>, ReceiveError<ErrorKind>> {
                    receiver.receive()
                }

                "Receiver::position"
                fn position(receiver: &Messages) -> u64 {
                    receiver.position()
                }

                "Receiver::reader_mut"
                fn reader_mut<'r>(receiver: &'r mut Messages) -> &'r mut Scripted {
                    receiver.reader_mut()
                }

                "Receiver::into_reader"
                fn into_reader(receiver: Messages) -> Scripted {
                    receiver.into_reader()
                }

                "Incoming::header"
                fn header<'i>(incoming: &'i Received<'_>) -> Header<'i> {
                    incoming.header()
                }

                "Incoming::content_left"
                fn content_left(incoming: &Received<'_>) -> u64 {
                    incoming.content_left()
                }

                "Incoming::position"
                fn incoming_position(incoming: &Received<'_>) -> u64 {
                    incoming.position()
                }

                "Incoming::limit_content"
                fn limit_content(incoming: &mut Received<'_>, limit: u64) -> Result<(), DecodeError> {
                    incoming.limit_content(limit)
                }

                "Incoming::message"
                fn message<'m>(
                    incoming: &'m mut Received<'_>,
                    buffer: &'m mut [u8],
                ) -> Result<Message<'m>, ReceiveError<ErrorKind>> {
                    incoming.message(buffer)
                }

                "Read for Incoming"
                fn read(incoming: &mut Received<'_>, buf: &mut [u8]) -> Result<usize, ReceiveError<ErrorKind>> {
                    incoming.read(buf)
                }

                "Sender::new"
                fn sender(writer: Scripted, buffer: $buffer) -> Outgoing {
                    Sender::new(writer, buffer)
                }

                "Sender::with_dialect"
                fn sender_with_dialect(writer: Scripted, buffer: $buffer, dialect: &'static Dialect) -> Outgoing {
                    Sender::new(writer, buffer).with_dialect(dialect)
                }

                "Sender::resume"
                fn resume(sender: &mut Outgoing, content: &[u8]) -> Result<(), SendError<ErrorKind>> {
                    sender.resume(content)
                }

                "Sender::unsent"
                fn unsent(sender: &Outgoing) -> u64 {
                    sender.unsent()
                }

                "Sender::writer_mut"
                fn writer_mut<'s>(sender: &'s mut Outgoing) -> &'s mut Scripted {
                    sender.writer_mut()
                }

                "Sender::into_writer"
                fn into_writer(sender: Outgoing) -> Scripted {
                    sender.into_writer()
                }

                "Write for Sender"
                fn write(sender: &mut Outgoing, content: &[u8]) -> Result<usize, SendError<ErrorKind>> {
                    sender.write(content)
                }

                "Write for Sender"
                fn write_all(sender: &mut Outgoing, content: &[u8]) -> Result<(), SendError<ErrorKind>> {
                    sender.write_all(content)
                }

                "Write for Sender"
                fn flush(sender: &mut Outgoing) -> Result<(), SendError<ErrorKind>> {
                    sender.flush()
                }
            }
        }
    };
}

drivers_with!(array, "[u8; 256]", [u8; 256]);
drivers_with!(slice, "&mut [u8]", &'static mut [u8]);

crate::derived::compared! {
    receive_error: "Clone for ReceiveError", "PartialEq for ReceiveError",
        jsonframe::embedded::ReceiveError<embedded_io::ErrorKind>;
    send_error: "Clone for SendError", "PartialEq for SendError", jsonframe::embedded::SendError<embedded_io::ErrorKind>;
}

pub(crate) mod copied {
    use super::{Receiver, Scripted, Sender};

    crate::prove::prove! {
        "[u8; 256]",

        "Clone for Receiver"
        fn receiver(receiver: &Receiver<Scripted, [u8; 256]>) -> Receiver<Scripted, [u8; 256]> {
            receiver.clone()
        }

        "Clone for Sender"
        fn sender(sender: &Sender<Scripted, [u8; 256]>) -> Sender<Scripted, [u8; 256]> {
            sender.clone()
        }
    }
}

pub(crate) mod errors {
    use super::{Error, ErrorKind, Infallible, ReceiveError, SendError};

    crate::prove::prove! {
        "ErrorKind; Infallible",

        "Error for ReceiveError"
        fn receive_kind(error: &ReceiveError<ErrorKind>) -> ErrorKind {
            Error::kind(error)
        }

        "Error for SendError"
        fn send_kind(error: &SendError<Infallible>) -> ErrorKind {
            Error::kind(error)
        }
    }
}
