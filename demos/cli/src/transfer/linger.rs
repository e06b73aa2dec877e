//! A close that lets the last words arrive.

use std::io::Read;
use std::time::{Duration, Instant};

use jsonframe_std::Timeouts;

use crate::connect::Stream;

/// Closes a connection so that what was sent last arrives, even if the peer is still sending.
///
/// To close with bytes unread would make TCP reset the connection, and a reset makes the peer forget what it has not read
/// yet.
pub(crate) fn close_lingeringly(mut stream: Stream) {
    const IN_ALL: Duration = Duration::from_secs(10);
    const SILENCE: Duration = Duration::from_secs(2);
    const MOST_BYTES: usize = 256 * 1024 * 1024;

    let deadline = Instant::now() + IN_ALL;
    let mut scrap = [0; 16 * 1024];
    let mut discarded = 0;
    let mut open = stream.end_sending().is_ok();
    while open && discarded < MOST_BYTES {
        let time_left = deadline.saturating_duration_since(Instant::now());
        // With no time left this fails, for no stream takes a timeout of zero.
        let count = stream.set_read_timeout(Some(time_left.min(SILENCE))).and_then(|()| stream.read(&mut scrap));
        open = matches!(count, Ok(1..));
        discarded += count.unwrap_or(0);
    }
}
