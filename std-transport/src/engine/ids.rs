//! The members of a header that say which reply answers which request.

use std::num::NonZeroU64;
use std::ops::Deref;

use jsonframe::{Header, Value};

/// The extension member by which a request asks for a reply that names it: `request-id`, an integer from 0 to
/// 2<sup>53</sup> - 1.
///
/// Whoever answers copies the number to the reply as [`REPLY_TO`]:
///
/// ```
/// use std::io::Cursor;
///
/// use jsonframe_std::{Connection, REPLY_TO, REQUEST_ID};
///
/// let mut client = Connection::new(Cursor::new(Vec::new()));
/// client.send_json_with("needle", &[(REQUEST_ID, 7.into())])?;
///
/// let mut server = Connection::new(Cursor::new(client.into_parts().0.into_inner()));
/// let request = server.receive()?.expect("a request").into_message()?;
/// let id = request.header().extension(REQUEST_ID).and_then(|id| id.as_u64());
/// let copied = id.map(|id| (REPLY_TO, id.into()));
/// server.send_json_with("no needle", copied.as_slice())?;
///
/// let (mut stream, _) = server.into_parts();
/// stream.set_position(request.header().encoded_len() as u64 + 8);
/// let mut client = Connection::new(stream);
/// let reply = client.receive()?.expect("a reply");
/// assert_eq!(reply.header().extension(REPLY_TO), Some(7.into()));
/// # Ok::<(), jsonframe_std::Error>(())
/// ```
pub const REQUEST_ID: &str = "request-id";

/// The extension member by which a reply names the request that it answers: `reply-to`, the request's [`REQUEST_ID`].
///
/// ```
/// use jsonframe_std::REPLY_TO;
/// use jsonframe_std::protocol::Header;
///
/// let extensions = [(REPLY_TO, 7.into())];
/// let header = Header::for_json(2).with_extensions(&extensions);
/// assert_eq!(header.extension(REPLY_TO).and_then(|id| id.as_u64()), Some(7));
/// ```
pub const REPLY_TO: &str = "reply-to";

/// The greatest id: the greatest of the integers that a double-precision number can tell from the next one.
pub(crate) const MAX_ID: u64 = (1 << 53) - 1;

/// The id of a request. An `Option` of it takes no more memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId {
    successor: NonZeroU64,
}

/// The id of a request, if it has one.
pub(crate) fn request_id(header: &Header<'_>) -> Option<RequestId> {
    let successor = NonZeroU64::new(id(header.extension(REQUEST_ID))? + 1)?;
    Some(RequestId { successor })
}

/// The id of the request that a message answers, if it says so.
pub(crate) fn reply_to(header: &Header<'_>) -> Option<u64> {
    id(header.extension(REPLY_TO))
}

/// The extension members of a message that answers a request of this id: `others`, and that it does, unless they say whom it
/// answers. `None` if there is nothing to be added.
pub(crate) fn answering<'m>(
    request: Option<RequestId>,
    others: impl IntoIterator<Item = (&'m str, Value<'m>), IntoIter: Clone>,
) -> Option<Members<'m>> {
    let reply_to = (REPLY_TO, (request?.successor.get() - 1).into());
    let others = others.into_iter();
    let is_told = others.clone().any(|(name, _)| name == REPLY_TO);
    (!is_told).then(|| Members::new(others, reply_to))
}

/// Extension members of a header. One alone takes no memory of its own.
pub(crate) enum Members<'m> {
    One([(&'m str, Value<'m>); 1]),
    More(Vec<(&'m str, Value<'m>)>),
}

impl<'m> Members<'m> {
    /// `others`, and then this one.
    pub(crate) fn new(others: impl Iterator<Item = (&'m str, Value<'m>)>, last: (&'m str, Value<'m>)) -> Self {
        let mut others = others.peekable();
        match others.peek() {
            None => Self::One([last]),
            Some(_) => Self::More(others.chain([last]).collect()),
        }
    }
}

impl<'m> Deref for Members<'m> {
    type Target = [(&'m str, Value<'m>)];

    fn deref(&self) -> &Self::Target {
        match self {
            Self::One(one) => one,
            Self::More(more) => more,
        }
    }
}

fn id(value: Option<Value<'_>>) -> Option<u64> {
    value?.as_u64().filter(|id| *id <= MAX_ID)
}
