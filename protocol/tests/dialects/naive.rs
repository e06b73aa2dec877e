//! Headers of any members at all, against a reference that goes through a list of them.

use jsonframe::{Dialect, Member};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::common::cut;
use crate::common::random::cuts;
use crate::stream::decode;
use crate::{DIALECTS, framed};

/// A member as it stands in a header, and what its name is without escapes.
#[derive(Clone, Debug)]
struct Written {
    raw: String,
    name: &'static str,
    value: Json,
}

fn names() -> impl Strategy<Value = (&'static str, String)> {
    const NAMES: [&str; 18] = [
        "byteorder",
        "byteorder",
        "byte_order",
        "content-type",
        "content_type",
        "content-encoding",
        "content_encoding",
        "content-length",
        "content_length",
        "content-length",
        "content_length",
        "contentlength",
        "content__length",
        "Content_Length",
        "content-len",
        "content-len",
        "content-le",
        "x",
    ];
    // Each fourth character or so is escaped, in some names.
    (prop::sample::select(NAMES.as_slice()), prop_oneof![3 => Just(0_u32), 1 => any::<u32>()]).prop_map(
        |(name, escaped)| {
            let spelt = name.chars().enumerate().map(|(index, character)| {
                if escaped >> (index * 2) & 3 == 3 {
                    format!("\\u{:04x}", u32::from(character))
                } else {
                    character.into()
                }
            });
            (name, spelt.collect())
        },
    )
}

fn written() -> impl Strategy<Value = Written> {
    let fitting = |name: &str| match name {
        "byteorder" => prop_oneof![Just(json!("little")), Just(json!("big"))].boxed(),
        "content-length" | "content_length" | "content-len" => (0_u64..20).prop_map(Json::from).boxed(),
        _ => prop_oneof![Just(json!("text/json")), Just(json!("é")), Just(json!(""))].boxed(),
    };
    let any =
        prop_oneof![Just(Json::Null), Just(json!(3)), Just(json!("middle")), Just(json!(-1)), Just(json!([1, {}]))];
    names().prop_flat_map(move |(name, raw)| {
        let value = prop_oneof![12 => fitting(name), 1 => any.clone()];
        value.prop_map(move |value| Written { raw: raw.clone(), name, value })
    })
}

/// The reference: the fields, or the kind of the first fault and its offset in the header.
fn judge(members: &[Written], offsets: &[(usize, usize)], end: usize, dialect: &str) -> Result<Json, (String, usize)> {
    let has = |part: &str| dialect.split(',').any(|known| known.replace("maybe-", "no-") == part);
    let is_short = has("length=content-len");
    let mut found = [None, None, None, None];
    for (written, (name_at, value_at)) in members.iter().zip(offsets) {
        let name = match written.name {
            name if has("underscores") => name.replace('_', "-"),
            "content-len" if is_short => "content-length".to_owned(),
            name => name.to_owned(),
        };
        let Some(member) = Member::ALL.iter().copied().find(|member| member.as_str() == name) else { continue };
        let place = &mut found[Member::ALL.iter().position(|each| *each == member).unwrap()];
        if place.is_some() {
            return Err((format!("duplicate-member {member}"), *name_at));
        }
        let fault = match (member, &written.value) {
            (Member::ContentLength, value) if value.as_u64().is_none() => Some("invalid-content-length"),
            (Member::ContentLength, _) => None,
            (Member::ContentType | Member::ContentEncoding, _) if has("raw-json") => None,
            (_, value) if !value.is_string() => Some("wrong-type"),
            (Member::ByteOrder, value) if value != "little" && value != "big" => Some("invalid-byteorder"),
            _ => None,
        };
        if let Some(kind) = fault {
            return Err((format!("{kind} {member}"), *value_at));
        }
        // What is no string is kept as its JSON.
        *place = Some(match &written.value {
            value if member == Member::ContentLength || value.is_string() => value.clone(),
            value => value.to_string().into(),
        });
    }
    let stand_ins = [
        ("no-byteorder", json!("little")),
        ("no-type", json!("text/json")),
        ("no-encoding", json!("utf-8")),
        ("no-length", json!(0)),
    ];
    for (place, (part, value)) in found.iter_mut().zip(stand_ins) {
        if place.is_none() && has(part) {
            *place = Some(value);
        }
    }
    match found.iter().position(Option::is_none) {
        Some(missing) => Err((format!("missing-member {}", Member::ALL[missing]), end)),
        None => Ok(json!(found)),
    }
}

fn compare(members: &[Written], name: &str, dialect: &'static Dialect, cuts: &[usize]) -> Result<bool, TestCaseError> {
    let (mut header, mut offsets) = (String::from("{"), Vec::new());
    for Written { raw, value, .. } in members {
        let separator = if offsets.is_empty() { "" } else { ", " };
        let name_at = header.len() + separator.len();
        header.extend([separator, "\"", raw, "\": "]);
        offsets.push((name_at, header.len()));
        header += &value.to_string();
    }
    let end = header.len();
    header.push('}');
    if header.len() > 255 {
        return Ok(false);
    }
    let expected = judge(members, &offsets, end, name);
    let wire = framed(dialect, &header);
    let start = dialect.prefix().len() as u64 + u64::from(dialect.proto_header().len());
    let length = expected.as_ref().map_or(0, |fields| fields[3].as_u64().unwrap());
    let wire = [wire, vec![b'c'; usize::try_from(length).unwrap()]].concat();
    let (messages, error) = decode(dialect, dialect.prefix().len() + 255, cut(&wire, cuts));
    match expected {
        Ok(fields) => {
            prop_assert_eq!(error, None, "{}", header);
            let message = &messages[0];
            let received =
                ["byteorder", "content-type", "content-encoding", "content-length"].map(|name| &message[name]);
            prop_assert_eq!(json!(received), fields, "{}", header);
            prop_assert_eq!(&message["content"], &"63".repeat(usize::try_from(length).unwrap()));
        }
        Err((kind, at)) => {
            let error = error.expect(&header);
            let member = error.kind().member().map_or("", |member| member.as_str());
            prop_assert_eq!(format!("{} {member}", error.kind().name()), kind, "{}", header);
            prop_assert_eq!(error.offset(), start + at as u64, "{}", header);
        }
    }
    Ok(length > 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn headers_of_any_members_are_judged_as_the_reference_judges_them(
        members in prop::collection::vec(written(), 0..7),
        which in 0..DIALECTS.len(),
        cuts in cuts(),
    ) {
        let (name, dialect) = DIALECTS[which];
        compare(&members, name, dialect, &cuts)?;
    }
}

/// The same for what random members seldom are: all four, once each, in one spelling or the other.
#[test]
fn whole_headers_in_each_spelling_are_judged_as_the_reference_judges_them() {
    let mut accepted = 0;
    for (name, dialect) in DIALECTS.iter().copied() {
        for spelling in 0_u8..8 {
            for absent in 0_u8..16 {
                let mut members = Vec::new();
                for (index, [own, alias]) in [
                    ["byteorder", "byteorder"],
                    ["content-type", "content_type"],
                    ["content-encoding", "content_encoding"],
                    ["content-length", "content_length"],
                ]
                .into_iter()
                .enumerate()
                {
                    let name = if index > 0 && spelling >> (index - 1) & 1 == 1 { alias } else { own };
                    let value = [json!("big"), json!("x"), json!("latin-1"), json!(4)][index].clone();
                    if absent >> index & 1 == 0 {
                        members.push(Written { raw: name.into(), name, value });
                    }
                }
                accepted += u32::from(compare(&members, name, dialect, &[3]).unwrap());
            }
        }
    }
    assert!(accepted > 50, "only {accepted} were accepted");
}
