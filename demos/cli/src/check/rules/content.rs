//! The content and its length.

use super::super::rule::{Body, Expect, Rule};
use super::super::sample::{Sample, message};
use super::super::step::{Step, cut_short};

pub(super) const RULES: &[Rule] = &[
    Rule::steps(
        "empty-content",
        "2.4",
        "content-length 0, and nothing more",
        |sample| at_once(sample.with_length(b"0", Body::First(0))),
        Expect::Reaction,
    ),
    Rule::steps(
        "empty-content-of-type",
        "2.4",
        "content-length 0 with the type of the good request, and nothing more",
        |sample| at_once(sample.with_length(b"0", Body::Nothing)),
        Expect::Reaction,
    ),
    Rule::length("length-negative", "content-length -1", "-1", Body::Binary),
    Rule::length("length-minus-zero", "content-length -0", "-0", Body::First(0)),
    Rule::length("length-fraction", "content-length with a fraction of 0", "«n».0", Body::Sample),
    Rule::length("length-exponent", "content-length with an exponent of 0", "«n»e0", Body::Sample),
    Rule::length("length-leading-zero", "content-length with a leading zero", "0«n»", Body::Sample),
    Rule::length("length-plus", "content-length with a plus", "+«n»", Body::Sample),
    Rule::length("length-string", "content-length as a string", "\"«n»\"", Body::Sample),
    Rule::length("length-array", "content-length as an array", "[«n»]", Body::Sample),
    Rule::length("length-true", "content-length true", "true", Body::First(1)),
    Rule::length("length-false", "content-length false", "false", Body::First(0)),
    Rule::length("length-null", "content-length null", "null", Body::First(0)),
    Rule::length("length-nan", "content-length NaN", "NaN", Body::Binary),
    Rule::length("length-infinity", "content-length Infinity", "Infinity", Body::Binary),
    Rule::length("length-huge-exponent", "content-length 1e400", "1e400", Body::Binary),
    Rule::length("length-30-digits", "content-length of 30 digits", "1«29×0»", Body::Binary),
    Rule::length("length-wrapped", "content-length that is right modulo 2^64", "«n+2^64»", Body::Sample),
    Rule::length("length-hexadecimal", "content-length in hexadecimal digits", "0x«n»", Body::Binary),
    Rule::length("length-separator", "content-length with a separator of digits", "0_«n»", Body::Binary),
    Rule::steps(
        "greatest-length",
        "6.4",
        "the greatest content-length, some content, and the end of the stream",
        |sample| cut_short(&sample.with_length(b"18446744073709551615", Body::Sample)),
        Expect::NoAnswer,
    ),
    Rule::steps("large-content", "6.3", "1 MiB of content", large, Expect::Reaction),
];

/// This message, and nothing after it.
fn at_once(bytes: Vec<u8>) -> Vec<Step> {
    vec![Step::Send(bytes), Step::Watch]
}

/// White space does not matter to JSON; what it does to other content does not matter here.
fn large(sample: &Sample) -> Vec<Step> {
    let content = [sample.content(), &vec![b' '; 1 << 20]].concat();
    let header = format!("{{{}, \"content-length\": {}}}", sample.members(Some("content-length")), content.len());
    at_once(message(header.as_bytes(), &content))
}
