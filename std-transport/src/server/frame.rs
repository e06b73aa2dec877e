//! A message that is encoded before it is known what becomes of its connections.

use std::sync::Arc;

use jsonframe::{Dialect, EncodeError, Header, Message};

use crate::engine::{Charges, Content, Outbox};

/// An encoded message: its head, with its content if that is small, and the content otherwise.
#[derive(Clone, Debug)]
pub(super) struct Frame([Content; 2]);

impl Frame {
    pub(super) fn new(header: &Header<'_>, content: Content, dialect: &Dialect) -> Result<Self, EncodeError> {
        let bytes = content.as_ref();
        Message::new(*header, bytes)?;
        let mut head = Vec::new();
        dialect.append_to(header, &mut head)?;
        if bytes.len() <= Outbox::SMALL {
            head.extend_from_slice(bytes);
            return Ok(Self([head.into(), "".into()]));
        }
        Ok(Self([head.into(), content]))
    }

    /// The same, cheap to clone.
    pub(super) fn share(self) -> Self {
        Self(self.0.map(Content::share))
    }

    /// The same, with what is shared counted once for all that share it.
    pub(super) fn charged(self, charges: &Arc<Charges>) -> Self {
        Self(self.0.map(|part| part.charged(charges)))
    }

    /// How many bytes of memory it holds; but for what is charged.
    pub(super) fn held(&self) -> usize {
        self.0.iter().map(Content::held).sum()
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|part| part.as_ref().len()).sum()
    }

    pub(super) fn queue(self, outbox: &mut Outbox) {
        self.0.into_iter().for_each(|part| outbox.push(part));
    }
}
