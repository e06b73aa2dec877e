//! Texts and JSON of the input's choice: JSON in any spelling, and next to it the form it is to be sent in (SPEC 4.1).

use std::fmt::Write;

use crate::input::Input;

/// One JSON value that is not a string.
#[derive(Clone, Debug, Default)]
pub struct Spelled {
    /// With white space and escapes of the input's choice.
    pub written: String,
    /// As it is to be sent.
    pub emitted: String,
}

/// Any text, of 31 characters at most.
pub fn text(input: &mut Input<'_>) -> String {
    let count = input.pick(32);
    (0..count).map(|_| character(input)).collect()
}

fn character(input: &mut Input<'_>) -> char {
    match input.byte() {
        byte @ ..0x80 => char::from(byte),
        byte @ 0x80..0xC0 => char::from_u32(u32::from(input.word())).unwrap_or(char::from(byte)),
        byte => char::from_u32(u32::from(byte & 0x0F) << 16 | u32::from(input.word())).unwrap_or('\u{10FFFF}'),
    }
}

/// Any value that is not a string.
pub fn json(input: &mut Input<'_>) -> Spelled {
    let mut speller = Speller { input, out: Spelled::default() };
    match speller.input.pick(8) {
        0 => speller.deep(),
        1..4 => speller.number(),
        4 => speller.array(0),
        _ => speller.object(0),
    }
    speller.out
}

struct Speller<'a, 'i> {
    input: &'a mut Input<'i>,
    out: Spelled,
}

impl Speller<'_, '_> {
    /// Writes what stands in both forms.
    fn both(&mut self, text: &str) {
        self.out.written += text;
        self.out.emitted += text;
    }

    /// Writes white space in the one form, and this in the other.
    fn space(&mut self, emitted: &str) {
        self.out.written += ["", " ", "", "\t", "", "\r\n", "", "    "][self.input.pick(8)];
        self.out.emitted += emitted;
    }

    fn value(&mut self, depth: usize) {
        match self.input.pick(if depth < 8 { 10 } else { 8 }) {
            0 => self.both("null"),
            1 => self.both("true"),
            2 => self.both("false"),
            3 | 4 => self.number(),
            5..8 => {
                let text = text(self.input);
                self.string(&text);
            }
            8 => self.array(depth),
            _ => self.object(depth),
        }
    }

    fn array(&mut self, depth: usize) {
        self.both("[");
        self.space("");
        for index in 0..self.input.pick(5) {
            if index > 0 {
                self.both(",");
                self.space(" ");
            }
            self.value(depth + 1);
            self.space("");
        }
        self.both("]");
    }

    fn object(&mut self, depth: usize) {
        self.both("{");
        self.space("");
        for index in 0..self.input.pick(5) {
            if index > 0 {
                self.both(",");
                self.space(" ");
            }
            let name = text(self.input);
            self.string(&name);
            self.space("");
            self.both(":");
            self.space(" ");
            self.value(depth + 1);
            self.space("");
        }
        self.both("}");
    }

    /// Arrays and objects in each other, about as many as there may be.
    fn deep(&mut self) {
        let kinds: Vec<bool> = (0..self.input.pick(80)).map(|_| self.input.byte() & 1 == 1).collect();
        for is_object in &kinds {
            self.both(if *is_object { "{\"\":" } else { "[" });
            self.space(if *is_object { " " } else { "" });
        }
        self.number();
        for is_object in kinds.iter().rev() {
            self.both(if *is_object { "}" } else { "]" });
        }
    }

    fn number(&mut self) {
        let parts = self.input.byte();
        let mut number = String::from(if parts & 1 == 0 { "" } else { "-" });
        let _ = match parts >> 1 & 3 {
            0 => write!(number, "{}", self.input.pick(10)),
            1 => write!(number, "{}", self.input.long()),
            2 => write!(number, "{}{:020}", 1 + self.input.pick(9), self.input.long()),
            _ => write!(number, "{}", 1_u128 << self.input.pick(65)),
        };
        if parts & 8 != 0 {
            let _ = write!(number, ".{:03}", self.input.byte());
        }
        if parts & 16 != 0 {
            number += ["e", "E", "e+", "E-"][usize::from(parts >> 5 & 3)];
            // Up to beyond what floating point can say.
            number += &(2 * u16::from(self.input.byte())).to_string();
        }
        self.both(&number);
    }

    fn string(&mut self, text: &str) {
        self.out.emitted += &serde_json::to_string(text).expect("a text is JSON");
        self.out.written.push('"');
        for character in text.chars() {
            self.spell(character);
        }
        self.out.written.push('"');
    }

    fn spell(&mut self, character: char) {
        let written = &mut self.out.written;
        let short = "\"\\/\u{8}\u{C}\n\r\t".find(character).and_then(|index| "\"\\/bfnrt".chars().nth(index));
        match (self.input.pick(4), short) {
            (0, _) => escape(written, character, false),
            (1, _) => escape(written, character, true),
            (_, Some(letter)) if character != '/' || letter != '/' => written.extend(['\\', letter]),
            (2, Some(letter)) => written.extend(['\\', letter]),
            _ if character < ' ' => escape(written, character, false),
            _ => written.push(character),
        }
    }
}

fn escape(out: &mut String, character: char, upper: bool) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        let _ = if upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
    }
}
