//! A message that is encoded before it is known what becomes of its connections.

use std::sync::Arc;

use jsonframe::{Dialect, EncodeError, Header, Message};

use crate::engine::{Charges, Content, Outbox};

/// An encoded message.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    head: Content,
    content: Content,
}

impl Frame {
    pub(super) fn new(header: &Header<'_>, content: Content, dialect: &Dialect) -> Result<Self, EncodeError> {
        let bytes = content.as_ref();
        Message::new(*header, bytes)?;
        let mut head = Vec::new();
        dialect.append_to(header, &mut head)?;
        if bytes.len() <= Outbox::SMALL {
            head.extend_from_slice(bytes);
            return Ok(Self { head: head.into(), content: "".into() });
        }
        Ok(Self { head: head.into(), content })
    }

    /// The same, cheap to clone.
    pub(super) fn share(self) -> Self {
        Self { head: self.head.share(), content: self.content.share() }
    }

    /// The same, with what is shared counted once for all that share it.
    pub(super) fn charged(self, charges: &Arc<Charges>) -> Self {
        Self { head: self.head.charged(charges), content: self.content.charged(charges) }
    }

    /// How many bytes of memory it holds; but for what is charged.
    pub(super) fn held(&self) -> usize {
        self.head.held() + self.content.held()
    }

    pub(super) fn len(&self) -> usize {
        self.head.as_ref().len() + self.content.as_ref().len()
    }

    pub(super) fn queue(self, outbox: &mut Outbox) {
        outbox.push(self.head);
        outbox.push(self.content);
    }
}
