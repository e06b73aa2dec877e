//! Which connection a line of a log names, and whether it tells of what was sent or of what was received.

/// Where a literal stands in the text of its line.
pub(super) const LITERAL: u8 = 0;

/// What a line says, apart from the literals in it.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) connection: Option<Connection>,
    /// Of each literal, whether it was sent, if that is said.
    pub(super) sent: Vec<Option<bool>>,
    /// Whether the connection is closed or has just been accepted, so that what comes next belongs to a new one.
    pub(super) is_end: bool,
}

/// A connection, as a line names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Connection {
    /// N of `connection N`.
    pub(super) number: Option<u64>,
    /// The peer of `('host', port)`; several if there are several.
    pub(super) peer: Option<String>,
    pub(super) port: Option<u64>,
}

impl Names {
    /// The names in the text of a line, in which [`LITERAL`] stands for each literal.
    pub(super) fn of(text: &[u8]) -> Self {
        let (mut names, mut connection) = (Self::default(), Connection::default());
        // What a word says of the literals after it, and what a preposition does where no word says it.
        let (mut said, mut by_preposition) = (None, None);
        let mut last: &[u8] = b"";
        let mut rest = text;
        while let [first, after @ ..] = rest {
            rest = after;
            if *first == LITERAL {
                names.sent.push(said);
            } else if first.is_ascii_alphabetic() {
                let length = 1 + after.iter().take_while(|character| character.is_ascii_alphabetic()).count();
                let word = [&[*first], &after[..length - 1]].concat().to_ascii_lowercase();
                rest = &after[length - 1..];
                let begins = |starts: &[&str]| starts.iter().any(|start| word.starts_with(start.as_bytes()));
                let sent = if begins(&["send", "sent"]) { Some(true) } else { None };
                if let Some(sent) = sent.or_else(|| begins(&["recv", "receiv"]).then_some(false)) {
                    // Those before the first such word have none of their own.
                    names.sent.iter_mut().filter(|sent| sent.is_none()).for_each(|of| *of = Some(sent));
                    said = Some(sent);
                }
                names.is_end |= begins(&["clos", "accept"]);
                if word == b"connection"
                    && let Some((number, after)) = number(rest)
                {
                    connection.number.get_or_insert(number);
                    by_preposition = by_preposition.or(preposition(last));
                    rest = after;
                }
                last = &text[text.len() - after.len() - 1..][..length];
            } else if *first == b'('
                && let Some((host, port, after)) = address(after)
            {
                by_preposition = by_preposition.or(preposition(last));
                let peer = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
                connection.port.get_or_insert(port);
                connection.peer = Some(match connection.peer.take() {
                    Some(other) if other != peer => format!("{other} and {peer}"),
                    _ => peer,
                });
                rest = after;
            }
        }
        names.sent.iter_mut().for_each(|sent| *sent = sent.or(by_preposition));
        names.connection = Some(connection).filter(|connection| *connection != Connection::default());
        names
    }
}

/// Which way leads what goes `to` a connection, or comes `from` it.
fn preposition(word: &[u8]) -> Option<bool> {
    let sent = word.eq_ignore_ascii_case(b"to");
    (sent || word.eq_ignore_ascii_case(b"from")).then_some(sent)
}

/// The number that stands next, and what comes after it.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let text = text.strip_prefix(b" ")?;
    let text = text.strip_prefix(b"#").unwrap_or(text);
    let length = text.iter().take_while(|character| character.is_ascii_digit()).count();
    Some((str::from_utf8(&text[..length]).ok()?.parse().ok()?, &text[length..]))
}

/// The host and the port of a tuple after its `(`, and what comes after it.
fn address(text: &[u8]) -> Option<(&str, u64, &[u8])> {
    let (quote, text) = text.split_first().filter(|(quote, _)| matches!(quote, b'\'' | b'"'))?;
    let length = text.iter().position(|character| character == quote)?;
    let host = str::from_utf8(&text[..length]).ok().filter(|host| !host.is_empty())?;
    let (port, mut rest) = number(text[length + 1..].strip_prefix(b",")?)?;
    // An address of IPv6 has two more numbers.
    while let Some((_, after)) = rest.strip_prefix(b",").and_then(number) {
        rest = after;
    }
    Some((host, port, rest.strip_prefix(b")")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The connection that a line names, and whether each of its literals was sent.
    fn names(line: &str) -> (Option<u64>, String, Vec<Option<bool>>) {
        let Names { connection, sent, .. } = Names::of(line.replace('@', "\0").as_bytes());
        let Connection { number, peer, .. } = connection.unwrap_or_default();
        (number, peer.unwrap_or_default(), sent)
    }

    #[test]
    fn lines_as_programs_print_them_name_a_connection_and_a_direction() {
        for (line, number, peer, sent) in [
            ("Sending @ to ('127.0.0.1', 54321)", None, "127.0.0.1:54321", Some(true)),
            ("Received @ from connection 1", Some(1), "", Some(false)),
            ("Echoing @ to ('::1', 54321, 0, 0)", None, "[::1]:54321", Some(true)),
            ("INFO:root:got @ from (\"localhost\", 5)", None, "localhost:5", Some(false)),
            ("connection #7 ('a', 1): recv() gave @", Some(7), "a:1", Some(false)),
            ("forwarding @ from ('a', 1) to ('b', 2)", None, "a:1 and b:2", Some(false)),
            ("@ sent, ('a', 1)", None, "a:1", Some(true)),
            ("connection from ('a', 1) sent @", None, "a:1", Some(true)),
            ("Received @", None, "", Some(false)),
            ("connection 99999999999999999999: @ of ('a', -1) ('', 1) ('a' 1) ('a', 1", None, "", None),
        ] {
            assert_eq!(names(line), (number, peer.to_owned(), vec![sent]), "{line}");
        }
        assert_eq!(names("connection 1: sent @, received @ @").2, [Some(true), Some(false), Some(false)]);
        assert!(Names::of(b"Closing connection to ('a', 1)").is_end);
        assert!(!Names::of(b"Starting connection to ('a', 1)").is_end);
    }
}
