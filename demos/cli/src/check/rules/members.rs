//! The members of the header: those that must be there, and those that may.

use super::super::rule::{Body, Expect, Roles, Rule};
use super::super::sample::{Sample, message};
use super::super::step::{Step, answered, refused};

pub(super) const RULES: &[Rule] = &[
    Rule::accept(
        "order-length-first",
        "3",
        "content-length first",
        r#"{"content-length": «n», "content-encoding": «e», "content-type": «t», "byteorder": «b»«o»}"#,
    ),
    Rule::accept(
        "order-sorted",
        "3",
        "names in the order of the alphabet",
        r#"{"byteorder": «b», "content-encoding": «e», "content-length": «n», "content-type": «t»«o»}"#,
    ),
    Rule::accept(
        "order-extensions-between",
        "3",
        "extension members before and between the others",
        r#"{"a": 1, "content-type": «t», "b": [], "byteorder": «b», "c": {}, "content-length": «n», "d": null, "content-encoding": «e»«o»}"#,
    ),
    Rule::accept("byteorder-little", "3.1", "byteorder little", r#"{"byteorder": "little", «-byteorder»}"#),
    Rule::accept("byteorder-big", "3.1", "byteorder big", r#"{"byteorder": "big", «-byteorder»}"#),
    Rule::accept("extension-string", "3.5", "an extension member that is a string", r#"{«4», "x": "y"}"#),
    Rule::accept("extension-number", "3.5", "an extension member that is a number", r#"{«4», "x": -12.5e-3}"#),
    Rule::accept(
        "extension-large-number",
        "5.2",
        "extension members that are numbers of any size",
        r#"{«4», "x": 1«100×0», "y": -0, "z": 1E400, "w": 0.«100×3»}"#,
    ),
    Rule::accept("extension-true", "3.5", "an extension member that is true", r#"{«4», "x": true}"#),
    Rule::accept("extension-false", "3.5", "an extension member that is false", r#"{«4», "x": false}"#),
    Rule::accept("extension-null", "3.5", "an extension member that is null", r#"{«4», "x": null}"#),
    Rule::accept("extension-array", "3.5", "an extension member that is an array", r#"{«4», "x": [1, "a", [], {}]}"#),
    Rule::accept("extension-object", "3.5", "an extension member that is an object", r#"{«4», "x": {"y": {"z": 1}}}"#),
    Rule::accept("extension-repeated", "3.5", "an extension member that is there twice", r#"{«4», "x": 1, "x": 2}"#),
    Rule::accept("extension-empty-name", "5.2", "an extension member with an empty name", r#"{«4», "": 1}"#),
    Rule::accept(
        "extension-with-required-names",
        "3.5",
        "the names of required members inside an extension member",
        r#"{«4», "x": {"byteorder": 1, "content-length": -1, "content-length": 0}}"#,
    ),
    Rule::accept(
        "extension-other-case",
        "3.6",
        "names that differ from required ones in case or in a hyphen",
        r#"{«4», "Content-Length": 1, "BYTEORDER": 2, "content_type": 3, "content-length ": 4}"#,
    ),
    Rule::steps("request-id", "3.8", "a good request with request-id 7", request_id, Expect::ReplyTo),
    Rule::refuse("missing-byteorder", "3", "no byteorder", "{«-byteorder»}"),
    Rule::refuse("missing-content-type", "3", "no content-type", "{«-content-type»}"),
    Rule::refuse("missing-content-encoding", "3", "no content-encoding", "{«-content-encoding»}"),
    // Without content, whoever takes what is missing for 0 can go on with what follows.
    Rule {
        section: "3",
        ..Rule::length("missing-content-length", "no content-length, and no content", "", Body::First(0))
    },
    Rule::steps(
        "missing-all",
        "3",
        "no member at all, and no content",
        |sample| refused(message(b"{}", b""), sample),
        Expect::Refusal,
    )
    .of(Roles::Both),
    Rule::refuse("duplicate-byteorder", "5.3", "byteorder twice", r#"{«4», "byteorder": «b»}"#),
    Rule::refuse("duplicate-content-type", "5.3", "content-type twice", r#"{«4», "content-type": «t»}"#),
    Rule::refuse("duplicate-content-encoding", "5.3", "content-encoding twice", r#"{«4», "content-encoding": «e»}"#),
    Rule::refuse("duplicate-content-length", "5.3", "content-length twice", r#"{«4», "content-length": «n»}"#),
    Rule::refuse(
        "duplicate-by-escape",
        "7.1",
        "content-length twice, the first time with an escape",
        r#"{"content\u002dlength": 1, «4»}"#,
    ),
    Rule::refuse("byteorder-number", "5.3", "byteorder as a number", r#"{"byteorder": 1, «-byteorder»}"#),
    Rule::refuse("byteorder-null", "5.3", "byteorder as null", r#"{"byteorder": null, «-byteorder»}"#),
    Rule::refuse("byteorder-unknown", "3.1", "byteorder middle", r#"{"byteorder": "middle", «-byteorder»}"#),
    Rule::refuse("byteorder-case", "3.6", "byteorder Little", r#"{"byteorder": "Little", «-byteorder»}"#),
    Rule::refuse("byteorder-empty", "3.1", "an empty byteorder", r#"{"byteorder": "", «-byteorder»}"#),
    Rule::refuse("content-type-null", "5.3", "content-type as null", r#"{"content-type": null, «-content-type»}"#),
    Rule::refuse(
        "content-type-array",
        "5.3",
        "content-type as an array",
        r#"{"content-type": [«t»], «-content-type»}"#,
    ),
    Rule::refuse(
        "content-encoding-null",
        "5.3",
        "content-encoding as null",
        r#"{"content-encoding": null, «-content-encoding»}"#,
    ),
    Rule::refuse(
        "content-encoding-number",
        "5.3",
        "content-encoding as a number",
        r#"{"content-encoding": 8, «-content-encoding»}"#,
    ),
];

fn request_id(sample: &Sample) -> Vec<Step> {
    let header = format!("{{{}, \"request-id\": 7}}", sample.members(None));
    answered(vec![Step::Send(message(header.as_bytes(), sample.content()))], 1)
}
