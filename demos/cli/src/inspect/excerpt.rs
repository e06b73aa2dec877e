//! The part of a header around one of its bytes, on one line.

/// How many columns are shown before the byte, and how many from it on.
const BEFORE: usize = 48;
const AFTER: usize = 28;

/// How many bytes of a character can be beyond an edge. A byte takes one column at least, so what is looked at beyond the
/// columns shown, to have whole characters within them, is no more than this.
const CUT: usize = 3;

/// A line of printable ASCII, so that every character of it is one column wide, and the column of the byte in it.
pub(super) struct Excerpt {
    pub(super) line: String,
    pub(super) column: usize,
}

impl Excerpt {
    /// What is around the byte at this index, where a character begins; or around the end, if there is no such byte.
    pub(super) fn around(text: &[u8], at: usize) -> Self {
        let (before, after) = text.split_at(at.min(text.len()));
        let (mut left, left_length) = fit(cells(&before[before.len().saturating_sub(BEFORE + CUT)..]).rev(), BEFORE);
        let (right, right_length) = fit(cells(&after[..after.len().min(AFTER + CUT)]), AFTER);

        let mut line = String::from(if left_length < before.len() { "..." } else { "" });
        left.reverse();
        line.extend(left);
        let column = line.len();
        line.extend(right);
        line.push_str(if right_length < after.len() { "..." } else { "" });
        Self { line, column }
    }
}

/// A character, or a byte that belongs to none: how it is shown, and its length in bytes.
type Cell = (String, usize);

fn cells(bytes: &[u8]) -> impl DoubleEndedIterator<Item = Cell> {
    let cells = bytes.utf8_chunks().flat_map(|chunk| {
        let characters = chunk.valid().chars().map(|character| (printable(character), character.len_utf8()));
        characters.chain(chunk.invalid().iter().map(|byte| (format!("\\x{byte:02x}"), 1)))
    });
    cells.collect::<Vec<_>>().into_iter()
}

/// The character, or what stands for it. That is never an escape of JSON, lest it be taken for what the peer wrote.
fn printable(character: char) -> String {
    match character {
        ' '..='~' => character.into(),
        '\0'..='\x7F' => format!("\\x{:02x}", u32::from(character)),
        _ => character.escape_unicode().to_string(),
    }
}

/// The first cells that fit into this many columns, and their length in bytes.
fn fit(cells: impl Iterator<Item = Cell>, columns: usize) -> (Vec<String>, usize) {
    let mut width = 0;
    let fitting = cells.take_while(|(shown, _)| {
        width += shown.len();
        width <= columns
    });
    fitting.fold((Vec::new(), 0), |(mut shown, length), cell| {
        shown.push(cell.0);
        (shown, length + cell.1)
    })
}

#[cfg(test)]
mod tests {
    use super::Excerpt;

    fn excerpt(text: &[u8], at: usize) -> (String, usize) {
        let Excerpt { line, column } = Excerpt::around(text, at);
        (line, column)
    }

    #[test]
    fn a_short_text_is_shown_whole() {
        assert_eq!(excerpt(b"{\"a\": 1}", 6), ("{\"a\": 1}".into(), 6));
        assert_eq!(excerpt(b"{}", 2), ("{}".into(), 2));
        assert_eq!(excerpt(b"", 0), (String::new(), 0));
    }

    #[test]
    fn columns_are_those_of_what_is_shown() {
        assert_eq!(excerpt("\t{é\u{202E}}".as_bytes(), 7), ("\\x09{\\u{e9}\\u{202e}}".into(), 19));
        assert_eq!(excerpt(b"{\xE2\x82!\xFF", 1), ("{\\xe2\\x82!\\xff".into(), 1));
        assert_eq!(excerpt(b"{\xE2\x82!\xFF", 4), ("{\\xe2\\x82!\\xff".into(), 10));
    }

    #[test]
    fn of_a_long_text_only_what_is_near_is_shown() {
        let text = [b'a'; 1000];
        assert_eq!(excerpt(&text, 500), (format!("...{}...", "a".repeat(48 + 28)), 51));
        assert_eq!(excerpt(&text, 1000), (format!("...{}", "a".repeat(48)), 51));
        assert_eq!(excerpt(&text, 0), (format!("{}...", "a".repeat(28)), 0));
    }

    #[test]
    fn characters_at_the_edges_are_whole() {
        for start in 0..4 {
            let text = format!("{}{}", "a".repeat(start), "🐶".repeat(100));
            let (line, column) = excerpt(text.as_bytes(), start + 200);
            let dog = "\\u{1f436}";
            assert_eq!((line, column), (format!("...{}...", dog.repeat(5 + 3)), 3 + 5 * dog.len()));
        }
    }
}
