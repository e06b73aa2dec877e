//! The inputs that fuzzing begins with: the specification's vectors in the form of each target, and what earlier runs found
//! worth keeping.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

/// An input, and what to call it.
pub type Seed = (String, Vec<u8>);

/// The vectors as inputs of this target; none for a target that makes its streams itself.
pub fn from_vectors(target: &str, folder: &Path) -> Vec<Seed> {
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("a folder of vectors").map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let vectors = files.iter().flat_map(|path| {
        let file: Json = serde_json::from_slice(&fs::read(path).unwrap()).expect("a file of vectors");
        file["vectors"].as_array().expect("vectors").clone()
    });
    let inputs = vectors.filter_map(|vector| Some((vector["name"].as_str()?.to_owned(), input(target, &vector)?)));
    inputs.collect()
}

/// The inputs that are kept in a file, one a line, in printable ASCII: other bytes, and backslashes, are `\xHH`.
pub fn kept(file: &Path) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.lines().map(unescape).collect()
}

/// The line for an input to be kept.
pub fn escape(bytes: &[u8]) -> String {
    let escaped = |byte: &u8| match byte {
        b'\\' | ..b' ' | 0x7F.. => format!("\\x{byte:02x}"),
        _ => char::from(*byte).to_string(),
    };
    bytes.iter().map(escaped).collect()
}

fn unescape(line: &str) -> Vec<u8> {
    let mut parts = line.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, plain) = part.split_at(2);
        bytes.extend(bytes_of(digits));
        bytes.extend(plain.as_bytes());
    }
    bytes
}

fn input(target: &str, vector: &Json) -> Option<Vec<u8>> {
    let stream = bytes_of(vector["bytes"].as_str()?);
    let capacity = vector["header_capacity"].as_u64().unwrap_or(65_535);
    let capacity = u16::try_from(capacity).ok()?.to_be_bytes();
    let limit = vector["content_limit"].as_u64().map_or(255, |limit| {
        u8::try_from(limit.checked_next_power_of_two().map_or(63, u64::trailing_zeros)).unwrap_or(63)
    });
    Some(match target {
        "decode" => [&capacity[..], &[limit], &stream].concat(),
        // Pieces of these sizes, again and again.
        "split" => [&capacity[..], &[limit, 4, 1, 7, 0, 90], &stream].concat(),
        "differential" => {
            let length = usize::from(u16::from_be_bytes(*stream.first_chunk()?));
            stream.get(2..2 + length)?.to_vec()
        }
        _ => return None,
    })
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let byte = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        u8::from_str_radix(digits, 16).ok()
    };
    hex.as_bytes().chunks(2).map(|digits| byte(digits).expect("two hexadecimal digits")).collect()
}
