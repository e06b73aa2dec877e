//! What is said of the messages that come.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonframe::{Header, Value};

use crate::console::{Console, Kind};
use crate::exchange::{Content, object};
use crate::hint::Cause;
use crate::inspect::UnderWay;
use crate::text::{ByteString, Printable, count_of_bytes};

/// How messages are shown.
#[derive(Clone)]
pub(super) struct Show {
    pub(super) console: Console,
    /// Whether as a line of JSON each.
    pub(super) json: bool,
}

/// Whose message it is.
pub(super) struct Whose<'a> {
    /// The number of the connection.
    pub(super) connection: u64,
    pub(super) peer: &'a str,
}

/// How much of a content is on a line for a person, in bytes.
const PREVIEW: usize = 120;

/// What is said of a connection on which nothing comes.
const NOTHING: &str = "waiting: nothing has come: has the client sent anything, and flushed it (wfile.flush() in Python)? Or does \
                       it wait for the server to speak first? This server answers messages and sends no greeting";

impl Show {
    /// Shows a message that has come whole, and what is wrong with its content.
    pub(super) fn message(&self, whose: &Whose<'_>, header: &Header<'_>, content: Content<'_>, hint: Option<&str>) {
        let Whose { connection, peer } = whose;
        if self.json {
            let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            let first = format!(r#""time":{time:.6},"connection":{connection},"peer":{},"#, Value::from(*peer));
            self.console.say(object(&first, header, content));
            return;
        }
        let mut line = format!("[{connection}] {}", Printable(header.content_type()));
        let _ = write!(line, ", {}, {}", Printable(header.content_encoding()), count_of_bytes(content.length));
        for (name, value) in header.extensions() {
            let _ = write!(line, ", {}={}", Printable(name), Printable(&value.to_string()));
        }
        if content.length > 0 {
            let _ = write!(line, ": {}", preview(header, content));
        }
        self.console.say(line);
        if let Some(hint) = hint {
            self.console.say(format_args!("[{connection}] hint: {hint}"));
        }
    }

    /// Says that nothing more comes of a message, and why, or that nothing has come of any.
    pub(super) fn waiting(&self, connection: u64, under_way: Option<&UnderWay>, cause: Option<&Cause>) {
        let hint = cause.map(|cause| format!("[{connection}] hint: {}", Printable(&cause.words)));
        let waiting = match under_way {
            Some(under_way) => format!("[{connection}] {under_way}"),
            None => format!("[{connection}] {NOTHING}"),
        };
        for line in hint.into_iter().chain([waiting]) {
            // Where messages are lines of JSON, it is no message.
            if self.json { self.console.complain_of(Kind::OverLimit, line) } else { self.console.say(line) }
        }
    }

    /// Shows something else that has happened on a connection.
    pub(super) fn event(&self, connection: u64, what: &str) {
        if !self.json {
            self.console.say(format_args!("[{connection}] {what}"));
        }
    }
}

/// The beginning of the content, on one line.
fn preview(header: &Header<'_>, content: Content<'_>) -> String {
    let shown = &content.bytes[..content.bytes.len().min(PREVIEW)];
    let left_out = content.length - shown.len() as u64;
    let mut text = String::new();
    let decoder = jsonframe::TextDecoder::for_content(header);
    let is_text = decoder.is_ok_and(|mut decoder| decoder.decode(shown, &mut text).is_ok());
    let shown = if is_text { Printable(&text).to_string() } else { ByteString(shown).to_string() };
    if left_out > 0 { format!("{shown} … and {} more", count_of_bytes(left_out)) } else { shown }
}
