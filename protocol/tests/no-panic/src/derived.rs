//! What is derived for the public types: copies, comparisons, hashes.

/// `Clone` and `PartialEq` of a type.
macro_rules! compared {
    ($($module:ident: $clone:literal, $equal:literal, $type:ty;)+) => {$(
        pub(crate) mod $module {
            crate::prove::prove! {
                "",

                $clone
                fn clone(value: &$type) -> $type {
                    Clone::clone(value)
                }

                $equal
                fn equal(left: &$type, right: &$type) -> bool {
                    left == right
                }
            }
        }
    )+};
}

pub(crate) use compared;

compared! {
    byte_order: "Clone for ByteOrder", "PartialEq for ByteOrder", jsonframe::ByteOrder;
    decode_error: "Clone for DecodeError", "PartialEq for DecodeError", jsonframe::DecodeError;
    decode_error_kind: "Clone for DecodeErrorKind", "PartialEq for DecodeErrorKind", jsonframe::DecodeErrorKind;
    dialect: "Clone for Dialect", "PartialEq for Dialect", jsonframe::Dialect;
    encode_error: "Clone for EncodeError", "PartialEq for EncodeError", jsonframe::EncodeError;
    encoding: "Clone for Encoding", "PartialEq for Encoding", jsonframe::Encoding;
    event: "Clone for Event", "PartialEq for Event", jsonframe::Event<'static, 'static>;
    header: "Clone for Header", "PartialEq for Header", jsonframe::Header<'static>;
    invalid_byte_order: "Clone for InvalidByteOrder", "PartialEq for InvalidByteOrder", jsonframe::InvalidByteOrder;
    invalid_content_type: "Clone for InvalidContentType", "PartialEq for InvalidContentType",
        jsonframe::InvalidContentType;
    invalid_json: "Clone for InvalidJson", "PartialEq for InvalidJson", jsonframe::InvalidJson;
    member: "Clone for Member", "PartialEq for Member", jsonframe::Member;
    message: "Clone for Message", "PartialEq for Message", jsonframe::Message<'static>;
    proto_header: "Clone for ProtoHeader", "PartialEq for ProtoHeader", jsonframe::ProtoHeader;
    storage_full: "Clone for StorageFull", "PartialEq for StorageFull", jsonframe::StorageFull;
    unknown_encoding: "Clone for UnknownEncoding", "PartialEq for UnknownEncoding", jsonframe::UnknownEncoding;
    value: "Clone for Value", "PartialEq for Value", jsonframe::Value<'static>;
}

pub(crate) mod copied {
    use heapless::Vec as Storage;
    use jsonframe::{Assembler, Decoder, Extensions, Outgoing, OwnedHeader};

    crate::prove::prove! {
        "[u8; 256], heapless::Vec<u8, 64>",

        "Clone for Assembler"
        fn assembler(assembler: &Assembler<[u8; 256], Storage<u8, 64>>) -> Assembler<[u8; 256], Storage<u8, 64>> {
            assembler.clone()
        }

        "Clone for Decoder"
        fn decoder(decoder: &Decoder<[u8; 256]>) -> Decoder<[u8; 256]> {
            decoder.clone()
        }

        "Clone for Extensions"
        fn extensions<'a>(extensions: &Extensions<'a>) -> Extensions<'a> {
            extensions.clone()
        }

        "Clone for Outgoing"
        fn outgoing<'a>(outgoing: &Outgoing<'a>) -> Outgoing<'a> {
            Clone::clone(outgoing)
        }

        "PartialEq for OwnedHeader"
        fn equal_headers(kept: &OwnedHeader<Storage<u8, 64>>, other: &OwnedHeader<Storage<u8, 64>>) -> bool {
            kept == other
        }

        "Clone for OwnedHeader"
        fn owned_header(kept: &OwnedHeader<Storage<u8, 64>>) -> OwnedHeader<Storage<u8, 64>> {
            kept.clone()
        }
    }
}

pub(crate) mod hashed {
    use std::hash::{DefaultHasher, Hash};

    use heapless::Vec as Storage;
    use jsonframe::{
        ByteOrder, ContentType, Dialect, Encoding, Header, Member, OwnedHeader, ParameterValue, ProtoHeader, Value,
    };

    crate::prove::prove! {
        "DefaultHasher",

        "Hash for ByteOrder"
        fn byte_order(value: ByteOrder, hasher: &mut DefaultHasher) {
            value.hash(hasher);
        }

        "Hash for Dialect"
        fn dialect(value: Dialect, hasher: &mut DefaultHasher) {
            value.hash(hasher);
        }

        "Hash for ProtoHeader"
        fn proto_header(value: ProtoHeader, hasher: &mut DefaultHasher) {
            value.hash(hasher);
        }

        "Hash for ContentType"
        fn content_type(value: &ContentType<'_>, hasher: &mut DefaultHasher) {
            value.hash(hasher);
        }

        "Hash for ParameterValue"
        fn parameter_value(value: &ParameterValue<'_>, hasher: &mut DefaultHasher) {
            value.hash(hasher);
        }

        "Hash for Header"
        fn header(value: &Header<'_>, hasher: &mut DefaultHasher) {
            value.hash(hasher);
        }

        "Hash for OwnedHeader"
        fn owned_header(value: &OwnedHeader<Storage<u8, 64>>, hasher: &mut DefaultHasher) {
            value.hash(hasher);
        }

        "Hash for Encoding"
        fn encoding(value: Encoding, hasher: &mut DefaultHasher) {
            value.hash(hasher);
        }

        "Hash for Member"
        fn member(value: Member, hasher: &mut DefaultHasher) {
            value.hash(hasher);
        }

        "Hash for Value"
        fn value(value: &Value<'_>, hasher: &mut DefaultHasher) {
            value.hash(hasher);
        }
    }
}
