//! Every header length, and every content length around the powers of two that matter.

use jsonframe::{DecodeErrorKind as Kind, Decoder, Event};

use crate::{OPEN, REDUCED, framed};

#[test]
fn every_header_length_is_judged_by_its_two_bytes() {
    let first = framed(&format!("{OPEN}}}"));
    let shortest = u16::try_from(first.len() - 2).unwrap();
    let spaces = vec![b' '; 65_535];
    let [mut judged, mut accepted] = [0; 2];
    let mut rooms: Vec<Vec<u8>> = [0, 1, 78, 255, 256, 4096, 32_768, 65_534, 65_535].map(|size| vec![0; size]).into();
    for length in 0..=u16::MAX {
        for room in &mut rooms {
            let capacity = u16::try_from(room.len()).unwrap();
            // At the beginning, and behind a message where there is room for one; in one piece, and in two.
            for before in [&[][..], &first].into_iter().filter(|before| before.is_empty() || capacity >= shortest) {
                for cut in [0, 1] {
                    let mut decoder = Decoder::new(room.as_mut_slice());
                    let mut input = before;
                    while decoder.decode(&mut input).unwrap().is_some() {}
                    let start = before.len() as u64;
                    let bytes = length.to_be_bytes();
                    let (mut left, mut right) = bytes.split_at(cut);
                    assert_eq!(decoder.decode(&mut left), Ok(None));
                    let outcome = decoder.decode(&mut right);
                    let fault = outcome.err().map(|error| (error.kind(), error.offset()));
                    let expected = match length {
                        0 => Some(Kind::EmptyHeader),
                        _ if length > capacity => {
                            Some(Kind::HeaderTooLong { length: length.into(), capacity: capacity.into() })
                        }
                        _ => None,
                    };
                    assert_eq!(fault, expected.map(|kind| (kind, start)));
                    assert_eq!(decoder.needs(), if expected.is_none() { length.into() } else { 0 });
                    judged += 1;
                }
            }
        }
        // A header of this length: the shortest one and white space. Without optimisation, some of them.
        if length >= shortest && (!REDUCED || length % 256 <= 1 || length == u16::MAX) {
            let mut decoder = Decoder::new(rooms.last_mut().unwrap().as_mut_slice());
            let header = &first[2..];
            let padding = &spaces[..usize::from(length - shortest)];
            for (mut piece, is_last) in
                [(&length.to_be_bytes()[..], false), (header, padding.is_empty()), (padding, !padding.is_empty())]
            {
                let event = decoder.decode(&mut piece).unwrap();
                assert_eq!(matches!(event, Some(Event::Header(_))), is_last, "{length}");
                if is_last {
                    break;
                }
            }
            assert_eq!(decoder.decode(&mut &[][..]), Ok(Some(Event::End)));
            assert_eq!(decoder.position(), 2 + u64::from(length));
            accepted += 1;
        }
    }
    println!(
        "65536 header lengths, {judged} times judged by their two bytes alone, in {} capacities; headers of {accepted} \
         lengths accepted whole",
        rooms.len()
    );
}

/// Around what the lengths are tried.
const CENTRES: [u128; 7] = [0, 1 << 16, 1 << 31, 1 << 32, 1 << 53, 1 << 63, 1 << 64];

/// How else a number might be spelt: only as it stands is it a content length.
fn spellings(number: u128) -> Vec<String> {
    let mut texts = vec![number.to_string()];
    for (before, after) in [
        ("0", ""),
        ("00", ""),
        ("+", ""),
        ("-", ""),
        ("-0", ""),
        ("", "."),
        ("", ".0"),
        ("", ".5"),
        ("", "e0"),
        ("", "E0"),
        ("", "e+0"),
        ("", "e-0"),
        ("", "e1"),
        ("", "e"),
        ("", "0e-1"),
        ("0x", ""),
        ("", "u"),
        ("\"", "\""),
        ("[", "]"),
        (".", ""),
        ("0.", ""),
        ("_", ""),
        ("'", "'"),
    ] {
        texts.push(format!("{before}{number}{after}"));
    }
    texts
}

/// What SPEC 3.4 says of the text: the number, if its decimal digits are written as usual.
fn length_of(text: &str) -> Option<u64> {
    let usual = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse::<u128>().ok().filter(|_| usual).and_then(|number| u64::try_from(number).ok())
}

/// Decodes this header behind that one, and compares the verdict with the rule.
fn check_length(room: &mut [u8], before: &[u8], [prefix, text, suffix]: [&str; 3]) -> bool {
    let header = framed(&format!("{prefix}{text}{suffix}"));
    let mut decoder = Decoder::new(room);
    let mut input = before;
    while decoder.decode(&mut input).unwrap().is_some() {}
    let mut input = header.as_slice();
    match (decoder.decode(&mut input), length_of(text)) {
        (Ok(Some(Event::Header(header))), Some(length)) => {
            assert_eq!(header.content_length(), length, "{text}");
            assert_eq!(decoder.needs(), length);
            assert_eq!(decoder.content_bypassed(u64::MAX), length);
            assert_eq!(
                decoder.position(),
                ((before.len() + header_len(prefix, text, suffix)) as u64).saturating_add(length)
            );
            assert_eq!(decoder.decode(&mut &[][..]), Ok(Some(Event::End)));
            true
        }
        (Err(error), None) => {
            // A quote, a bracket or the like begins no token, but stands where the value should: the same fault.
            assert_eq!(error.kind(), Kind::InvalidContentLength, "{text}");
            assert_eq!(error.offset(), (before.len() + 2 + prefix.len()) as u64, "{text}");
            false
        }
        (outcome, expected) => panic!("{text}: {outcome:?}, expected {expected:?}"),
    }
}

fn header_len(prefix: &str, text: &str, suffix: &str) -> usize {
    2 + prefix.len() + text.len() + suffix.len()
}

#[test]
fn every_content_length_around_the_powers_of_two_is_what_it_says() {
    let reach: u128 = if REDUCED { 40 } else { 1000 };
    let emitted =
        ["{\"byteorder\": \"big\", \"content-type\": \"\", \"content-encoding\": \"\", \"content-length\": ", "}"];
    let compact = ["{\"content-length\":", ",\"byteorder\":\"big\",\"content-type\":\"\",\"content-encoding\":\"\"}"];
    let spaced =
        ["{\"byteorder\":\"big\",\"content-type\":\"\",\"content-encoding\":\"\",\"content\\u002dlength\" : ", " }"];
    // The emitted form is read in another way the second time.
    let known = framed(&format!("{}0{}", emitted[0], emitted[1]));
    let mut room = [0; 256];
    let [mut accepted, mut refused] = [0; 2];
    for centre in CENTRES {
        for number in centre.saturating_sub(reach)..=centre + reach {
            for text in spellings(number) {
                for (before, [prefix, suffix]) in
                    [(&[][..], emitted), (&known, emitted), (&[], compact), (&known, spaced)]
                {
                    if check_length(&mut room, before, [prefix, &text, suffix]) {
                        accepted += 1;
                    } else {
                        refused += 1;
                    }
                }
            }
        }
    }
    println!(
        "{} content lengths up to {reach} off 0, 2^16, 2^31, 2^32, 2^53, 2^63 and 2^64, in {} spellings and 4 headers \
         each: {accepted} accepted for what they say, {refused} refused where they stand",
        (accepted + refused) / 4 / spellings(0).len(),
        spellings(0).len()
    );
}
