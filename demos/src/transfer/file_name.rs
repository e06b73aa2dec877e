//! Which names a peer may give to a file here.

use crate::text::acts_on_terminal;

/// The header's member that carries the name.
pub(super) const MEMBER: &str = "filename";

/// What the names of unfinished files begin with. Nobody else's may.
pub(super) const TEMPORARY: &str = ".transfer-";

/// How long a name may be on most file systems, in bytes.
const MAX_LENGTH: usize = 255;

/// Checks that this is the plain name of a file, on every system: nothing in it leads elsewhere, or means a device, or is
/// changed on the way to the disk, or deceives who reads it.
pub(super) fn check(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.len() > MAX_LENGTH {
        return Err("it is longer than 255 bytes");
    }
    if name.contains(acts_on_terminal) {
        return Err("it has control characters in it");
    }
    if name.contains(['/', '\\']) {
        return Err("it has a directory in it");
    }
    if name == "." || name == ".." {
        return Err("it is a directory");
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
    if name.to_lowercase().starts_with(TEMPORARY) {
        return Err("such names are for unfinished files");
    }
    Ok(())
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
            ".profile",
            "...a",
            "two words.tar.gz",
            "näh 👩‍👧.png",
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
    fn names_that_lead_elsewhere_are_refused() {
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
                "it has control characters in it",
            ),
            (&["what?", "*", "<a>", "a|b", "\"a\""], "it has a character in it that Windows reserves"),
            (&["...", "evil.", "evil ", ".. "], "it ends in a dot or a space, which Windows drops"),
            (
                &["con", "NUL", "nul.txt", "Aux .tar.gz", "prn", "COM1", "lpt9.x", "com0", "LPT³", "conin$", "CONOUT$"],
                "it is a device on Windows",
            ),
            (&[".transfer-", ".Transfer-abc123"], "such names are for unfinished files"),
            (&["x".repeat(MAX_LENGTH + 1).as_str(), "é".repeat(128).as_str()], "it is longer than 255 bytes"),
        ] {
            for name in names {
                assert_eq!(check(name), Err(reason), "{name}");
            }
        }
    }
}
