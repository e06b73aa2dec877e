//! `Assembler` and `OwnedHeader`, for each kind of storage that needs no allocator.

/// The functions of an assembler with this room and this storage, and of a header kept in this storage.
macro_rules! assembler_with {
    ($module:ident, $with:literal, $room:ty, $storage:ty) => {
        pub(crate) mod $module {
            use jsonframe::{Assembler, DecodeError, Dialect, EncodeError, Header, Message, OwnedHeader};

            crate::prove::prove! {
                $with,

                "Assembler::new"
                fn new(room: $room, storage: $storage) -> Assembler<$room, $storage> {
                    Assembler::new(room, storage)
                }

                "Assembler::with_dialect"
                fn with_dialect(
                    room: $room,
                    storage: $storage,
                    dialect: &'static Dialect,
                ) -> Assembler<$room, $storage> {
                    Assembler::new(room, storage).with_dialect(dialect)
                }

                "Assembler::decode"
                fn decode<'a>(
                    assembler: &'a mut Assembler<$room, $storage>,
                    input: &'a mut &'a [u8],
                ) -> Result<Option<Message<'a>>, DecodeError> {
                    assembler.decode(input)
                }

                "Assembler::needs"
                fn needs(assembler: &Assembler<$room, $storage>) -> u64 {
                    assembler.needs()
                }

                "Assembler::position"
                fn position(assembler: &Assembler<$room, $storage>) -> u64 {
                    assembler.position()
                }

                "Assembler::finish"
                fn finish(assembler: &Assembler<$room, $storage>) -> Result<(), DecodeError> {
                    assembler.finish()
                }

                "OwnedHeader::new"
                fn keep(header: &Header<'_>, storage: $storage) -> Result<OwnedHeader<$storage>, EncodeError> {
                    OwnedHeader::new(header, storage)
                }

                "OwnedHeader::header"
                fn kept<'a>(kept: &'a OwnedHeader<$storage>) -> Header<'a> {
                    kept.header()
                }

                "OwnedHeader::into_storage"
                fn into_storage(kept: OwnedHeader<$storage>) -> $storage {
                    kept.into_storage()
                }
            }
        }
    };
}

assembler_with!(array, "[u8; 256], an array of 1024", [u8; 256], crate::array::Array<1024>);
assembler_with!(vec, "[u8; 256], heapless::Vec<u8, 1024>", [u8; 256], heapless::Vec<u8, 1024>);
assembler_with!(slice, "&mut [u8], heapless::Vec<u8, 64>", &'static mut [u8], heapless::Vec<u8, 64>);

pub(crate) mod storage {
    use heapless::Vec as Fixed;
    use jsonframe::{Storage, StorageFull};

    crate::prove::prove! {
        "heapless::Vec<u8, 64>",

        "Storage for heapless::Vec"
        fn limit(storage: &Fixed<u8, 64>) -> usize {
            Storage::limit(storage)
        }

        "Storage for heapless::Vec"
        fn clear(storage: &mut Fixed<u8, 64>) {
            Storage::clear(storage);
        }

        "Storage for heapless::Vec"
        fn append(storage: &mut Fixed<u8, 64>, bytes: &[u8]) -> Result<(), StorageFull> {
            Storage::append(storage, bytes)
        }
    }
}
