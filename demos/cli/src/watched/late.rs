//! Why a peer is given up, in words.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use super::pace::Slow;
use crate::text::{ByteString, count_of_bytes};

/// What a peer has said, as far as it is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    first: [u8; Self::SHOWN],
    count: u64,
}

impl Heard {
    const SHOWN: usize = 16;

    pub(super) fn add(&mut self, bytes: &[u8]) {
        let known = self.shown().len();
        for (place, byte) in self.first[known..].iter_mut().zip(bytes) {
            *place = *byte;
        }
        self.count = self.count.saturating_add(bytes.len() as u64);
    }

    fn shown(&self) -> &[u8] {
        &self.first[..usize::try_from(self.count).map_or(Self::SHOWN, |count| count.min(Self::SHOWN))]
    }
}

/// Why a peer is given up.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) after: Duration,
    pub(super) doing: String,
    pub(super) heard: Heard,
    /// There if it was not silent, but too slow.
    pub(super) slow: Option<Slow>,
}

impl Display for Late {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { after, doing, heard, slow } = self;
        let seconds = after.as_secs_f64();
        match slow {
            Some(Slow { moved: moved @ 1.., floor }) => {
                let moved = count_of_bytes(*moved);
                return write!(f, "too slow {doing}: {moved} in {seconds} s; the least is {floor} in each second");
            }
            Some(_) => return write!(f, "timed out after {seconds} s {doing}"),
            None => write!(f, "timed out after {seconds} s {doing}")?,
        }
        let come = count_of_bytes(heard.count);
        match heard.count {
            0 => Ok(()),
            1..=16 => write!(f, "; {come} had come: {}", ByteString(heard.shown())),
            _ => write!(f, "; {come} had come, the first of them {}", ByteString(heard.shown())),
        }
    }
}

impl std::error::Error for Late {}

/// Nothing has come for a time, which is no failure yet.
#[derive(Debug)]
pub(super) struct Silence;

impl Display for Silence {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("nothing has come for a time")
    }
}

impl std::error::Error for Silence {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_too_long_is_said_in_words() {
        let mut late =
            Late { after: Duration::from_millis(1500), doing: "waiting".into(), heard: Heard::default(), slow: None };
        assert_eq!(late.to_string(), "timed out after 1.5 s waiting");
        late.heard.add(b"2");
        assert_eq!(late.to_string(), "timed out after 1.5 s waiting; 1 byte had come: b\"2\"");
        late.heard.add(b"2\n");
        assert_eq!(late.to_string(), "timed out after 1.5 s waiting; 3 bytes had come: b\"22\\n\"");
        late.heard.add(&[b'x'; 100]);
        let first = "the first of them b\"22\\nxxxxxxxxxxxxx\"";
        assert_eq!(late.to_string(), format!("timed out after 1.5 s waiting; 103 bytes had come, {first}"));
        late.slow = Some(Slow { moved: 0, floor: 128 });
        assert_eq!(late.to_string(), "timed out after 1.5 s waiting");
        late.slow = Some(Slow { moved: 1, floor: 128 });
        assert_eq!(late.to_string(), "too slow waiting: 1 byte in 1.5 s; the least is 128 in each second");
    }
}
