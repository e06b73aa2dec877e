//! Every short text over JSON's symbols, against `serde_json`.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use jsonframe::{DecodeError, DecodeErrorKind as Kind, Decoder, Event, Member, Value};
use serde::de::IgnoredAny;

use crate::rules::{self, Outcome};
use crate::{OPEN, REDUCED, in_parallel, refusal};

/// What texts are made of: all of JSON's structure, and some of its escapes, numbers and literals.
const SYMBOLS: [&str; 16] = ["{", "}", "[", "]", ":", ",", "\"", "\\", "-", "0", "1", ".", "e", "null", "u00e9", " "];

/// Calls for every text of `symbols` symbols, at most `most`, that begins with this one, and says how many it has.
fn for_each_text(text: &mut String, symbols: usize, most: usize, visit: &mut impl FnMut(&str, usize)) {
    visit(text, symbols);
    if symbols < most {
        for symbol in SYMBOLS {
            let length = text.len();
            text.push_str(symbol);
            for_each_text(text, symbols + 1, most, visit);
            text.truncate(length);
        }
    }
}

/// The decoder's verdict on a header.
fn judge(header: &str) -> Result<(), DecodeError> {
    let mut room = [0; 128];
    let mut decoder = Decoder::new(&mut room[..]);
    let length = u16::try_from(header.len()).unwrap();
    decoder.decode(&mut &length.to_be_bytes()[..])?;
    match decoder.decode(&mut header.as_bytes()) {
        Ok(event) => {
            assert!(matches!(event, Some(Event::Header(_))));
            Ok(())
        }
        Err(error) => Err(error),
    }
}

#[test]
fn every_short_text_is_judged_as_by_serde_json() {
    let (most, refusals_checked_to) = if REDUCED { (5, 3) } else { (6, 5) };
    let [texts, accepted, refusals] = [const { AtomicUsize::new(0) }; 3];
    let count = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
    let check = |text: &str, symbols: usize, whole: &mut String| {
        count(&texts);
        let alone = rules::outcome(text.as_bytes());

        // As the value of an extension, where it may also end the value, the object, or the header.
        whole.truncate(OPEN.len());
        let _ = write!(whole, ",\"\":{text}}}");
        let verdict = judge(whole);
        assert_eq!(verdict.is_ok(), rules::outcome(whole.as_bytes()) == Outcome::Whole, "{whole}: {verdict:?}");
        count(if verdict.is_ok() { &accepted } else { &refusals });
        // As a header, which lacks the four members. That is met at the closing brace, before what follows it.
        if !text.is_empty() {
            let error = judge(text).unwrap_err();
            let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
            let is_object = text.trim_ascii_start().starts_with('{') && matches!(values.next(), Some(Ok(_)));
            let lacks_all = error.kind() == Kind::MissingMember { member: Member::ByteOrder };
            assert_eq!(lacks_all, is_object, "{text:?}: {error}");
        }
        // As the value of an extension to be sent, which text is not.
        let is_text = text.trim_ascii_start().starts_with('"');
        assert_eq!(Value::from_json(text).is_ok(), alone == Outcome::Whole && !is_text, "{text:?}");

        if symbols <= refusals_checked_to {
            for (header, verdict) in [(whole.as_str(), verdict), (text, judge(text))] {
                let Err(error) = verdict else { continue };
                if !header.is_empty() {
                    refusal::check(header.as_bytes(), error.kind(), usize::try_from(error.offset()).unwrap() - 2);
                }
            }
        }
    };
    check("", 0, &mut OPEN.into());
    let firsts: Vec<[&str; 2]> = SYMBOLS.iter().flat_map(|first| SYMBOLS.map(|second| [*first, second])).collect();
    for symbol in SYMBOLS {
        check(symbol, 1, &mut OPEN.into());
    }
    in_parallel(&firsts, |first| {
        let mut whole = String::from(OPEN);
        for_each_text(&mut first.concat(), 2, most, &mut |text, symbols| check(text, symbols, &mut whole));
    });
    let [texts, accepted, refusals] = [texts, accepted, refusals].map(AtomicUsize::into_inner);
    assert_eq!(texts, (0..=most).map(|length| SYMBOLS.len().pow(u32::try_from(length).unwrap())).sum::<usize>());
    println!(
        "{texts} texts, all of up to {most} of {} symbols: {accepted} accepted as an extension's value and {refusals} \
         refused, each as serde_json does; the fault and its place proven for those of up to {refusals_checked_to}",
        SYMBOLS.len()
    );
}
