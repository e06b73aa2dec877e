//! Headers written as templates, so that a table of rules shows what is sent.
//!
//! | mark | stands for |
//! |---|---|
//! | `«4»` | the required members of a good message and its other members, in the form of a sender |
//! | `«-NAME»` | those, without the member of that name |
//! | `«b»` `«t»` `«e»` `«n»` | the values of `byteorder`, `content-type`, `content-encoding` and `content-length` |
//! | `«o»` | the other members, each after a comma |
//! | `«n+2^64»` | the value of `content-length` and 2^64 |
//! | `«63×[»` | 63 times `[` |
//! | `«fill»` | as many spaces as make the header 65,535 bytes long |
//! | `‹C3 28›` | these bytes |

use std::iter::repeat_n;

use jsonframe::Header;

use super::sample::Sample;

/// The header that the template stands for, around a message like this one.
pub(super) fn header(template: &str, sample: &Sample) -> Vec<u8> {
    let mut header = Vec::new();
    let mut fill = None;
    let mut rest = template;
    while let Some((before, opened)) = rest.split_once(['«', '‹']) {
        header.extend(before.bytes());
        let (mark, after) = opened.split_once(['»', '›']).unwrap_or_else(|| unreachable!("{template} is not ended"));
        if rest[before.len()..].starts_with('‹') {
            header.extend(hex::decode(mark.replace(' ', "")).unwrap_or_else(|error| unreachable!("{mark}: {error}")));
        } else if mark == "fill" {
            fill = Some(header.len());
        } else {
            expand(mark, sample, &mut header);
        }
        rest = after;
    }
    header.extend(rest.bytes());
    if let Some(at) = fill {
        let missing = Header::MAX_LEN.saturating_sub(header.len());
        header.splice(at..at, repeat_n(b' ', missing));
    }
    header
}

fn expand(mark: &str, sample: &Sample, header: &mut Vec<u8>) {
    match mark {
        "4" => header.extend(sample.members(None).bytes()),
        "b" => header.extend(sample.value("byteorder").bytes()),
        "t" => header.extend(sample.value("content-type").bytes()),
        "e" => header.extend(sample.value("content-encoding").bytes()),
        "n" => header.extend(sample.value("content-length").bytes()),
        "o" => header.extend(sample.others().bytes()),
        "n+2^64" => header.extend((sample.content().len() as u128 + (1 << 64)).to_string().bytes()),
        mark => {
            if let Some(name) = mark.strip_prefix('-') {
                return header.extend(sample.members(Some(name)).bytes());
            }
            let (count, text) = mark.split_once('×').unwrap_or_else(|| unreachable!("{mark} is no mark"));
            let count = count.parse().unwrap_or_else(|error| unreachable!("{mark}: {error}"));
            header.extend(text.repeat(count).bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_replaced_and_the_rest_is_kept() {
        let sample = Sample::json("{}").unwrap();
        let text = |template| String::from_utf8(header(template, &sample)).unwrap();
        let three = r#""content-type": "text/json", "content-encoding": "utf-8", "content-length": 2"#;
        let byteorder = sample.value("byteorder");
        assert_eq!(text("{«4»}"), format!("{{\"byteorder\": {byteorder}, {three}}}"));
        assert_eq!(text("«-byteorder»"), three);
        assert_eq!(text(r#"[«3×ab», "«n»", «n+2^64»] é"#), r#"[ababab, "2", 18446744073709551618] é"#);
        assert_eq!(header("a‹C3 28›b", &sample), b"a\xC3\x28b");
        assert_eq!(header("{«4»«fill»}", &sample).len(), 65_535);
    }
}
