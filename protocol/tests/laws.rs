//! The laws that hold for every stream, each stated as a property.

mod common;

use common::random::{Parts, cuts, foreign_header, message};
use common::{cut, decode, framed};
use jsonframe::{DecodeErrorKind, Decoder, Event, Header, Outgoing};
use proptest::collection::vec;
use proptest::prelude::*;

/// The capacity that any header fits into.
const ANY: usize = Header::MAX_LEN;

/// Generates streams that are whole, end too early, or have a byte changed.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let canonical = message().prop_map(|parts| parts.encoded());
    let foreign = foreign_header().prop_map(|(members, text)| {
        let content = members["content-length"].as_u64().unwrap().min(400);
        [framed(text.as_bytes()), vec![b'x'; usize::try_from(content).unwrap()]].concat()
    });
    let whole = vec(prop_oneof![canonical, foreign], 0..4).prop_map(|messages| messages.concat());
    let damage = prop_oneof![
        3 => Just(None),
        1 => any::<(prop::sample::Index, Option<u8>)>().prop_map(Some),
    ];
    (whole, damage).prop_map(|(mut stream, damage)| {
        if let Some((index, byte)) = damage.filter(|_| !stream.is_empty()) {
            let at = index.index(stream.len());
            match byte {
                Some(byte) => stream[at] = byte,
                None => stream.truncate(at),
            }
        }
        stream
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Law 1. [`decode`] also checks laws 2, 6 and 7 for every stream.
    #[test]
    fn however_a_stream_is_cut_the_same_is_reported(
        stream in stream(),
        sizes in cuts(),
        capacity in prop_oneof![Just(ANY), 0_usize..300],
    ) {
        let whole = decode(capacity, [stream.as_slice()]);
        prop_assert_eq!(&decode(capacity, cut(&stream, &sizes)), &whole);
        prop_assert_eq!(&decode(capacity, stream.chunks(1)), &whole);
    }

    /// Law 2: the caller has nothing to keep.
    #[test]
    fn none_means_that_the_input_is_used_up(stream in stream(), sizes in cuts()) {
        let mut decoder = Decoder::new([0; ANY]);
        for mut piece in cut(&stream, &sizes) {
            loop {
                match decoder.decode(&mut piece) {
                    Ok(Some(_)) => {}
                    Ok(None) => break prop_assert!(piece.is_empty()),
                    Err(_) => return Ok(()),
                }
            }
            // Without input there is nothing more to report.
            prop_assert_eq!(decoder.decode(&mut &[][..]), Ok(None));
        }
    }

    /// Law 3: content is borrowed from the input, and outlives the borrow of the decoder.
    #[test]
    fn content_is_borrowed_from_the_input(message in message(), sizes in cuts()) {
        let stream = message.encoded();
        let head = stream.len() - message.content.len();
        let mut decoder = Decoder::new([0; ANY]);
        let mut borrowed: Vec<&[u8]> = Vec::new();
        for mut piece in cut(&stream, &sizes) {
            while let Some(event) = decoder.decode(&mut piece)? {
                if let Event::Content(content) = event {
                    borrowed.push(content);
                }
            }
        }
        let mut expected = stream[head..].as_ptr();
        for piece in &borrowed {
            prop_assert_eq!(piece.as_ptr(), expected);
            expected = piece.as_ptr_range().end;
        }
        prop_assert_eq!(borrowed.concat(), message.content);
    }

    /// Law 6. [`decode`] also checks that every error is returned again.
    #[test]
    fn errors_point_at_the_message_at_fault(whole in message(), byte in any::<u8>()) {
        let mut stream = whole.encoded();
        let second = stream.len() as u64;
        stream.extend([0, 4, b'{', byte, b'}', b'}']);
        let log = decode(ANY, [stream.as_slice()]);
        let error = log.error.expect("no header is that short");
        prop_assert!((second..=second + 6).contains(&error.offset()));
        prop_assert_eq!(log.messages.len(), 1, "what was whole is reported");
        prop_assert_eq!(log.messages[0].end, Some(second));
    }

    /// Law 7: a stream may end only between messages; elsewhere the number of missing bytes is known.
    #[test]
    fn the_end_of_the_stream_is_told_apart_at_every_offset(message in message()) {
        let stream = message.encoded();
        let head = stream.len() - message.content.len();
        for end in 0..=stream.len() {
            let log = decode(ANY, [&stream[..end]]);
            let missing = match end {
                0 => None,
                1 => Some(1),
                end if end < head => Some(head - end),
                end if end < stream.len() => Some(stream.len() - end),
                _ => None,
            };
            let expected = missing.map(|missing| DecodeErrorKind::Truncated { missing: missing as u64 });
            prop_assert_eq!(log.error.map(|error| error.kind()), expected);
            prop_assert!(log.error.is_none_or(|error| error.offset() == end as u64));
        }
    }

    /// Law 8: whatever follows a message stays in the input.
    #[test]
    fn nothing_is_taken_past_the_end_of_a_message(message in message(), next in vec(any::<u8>(), 0..20)) {
        let stream = [message.encoded(), next.clone()].concat();
        let mut decoder = Decoder::new([0; ANY]);
        let mut input = stream.as_slice();
        loop {
            match decoder.decode(&mut input)?.expect("the message is whole") {
                Event::End => break,
                Event::Header(_) | Event::Content(_) => {}
            }
        }
        prop_assert_eq!(input, next);
        prop_assert_eq!(decoder.position(), (stream.len() - input.len()) as u64);
    }

    #[test]
    fn reading_what_is_needed_never_reads_past_a_message(messages in vec(message(), 1..4)) {
        let stream = messages.iter().map(Parts::encoded).collect::<Vec<_>>().concat();
        let mut decoder = Decoder::new([0; ANY]);
        let (mut rest, mut ends) = (stream.as_slice(), 0);
        while !rest.is_empty() || decoder.needs() == 0 {
            let (mut input, after) = rest.split_at(usize::try_from(decoder.needs())?);
            rest = after;
            match decoder.decode(&mut input)? {
                Some(Event::End) => ends += 1,
                Some(_) => {}
                None => prop_assert!(decoder.header().is_none()),
            }
            prop_assert!(input.is_empty());
        }
        prop_assert_eq!(ends, messages.len());
    }

    /// A decoder remembers the last header, which must not change what it reports.
    #[test]
    fn every_message_is_decoded_as_if_it_were_the_first(
        headers in vec(message(), 1..3),
        choices in vec((any::<prop::sample::Index>(), prop_oneof![0_usize..12, 90..110_usize, 990..1010_usize]), 1..12),
        sizes in cuts(),
    ) {
        let messages: Vec<Vec<u8>> = choices
            .iter()
            .map(|(index, length)| Parts { content: vec![b'x'; *length], ..index.get(&headers).clone() }.encoded())
            .collect();
        let stream = messages.concat();
        let mut start = 0;
        let alone = messages.iter().flat_map(|message| {
            let mut log = decode(ANY, [message.as_slice()]);
            log.messages[0].end = Some(start + message.len() as u64);
            start += message.len() as u64;
            log.messages
        });
        let alone: Vec<_> = alone.collect();
        prop_assert_eq!(&decode(ANY, [stream.as_slice()]).messages, &alone);
        prop_assert_eq!(&decode(ANY, cut(&stream, &sizes)).messages, &alone);
    }

    #[test]
    fn bypassed_content_counts_as_decoded(messages in vec(message(), 1..4), portions in vec(1_u64..200, 1..20)) {
        let stream = messages.iter().map(Parts::encoded).collect::<Vec<_>>().concat();
        let mut decoder = Decoder::new([0; ANY]);
        let (mut input, mut contents, mut portions) = (stream.as_slice(), Vec::new(), portions.iter().cycle());
        while let Some(event) = decoder.decode(&mut input)? {
            if let Event::Header(_) = event {
                let mut content = Vec::new();
                while decoder.needs() > 0 {
                    let portion = (*portions.next().unwrap()).min(input.len() as u64);
                    let taken = usize::try_from(decoder.content_bypassed(portion))?;
                    content.extend_from_slice(&input[..taken]);
                    input = &input[taken..];
                }
                contents.push(content);
            }
        }
        decoder.finish()?;
        prop_assert!(contents.iter().eq(messages.iter().map(|message| &message.content)));
    }

    /// An encoded message decodes to itself, and encodes to the same bytes again.
    #[test]
    fn headers_and_extensions_come_back_as_they_were(messages in vec(message(), 1..4), sizes in cuts()) {
        let stream = messages.iter().map(Parts::encoded).collect::<Vec<_>>().concat();
        let mut decoder = Decoder::new([0; ANY]);
        let mut sent = messages.iter();
        for mut piece in cut(&stream, &sizes) {
            while let Some(event) = decoder.decode(&mut piece)? {
                if let Event::Header(header) = event {
                    let message = sent.next().unwrap();
                    let extensions = message.extensions();
                    prop_assert_eq!(header, message.header(&extensions));
                    for (name, _) in &extensions {
                        prop_assert_eq!(header.extension(name), message.header(&extensions).extension(name));
                    }
                    let mut again = vec![0; header.encoded_len()];
                    header.encode(&mut again)?;
                    again.extend_from_slice(&message.content);
                    prop_assert_eq!(again, message.encoded());
                }
            }
        }
        prop_assert_eq!(decoder.finish(), Ok(()));
    }

    #[test]
    fn short_writes_send_every_byte_once(message in message(), sizes in vec(0_usize..50, 1..40)) {
        let extensions = message.extensions();
        let header = message.header(&extensions);
        let mut buffer = vec![0; header.encoded_len()];
        let mut outgoing = Outgoing::new(&header, &message.content, &mut buffer)?;
        let mut written = Vec::new();
        for size in sizes.into_iter().chain([usize::MAX]) {
            let rest = outgoing.parts().concat();
            prop_assert_eq!(rest.len(), outgoing.len());
            written.extend_from_slice(&rest[..size.min(rest.len())]);
            outgoing.advance(size);
        }
        prop_assert!(outgoing.is_empty());
        prop_assert_eq!(written, message.encoded());
    }
}

/// The worst case for a decoder that would scan its buffer again after each piece.
#[test]
fn the_longest_header_comes_one_byte_at_a_time() {
    let empty = r#"{"byteorder": "big", "content-type": "x", "content-encoding": "y", "content-length": 0, "pad": ""}"#;
    let padded = empty.replace("\"\"}", &format!("\"{}\"}}", "x".repeat(ANY - empty.len())));
    let stream = framed(padded.as_bytes());
    let log = decode(ANY, stream.chunks(1));
    assert_eq!((log.messages.len(), log.error), (1, None));

    let error = decode(ANY - 1, stream.chunks(1)).error.unwrap();
    assert_eq!(error.kind(), DecodeErrorKind::HeaderTooLong { length: 65_535, capacity: 65_534 });
    assert_eq!(error.offset(), 0);
}

#[test]
fn a_message_whose_end_is_not_yet_reported_is_whole() {
    let stream = framed(br#"{"byteorder":"big","content-type":"x","content-encoding":"y","content-length":0}"#);
    let mut decoder = Decoder::new([0; 256]);
    assert!(matches!(decoder.decode(&mut stream.as_slice()), Ok(Some(Event::Header(_)))));
    assert_eq!(decoder.finish(), Ok(()));
    assert_eq!(decoder.needs(), 0);
}

#[test]
fn a_limit_applied_late_still_points_at_the_content() {
    let header = framed(br#"{"byteorder":"big","content-type":"x","content-encoding":"y","content-length":9}"#);
    let stream = [header.as_slice(), b"12345"].concat();
    let mut decoder = Decoder::new([0; 256]);
    let mut input = stream.as_slice();
    while decoder.decode(&mut input).unwrap().is_some() {}
    let error = decoder.limit_content(8).unwrap_err();
    assert_eq!(error.offset(), header.len() as u64);
}

#[test]
fn the_buffer_can_be_exchanged_only_between_messages() {
    let stream = framed(br#"{"byteorder": "big", "content-type": "x", "content-encoding": "y", "content-length": 0}"#);
    let mut decoder = Decoder::new(vec![0; 256]);
    let mut input = stream.as_slice();
    while decoder.decode(&mut input).unwrap().is_some() {}
    decoder.buffer_mut().unwrap().fill(0xFF);
    assert!(decoder.header().is_none());

    let (mut input, mut rest) = stream.split_at(20);
    assert_eq!(decoder.decode(&mut input), Ok(None));
    assert!(decoder.buffer_mut().is_none());
    let Ok(Some(Event::Header(header))) = decoder.decode(&mut rest) else { panic!("the header is whole") };
    assert_eq!(header.content_type(), "x");
}
