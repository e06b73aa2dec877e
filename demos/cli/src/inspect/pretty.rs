//! JSON over several lines.

use serde::de::IgnoredAny;

/// How deep lines are indented at most, so that no nesting makes the output grow with its square.
const DEEPEST: usize = 32;

/// The same JSON, a member or an element a line. Its order, its numbers and its strings stay as they are written.
pub(crate) fn pretty(json: &str) -> serde_json::Result<String> {
    serde_json::from_str::<IgnoredAny>(json)?;
    let mut lines = String::with_capacity(json.len() * 2);
    let mut depth: usize = 0;
    let mut opened = false;
    let mut tokens = json.chars();
    while let Some(character) = tokens.find(|character| !character.is_ascii_whitespace()) {
        let closes = matches!(character, '}' | ']');
        depth -= usize::from(closes);
        // What is empty stays on one line.
        if opened != closes {
            break_line(&mut lines, depth);
        }
        opened = matches!(character, '{' | '[');
        depth += usize::from(opened);
        lines.push(character);
        match character {
            ',' => break_line(&mut lines, depth),
            ':' => lines.push(' '),
            '"' => copy_string(&mut lines, &mut tokens),
            _ => {}
        }
    }
    Ok(lines)
}

fn break_line(lines: &mut String, depth: usize) {
    lines.push('\n');
    lines.extend(std::iter::repeat_n("  ", depth.min(DEEPEST)));
}

/// Copies a string from behind its opening quote to its closing one.
fn copy_string(lines: &mut String, rest: &mut impl Iterator<Item = char>) {
    let mut escaped = false;
    for character in rest {
        lines.push(character);
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn a_member_or_an_element_a_line() {
        let json = r#" {"b":[1.50 , {}, [ ]],"a,b": "c:\"{\\", "a":1e400}"#;
        let lines = "{\n  \"b\": [\n    1.50,\n    {},\n    []\n  ],\n  \"a,b\": \"c:\\\"{\\\\\",\n  \"a\": 1e400\n}";
        assert_eq!(pretty(json).unwrap(), lines);
        assert_eq!(pretty(" \"[\" ").unwrap(), "\"[\"");
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", "{", "[1,]", "{} {}", "\"\n\"", "nul", "]"] {
            assert!(pretty(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn nesting_makes_the_lines_no_longer_than_need_be() {
        let (open, close) = ("[".repeat(30_000), "]".repeat(30_000));
        assert!(pretty(&(open + &close)).unwrap().len() < 60_000 * 70);
    }
}
