//! The grammar of media types.

/// Returns the length of the white space at the front.
pub(super) const fn spaces(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let [b' ' | b'\t', after @ ..] = rest {
        rest = after;
    }
    taken(bytes, rest)
}

/// Returns the length of the token at the front.
pub(super) const fn token(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let [byte, after @ ..] = rest {
        if !is_token(*byte) {
            break;
        }
        rest = after;
    }
    taken(bytes, rest)
}

/// Returns the length of the quoted string at the front, quotes included, or 0 if there is none. The error is the offset
/// of the first byte at fault.
pub(super) const fn quoted(bytes: &[u8]) -> Result<usize, usize> {
    let [b'"', after @ ..] = bytes else { return Ok(0) };
    let mut rest = after;
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Ok(taken(bytes, after)),
            [b'\\', escaped, after @ ..] if is_text(*escaped) => after,
            [b'\\', after @ ..] => return Err(taken(bytes, after)),
            [byte, after @ ..] if is_text(*byte) => after,
            _ => return Err(taken(bytes, rest)),
        };
    }
}

/// The offsets of a parameter's parts, counted from the semicolon or white space before it.
pub(super) struct Parameter {
    pub(super) name: (usize, usize),
    pub(super) value: (usize, usize),
    pub(super) end: usize,
}

/// Parses the first parameter. Its name is empty if there is nothing between two semicolons. Returns `None` if only white
/// space is left. The error is the offset of the first byte at fault.
pub(super) const fn parameter(bytes: &[u8]) -> Result<Option<Parameter>, usize> {
    let separator = spaces(bytes);
    match at(bytes, separator) {
        [] => return Ok(None),
        [b';', ..] => {}
        _ => return Err(separator),
    }
    let after_separator = separator.saturating_add(1);
    let start = after_separator.saturating_add(spaces(at(bytes, after_separator)));
    let equals = start.saturating_add(token(at(bytes, start)));
    if equals == start {
        return match at(bytes, start) {
            [] | [b';', ..] => Ok(Some(Parameter { name: (start, start), value: (start, start), end: start })),
            _ => Err(start),
        };
    }
    let [b'=', ..] = at(bytes, equals) else { return Err(equals) };
    let value = equals.saturating_add(1);
    let length = match quoted(at(bytes, value)) {
        Ok(0) => token(at(bytes, value)),
        Ok(length) => length,
        Err(offset) => return Err(value.saturating_add(offset)),
    };
    let end = value.saturating_add(length);
    if length == 0 { Err(end) } else { Ok(Some(Parameter { name: (start, equals), value: (value, end), end })) }
}

/// Checks that `bytes` are parameters. The error is the offset of the first byte at fault.
pub(super) const fn parameters(bytes: &[u8]) -> Result<(), usize> {
    let mut rest = bytes;
    loop {
        match parameter(rest) {
            Ok(None) => return Ok(()),
            Ok(Some(parameter)) => rest = at(rest, parameter.end),
            Err(offset) => return Err(taken(bytes, rest).saturating_add(offset)),
        }
    }
}

/// Returns whether both are equal without regard to the case of ASCII letters.
pub(super) const fn equal(one: &[u8], other: &[u8]) -> bool {
    let (mut one, mut other) = (one, other);
    loop {
        match (one, other) {
            ([], []) => return true,
            ([a, one_after @ ..], [b, other_after @ ..]) if a.eq_ignore_ascii_case(b) => {
                (one, other) = (one_after, other_after);
            }
            _ => return false,
        }
    }
}

/// Returns the bytes from `offset` on.
const fn at(bytes: &[u8], offset: usize) -> &[u8] {
    match bytes.split_at_checked(offset) {
        Some((_, rest)) => rest,
        None => &[],
    }
}

/// Returns the number of bytes taken from the front of `bytes` to leave `rest`.
const fn taken(bytes: &[u8], rest: &[u8]) -> usize {
    bytes.len().saturating_sub(rest.len())
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// Returns whether a quoted string can contain the byte, escaped or not: all but control characters.
const fn is_text(byte: u8) -> bool {
    byte == b'\t' || byte >= b' ' && byte != 0x7F
}
