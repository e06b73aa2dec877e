//! Which names a peer may give to a file here.

use std::fmt::{self, Display, Formatter};

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// The header's member that carries the name.
pub(super) const MEMBER: &str = "filename";

/// What the names of unfinished files begin with. As they are hidden ones, a peer can give none.
pub(super) const TEMPORARY: &str = ".transfer-";

/// How long a name may be on most file systems, in bytes.
const MAX_LENGTH: usize = 255;

/// Checks that this is the plain name of a file, on every system: nothing in it leads elsewhere, or means a device, or is
/// changed on the way to the disk, or deceives whoever reads it; and the file is not a hidden one, which programs such as
/// shells read by themselves.
pub(super) fn check(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.len() > MAX_LENGTH {
        return Err("it is longer than 255 bytes");
    }
    if name.contains(is_unseen) {
        return Err("it has characters in it that cannot be seen");
    }
    if name.chars().all(char::is_whitespace) {
        return Err("there is nothing in it but spaces");
    }
    if name.contains(['/', '\\']) {
        return Err("it has a directory in it");
    }
    if name == "." || name == ".." {
        return Err("it is a directory");
    }
    if name.starts_with('.') {
        return Err("it begins with a dot, as those of hidden files do");
    }
    if name.contains(':') {
        return Err("it has a drive or a stream in it");
    }
    if name.contains(['<', '>', '"', '|', '?', '*']) {
        return Err("it has a character in it that Windows reserves");
    }
    if name.ends_with(['.', ' ']) {
        return Err("it ends in a dot or a space, which Windows drops");
    }
    if is_device(name) {
        return Err("it is a device on Windows");
    }
    Ok(())
}

/// Whether nothing of the character shows by itself, or nobody can say what shows: control and format characters, those of
/// no agreed meaning, and those that Unicode wants ignored where they have no effect. Joiners and variation selectors are
/// among them, as two names may differ in nothing else.
fn is_unseen(character: char) -> bool {
    let category = character.general_category();
    character.general_category_group() == GeneralCategoryGroup::Other
        || matches!(category, GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator)
        || is_ignorable(character)
}

/// The characters with the property `Default_Ignorable_Code_Point` that are letters or marks by their category, and the
/// blank pattern of Braille.
const fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{34F}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FFA0}'
            | '\u{E0100}'..='\u{E01EF}'
    )
}

/// A name as it is shown: with what cannot be seen in it.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| {
            if is_unseen(character) { character.escape_unicode().fmt(f) } else { character.fmt(f) }
        })
    }
}

/// Whether Windows takes this for a device, whatever extension it has.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let port = ["COM", "LPT"].iter().find_map(|kind| stem.strip_prefix(kind));
    let is_port = port.is_some_and(|number| {
        let mut characters = number.chars();
        let digit = characters.next().is_some_and(|digit| digit.is_ascii_digit() || matches!(digit, '¹' | '²' | '³'));
        digit && characters.next().is_none()
    });
    is_port || matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_pass() {
        let longest = "x".repeat(MAX_LENGTH);
        for name in [
            "a",
            "a.txt",
            "two words.tar.gz",
            "näh 👩 ½ 日本語 हिन्दी e\u{301}.png",
            "at\u{202F}9\u{A0}o'clock\u{3000}.png",
            "~",
            "-rf",
            "$HOME",
            "console.log",
            "COM",
            "com10.txt",
            "nullable.rs",
            "transfer-1",
            "%2e%2e%2f",
            &longest,
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_hide_or_deceive_are_refused() {
        for (names, reason) in [
            (&[""][..], "it is empty"),
            (
                &["../evil", "..\\evil", "a/b", "/etc/passwd", "\\\\server\\share", "a/", "./a"],
                "it has a directory in it",
            ),
            (&[".", ".."], "it is a directory"),
            (&["C:", "c:evil", "evil:stream"], "it has a drive or a stream in it"),
            (
                &["a\0b", "a\nb", "\u{1B}[2J", "\u{7F}", "\u{9B}A", "a\u{202E}gpj.exe"],
                "it has characters in it that cannot be seen",
            ),
            (&[" ", "\u{A0}", "\u{3000}\u{2003}"], "there is nothing in it but spaces"),
            (
                &[".profile", ".ssh", ".bashrc", "...a", "...", ".transfer-", ".Transfer-abc123"],
                "it begins with a dot, as those of hidden files do",
            ),
            (&["what?", "*", "<a>", "a|b", "\"a\""], "it has a character in it that Windows reserves"),
            (&["evil.", "evil ", "evil.. "], "it ends in a dot or a space, which Windows drops"),
            (
                &["con", "NUL", "nul.txt", "Aux .tar.gz", "prn", "COM1", "lpt9.x", "com0", "LPT³", "conin$", "CONOUT$"],
                "it is a device on Windows",
            ),
            (&["x".repeat(MAX_LENGTH + 1).as_str(), "é".repeat(128).as_str()], "it is longer than 255 bytes"),
        ] {
            for name in names {
                assert_eq!(check(name), Err(reason), "{name}");
            }
        }
    }

    #[test]
    fn no_name_has_a_character_that_cannot_be_seen() {
        let unseen = [
            '\u{AD}',   // a soft hyphen
            '\u{34F}',  // a joiner of graphemes
            '\u{61C}',  // a mark of direction
            '\u{115F}', // a filler
            '\u{180E}', // a separator of vowels
            '\u{200B}', // a space of no width
            '\u{200D}', // a joiner
            '\u{2028}', // a separator of lines
            '\u{2060}', // a joiner of words
            '\u{2066}', // an isolate
            '\u{206A}', // deprecated, as are the following
            '\u{206F}',
            '\u{2800}',   // a blank
            '\u{3164}',   // a filler
            '\u{E000}',   // for private use
            '\u{FE0F}',   // a variation selector
            '\u{FEFF}',   // a byte order mark
            '\u{FFF9}',   // an annotation
            '\u{FFFF}',   // no character
            '\u{1D173}',  // of music, and invisible
            '\u{E0041}',  // a tag
            '\u{E0100}',  // a variation selector
            '\u{10FFFD}', // for private use
        ];
        for character in unseen {
            let name = format!("invoice{character}.pdf");
            assert_eq!(check(&name), Err("it has characters in it that cannot be seen"), "{}", Shown(&name));
        }
        assert_eq!(Shown("näh\u{206A}.pdf\n").to_string(), "näh\\u{206a}.pdf\\u{a}");
    }
}
