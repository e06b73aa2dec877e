//! JSON in any encoding.

use jsonframe::{ByteOrder, Header, JsonError, Message};
use serde_json::{Value, json};

use crate::python::ask;
use crate::{UNICODE, all};

#[test]
fn json_is_read_as_python_encodes_it() {
    let value = json!({"action": "search", "value": ["~1, 2~", "\\\"", null, 1.5]});
    let beyond = json!({"text": "é漢🐶", "\u{FEFF}": "\u{FEFF}"});
    let requests: Vec<_> = all().map(|name| format!("encode {name} {}", hex::encode(value.to_string()))).collect();
    let beyond_requests = UNICODE.map(|name| format!("encode {name} {}", hex::encode(beyond.to_string())));
    let Some(answers) = ask(&[&requests[..], &beyond_requests].concat()) else { return };
    let labels = all().map(|name| (name, &value)).chain(UNICODE.map(|name| (name, &beyond)));
    let mut read = 0;
    for ((name, value), answer) in labels.zip(answers) {
        let content = hex::decode(answer.strip_prefix('=').unwrap()).unwrap();
        // A byte-order mark overrides the header.
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let header = Header::new("text/json", name, content.len() as u64).with_byte_order(order);
            let message = Message::new(header, &content).unwrap();
            assert_eq!(message.json_owned::<Value>().unwrap(), *value, "{name}");
            match message.json::<Value>() {
                Ok(in_place) => assert_eq!(in_place, *value, "{name}"),
                Err(JsonError::Encoding { label }) => assert_eq!(label, name),
                Err(error) => panic!("{name}: {error}"),
            }
            assert_eq!(message.json::<Value>().is_ok(), ["utf-8", "utf-8-sig", "ascii"].contains(&name), "{name}");
            read += 1;
        }
    }
    assert_eq!(read, 2 * (50 + 8));
}

#[test]
fn what_is_wrong_is_said() {
    let error = |label, content: &[u8]| {
        let message = Message::new(Header::new("text/json", label, content.len() as u64), content).unwrap();
        message.json_owned::<u8>().unwrap_err().to_string()
    };
    assert_eq!(error("gzip", b"1"), "the content-encoding is \"gzip\", which JSON cannot be read from here");
    assert_eq!(error("utf-16", b"1"), "the content is not text in utf-16 (at its byte 0)");
    assert_eq!(error("utf-8", b"\xFF"), "the content is not text in utf-8 (at its byte 0)");
    assert_eq!(error("latin-1", b"\xFF"), "the content does not fit: expected value at line 1 column 1");
}
