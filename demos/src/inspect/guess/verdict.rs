//! What is said about a guess, to a person and as JSON.

use std::fmt::{self, Display, Formatter};

use jsonframe::{ByteOrder, Member, ProtoHeader};
use serde::Serialize;

use super::super::annotate::count;
use super::LookedAt;
use super::candidate::{Candidate, Misfit};

/// The guess and what it rests on. As JSON it is one object.
#[derive(Serialize)]
pub(super) struct Verdict {
    event: &'static str,
    /// The text to be used with `--dialect`; `null` if no dialect fits.
    dialect: Option<String>,
    /// What was decoded in it.
    headers: u64,
    messages: u64,
    bytes: u64,
    /// How many bytes were looked at, and whether these are all there are.
    looked_at: u64,
    all: bool,
    /// How many bytes are missing at the end, at least, where the capture ends inside a message.
    missing: u64,
    /// Where the capture departs even from this dialect.
    fault: Option<Reason>,
    absent: Vec<Absent>,
    /// How many headers have names with underscores.
    underscores: u64,
    /// The dialects that fit as well, and are less simple.
    also: Vec<String>,
    /// Those that fit worse, or not at all.
    rejected: Vec<Rejected>,
    #[serde(skip)]
    proto_header: ProtoHeader,
}

#[derive(Serialize)]
struct Absent {
    member: &'static str,
    headers: u64,
}

#[derive(Serialize)]
struct Rejected {
    dialect: String,
    messages: u64,
    /// `null` if the capture ends before anything is wrong with it.
    fault: Option<Reason>,
}

#[derive(Serialize)]
struct Reason {
    kind: &'static str,
    offset: u64,
    message: String,
}

impl Reason {
    fn of(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Fault(error) => {
                Self { kind: error.kind().name(), offset: error.offset(), message: error.to_string() }
            }
            Misfit::Underscore(offset) => {
                let message = format!("names with underscores, in a header (before byte {offset})");
                Self { kind: "underscores", offset, message }
            }
        }
    }
}

impl Verdict {
    /// The verdict about the best of them and the others.
    pub(super) fn of(best: &Candidate, others: &[Candidate], looked_at: &LookedAt) -> Self {
        let fits = best.headers > 0;
        let as_good = |other: &&Candidate| fits && other.evidence() == best.evidence();
        let (as_good, worse): (Vec<_>, Vec<_>) = others.iter().partition(as_good);
        let none = if fits { None } else { Some(best) };
        let rejected = none.into_iter().chain(worse).map(|candidate| Rejected {
            dialect: candidate.name().to_string(),
            messages: candidate.messages,
            fault: candidate.misfit.map(Reason::of),
        });
        let name = best.name();
        Self {
            event: "guess",
            dialect: fits.then(|| name.to_string()),
            headers: best.headers,
            messages: best.messages,
            bytes: best.explained,
            looked_at: looked_at.bytes,
            all: looked_at.all,
            missing: if fits { best.missing() } else { 0 },
            fault: if fits { best.misfit.map(Reason::of) } else { None },
            absent: best.absent().map(|(member, headers)| Absent { member: member.as_str(), headers }).collect(),
            underscores: best.underscored(),
            also: as_good.into_iter().map(|other| other.name().to_string()).collect(),
            rejected: rejected.collect(),
            proto_header: name.proto_header,
        }
    }

    /// Whether a dialect fits.
    pub(super) const fn is_clear(&self) -> bool {
        self.dialect.is_some()
    }

    fn write_evidence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { headers, messages, bytes, looked_at, .. } = self;
        let of = if self.all { "" } else { "the first " };
        let (headers, messages) = (count(*headers, "header"), count(*messages, "whole message"));
        writeln!(f, "  decoded: {headers}, {messages}; {bytes} of {of}{}", count(*looked_at, "byte"))?;
        match &self.fault {
            Some(fault) => writeln!(f, "  then: {}", fault.message)?,
            None if self.missing > 0 && self.all => {
                writeln!(
                    f,
                    "  then: the capture ends inside a message, at least {} too early",
                    count(self.missing, "byte")
                )?;
            }
            None => {}
        }
        let (length, order) = (self.proto_header.len(), order(self.proto_header));
        writeln!(f, "  proto-header: {}{order}", count(length.into(), "byte"))?;
        if self.underscores > 0 {
            writeln!(f, "  names: with underscores in {}", count(self.underscores, "header"))?;
        }
        for Absent { member, headers } in &self.absent {
            writeln!(f, "  absent: {member} from {}; {}", count(*headers, "header"), stand_in(member))?;
        }
        if !self.also.is_empty() {
            writeln!(f, "  fits as well, and is less simple: {}", self.also.join(" or "))?;
        }
        Ok(())
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.dialect {
            Some(dialect) => {
                writeln!(f, "--dialect {dialect}")?;
                self.write_evidence(f)?;
            }
            None if self.looked_at == 0 => return writeln!(f, "no dialect can be told from a capture without a byte"),
            None => {
                writeln!(f, "no dialect fits: not one header can be decoded from the first byte of the capture on")?;
            }
        }
        for Rejected { dialect, messages, fault } in &self.rejected {
            let after = if *messages > 0 { format!("after {}, ", count(*messages, "message")) } else { String::new() };
            match fault {
                Some(fault) => writeln!(f, "  not {dialect}: {after}{}", fault.message)?,
                None => writeln!(f, "  not {dialect}: {after}the capture ends inside a header or its proto-header")?,
            }
        }
        Ok(())
    }
}

/// In which order the bytes of a proto-header are, if there are several.
const fn order(proto_header: ProtoHeader) -> &'static str {
    match proto_header {
        ProtoHeader::U8 => "",
        ProtoHeader::U16(ByteOrder::Big) | ProtoHeader::U32(ByteOrder::Big) => ", most significant first",
        ProtoHeader::U16(ByteOrder::Little) | ProtoHeader::U32(ByteOrder::Little) => ", least significant first",
    }
}

/// What stands in for an absent member, which no capture can tell.
fn stand_in(member: &str) -> String {
    let assumed = [
        (Member::ByteOrder, "little", "no-byteorder=big"),
        (Member::ContentType, crate::dialect::CONTENT_TYPE, "no-type=TYPE"),
        (Member::ContentEncoding, crate::dialect::CONTENT_ENCODING, "no-encoding=ENCODING"),
    ];
    let assumed = assumed.iter().find(|(absent, ..)| absent.as_str() == member);
    assumed.map_or_else(String::new, |(_, usual, other)| format!("{usual} is assumed, {other} says otherwise"))
}
