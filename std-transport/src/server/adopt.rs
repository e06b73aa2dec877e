//! Streams that somebody else has accepted.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Mutex;

use super::shared::lock;
use super::{Address, NotAccepted};
#[cfg(unix)]
use crate::stream::as_tcp;

/// A stream that somebody else has accepted, for [`Handle::adopt`](super::Handle::adopt): a `TcpStream`, or on Unix a `UnixStream`.
#[derive(Debug)]
pub struct Accepted {
    stream: TcpStream,
    is_unix: bool,
}

impl From<TcpStream> for Accepted {
    fn from(stream: TcpStream) -> Self {
        Self { stream, is_unix: false }
    }
}

#[cfg(unix)]
impl From<UnixStream> for Accepted {
    fn from(stream: UnixStream) -> Self {
        Self { stream: as_tcp(stream), is_unix: true }
    }
}

impl Accepted {
    /// Makes the stream as those are that a server accepts itself, and returns it with the peer's address.
    fn prepare(self) -> io::Result<(TcpStream, Address)> {
        self.stream.set_nonblocking(true)?;
        if self.is_unix {
            return Ok((self.stream, Address::Unix));
        }
        // Messages are written whole, so there is nothing to be gained by waiting for more.
        let _ = self.stream.set_nodelay(true);
        let address = self.stream.peer_addr()?.into();
        Ok((self.stream, address))
    }
}

/// Streams that wait to be served, as others do in the system's backlog.
#[derive(Debug, Default)]
pub(crate) struct Adopted(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<(TcpStream, Address)>,
    /// Whether no more are taken.
    is_closed: bool,
}

impl Adopted {
    /// Has a stream wait, unless `most` of them do already.
    pub(super) fn push(&self, accepted: Accepted, most: u32) -> Result<(), NotAccepted> {
        let (stream, address) = accepted.prepare().map_err(NotAccepted::Io)?;
        let mut waiting = lock(&self.0);
        if waiting.is_closed {
            return Err(NotAccepted::Closed);
        }
        if waiting.queue.len() >= most.try_into().unwrap_or(usize::MAX) {
            return Err(NotAccepted::AtLimit(address));
        }
        waiting.queue.push_back((stream, address));
        Ok(())
    }

    /// The one that has waited for longest, or `WouldBlock` if there is none.
    pub(crate) fn pop(&self) -> io::Result<(TcpStream, Address)> {
        lock(&self.0).queue.pop_front().ok_or_else(|| ErrorKind::WouldBlock.into())
    }

    /// Takes no more from now on.
    pub(super) fn close(&self) {
        lock(&self.0).is_closed = true;
    }

    /// Takes no more from now on, and closes those that wait.
    pub(super) fn end(&self) {
        self.close();
        let queue = std::mem::take(&mut lock(&self.0).queue);
        drop(queue);
    }
}
