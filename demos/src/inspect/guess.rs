//! Which dialect a captured stream is in.

mod candidate;
mod first_object;
mod verdict;

use std::array;
use std::cmp::Reverse;
use std::io::{self, Read, Write};

use self::candidate::Candidate;
use self::first_object::FirstObject;
use self::verdict::Verdict;
use super::Options;
use super::input::{self, Input};
use crate::dialect::FORMS;

/// How much of a capture is looked at, in bytes: all of most.
const LIMIT: u64 = 64 * 1024 * 1024;

/// Says which dialect a capture that begins with a message looks like, and why: true if there is one.
///
/// Each form of a proto-header is tried, with the members' names with hyphens and with underscores, and with any of them
/// but the content length absent. The form with the most headers is it, and of two alike the one with more whole messages,
/// with more bytes in them, with another header that is whole but lacks the content length, without a fault, and last the
/// simpler one. Which members are absent, the headers tell.
///
/// No more than the first 64 MiB are looked at. Of the options, `hex` and `json` count.
///
/// # Errors
///
/// Those of the input and of the output.
pub fn guess(input: &mut impl Read, output: &mut impl Write, options: &Options) -> io::Result<bool> {
    let mut candidates: [_; FORMS.len()] =
        array::from_fn(|form| [Candidate::new(form, false), Candidate::new(form, true)]);
    let mut input = options.bytes_of(input);
    let looked_at = feed(&mut input.by_ref().take(LIMIT), &mut candidates)?;
    if options.hex {
        input::check_rest(&mut *input)?;
    }
    let mut candidates = candidates.map(Candidate::better);
    // Of those that are equally good the simplest stays in front.
    candidates.sort_by_key(|candidate| Reverse(candidate.evidence()));

    let [best, others @ ..] = &candidates;
    let verdict = Verdict::of(best, others, &looked_at);
    if options.json {
        serde_json::to_writer(&mut *output, &verdict)?;
        writeln!(output)?;
    } else {
        write!(output, "{verdict}")?;
    }
    Ok(verdict.is_clear())
}

/// What of a capture has been looked at.
struct LookedAt {
    bytes: u64,
    /// Whether that is all of it.
    all: bool,
    /// Its beginning.
    beginning: Vec<u8>,
}

/// Has all candidates decode the capture, or as much of it as is looked at; none goes on after its first fault.
fn feed(capture: &mut io::Take<impl Read>, candidates: &mut [[Candidate; 2]]) -> io::Result<LookedAt> {
    let mut looked_at = LookedAt { bytes: 0, all: false, beginning: Vec::new() };
    let mut input = Input::new(capture);
    while input.read()? {
        let piece = input.pending();
        looked_at.bytes += piece.len() as u64;
        let space = FirstObject::WITHIN - looked_at.beginning.len();
        looked_at.beginning.extend_from_slice(&piece[..piece.len().min(space)]);
        let mut alive = candidates.iter_mut().flatten().filter(|candidate| candidate.is_alive()).peekable();
        if alive.peek().is_none() {
            return Ok(looked_at);
        }
        alive.for_each(|candidate| candidate.feed(piece));
    }
    looked_at.all = capture.limit() > 0;
    Ok(looked_at)
}
