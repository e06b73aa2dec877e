//! Random headers, messages, streams and ways to cut them.

use jsonframe::{ByteOrder, Header, Member, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

/// A header and content that own what they are made of.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) byte_order: ByteOrder,
    pub(crate) content_type: String,
    pub(crate) content_encoding: String,
    pub(crate) extensions: Vec<(String, Extension)>,
    pub(crate) content: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) enum Extension {
    Null,
    Bool(bool),
    Natural(u64),
    Integer(i64),
    Text(String),
    Json(String),
}

impl Extension {
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::NULL,
            Self::Bool(truth) => (*truth).into(),
            Self::Natural(number) => (*number).into(),
            Self::Integer(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Json(json) => Value::from_json(json).unwrap(),
        }
    }
}

impl Parts {
    pub(crate) fn extensions(&self) -> Vec<(&str, Value<'_>)> {
        self.extensions.iter().map(|(name, value)| (name.as_str(), value.value())).collect()
    }

    pub(crate) fn header<'a>(&'a self, extensions: &'a [(&'a str, Value<'a>)]) -> Header<'a> {
        Header::new(&self.content_type, &self.content_encoding, self.content.len() as u64)
            .with_byte_order(self.byte_order)
            .with_extensions(extensions)
    }

    /// The message as it is sent.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        let extensions = self.extensions();
        let header = self.header(&extensions);
        let mut bytes = vec![0; header.encoded_len()];
        header.encode(&mut bytes).unwrap();
        bytes.extend_from_slice(&self.content);
        bytes
    }
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z/-]{0,12}",
        2 => vec(any::<char>(), 0..12).prop_map(String::from_iter),
        1 => vec(prop_oneof![Just('"'), Just('\\'), Just('\u{7F}'), Just('🐶'), Just('\u{FEFF}'), proptest::char::range('\0', ' ')], 0..12)
            .prop_map(String::from_iter),
    ]
}

pub(crate) fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec((text(), inner), 0..4).prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// JSON in the emitted form, by a writer of its own.
fn emitted(json: &Json) -> String {
    let listed = |texts: Vec<String>| texts.join(", ");
    match json {
        Json::Array(values) => format!("[{}]", listed(values.iter().map(emitted).collect())),
        Json::Object(members) => {
            let member = |(name, value): (&String, &Json)| format!("{}: {}", Json::from(name.as_str()), emitted(value));
            format!("{{{}}}", listed(members.iter().map(member).collect()))
        }
        scalar => scalar.to_string(),
    }
}

fn extension() -> impl Strategy<Value = Extension> {
    prop_oneof![
        Just(Extension::Null),
        any::<bool>().prop_map(Extension::Bool),
        any::<u64>().prop_map(Extension::Natural),
        any::<i64>().prop_map(Extension::Integer),
        text().prop_map(Extension::Text),
        json()
            .prop_filter("text has an extension of its own", |json| !json.is_string())
            .prop_map(|json| Extension::Json(emitted(&json))),
    ]
}

pub(crate) fn message() -> impl Strategy<Value = Parts> {
    let name =
        text().prop_filter("required names are taken", |name| Member::ALL.iter().all(|member| member.as_str() != name));
    let byte_order = prop_oneof![Just(ByteOrder::Little), Just(ByteOrder::Big)];
    let content = prop_oneof![Just(Vec::new()), vec(any::<u8>(), 0..300)];
    (byte_order, text(), text(), vec((name, extension()), 0..4), content).prop_map(
        |(byte_order, content_type, content_encoding, extensions, content)| Parts {
            byte_order,
            content_type,
            content_encoding,
            extensions,
            content,
        },
    )
}

/// How a stream may be cut: sizes of pieces, empty ones among them.
pub(crate) fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![1]), vec(0_usize..40, 1..60), vec(prop_oneof![0_usize..4, 90_usize..300], 1..20)]
}

/// A header as another program might write it: members in any order, white space and escapes anywhere.
pub(crate) fn foreign_header() -> impl Strategy<Value = (Json, String)> {
    let required = (prop_oneof![Just("little"), Just("big")], text(), text(), prop_oneof![0_u64..400, any::<u64>()]);
    let order = Just([0_usize, 1, 2, 3]).prop_shuffle();
    (required, order, vec((text(), json()), 0..4), any::<u64>()).prop_map(
        |((byte_order, content_type, content_encoding, content_length), order, extensions, seed)| {
            let required = [
                ("byteorder", Json::from(byte_order)),
                ("content-type", Json::from(content_type)),
                ("content-encoding", Json::from(content_encoding)),
                ("content-length", Json::from(content_length)),
            ];
            let mut members: Vec<(String, Json)> = order
                .iter()
                .map(|index| required[*index].clone())
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            for (index, (name, value)) in extensions.into_iter().enumerate() {
                if required.iter().all(|(taken, _)| *taken != name) && members.iter().all(|(taken, _)| *taken != name) {
                    let place = (usize::try_from(seed % 8).unwrap() + index) % (members.len() + 1);
                    members.insert(place, (name, value));
                }
            }
            let text = Foreign { seed }.object(&members, true);
            (Json::Object(members.into_iter().collect()), text)
        },
    )
}

/// Writes JSON in a way of its own.
struct Foreign {
    seed: u64,
}

impl Foreign {
    /// A number below that of the choices.
    fn pick(&mut self, choices: u64) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.seed >> 33) % choices).unwrap()
    }

    fn space(&mut self) -> &'static str {
        ["", "", "", " ", "\t", "\r\n", "  "][self.pick(7)]
    }

    fn object(&mut self, members: &[(String, Json)], outermost: bool) -> String {
        let mut text = String::from(if outermost { self.space() } else { "" }) + "{" + self.space();
        for (index, (name, value)) in members.iter().enumerate() {
            if index > 0 {
                text = text + "," + self.space();
            }
            text += &self.string(name);
            text = text + self.space() + ":" + self.space();
            text += &self.value(value);
            text += self.space();
        }
        text + "}" + if outermost { self.space() } else { "" }
    }

    fn value(&mut self, value: &Json) -> String {
        match value {
            Json::String(text) => self.string(text),
            Json::Array(values) => {
                let mut text = String::from("[") + self.space();
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        text = text + "," + self.space();
                    }
                    text += &self.value(value);
                    text += self.space();
                }
                text + "]"
            }
            Json::Object(members) => {
                let members: Vec<_> = members.clone().into_iter().collect();
                self.object(&members, false)
            }
            other => other.to_string(),
        }
    }

    fn string(&mut self, text: &str) -> String {
        let mut json = String::from("\"");
        for character in text.chars() {
            match (self.pick(4), character) {
                (0, _) => {
                    let mut units = [0; 2];
                    for unit in character.encode_utf16(&mut units) {
                        let escape =
                            if self.pick(2) == 0 { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
                        json.push_str(&escape);
                    }
                }
                (1, '/') => json += "\\/",
                (_, '"') => json += "\\\"",
                (_, '\\') => json += "\\\\",
                (_, '\n') => json += "\\n",
                (_, '\r') => json += "\\r",
                (_, '\t') => json += "\\t",
                (_, '\u{8}') => json += "\\b",
                (_, '\u{C}') => json += "\\f",
                (_, ..' ') => json = format!("{json}\\u{:04x}", u32::from(character)),
                _ => json.push(character),
            }
        }
        json + "\""
    }
}
