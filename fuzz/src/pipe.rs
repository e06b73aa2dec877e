//! A transport in memory, both ways, that follows a script: it shortens, splits, delays, interrupts, fails, and is cut.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::rc::Rc;

use crate::script::Script;

/// How a direction ends before all has been sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    /// As if the sender had ended it, though it has not.
    End,
    /// Both sides get errors from then on.
    Reset,
}

/// One direction.
#[derive(Debug, Default)]
pub struct Channel {
    /// Sent and not received.
    bytes: VecDeque<u8>,
    /// How many of them have arrived.
    arrived: usize,
    /// How many bytes have been sent in all.
    sent: usize,
    /// Whether the sender has sent all it had.
    ended: bool,
    /// After how many bytes it is cut, and how.
    cut: Option<(usize, Cut)>,
}

/// A channel that is shared by its two ends.
pub type Shared<T> = Rc<RefCell<T>>;

/// One end of the transport: a stream that does not block.
#[derive(Debug)]
pub struct End<'a> {
    pub incoming: Shared<Channel>,
    pub outgoing: Shared<Channel>,
    pub script: Shared<Script<'a>>,
}

/// The two ends of a transport.
pub fn pipe<'a>(script: &Shared<Script<'a>>) -> [End<'a>; 2] {
    let channels: [Shared<Channel>; 2] = Default::default();
    [0, 1].map(|side: usize| End {
        incoming: Rc::clone(&channels[1 - side]),
        outgoing: Rc::clone(&channels[side]),
        script: Rc::clone(script),
    })
}

impl Channel {
    /// Cuts it after so many bytes.
    pub fn cut(&mut self, at: usize, cut: Cut) {
        self.cut = Some((at, cut));
    }

    /// Lets so many more of the bytes sent arrive.
    pub fn deliver(&mut self, count: usize) {
        self.arrived = self.arrived.saturating_add(count).min(self.bytes.len());
    }

    /// Says that all has been sent.
    pub fn end(&mut self) {
        self.ended = true;
    }

    fn is_cut(&self, how: Cut) -> bool {
        self.cut.is_some_and(|(at, cut)| cut == how && self.sent >= at)
    }

    /// Takes bytes from the sender. Those behind the cut are lost.
    fn send(&mut self, bytes: &[u8]) {
        let room = self.cut.map_or(usize::MAX, |(at, _)| at.saturating_sub(self.sent));
        self.bytes.extend(&bytes[..room.min(bytes.len())]);
        self.sent += bytes.len();
    }
}

impl Read for End<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let mut script = self.script.borrow_mut();
        let mut channel = self.incoming.borrow_mut();
        // A read of nothing would be the end.
        let allowance = script.allowance()?.max(1);
        if channel.arrived > 0 {
            let count = allowance.min(channel.arrived).min(place.len());
            channel.arrived -= count;
            channel.bytes.read_exact(&mut place[..count])?;
            return Ok(script.moved(count));
        }
        if !channel.bytes.is_empty() {
            return Err(script.failed(ErrorKind::WouldBlock));
        }
        if channel.is_cut(Cut::Reset) {
            return Err(script.failed(ErrorKind::ConnectionReset));
        }
        if channel.ended || channel.is_cut(Cut::End) {
            return Ok(script.moved(0));
        }
        Err(script.failed(ErrorKind::WouldBlock))
    }
}

impl Write for End<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut script = self.script.borrow_mut();
        let mut channel = self.outgoing.borrow_mut();
        // A write of nothing would be a failure for good.
        let mut allowance = script.allowance()?.max(1);
        assert!(!channel.ended, "written after the end");
        if channel.is_cut(Cut::Reset) {
            return Err(script.failed(ErrorKind::BrokenPipe));
        }
        let before = channel.sent;
        for part in parts {
            let count = allowance.min(part.len());
            channel.send(&part[..count]);
            allowance -= count;
        }
        let sent = channel.sent - before;
        Ok(script.moved(sent))
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut script = self.script.borrow_mut();
        script.allowance()?;
        script.calls.useful += 1;
        Ok(())
    }
}
