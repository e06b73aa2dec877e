//! The negative controls: functions that can panic, each in a way of its own, put up for proof like the others.

#[cfg(feature = "planted-index")]
pub(crate) mod index {
    use jsonframe::Decoder;

    crate::prove::prove! {
        "a planted index",

        "Decoder::header"
        fn header(decoder: &Decoder<[u8; 256]>, at: usize) -> u8 {
            decoder.header().map_or(0, |header| header.content_type().as_bytes()[at])
        }
    }
}

#[cfg(feature = "planted-slice")]
pub(crate) mod slice {
    use jsonframe::Outgoing;

    crate::prove::prove! {
        "a planted slice",

        "Outgoing::parts"
        fn parts<'a>(outgoing: &Outgoing<'a>, written: usize) -> &'a [u8] {
            &outgoing.parts()[0][written..]
        }
    }
}

#[cfg(feature = "planted-overflow")]
pub(crate) mod overflow {
    use jsonframe::Decoder;

    crate::prove::prove! {
        "a planted overflow",

        "Decoder::needs"
        fn needs(decoder: &Decoder<[u8; 256]>) -> u64 {
            decoder.position() + decoder.needs()
        }
    }
}

#[cfg(feature = "planted-storage")]
pub(crate) mod storage {
    use jsonframe::{Assembler, DecodeError, Storage, StorageFull};

    #[derive(Clone)]
    pub(crate) struct Careless(heapless::Vec<u8, 64>);

    impl AsRef<[u8]> for Careless {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl AsMut<[u8]> for Careless {
        fn as_mut(&mut self) -> &mut [u8] {
            &mut self.0
        }
    }

    impl Storage for Careless {
        fn limit(&self) -> usize {
            usize::MAX
        }

        fn clear(&mut self) {
            self.0.clear();
        }

        fn append(&mut self, bytes: &[u8]) -> Result<(), StorageFull> {
            self.0.extend_from_slice(bytes).unwrap();
            Ok(())
        }
    }

    crate::prove::prove! {
        "a storage that panics",

        "Assembler::decode"
        fn decode(
            assembler: &mut Assembler<[u8; 256], Careless>,
            input: &mut &'static [u8],
        ) -> Result<bool, DecodeError> {
            assembler.decode(input).map(|message| message.is_some())
        }
    }
}
