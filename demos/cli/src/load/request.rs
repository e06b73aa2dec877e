//! The request that is sent again and again.

use std::sync::Arc;

use jsonframe::{Header, Message, to_json};
use serde::Serialize;

/// The least length of a request's content, that of a search for nothing, in bytes.
pub(crate) const SMALLEST: usize = 33;

/// A search for something that is not there, so that the answer is about as long as the request.
#[derive(Debug)]
pub(super) struct Request {
    content: Arc<[u8]>,
    frame: Vec<u8>,
}

#[derive(Serialize)]
struct Search {
    action: &'static str,
    value: String,
}

impl Request {
    /// A request with content of this length.
    pub(super) fn new(content_size: usize) -> Result<Self, String> {
        let length = content_size.checked_sub(SMALLEST).ok_or("the content is shorter than a search for nothing")?;
        let value: String = "needle".chars().cycle().take(length).collect();
        let content = to_json(&Search { action: "search", value }).map_err(|error| error.to_string())?;
        let message = Message::new(Header::for_json(content.len() as u64), &content);
        let frame = message.and_then(|message| message.to_vec()).map_err(|error| error.to_string())?;
        Ok(Self { content: content.into(), frame })
    }

    pub(super) fn header(&self) -> Header<'static> {
        Header::for_json(self.content.len() as u64)
    }

    pub(super) fn content(&self) -> &Arc<[u8]> {
        &self.content
    }

    /// The request as it goes over the wire.
    pub(super) fn frame(&self) -> &[u8] {
        &self.frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_as_long_as_asked_for() {
        for size in [33, 34, 39, 100_000] {
            let request = Request::new(size).unwrap();
            assert_eq!(request.content().len(), size);
            assert!(request.frame().ends_with(request.content()));
        }
        assert_eq!(**Request::new(39).unwrap().content(), *br#"{"action": "search", "value": "needle"}"#);
        assert!(Request::new(32).is_err());
    }
}
