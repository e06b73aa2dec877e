//! Which dialect a captured stream is in.

mod candidate;
mod directions;
mod first_object;
mod verdict;

use std::cmp::Reverse;
use std::io::{self, Read, Write};

use jsonframe::Member;
use serde::de::IgnoredAny;

use self::candidate::{Assumed, Candidate};
use self::first_object::FirstObject;
use self::verdict::Verdict;
use super::Options;
use super::input::{self, Input};
use super::message::Framing;
use crate::capture::Source;
use crate::dialect::{DialectName, FORMS};

/// How much of a capture is looked at, in bytes: all of most.
const LIMIT: u64 = 64 * 1024 * 1024;

/// The longest prefix that is looked for, in bytes.
const LONGEST_PREFIX: usize = 16;

/// How much of a stream's beginning tells its dialect, where not all of it is looked at.
pub(crate) const BEGINNING: usize = FirstObject::WITHIN;

/// Says which dialect a capture that begins with a message looks like, and why: true if there is one.
///
/// Each form of a proto-header is tried, after no prefix and after each in which the capture can begin; with the members'
/// names with hyphens and with underscores, and with the names of members that may be the length or the byte order where
/// these are absent. The dialect with the most headers is it, and of two alike the one with more whole messages, with more
/// bytes in them, with another header that is whole but lacks the content length, without a fault, and last the simpler one.
/// Which members are absent, the headers tell.
///
/// No more than the first 64 MiB are looked at, and names are taken from the first 64 KiB. Of a capture of packets each
/// direction is judged by its first 64 KiB: true if there is a dialect for all. Of the options, `format`, `port` and `json`
/// count, and `dialect` where the format is to be recognised.
///
/// # Errors
///
/// Those of the input and of the output.
pub fn guess(input: &mut impl Read, output: &mut impl Write, options: &Options) -> io::Result<bool> {
    let (mut input, is_text) = match options.open(input)? {
        Source::Stream { bytes, is_text, .. } => (bytes, is_text),
        Source::Several(several) => return directions::guess(several, output, options).map_err(input::named),
    };
    let Some(verdict) = judge(&mut input.by_ref().take(LIMIT))? else { return Ok(false) };
    if is_text {
        input::check_rest(&mut *input)?;
    }
    if options.json {
        writeln!(output, "{}", serde_json::to_string(&verdict)?)?;
    } else {
        write!(output, "{verdict}")?;
    }
    Ok(verdict.is_clear())
}

/// What is to be said about as much of a stream; nothing if no candidate is left.
fn judge(stream: &mut io::Take<impl Read>) -> io::Result<Option<Verdict>> {
    let (groups, looked_at) = feed(stream)?;
    let candidates = ranked(groups);
    Ok(candidates.split_first().map(|(best, others)| Verdict::of(best, others, &looked_at)))
}

/// The dialect that a stream of this beginning looks like, if it is clear enough to be said, and is not this one.
pub(crate) fn likely(beginning: &[u8], not: DialectName) -> Option<DialectName> {
    let (groups, _) = feed(&mut beginning.take(LIMIT)).ok()?;
    let best = ranked(groups).into_iter().next()?;
    let name = best.name();
    let is_framed_otherwise = name.proto_header != not.proto_header || name.prefix != not.prefix;
    let has_a_member = best.absent().filter(|(_, count)| *count == best.headers()).count() < Member::ALL.len();
    (best.headers() > 0 && name != not && (is_framed_otherwise || has_a_member)).then_some(name)
}

/// The best of each group, and the best of all first.
fn ranked(mut groups: Vec<Vec<Candidate>>) -> Vec<Candidate> {
    groups.iter_mut().flatten().for_each(Candidate::finish);
    let mut candidates: Vec<Candidate> = groups.into_iter().filter_map(best).collect();
    for index in (0..candidates.len()).rev() {
        let is_same = |other: &Candidate| {
            is_simpler(other, &candidates[index]) && other.evidence() >= candidates[index].evidence()
        };
        if candidates.iter().any(is_same) {
            candidates.remove(index);
        }
    }
    // Of those that are equally good the simplest stays in front.
    candidates.sort_by_key(|candidate| Reverse(candidate.evidence()));
    candidates
}

/// The one of a group that says most of the capture, and is the simplest.
fn best(group: Vec<Candidate>) -> Option<Candidate> {
    group.into_iter().reduce(|best, other| if other.evidence() > best.evidence() { other } else { best })
}

/// Whether it takes for a part of the proto-header what the other takes for a part of the prefix.
fn is_simpler(candidate: &Candidate, than: &Candidate) -> bool {
    let (one, other) = (candidate.framing(), than.framing());
    one.len() == other.len() && one.prefix < other.prefix
}

/// What of a capture has been looked at.
struct LookedAt {
    bytes: u64,
    /// Whether that is all of it.
    all: bool,
    /// Its beginning.
    beginning: Vec<u8>,
}

/// Has all candidates decode the capture, or as much of it as is looked at; none goes on after its first fault. Those of a
/// group are of the same form and prefix.
fn feed(capture: &mut io::Take<impl Read>) -> io::Result<(Vec<Vec<Candidate>>, LookedAt)> {
    let mut looked_at = LookedAt { bytes: 0, all: false, beginning: Vec::new() };
    capture.by_ref().take(FirstObject::WITHIN as u64).read_to_end(&mut looked_at.beginning)?;
    looked_at.bytes = looked_at.beginning.len() as u64;
    let mut groups: Vec<_> =
        framings(&looked_at.beginning).map(|framing| group(framing, &looked_at.beginning)).collect();
    let mut input = Input::new(capture);
    while input.read()? {
        let piece = input.pending();
        looked_at.bytes += piece.len() as u64;
        let mut alive = groups.iter_mut().flatten().filter(|candidate| candidate.is_alive()).peekable();
        if alive.peek().is_none() {
            return Ok((groups, looked_at));
        }
        alive.for_each(|candidate| candidate.feed(piece));
    }
    looked_at.all = capture.limit() > 0;
    Ok((groups, looked_at))
}

/// What may come before the headers, the simplest first: any form without a prefix, and those with one after which a header
/// comes.
fn framings(beginning: &[u8]) -> impl Iterator<Item = DialectName> {
    (0..=LONGEST_PREFIX).flat_map(move |prefix| {
        FORMS.into_iter().filter_map(move |(_, proto_header)| {
            let framing = Framing { prefix, proto_header };
            let before = beginning.get(..prefix).filter(|_| prefix == 0 || begins_with_header(beginning, framing));
            before.map(|prefix| DialectName { proto_header, prefix: prefix.to_vec().leak(), ..DialectName::STANDARD })
        })
    })
}

fn begins_with_header(bytes: &[u8], framing: Framing) -> bool {
    let header = || {
        let (before, rest) = bytes.split_at_checked(framing.len())?;
        rest.get(..usize::try_from(framing.announced(&before[framing.prefix..])?).ok()?)
    };
    let is_object = |header: &[u8]| {
        header.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(header).is_ok()
    };
    header().is_some_and(is_object)
}

/// The candidates of this form and prefix, the simplest first, which have decoded the beginning of the capture.
fn group(framing: DialectName, beginning: &[u8]) -> Vec<Candidate> {
    let with = |underscores| Assumed { framing, underscores, byte_order: None, length: None };
    let mut assumed = vec![with(false), with(true)];
    let mut candidates: Vec<Candidate> = Vec::new();
    while let Some(next) = assumed.get(candidates.len()).copied() {
        let mut candidate = Candidate::new(next);
        candidate.feed(beginning);
        // The names that it has met are tried as well.
        let leak = |name: &String| -> &'static str { String::leak(name.clone()) };
        let byte_orders = candidate.byte_orders.iter().map(|name| Assumed { byte_order: Some(leak(name)), ..next });
        let lengths = candidate.lengths.iter().map(|name| Assumed { length: Some(leak(name)), ..next });
        for more in byte_orders.filter(|_| next.byte_order.is_none()).chain(lengths.filter(|_| next.length.is_none())) {
            if !assumed.contains(&more) {
                assumed.push(more);
            }
        }
        candidates.push(candidate);
    }
    candidates
}
