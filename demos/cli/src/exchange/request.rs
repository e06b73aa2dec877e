//! Requests as options of a command line: contents, and the headers for them.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use clap::Args;
use jsonframe::{Dialect, EncodeError, Header, Value};
use serde::de::IgnoredAny;

use super::Member;

/// An option `--data`.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Text(String),
    File(String),
    Stdin,
}

impl Data {
    /// Parses `TEXT`, `@FILE` or `-`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Ok(match text.strip_prefix('@') {
            _ if text == "-" => Self::Stdin,
            Some("-") => Self::Stdin,
            Some("") => return Err("the name of a file is missing after `@`".into()),
            Some(file) => Self::File(file.into()),
            None => Self::Text(text.into()),
        })
    }
}

/// Checks that this is JSON.
pub(crate) fn json(text: &str) -> Result<String, String> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| text.to_owned()).map_err(|error| format!("not JSON: {error}"))
}

/// Parses an option `-H`: `NAME=VALUE`. What is not JSON is a string.
pub(crate) fn extension(text: &str) -> Result<Member, String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    if let Ok(text) = serde_json::from_str::<String>(value) {
        return Ok(Member::new(name, text.as_str().into()));
    }
    match Value::from_json(value) {
        Ok(value) => Ok(Member::new(name, value)),
        // It is JSON, but not such that a header can have it.
        Err(error) if serde_json::from_str::<IgnoredAny>(value).is_ok() => Err(error.to_string()),
        Err(_) => Ok(Member::new(name, value.into())),
    }
}

/// A request, to be sent once or more often.
pub(crate) struct Request {
    content: Content,
    length: u64,
    content_type: String,
    content_encoding: String,
}

enum Content {
    Bytes(Vec<u8>),
    File(File),
}

/// What the headers of requests say, unless it goes without saying.
#[derive(Args, Default)]
pub(crate) struct HeaderOptions {
    /// The content type [default: text/json for JSON, text/plain for text, otherwise application/octet-stream]
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) content_type: Option<String>,

    /// The content encoding, in which text and JSON are sent then [default: utf-8 for text and JSON, otherwise binary]
    #[arg(long = "encoding", value_name = "ENCODING")]
    pub(crate) content_encoding: Option<String>,

    /// Add an extension member to the header: VALUE is JSON, or else a string
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE", value_parser = extension)]
    extensions: Vec<Member>,
}

impl HeaderOptions {
    /// The extension members, as headers have them.
    pub(crate) fn extensions(&self) -> Vec<(&str, Value<'_>)> {
        self.extensions.iter().map(Member::parts).collect()
    }
}

impl Request {
    /// A request of JSON, in the encoding that it is said to be in.
    pub(crate) fn json(text: &str, options: &HeaderOptions, dialect: &Dialect) -> Result<Self, String> {
        let usual = dialect.json_header(0);
        Self::text(text, options, usual.content_type(), usual.content_encoding())
    }

    /// A request of this content: text is `text/plain` in UTF-8, all else binary, unless something else is said.
    ///
    /// # Errors
    ///
    /// Why the content cannot be had, in words.
    pub(crate) fn data(data: &Data, options: &HeaderOptions) -> Result<Self, String> {
        let (content, length) = match data {
            Data::Text(text) => return Self::text(text, options, "text/plain", "utf-8"),
            Data::Stdin => spool(&mut io::stdin().lock()).map_err(|error| format!("cannot read the input: {error}"))?,
            Data::File(path) => open(Path::new(path)).map_err(|error| format!("{path}: {error}"))?,
        };
        let content_type = options.content_type.as_deref().unwrap_or("application/octet-stream").into();
        let content_encoding = options.content_encoding.as_deref().unwrap_or("binary").into();
        Ok(Self { content: Content::File(content), length, content_type, content_encoding })
    }

    fn text(text: &str, options: &HeaderOptions, usual_type: &str, usual_encoding: &str) -> Result<Self, String> {
        let content_type = options.content_type.as_deref().unwrap_or(usual_type);
        let content_encoding = options.content_encoding.as_deref().unwrap_or(usual_encoding);
        // What is no encoding of text is for whoever takes the bytes as they are.
        let encoded = Header::new(content_type, content_encoding, 0).encoding().map(|encoding| encoding.encode(text));
        let bytes = match encoded {
            Some(Ok(bytes)) => bytes.into_owned(),
            Some(Err(error)) => return Err(error.to_string()),
            None => text.as_bytes().to_vec(),
        };
        let length = bytes.len() as u64;
        let content = Content::Bytes(bytes);
        Ok(Self { content, length, content_type: content_type.into(), content_encoding: content_encoding.into() })
    }

    pub(crate) fn header(&self) -> Header<'_> {
        Header::new(&self.content_type, &self.content_encoding, self.length)
    }

    /// Whether it can be sent with these extensions in this dialect.
    pub(crate) fn check(&self, extensions: &[(&str, Value<'_>)], dialect: &Dialect) -> Result<(), EncodeError> {
        dialect.append_to(&self.header().with_extensions(extensions), &mut Vec::new()).map(drop)
    }

    /// The content, from its beginning.
    pub(crate) fn open(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match &mut self.content {
            Content::Bytes(bytes) => Box::new(Cursor::new(&*bytes)),
            Content::File(file) => {
                file.seek(SeekFrom::Start(0))?;
                Box::new(file)
            }
        })
    }
}

/// Opens a file, and spools what has no length of its own, such as a pipe.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    // Those of a system that are made when they are read say that they are empty.
    if metadata.is_file() && metadata.len() > 0 { Ok((file, metadata.len())) } else { spool(&mut file) }
}

/// Copies to a temporary file without a name, for a header says how long the content is.
fn spool(source: &mut impl Read) -> io::Result<(File, u64)> {
    let mut file = tempfile::tempfile()?;
    let length = io::copy(source, &mut file)?;
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_json_or_else_a_string() {
        for (text, name, value) in [
            ("id=7", "id", "7"),
            ("id=\"7\"", "id", "\"7\""),
            ("who=bob", "who", "\"bob\""),
            ("q=a=b", "q", "\"a=b\""),
            ("none=", "none", "\"\""),
            ("x={\"a\": [1, null]}", "x", "{\"a\": [1, null]}"),
            ("x=NaN", "x", "\"NaN\""),
            ("=1", "", "1"),
        ] {
            let extension = extension(text).unwrap();
            let (shown_name, shown) = extension.parts();
            assert_eq!((shown_name, shown.to_string().as_str()), (name, value), "{text}");
        }
        assert!(extension("id").is_err());
        assert!(extension(&format!("x={}{}", "[".repeat(80), "]".repeat(80))).is_err());
    }

    #[test]
    fn text_is_sent_in_the_encoding_that_is_named() {
        let options = |encoding: Option<&str>| HeaderOptions {
            content_encoding: encoding.map(str::to_owned),
            ..HeaderOptions::default()
        };
        for (encoding, expected) in [
            (None, "caf\u{e9}".as_bytes()),
            (Some("latin-1"), b"caf\xE9"),
            (Some("utf-16-be"), b"\0c\0a\0f\0\xE9"),
            (Some("binary"), "caf\u{e9}".as_bytes()),
        ] {
            let mut request = Request::data(&Data::Text("café".into()), &options(encoding)).unwrap();
            let mut bytes = Vec::new();
            request.open().unwrap().read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, expected);
            assert_eq!(request.header().content_length(), expected.len() as u64);
        }
        assert!(Request::json("\"é\"", &options(Some("ascii")), &Dialect::STANDARD).is_err());
    }
}
