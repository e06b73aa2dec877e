//! One connection of the server.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use jsonframe_cli::console::Console;
use jsonframe_cli::text::ByteString;

use super::unsent::Unsent;

/// How much is read at a time, in bytes. No connection has more on its way back.
pub(super) const CHUNK: usize = 16 * 1024;

/// How many chunks a connection may send until others have their turn.
const BUDGET: usize = 16;

/// How a turn came to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The stream can do no more for now.
    Blocked,
    /// There may be more to be done at once.
    Unfinished,
    /// The client has left, and everything is sent back.
    Over,
}

/// A connection on which what comes goes back.
#[derive(Debug)]
pub(super) struct Echo<S> {
    stream: S,
    peer: SocketAddr,
    unsent: Unsent,
}

impl<S: Read + Write> Echo<S> {
    pub(super) fn new(stream: S, peer: SocketAddr) -> Self {
        Self { stream, peer, unsent: Unsent::default() }
    }

    pub(super) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Does what the stream is ready for. Nothing is read before everything that was read is sent.
    pub(super) fn proceed(&mut self, chunk: &mut [u8], console: &Console) -> io::Result<Turn> {
        for _ in 0..BUDGET {
            if !self.unsent.flush(&mut self.stream)? {
                return Ok(Turn::Blocked);
            }
            match self.stream.read(chunk) {
                Ok(0) => return Ok(Turn::Over),
                Ok(count) => {
                    let bytes = &chunk[..count];
                    console.say(format_args!("echoing {} to {}", ByteString(bytes), self.peer));
                    self.unsent.push(bytes);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Turn::Blocked),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // The next turn begins with what was read last.
        Ok(Turn::Unfinished)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A peer that has sent so much, and takes so much at a time.
    struct Peer {
        sends: VecDeque<u8>,
        takes: VecDeque<usize>,
        taken: Vec<u8>,
    }

    impl Read for Peer {
        fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
            let count = self.sends.read(place)?;
            if count == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(count) }
        }
    }

    impl Write for Peer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.takes.pop_front() {
                None | Some(0) => Err(ErrorKind::WouldBlock.into()),
                Some(count) => self.taken.write(&bytes[..bytes.len().min(count)]),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn echo(sends: usize, takes: &[usize]) -> Echo<Peer> {
        let sends = (0..=u8::MAX).cycle().take(sends).collect();
        let peer = Peer { sends, takes: takes.iter().copied().collect(), taken: Vec::new() };
        Echo::new(peer, ([127, 0, 0, 1], 1).into())
    }

    fn proceed(echo: &mut Echo<Peer>) -> Turn {
        echo.proceed(&mut [0; 10], &Console::new(io::sink(), io::sink())).unwrap()
    }

    #[test]
    fn nothing_is_read_while_something_is_unsent() {
        let mut echo = echo(25, &[4, 0, 6, 3, 0, 7, 5]);
        assert_eq!((proceed(&mut echo), echo.stream.sends.len(), echo.stream.taken.len()), (Turn::Blocked, 15, 4));
        assert_eq!((proceed(&mut echo), echo.stream.sends.len(), echo.stream.taken.len()), (Turn::Blocked, 5, 13));
        assert_eq!((proceed(&mut echo), echo.stream.sends.len(), echo.stream.taken.len()), (Turn::Blocked, 0, 25));
        assert!(echo.stream.taken.iter().copied().eq(0..25));
    }

    #[test]
    fn a_greedy_peer_has_to_give_way() {
        let mut echo = echo(10 * BUDGET + 1, &[10; BUDGET + 1]);
        assert_eq!((proceed(&mut echo), echo.stream.sends.len()), (Turn::Unfinished, 1));
        assert_eq!((proceed(&mut echo), echo.stream.sends.len()), (Turn::Blocked, 0));
        assert_eq!(echo.stream.taken.len(), 10 * BUDGET + 1);
    }
}
