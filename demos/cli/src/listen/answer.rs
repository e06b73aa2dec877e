//! What is answered.

use std::io::{Cursor, Read, Seek, SeekFrom};

use jsonframe::{ByteOrder, Dialect, Header, Value};
use jsonframe_std::{REPLY_TO, REQUEST_ID};
use tempfile::SpooledTempFile;

use super::process::Runner;
use crate::exchange::Member;

/// What is answered to each request.
pub(super) enum Answer {
    /// The same again.
    Echo,
    /// Always this JSON.
    Json(String),
    /// What a program writes.
    Output(Runner),
}

/// The content of a request, in memory or, if it is long, in a file.
pub(super) type Spool = SpooledTempFile;

/// An answer to be sent.
pub(super) struct Reply {
    pub(super) header: ReplyHeader,
    pub(super) content: Box<dyn Read>,
}

/// The header of an answer.
pub(super) struct ReplyHeader {
    content_type: String,
    content_encoding: String,
    content_length: u64,
    byte_order: ByteOrder,
    prefix: Vec<u8>,
    extensions: Vec<Member>,
}

impl ReplyHeader {
    /// That of a request, without its extensions.
    fn like(header: &Header<'_>) -> Self {
        Self {
            content_type: header.content_type().into(),
            content_encoding: header.content_encoding().into(),
            content_length: header.content_length(),
            byte_order: header.byte_order(),
            prefix: header.prefix().into(),
            extensions: Vec::new(),
        }
    }

    /// The header without its extensions.
    pub(super) fn header(&self) -> Header<'_> {
        Header::new(&self.content_type, &self.content_encoding, self.content_length)
            .with_byte_order(self.byte_order)
            .with_prefix(&self.prefix)
    }

    /// The extensions, as headers have them.
    pub(super) fn extensions(&self) -> Vec<(&str, Value<'_>)> {
        self.extensions.iter().map(Member::parts).collect()
    }
}

impl Answer {
    /// The answer to this request.
    ///
    /// # Errors
    ///
    /// Why there is none, in words.
    pub(super) fn to(
        &self,
        header: &Header<'_>,
        mut content: Spool,
        dialect: &Dialect,
        peer: &str,
    ) -> Result<Reply, String> {
        let mut reply = ReplyHeader::like(header);
        let content: Box<dyn Read> = match self {
            Self::Echo => {
                content.seek(SeekFrom::Start(0)).map_err(|error| format!("cannot read the content again: {error}"))?;
                let others = header.extensions().filter(|(name, _)| *name != REPLY_TO);
                reply.extensions = others.map(|(name, value)| Member::new(name, value)).collect();
                Box::new(content)
            }
            Self::Json(text) => {
                let usual = dialect.json_header(text.len() as u64);
                reply = ReplyHeader { prefix: reply.prefix, ..ReplyHeader::like(&usual) };
                Box::new(Cursor::new(text.clone().into_bytes()))
            }
            Self::Output(runner) => {
                let output = runner.run(header, content, peer)?;
                let metadata = output.metadata().map_err(|error| format!("cannot read the output: {error}"))?;
                reply.content_length = metadata.len();
                Box::new(output)
            }
        };
        if let Some(id) = header.extension(REQUEST_ID).and_then(|id| id.as_u64()) {
            reply.extensions.push(Member::new(REPLY_TO, id.into()));
        }
        Ok(Reply { header: reply, content })
    }
}
