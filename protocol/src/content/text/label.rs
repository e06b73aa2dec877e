//! Labels of encodings, compared as Python's `codecs.lookup` compares them.

/// The labels of one encoding, normalised: the name of its module in Python, and that module's aliases.
#[derive(Debug)]
pub(super) struct Labels {
    module: &'static str,
    aliases: &'static [&'static str],
}

impl Labels {
    pub(super) const fn new(module: &'static str, aliases: &'static [&'static str]) -> Self {
        Self { module, aliases }
    }
}

/// A label from a header, normalised: in lower case, its words separated by single underscores.
#[derive(Clone, Copy)]
pub(super) struct Label {
    bytes: [u8; LONGEST],
    length: usize,
    has_dots: bool,
}

/// The length of the longest known label, in bytes.
const LONGEST: usize = 24;

impl Label {
    /// Normalises a label. Returns `None` if it cannot be a known one: if it is too long, contains a null byte, which Python
    /// refuses too, or is not ASCII, which Python treats differently in different versions.
    pub(super) fn new(label: &str) -> Option<Self> {
        let mut normal = Self { bytes: [0; LONGEST], length: 0, has_dots: false };
        let mut at_word = false;
        for byte in label.bytes() {
            if !byte.is_ascii() || byte == 0 {
                return None;
            }
            let is_word = byte.is_ascii_alphanumeric() || byte == b'.';
            if is_word {
                if !at_word && normal.length > 0 {
                    normal.push(b'_')?;
                }
                normal.push(byte.to_ascii_lowercase())?;
            }
            at_word = is_word;
            normal.has_dots |= byte == b'.';
        }
        Some(normal)
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.length)? = byte;
        self.length = self.length.saturating_add(1);
        Some(())
    }

    /// Returns whether this is one of `labels`.
    pub(super) fn is_one_of(&self, labels: &Labels) -> bool {
        let label = self.bytes.get(..self.length).unwrap_or_default();
        if label == labels.module.as_bytes() {
            return true;
        }
        labels.aliases.iter().any(|alias| label == alias.as_bytes() || self.has_dots && self.undotted_is(alias))
    }

    /// Returns whether this is `alias` once its dots are underscores. Python looks that form up second.
    fn undotted_is(&self, alias: &str) -> bool {
        let label = self.bytes.iter().take(self.length);
        label.map(|byte| if *byte == b'.' { b'_' } else { *byte }).eq(alias.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_be_separated_in_any_way() {
        let labels = Labels::new("utf_8", &["utf8", "a.b_1", "c_d"]);
        let is = |label| Label::new(label).is_some_and(|label| label.is_one_of(&labels));
        for label in ["utf_8", "UTF-8", "utf 8", " -utf/\t-8_", "Utf8", "A.B-1", "c.d", "C-D"] {
            assert!(is(label), "{label:?}");
        }
        for label in ["", "_", "utf", "utf_", "utf__88", "ut f8", "utf.8", "a_b_1", "utf-8é", "utf-8\0", "utf\08"] {
            assert!(!is(label), "{label:?}");
        }
    }
}
