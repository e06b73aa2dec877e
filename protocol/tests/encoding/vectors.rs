//! The test vectors of text: SPEC 3.3.1.

use std::borrow::Cow;

use jsonframe::{ByteOrder, Header, TextDecoder, TextError};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    content_encoding: String,
    byteorder: String,
    content: String,
    text: Option<String>,
    offset: Option<u64>,
    #[serde(default)]
    writes: bool,
}

#[test]
fn every_content_is_the_text_that_its_vector_says() {
    let file: File = serde_json::from_str(include_str!("../vectors/text/text.json")).unwrap();
    assert!(file.vectors.len() >= 40);
    for vector in file.vectors {
        let content = hex::decode(&vector.content).unwrap();
        let byte_order = if vector.byteorder == "big" { ByteOrder::Big } else { ByteOrder::Little };
        let header =
            Header::new("text/plain", &vector.content_encoding, content.len() as u64).with_byte_order(byte_order);
        let Some(encoding) = header.encoding() else {
            assert_eq!((vector.text, vector.offset), (None, None), "{}", vector.name);
            continue;
        };
        let (text, offset) = match encoding.decode(&content) {
            Ok(text) => (Some(text.into_owned()), None),
            Err(TextError::Malformed { offset, .. }) => (None, Some(offset)),
            Err(error) => panic!("{}: {error}", vector.name),
        };
        assert_eq!((&text, offset), (&vector.text, vector.offset), "{}", vector.name);
        let (mut decoder, mut in_pieces) = (TextDecoder::new(encoding), String::new());
        let outcome = content.chunks(1).try_for_each(|piece| decoder.decode(piece, &mut in_pieces));
        let outcome = outcome.and_then(|()| decoder.finish());
        assert_eq!(outcome.is_ok().then_some(in_pieces), text, "{}", vector.name);
        if vector.writes {
            let written = encoding.encode(text.as_deref().unwrap()).map(Cow::into_owned);
            assert_eq!(written, Ok(content), "{}", vector.name);
        }
    }
}
