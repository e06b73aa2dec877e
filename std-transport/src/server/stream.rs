//! What the server asks of a stream.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;

/// A stream that does not block, and whose readiness a poller reports.
pub(super) trait Stream: Read + Write {
    /// Closes the sending direction: the peer sees the end of the stream after the last byte.
    fn shut_down_sending(&mut self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn shut_down_sending(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}
