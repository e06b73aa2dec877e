//! Content: how that of a message received is taken, and that of one that is to be sent later.

use std::sync::Arc;

use super::charge::{Charged, Charges};

/// How the content of a message is taken: [`Handler::header`](crate::server::Handler::header).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentMode {
    /// Collected, up to [`Limits::max_content`](super::Limits::max_content), and given to
    /// [`Handler::message`](crate::server::Handler::message).
    Whole,
    /// Given to [`Handler::content`](crate::server::Handler::content) as it comes, and kept nowhere.
    Streamed {
        /// The longest content that is accepted, in bytes; [`UNLIMITED`](crate::UNLIMITED) is possible.
        max: u64,
    },
}

/// The bytes of a message that are kept until they can be sent: owned, shared, or there for ever.
///
/// Made by `into()` from a `Vec<u8>`, `Box<[u8]>`, `String`, `Arc<[u8]>`, `&'static [u8]` or `&'static str`, none of
/// which copies. For one content on its way to many, use an `Arc`.
///
/// ```
/// use std::sync::Arc;
///
/// use jsonframe_std::Content;
///
/// let shared: Arc<[u8]> = Arc::from(&b"for many"[..]);
/// let content = Content::from(Arc::clone(&shared));
/// assert_eq!(content.as_ref(), b"for many");
/// ```
#[derive(Clone, Debug)]
pub struct Content(Repr);

#[derive(Clone, Debug)]
enum Repr {
    Owned(Vec<u8>),
    Shared(Arc<[u8]>),
    Static(&'static [u8]),
    Charged(Arc<Charged>),
}

impl Content {
    /// How many bytes of memory it holds that are counted nowhere else.
    pub(crate) fn held(&self) -> usize {
        match &self.0 {
            Repr::Owned(bytes) => bytes.capacity(),
            Repr::Shared(bytes) => bytes.len(),
            Repr::Static(_) | Repr::Charged(_) => 0,
        }
    }

    /// The same content; if it is shared, it is counted once for all that share it.
    pub(crate) fn charged(self, charges: &Arc<Charges>) -> Self {
        match self.0 {
            Repr::Shared(bytes) => Self(Repr::Charged(charges.share(bytes))),
            other => Self(other),
        }
    }

    /// It is in a queue now.
    pub(crate) fn arrive(&self) {
        if let Repr::Charged(charged) = &self.0 {
            charged.arrive();
        }
    }

    /// How many bytes it shares with others.
    pub(crate) fn shared(&self) -> usize {
        match &self.0 {
            Repr::Charged(charged) => charged.bytes().len(),
            _ => 0,
        }
    }

    /// The same content, cheap to clone: what was owned is copied, this once.
    pub(crate) fn share(self) -> Self {
        match self.0 {
            Repr::Owned(bytes) => Self(Repr::Shared(bytes.into())),
            other => Self(other),
        }
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Repr::Owned(bytes) => bytes,
            Repr::Shared(bytes) => bytes,
            Repr::Static(bytes) => bytes,
            Repr::Charged(charged) => charged.bytes(),
        }
    }
}

/// Makes content of what already is its bytes.
macro_rules! from {
    ($($type:ty => $repr:ident,)*) => {
        $(
            impl From<$type> for Content {
                fn from(bytes: $type) -> Self {
                    Self(Repr::$repr(bytes.into()))
                }
            }
        )*
    };
}

from! {
    Vec<u8> => Owned,
    Box<[u8]> => Owned,
    String => Owned,
    Arc<[u8]> => Shared,
    &'static [u8] => Static,
}

impl<const N: usize> From<&'static [u8; N]> for Content {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self(Repr::Static(bytes))
    }
}

impl From<&'static str> for Content {
    fn from(text: &'static str) -> Self {
        Self(Repr::Static(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_holds_the_memory_that_nobody_else_counts() {
        let shared: Arc<[u8]> = Arc::from(&b"for many"[..]);
        let mut owned = Vec::with_capacity(100);
        owned.extend(*b"for one");
        let charged = Content::from(Arc::clone(&shared)).charged(&Arc::default());
        for (content, bytes, held, shares) in [
            (Content::from(owned), &b"for one"[..], 100, 0),
            (Content::from(String::from("text")), b"text", 4, 0),
            (Content::from(Box::from(&b"boxed"[..])), b"boxed", 5, 0),
            (Content::from(shared), b"for many", 8, 0),
            (Content::from(&b"always"[..]), b"always", 0, 0),
            (Content::from(b"there"), b"there", 0, 0),
            (Content::from("as text"), b"as text", 0, 0),
            (charged, b"for many", 0, 8),
        ] {
            assert_eq!((content.as_ref(), content.held(), content.shared()), (bytes, held, shares));
        }
    }

    #[test]
    fn only_shared_content_is_charged_and_once_for_all_that_share_it() {
        let charges = Arc::default();
        let owned = Content::from(vec![b'x'; 100]).charged(&charges);
        owned.arrive();
        assert_eq!((charges.total(), owned.held()), (0, 100));
        let shared = owned.share();
        let queues = [(); 3].map(|()| shared.clone().charged(&charges));
        assert_eq!((charges.total(), charges.queued()), (100, 0));
        queues[1].arrive();
        assert_eq!((charges.total(), charges.queued()), (100, 100));
        drop(queues);
        assert_eq!((charges.total(), shared.as_ref()), (0, &[b'x'; 100][..]));
    }
}
