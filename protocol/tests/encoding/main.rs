//! Compares labels, decoding and encoding with Python's codecs, and checks what holds for every encoding.
#![cfg(feature = "text")]

#[cfg(target_os = "linux")]
#[path = "../counted/mod.rs"]
mod counted;
#[cfg(feature = "json")]
mod json;
mod labels;
#[cfg(target_os = "linux")]
mod linear;
mod properties;
mod python;
mod rules;
mod sequences;
mod texts;
mod vectors;

use jsonframe::Encoding;

/// The encodings of one byte per character, by their names in Python.
const SINGLE: [&str; 32] = [
    "ascii",
    "iso8859-1",
    "iso8859-2",
    "iso8859-3",
    "iso8859-4",
    "iso8859-5",
    "iso8859-6",
    "iso8859-7",
    "iso8859-8",
    "iso8859-9",
    "iso8859-10",
    "iso8859-11",
    "iso8859-13",
    "iso8859-14",
    "iso8859-15",
    "iso8859-16",
    "cp866",
    "cp874",
    "cp1250",
    "cp1251",
    "cp1252",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "cp1258",
    "koi8-r",
    "koi8-u",
    "mac-cyrillic",
    "mac-roman",
    "tis-620",
];

/// The encodings of several bytes per character.
const SEVERAL: [&str; 10] =
    ["big5", "cp932", "cp949", "cp950", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "shift_jis"];

/// The encodings of Unicode.
const UNICODE: [&str; 8] =
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"];

fn all() -> impl Iterator<Item = &'static str> {
    SINGLE.into_iter().chain(SEVERAL).chain(UNICODE)
}

fn encoding(name: &str) -> Encoding {
    name.parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}
