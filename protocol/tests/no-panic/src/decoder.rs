//! `Decoder`, for each kind of room that a header can have.

/// The functions of a decoder with this room.
macro_rules! decoder_with {
    ($module:ident, $with:literal, $room:ty) => {
        pub(crate) mod $module {
            use jsonframe::{DecodeError, Decoder, Dialect, Event, Header};

            crate::prove::prove! {
                $with,

                "Decoder::new"
                fn new(room: $room) -> Decoder<$room> {
                    Decoder::new(room)
                }

                "Decoder::with_dialect"
                fn with_dialect(room: $room, dialect: &'static Dialect) -> Decoder<$room> {
                    Decoder::new(room).with_dialect(dialect)
                }

                "Decoder::decode"
                fn decode<'d, 'i>(
                    decoder: &'d mut Decoder<$room>,
                    input: &mut &'i [u8],
                ) -> Result<Option<Event<'d, 'i>>, DecodeError> {
                    decoder.decode(input)
                }

                "Decoder::header"
                fn header<'d>(decoder: &'d Decoder<$room>) -> Option<Header<'d>> {
                    decoder.header()
                }

                "Decoder::buffer_mut"
                fn buffer_mut(decoder: &mut Decoder<$room>) -> Option<usize> {
                    decoder.buffer_mut().map(|room| room.len())
                }

                "Decoder::needs"
                fn needs(decoder: &Decoder<$room>) -> u64 {
                    decoder.needs()
                }

                "Decoder::position"
                fn position(decoder: &Decoder<$room>) -> u64 {
                    decoder.position()
                }

                "Decoder::content_bypassed"
                fn content_bypassed(decoder: &mut Decoder<$room>, count: u64) -> u64 {
                    decoder.content_bypassed(count)
                }

                "Decoder::limit_content"
                fn limit_content(decoder: &mut Decoder<$room>, limit: u64) -> Result<(), DecodeError> {
                    decoder.limit_content(limit)
                }

                "Decoder::finish"
                fn finish(decoder: &Decoder<$room>) -> Result<(), DecodeError> {
                    decoder.finish()
                }
            }
        }
    };
}

decoder_with!(array, "[u8; 256]", [u8; 256]);
decoder_with!(largest, "[u8; 65535]", [u8; 65_535]);
decoder_with!(slice, "&mut [u8]", &'static mut [u8]);
decoder_with!(boxed, "Box<[u8]>", Box<[u8]>);
