//! Any header that can be encoded is sent in the one form of SPEC 4.1, decodes to itself, and encodes to the same bytes
//! again; nothing that is put into it makes a second header of it. A header that cannot be sent is refused.
//!
//! The input: choices of which up to three messages are made.

use jsonframe::{
    ByteOrder, Decoder, EncodeError, Event, Growable, Header, Member, Message, Outgoing, OwnedHeader, Value,
};

use crate::input::Input;
use crate::log::{Limits, Log};
use crate::rules::{self, Outcome};
use crate::spelling::{self, Spelled};

pub fn check(data: &[u8]) {
    let mut stream = Vec::new();
    let mut sent = Vec::new();
    for parts in messages(data) {
        if let Some(message) = parts.encode() {
            sent.push((message.len() - parts.content.len(), parts.emitted(), parts.content));
            stream.extend(message);
        }
    }
    // Put after each other, they come out as they were put in: as many, and each of its length.
    let limits = Limits { header_capacity: 65_535, content: u64::MAX };
    let log = Log::of(limits, [stream.as_slice()]);
    log.assert_framed(limits, &stream);
    assert_eq!((log.messages.len(), log.fault), (sent.len(), None));
    for (received, (head, header, content)) in log.messages.iter().zip(&sent) {
        assert_eq!((received.header_length, &received.header), (*head as u64 - 2, header));
        assert_eq!(&received.content, content);
    }
}

/// The headers that an input makes and that can be sent, as JSON.
pub fn headers(data: &[u8]) -> Vec<String> {
    let sendable = messages(data).into_iter().filter(|parts| parts.encode().is_some());
    sendable.map(|parts| parts.emitted()).collect()
}

fn messages(data: &[u8]) -> Vec<Parts> {
    let mut input = Input::new(data);
    let count = 1 + input.pick(3);
    (0..count).map(|_| Parts::new(&mut input)).collect()
}

/// What a message is made of.
struct Parts {
    byte_order: ByteOrder,
    content_type: String,
    content_encoding: String,
    extensions: Vec<(String, Extension)>,
    content: Vec<u8>,
}

#[derive(Debug)]
enum Extension {
    Null,
    Bool(bool),
    Natural(u64),
    Integer(i64),
    Text(String),
    Json(Spelled),
}

impl Parts {
    fn new(input: &mut Input<'_>) -> Self {
        let byte_order = if input.pick(2) == 0 { ByteOrder::Little } else { ByteOrder::Big };
        let content_type = match input.pick(32) {
            31 => "x".repeat(match input.word() {
                // About as long as a header may be. Rarely, for it takes long.
                0x7A7A => 65_535 - 4 * input.pick(256),
                length => usize::from(length) % 512,
            }),
            _ => spelling::text(input),
        };
        let content_encoding = spelling::text(input);
        let extensions = (0..input.pick(6)).filter_map(|_| extension(input)).collect();
        let length = input.pick(64);
        Self { byte_order, content_type, content_encoding, extensions, content: input.take(length).to_vec() }
    }

    /// The header's JSON as it is to be sent, put together by hand.
    fn emitted(&self) -> String {
        let text = |text: &str| serde_json::to_string(text).expect("a text is JSON");
        let mut json = format!(
            "{{\"byteorder\": \"{}\", \"content-type\": {}, \"content-encoding\": {}, \"content-length\": {}",
            if self.byte_order == ByteOrder::Little { "little" } else { "big" },
            text(&self.content_type),
            text(&self.content_encoding),
            self.content.len(),
        );
        for (name, extension) in &self.extensions {
            json = json + ", " + &text(name) + ": " + &extension.emitted();
        }
        json + "}"
    }

    fn reserved(&self) -> Option<Member> {
        let member = |name: &str| Member::ALL.iter().copied().find(|member| member.as_str() == name);
        self.extensions.iter().find_map(|(name, _)| member(name))
    }

    /// The message as it is sent, unless it cannot be.
    fn encode(&self) -> Option<Vec<u8>> {
        let extensions: Vec<(&str, Value<'_>)> =
            self.extensions.iter().map(|(name, extension)| (name.as_str(), extension.value())).collect();
        let header = Header::new(&self.content_type, &self.content_encoding, self.content.len() as u64)
            .with_byte_order(self.byte_order)
            .with_extensions(&extensions);
        let emitted = self.emitted();
        assert_eq!(header.to_string(), emitted);
        assert_eq!(header.encoded_len(), 2 + emitted.len());

        let message = Message::new(header, &self.content).expect("the announced length");
        let Ok(length) = u16::try_from(emitted.len()) else {
            let error =
                self.reserved().map_or(EncodeError::HeaderTooLong { length: emitted.len(), limit: u16::MAX }, reserved);
            assert_eq!(header.encode(&mut vec![0; 2 + emitted.len()]), Err(error));
            assert_eq!(message.to_vec(), Err(error));
            return None;
        };
        let mut buffer = vec![0xA5; 2 + emitted.len() + 3];
        if let Some(member) = self.reserved() {
            assert_eq!(header.encode(&mut buffer), Err(reserved(member)));
            assert_eq!(message.to_vec(), Err(reserved(member)));
            return None;
        }
        let (available, needed) = (1 + emitted.len(), 2 + emitted.len());
        let too_small = EncodeError::BufferTooSmall { needed, available };
        assert_eq!(header.encode(&mut buffer[..available]), Err(too_small));

        let expected = [&length.to_be_bytes(), emitted.as_bytes()].concat();
        assert_eq!(header.encode(&mut buffer), Ok(expected.as_slice()));
        assert!(buffer.ends_with(&[0xA5; 3]), "nothing is written beyond the header");
        comes_back(&header, &expected, &emitted);

        let outgoing = Outgoing::new(&header, &self.content, &mut buffer).expect("it can be sent");
        let sent = [expected, self.content.clone()].concat();
        assert_eq!(outgoing.parts().concat(), sent);
        assert_eq!(message.to_vec().as_ref(), Ok(&sent));
        Some(sent)
    }
}

fn reserved(member: Member) -> EncodeError {
    EncodeError::ReservedName { member }
}

/// Decodes an encoded header, and compares it with what it was made from, and with what `serde_json` reads.
fn comes_back(header: &Header<'_>, encoded: &[u8], emitted: &str) {
    let mut decoder = Decoder::new(vec![0; emitted.len()]);
    let mut input = encoded;
    let Ok(Some(Event::Header(received))) = decoder.decode(&mut input) else { panic!("refused: {emitted}") };
    assert!(input.is_empty());
    compare(header, &received);
    let mut again = vec![0; encoded.len()];
    assert_eq!(received.encode(&mut again), Ok(encoded));

    let reading = rules::read(emitted.as_bytes()).expect("to be accepted");
    assert_eq!(reading.content_type, header.content_type());
    assert_eq!(reading.content_encoding, header.content_encoding());
    assert_eq!(reading.content_length, header.content_length());
    assert!(reading.extensions.iter().map(|(name, _)| name.as_str()).eq(header.extensions().map(|(name, _)| name)));

    let kept = OwnedHeader::new(header, Growable::with_limit(65_535)).expect("there is room");
    compare(header, &kept.header());
    let kept = OwnedHeader::new(&received, Growable::with_limit(3 * 65_535)).expect("there is room");
    compare(header, &kept.header());
}

fn compare(header: &Header<'_>, received: &Header<'_>) {
    assert_eq!(received.byte_order(), header.byte_order());
    assert_eq!(received.content_type(), header.content_type());
    assert_eq!(received.content_encoding(), header.content_encoding());
    assert_eq!(received.content_length(), header.content_length());
    let mut ours = received.extensions();
    for (name, sent) in header.extensions() {
        let (received_name, value) = ours.next().expect("as many extensions");
        assert_eq!(received_name, name);
        match sent.as_json() {
            Some(_) => assert_eq!(value.as_json().map(str::to_owned), Some(sent.to_string())),
            None => assert_eq!(value, sent),
        }
    }
    assert_eq!(ours.next(), None);
}

fn extension(input: &mut Input<'_>) -> Option<(String, Extension)> {
    let name = match input.byte() {
        index @ 252.. => Member::ALL[usize::from(index - 252)].as_str().to_owned(),
        _ => spelling::text(input),
    };
    let extension = match input.pick(9) {
        0 => Extension::Null,
        1 => Extension::Bool(input.pick(2) == 1),
        2 => Extension::Natural(input.long()),
        3 => Extension::Integer(i64::from_ne_bytes(input.long().to_ne_bytes())),
        4 => Extension::Text(spelling::text(input)),
        5 => {
            let written = spelling::text(input);
            let emitted = claimed_json(&written)?.to_string();
            Extension::Json(Spelled { written, emitted })
        }
        _ => {
            let spelled = spelling::json(input);
            claimed_json(&spelled.written)?;
            Extension::Json(spelled)
        }
    };
    Some((name, extension))
}

/// The value of a text that may be JSON, and may be too deep. It is one if `serde_json` says so.
fn claimed_json(text: &str) -> Option<Value<'_>> {
    let is_json = rules::outcome(text.as_bytes()) == Outcome::Whole && rules::surrogates_are_paired(text);
    let is_text = text.trim_ascii_start().starts_with('"');
    let value = Value::from_json(text).ok();
    assert_eq!(value.is_some(), is_json && !is_text && rules::deepest(text) < rules::DEEPEST, "{text:?}");
    value
}

impl Extension {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::NULL,
            Self::Bool(truth) => (*truth).into(),
            Self::Natural(number) => (*number).into(),
            Self::Integer(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Json(json) => Value::from_json(&json.written).expect("checked when it was made"),
        }
    }

    fn emitted(&self) -> String {
        match self {
            Self::Null => String::from("null"),
            Self::Bool(truth) => truth.to_string(),
            Self::Natural(number) => number.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Text(text) => serde_json::to_string(text).expect("a text is JSON"),
            Self::Json(json) => json.emitted.clone(),
        }
    }
}
