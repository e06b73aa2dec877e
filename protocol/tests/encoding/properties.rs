//! Properties of every encoding and every content.

use std::borrow::Cow;

use jsonframe::{ByteOrder, Encoding, TextDecoder, TextError};
use proptest::prelude::*;

use crate::{all, encoding};

fn any_encoding() -> impl Strategy<Value = Encoding> {
    let order = prop_oneof![Just(ByteOrder::Little), Just(ByteOrder::Big)];
    (prop::sample::select(all().collect::<Vec<_>>()), order)
        .prop_map(|(name, order)| encoding(name).with_byte_order(order))
}

/// Generates content that is mostly text in the encoding, with some bytes changed or lost.
fn content(encoding: Encoding) -> impl Strategy<Value = Vec<u8>> {
    let character = prop_oneof![
        any::<char>(),
        prop::sample::select("aé€ßпривітこんにちは世界カナ你好안녕🐶╝\u{FEFF}\u{85}".chars().collect::<Vec<_>>()),
    ];
    let text = prop::collection::vec(character, 0..40).prop_map(move |characters| {
        let written = characters
            .iter()
            .filter_map(|character| encoding.encode(character.encode_utf8(&mut [0; 4])).ok().map(Cow::into_owned));
        written.collect::<Vec<_>>().concat()
    });
    let damage = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ];
    let text = (text, damage, 0_usize..3).prop_map(|(mut bytes, damage, lost)| {
        for (index, byte) in damage {
            if !bytes.is_empty() {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
        }
        bytes.truncate(bytes.len() - lost.min(bytes.len()));
        bytes
    });
    prop_oneof![3 => text, 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

/// Decodes the pieces. Returns the text, which ends before an error, and the result.
fn in_pieces<'a>(encoding: Encoding, pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, Result<(), TextError>) {
    let mut decoder = TextDecoder::new(encoding);
    let mut text = String::new();
    let mut result = Ok(());
    for piece in pieces {
        let before = text.clone();
        result = decoder.decode(piece, &mut text);
        assert!(text.starts_with(&before));
        if result.is_err() {
            break;
        }
    }
    let end = decoder.finish();
    assert!(result.is_ok() || result == end);
    (text, end)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn however_content_is_cut_the_text_is_the_same(
        (encoding, content) in any_encoding().prop_flat_map(|encoding| (Just(encoding), content(encoding))),
        cuts in prop::collection::vec(0_usize..9, 1..60),
    ) {
        let whole = in_pieces(encoding, [&content[..]]);
        match encoding.decode(&content) {
            Ok(text) => prop_assert_eq!((text.as_ref(), &Ok(())), (&*whole.0, &whole.1)),
            Err(error) => prop_assert_eq!(&Err(error), &whole.1),
        }
        if let Some(text) = encoding.decode_borrowed(&content) {
            prop_assert_eq!(text, &whole.0);
        }
        prop_assert_eq!(&in_pieces(encoding, content.chunks(1)), &whole);
        let mut rest = &content[..];
        let mut pieces: Vec<&[u8]> = Vec::new();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        prop_assert_eq!(&in_pieces(encoding, pieces), &whole);
        for place in 0..=content.len() {
            prop_assert_eq!(&in_pieces(encoding, [&content[..place], &content[place..]]), &whole);
        }
    }

    #[test]
    fn what_is_written_is_read_back(encoding in any_encoding(), text in ".{0,40}") {
        match encoding.encode(&text) {
            Ok(content) => prop_assert_eq!(encoding.decode(&content), Ok(Cow::Borrowed(&*text))),
            Err(TextError::Unmappable { character, offset, .. }) => {
                prop_assert!(text[offset..].starts_with(character));
                // All characters before it can be encoded.
                prop_assert!(encoding.encode(&text[..offset]).is_ok());
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn long_content_is_decoded_in_steps() {
    for name in all() {
        let encoding = encoding(name).with_byte_order(ByteOrder::Big);
        let text: String = "plain é я ß 漢 カ 你 가 〜 "
            .chars()
            .filter(|character| encoding.encode(character.encode_utf8(&mut [0; 4])).is_ok())
            .collect::<String>()
            .repeat(700);
        let content = encoding.encode(&text).unwrap();
        assert_eq!(encoding.decode(&content).as_deref(), Ok(&*text), "{name}");
        // The error comes after thousands of characters.
        let broken = [&content[..], &b"\xFF\xFF\xFF\xFF\xFF"[..]].concat();
        match encoding.decode(&broken) {
            Err(TextError::Malformed { offset, .. }) => assert!(offset >= content.len() as u64, "{name}"),
            other => assert!(other.is_ok_and(|longer| longer.starts_with(&text)), "{name}"),
        }
        for size in [1023, 1024, 1025] {
            assert_eq!(in_pieces(encoding, content.chunks(size)), (text.clone(), Ok(())), "{name}");
        }
    }
}
