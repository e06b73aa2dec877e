//! The request that is sent again and again.

use std::io::Read;
use std::sync::Arc;

use jsonframe::{Dialect, Header, Value, to_json};
use serde::Serialize;

use crate::exchange;

/// The least length of a search, that for nothing, in bytes.
pub(super) const SMALLEST: usize = 33;

/// A request, ready to be sent.
#[derive(Debug)]
pub(super) struct Request<'a> {
    header: Header<'a>,
    content: Arc<[u8]>,
    frame: Vec<u8>,
    is_search: bool,
}

impl<'a> Request<'a> {
    /// Reads the content of what is asked, which may be a search.
    ///
    /// # Errors
    ///
    /// Why it cannot be had, or be sent in this dialect with these extensions, in words.
    pub(super) fn new(
        asked: &'a mut exchange::Request,
        extensions: &'a [(&'a str, Value<'a>)],
        dialect: &Dialect,
        is_search: bool,
    ) -> Result<Self, String> {
        let mut content = Vec::new();
        let read = asked.open().and_then(|mut source| source.read_to_end(&mut content));
        read.map_err(|error| format!("cannot read the content: {error}"))?;
        let header = asked.header().with_extensions(extensions);
        let mut frame = Vec::new();
        dialect.append_to(&header, &mut frame).map_err(|error| format!("the request cannot be sent: {error}"))?;
        frame.extend_from_slice(&content);
        Ok(Self { header, content: content.into(), frame, is_search })
    }

    /// Whether it is a search, whose answer may be an error.
    pub(super) const fn is_search(&self) -> bool {
        self.is_search
    }

    pub(super) const fn header(&self) -> &Header<'a> {
        &self.header
    }

    pub(super) const fn content(&self) -> &Arc<[u8]> {
        &self.content
    }

    /// The request as it goes over the wire.
    pub(super) fn frame(&self) -> &[u8] {
        &self.frame
    }
}

/// A search for something that is not there, so that the answer is about as long as this is: as many bytes.
pub(super) fn search(size: usize) -> Result<String, String> {
    #[derive(Serialize)]
    struct Search {
        action: &'static str,
        value: String,
    }

    let length = size.checked_sub(SMALLEST).ok_or("the content is shorter than a search for nothing")?;
    let value = "needle".chars().cycle().take(length).collect();
    let content = to_json(&Search { action: "search", value }).map_err(|error| error.to_string())?;
    String::from_utf8(content).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_as_long_as_asked_for() {
        for size in [33, 34, 39, 100_000] {
            let search = search(size).unwrap();
            assert_eq!(search.len(), size);
            let mut asked =
                exchange::Request::json(&search, &exchange::HeaderOptions::default(), &Dialect::STANDARD).unwrap();
            let request = Request::new(&mut asked, &[], &Dialect::STANDARD, true).unwrap();
            assert!(**request.content() == *search.as_bytes() && request.frame().ends_with(request.content()));
        }
        assert_eq!(search(39).unwrap(), r#"{"action": "search", "value": "needle"}"#);
        assert!(search(32).is_err());
    }
}
