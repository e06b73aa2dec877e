//! The request that is sent again and again.

use std::sync::Arc;

use jsonframe::{Header, Message, to_json};
use serde::Serialize;

/// The least length of a request's content, that of a search for nothing, in bytes.
pub(crate) const SMALLEST: usize = 33;

/// What to ask a server.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// A search for something that is not there, so that the answer is about as long as the request: how long its content is,
    /// in bytes, at least [`SMALLEST`].
    Search(usize),
    /// This content.
    Content { content_type: String, encoding: String, content: Arc<[u8]> },
}

/// A request, ready to be sent.
#[derive(Debug)]
pub(super) struct Request {
    content_type: String,
    encoding: String,
    content: Arc<[u8]>,
    frame: Vec<u8>,
    is_search: bool,
}

#[derive(Serialize)]
struct Search {
    action: &'static str,
    value: String,
}

impl Request {
    /// The request for what is to be asked.
    pub(super) fn new(asked: &Asked) -> Result<Self, String> {
        let (is_search, content_type, encoding, content) = match asked {
            Asked::Search(size) => (true, "text/json", "utf-8", search(*size)?),
            Asked::Content { content_type, encoding, content } => {
                (false, &**content_type, &**encoding, Arc::clone(content))
            }
        };
        let header = Header::new(content_type, encoding, content.len() as u64);
        let message = Message::new(header, &content);
        let frame = message.and_then(|message| message.to_vec()).map_err(|error| error.to_string())?;
        Ok(Self { content_type: content_type.into(), encoding: encoding.into(), content, frame, is_search })
    }

    /// Whether it is a search, whose answer may be an error.
    pub(super) const fn is_search(&self) -> bool {
        self.is_search
    }

    pub(super) fn header(&self) -> Header<'_> {
        Header::new(&self.content_type, &self.encoding, self.content.len() as u64)
    }

    pub(super) fn content(&self) -> &Arc<[u8]> {
        &self.content
    }

    /// The request as it goes over the wire.
    pub(super) fn frame(&self) -> &[u8] {
        &self.frame
    }
}

fn search(size: usize) -> Result<Arc<[u8]>, String> {
    let length = size.checked_sub(SMALLEST).ok_or("the content is shorter than a search for nothing")?;
    let value: String = "needle".chars().cycle().take(length).collect();
    let content = to_json(&Search { action: "search", value }).map_err(|error| error.to_string())?;
    Ok(content.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_as_long_as_asked_for() {
        for size in [33, 34, 39, 100_000] {
            let request = Request::new(&Asked::Search(size)).unwrap();
            assert_eq!(request.content().len(), size);
            assert!(request.frame().ends_with(request.content()));
        }
        assert_eq!(
            **Request::new(&Asked::Search(39)).unwrap().content(),
            *br#"{"action": "search", "value": "needle"}"#
        );
        assert!(Request::new(&Asked::Search(32)).is_err());
    }
}
