//! The decoder takes any bytes: it never panics, its offsets lie in the stream, its work is bounded by the stream's length,
//! and every way to read a stream reads the same.
//!
//! The input: header capacity (2 bytes), content limit (1), the stream.

use std::hint::black_box;

use jsonframe::{Assembler, DecodeError, Decoder, Event, Growable, Header, OwnedHeader};

use crate::input::Input;
use crate::log::{Limits, Log};

pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let limits = Limits { header_capacity: input.word().into(), content: input.content_limit() };
    let stream = input.rest();
    let log = Log::of(limits, [stream]);
    log.assert_framed(limits, stream);
    read_what_is_needed(limits, stream, &log);
    assemble(limits, stream, &log);
}

/// Reads no more than the decoder needs, leaves the content out, and looks at all there is to be seen of a header.
fn read_what_is_needed(limits: Limits, stream: &[u8], log: &Log) {
    let mut decoder = Decoder::new(vec![0; limits.header_capacity]);
    let (mut at, mut headers, mut ends) = (0_usize, 0, 0);
    let fault = loop {
        let needs = usize::try_from(decoder.needs()).unwrap_or(usize::MAX);
        let mut input = &stream[at..at.saturating_add(needs).min(stream.len())];
        at += input.len();
        match decoder.decode(&mut input) {
            Ok(Some(Event::Header(header))) => {
                assert_eq!(header.to_string(), log.messages[headers].header);
                look_at(&header, stream.len());
                headers += 1;
                if let Err(error) = decoder.limit_content(limits.content) {
                    break Some(error);
                }
                let left = (stream.len() - at) as u64;
                let bypassed = decoder.content_bypassed(left);
                assert_eq!(bypassed, left.min(log.messages[headers - 1].content_length));
                at += usize::try_from(bypassed).unwrap();
            }
            Ok(Some(Event::End)) => ends += 1,
            Ok(Some(Event::Content(_))) => panic!("the content was left out"),
            Ok(None) => {
                assert!(decoder.needs() > 0);
                if at == stream.len() {
                    break decoder.finish().err();
                }
            }
            Err(error) => break Some(error),
        }
        assert!(input.is_empty(), "not more than needed was given");
    };
    assert_eq!(headers, log.messages.len());
    assert_eq!(ends, log.messages.iter().filter(|message| message.end.is_some()).count());
    assert_eq!(fault, log.fault);
}

/// Calls everything that can be asked of a header.
fn look_at(header: &Header<'_>, bytes: usize) {
    let mut count = 0;
    for (name, value) in header.extensions() {
        count += 1;
        if count <= 16 {
            let last = header.extensions().filter(|member| member.0 == name).last();
            assert_eq!(header.extension(name), last.map(|(_, value)| value));
        }
        let types = [
            value.as_str().is_some(),
            value.as_u64().is_some() || value.as_i64().is_some(),
            value.as_bool().is_some(),
            value.is_null(),
            value.as_json().is_some(),
        ];
        assert_eq!(types.iter().filter(|is_it| **is_it).count(), 1, "{value:?}");
    }
    // The shortest member is `,"":0`.
    assert!(count <= bytes / 5);
    black_box(format!("{header:?}"));
    let room = Growable::with_limit(3 * 65_535);
    let kept = OwnedHeader::new(header, room).expect("there is room");
    assert_eq!(kept.header(), *header);
    assert_eq!(kept.header().to_string(), header.to_string());
}

/// Whole messages are those of the decoder, whatever becomes of the last one.
fn assemble(limits: Limits, stream: &[u8], log: &Log) {
    let limit = usize::try_from(limits.content).unwrap_or(usize::MAX);
    let mut assembler = Assembler::new(vec![0; limits.header_capacity], Growable::with_limit(limit));
    let whole: Vec<_> = log.messages.iter().filter(|message| message.end.is_some()).collect();
    let (first, second) = stream.split_at(stream.len() / 2);
    let mut count = 0;
    let mut decode = |mut input: &[u8]| -> Result<(), DecodeError> {
        while let Some(message) = assembler.decode(&mut input)? {
            assert_eq!(message.header().to_string(), whole[count].header);
            assert_eq!(message.content(), whole[count].content);
            count += 1;
        }
        assert!(input.is_empty());
        Ok(())
    };
    let outcome = decode(first).and_then(|()| decode(second));
    let outcome = outcome.and_then(|()| assembler.finish());
    assert_eq!(count, whole.len());
    assert_eq!(outcome.err(), log.fault);
}
