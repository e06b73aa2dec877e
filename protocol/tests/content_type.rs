//! Content types: what is accepted, what it means, and where an error points to.

use std::collections::HashSet;

use jsonframe::{ContentType, Header, ParameterValue};
use proptest::prelude::*;

fn parameters(text: &str) -> Vec<(String, String)> {
    let content_type = ContentType::parse(text).unwrap();
    content_type.parameters().map(|(name, value)| (name.into(), value.to_string())).collect()
}

#[test]
fn json_has_several_names() {
    for text in [
        "text/json",
        "application/json",
        "TEXT/JSON; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/problem+json",
        "application/vnd.api+JSON ; a=b",
        "image/x+y+json",
        " text/json\t",
        "text/json;",
    ] {
        assert!(Header::new(text, "utf-8", 0).is_json(), "{text:?}");
        assert!(ContentType::parse(text).unwrap().is_text(), "{text:?}");
    }
    for text in [
        "",
        "json",
        "text/json5",
        "text/plain",
        "application/jsonl",
        "application/json+xml",
        "text/json/x",
        "text/ json",
        "text/json charset=utf-8",
        "text/json; charset",
        "text/plain; a=\"text/json\"",
        "binary/custom-client-binary-type",
        "textjson",
        "text/jsoñ",
    ] {
        assert!(!Header::new(text, "utf-8", 0).is_json(), "{text:?}");
    }
}

#[test]
fn text_is_text_json_and_xml() {
    for (text, expected) in [
        ("text/plain", true),
        ("Text/csv; header=present", true),
        ("application/xml", true),
        ("image/svg+xml", true),
        ("application/octet-stream", false),
        ("image/png", false),
        ("binary/text", false),
        ("x-text/plain", false),
    ] {
        assert_eq!(ContentType::parse(text).unwrap().is_text(), expected, "{text}");
    }
}

#[test]
fn the_parts_are_as_they_are_written() {
    let content_type = ContentType::parse("\t Application/X.Problem+a+JSON ;a=1 ").unwrap();
    assert_eq!(content_type.main_type(), "Application");
    assert_eq!(content_type.subtype(), "X.Problem+a+JSON");
    assert_eq!(content_type.suffix(), Some("JSON"));
    assert_eq!(content_type.essence(), "Application/X.Problem+a+JSON");
    assert_eq!(content_type.to_string(), "Application/X.Problem+a+JSON ;a=1");
    assert_eq!(format!("{content_type:?}"), "ContentType(Application/X.Problem+a+JSON ;a=1)");
    assert!(content_type.is("application/x.problem+a+json") && !content_type.is("application/x.problem+a+jso"));
    assert_eq!(ContentType::parse("a/b").unwrap().suffix(), None);
}

#[test]
fn parameters_may_be_quoted_and_escaped() {
    for (text, expected) in [
        ("a/b", &[][..]),
        ("a/b;", &[]),
        ("a/b ; ;; ", &[]),
        ("a/b;c=d", &[("c", "d")]),
        ("a/b ;\tC=D ; e=\"f\"", &[("C", "D"), ("e", "f")]),
        ("a/b; c=\"\"", &[("c", "")]),
        ("a/b; c=\"; d=\\\"e\\\\\"; f=g", &[("c", "; d=\"e\\"), ("f", "g")]),
        ("a/b; c=\"\\é é\"", &[("c", "é é")]),
        ("a/b; c=1; c=2", &[("c", "1"), ("c", "2")]),
    ] {
        let expected: Vec<_> =
            expected.iter().map(|(name, value)| (String::from(*name), String::from(*value))).collect();
        assert_eq!(parameters(text), expected, "{text}");
    }
    let content_type = ContentType::parse("a/b; C=\"1\"; c=2; d=\\".trim_end_matches("; d=\\")).unwrap();
    assert_eq!(content_type.parameter("c").unwrap(), "1");
    assert!(content_type.parameter("d").is_none());
    let mut parameters = content_type.parameters();
    assert_ne!(parameters.next().unwrap().1, parameters.next().unwrap().1);
    assert!(parameters.next().is_none() && parameters.next().is_none());
}

#[test]
fn an_error_points_to_the_first_byte_at_fault() {
    for (text, offset) in [
        ("", 0),
        ("  ", 2),
        ("/b", 0),
        ("a", 1),
        ("a b/c", 1),
        ("a/", 2),
        ("a/b/c", 3),
        ("a/b c", 4),
        ("a/é", 2),
        ("a/b;=c", 4),
        ("a/b;c", 5),
        ("a/b;c =d", 5),
        ("a/b;c= d", 6),
        ("a/b;c=", 6),
        ("a/b;c=d e", 8),
        ("a/b;c=\"d", 8),
        ("a/b;c=\"d\\", 9),
        ("a/b;c=\"d\ne\"", 8),
        ("a/b;c=\"\\\n\"", 8),
        ("a/b;c=\"d\"e", 9),
        ("a/b; c=d; é=f", 10),
    ] {
        assert_eq!(ContentType::parse(text).unwrap_err().offset(), offset, "{text:?}");
    }
}

#[test]
fn a_value_without_escapes_is_borrowed() {
    let content_type = ContentType::parse("text/plain; a=token; b=\"quoted; \"; c=\"with a \\\"\"; d=\"\"").unwrap();
    let values: Vec<_> = content_type.parameters().map(|(_, value)| value).collect();
    let borrowed: Vec<_> = values.iter().map(ParameterValue::as_str).collect();
    assert_eq!(borrowed, [Some("token"), Some("quoted; "), None, Some("")]);
    assert_eq!(format!("{:?}", values[2]), "ParameterValue(\"with a \\\"\")");
    assert!(values[2] == *"with a \"" && values[2] == "with a \"" && values[0] == values[0] && values[0] != values[1]);
}

#[test]
fn spelling_makes_no_difference_to_equality() {
    let spellings = [
        "text/csv; header=present; sep=\";\"",
        "Text/CSV;HEADER=\"present\" ;; Sep=\"\\;\" ",
        " text/csv ; header=\"pre\\sent\"; sep=\";\";",
    ];
    let others = [
        "text/csv",
        "text/csvheader; header=present; sep=\";\"",
        "text/csv; header=Present; sep=\";\"",
        "text/csv; sep=\";\"; header=present",
        "text/csv; header=present",
        "text/csv; header=present; sep=\";\"; sep=\";\"",
        "text/csv; headerp=resent; sep=\";\"",
    ];
    let parse = |text| ContentType::parse(text).unwrap();
    for spelling in spellings {
        assert_eq!(parse(spelling), parse(spellings[0]), "{spelling}");
        for other in others {
            assert_ne!(parse(spelling), parse(other), "{spelling}, {other}");
        }
    }
    let distinct: HashSet<_> = spellings.into_iter().chain(others).map(parse).collect();
    assert_eq!(distinct.len(), 1 + others.len());
}

fn token() -> impl Strategy<Value = String> {
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}"
}

fn quoted(value: &str) -> String {
    let escaped: String =
        value.chars().map(|c| if matches!(c, '"' | '\\') { format!("\\{c}") } else { c.to_string() }).collect();
    format!("\"{escaped}\"")
}

proptest! {
    #[test]
    fn a_media_type_has_the_parts_that_it_was_made_of(
        main in token(),
        subtype in token(),
        parameters in prop::collection::vec((token(), "[\t -~é🐶]{0,8}", any::<bool>(), "[ \t]{0,2};[ \t]{0,2}"), 0..4),
    ) {
        let mut text = format!("{main}/{subtype}");
        for (name, value, quote, separator) in &parameters {
            let is_token = !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric());
            let value = if *quote || !is_token { quoted(value) } else { value.clone() };
            text.extend([separator, name, "=", &value]);
        }
        let content_type = ContentType::parse(&text).unwrap();
        prop_assert_eq!((content_type.main_type(), content_type.subtype()), (&*main, &*subtype));
        let found: Vec<_> = content_type.parameters().map(|(name, value)| (name.to_owned(), value.to_string())).collect();
        let expected: Vec<_> = parameters.into_iter().map(|(name, value, ..)| (name, value)).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(content_type.to_string(), text);
    }

    #[test]
    fn any_text_is_parsed_or_refused_at_an_offset_within(text in "([ \ta/;=\"\\\\+é]|json|text){0,12}") {
        match ContentType::parse(&text) {
            Ok(content_type) => {
                prop_assert!(text.trim_start().starts_with(content_type.essence()));
                // What is written is the same type again.
                let again = content_type.to_string();
                prop_assert_eq!(ContentType::parse(&again).unwrap(), content_type);
                prop_assert_eq!(ContentType::parse(&again).unwrap().to_string(), again);
                for (name, value) in content_type.parameters() {
                    prop_assert!(!name.is_empty());
                    prop_assert_eq!(value.as_str().is_some_and(|value| value.contains('\\')), false);
                }
            }
            Err(error) => {
                prop_assert!(error.offset() <= text.len());
                prop_assert!(text.is_char_boundary(error.offset()));
            }
        }
    }
}
