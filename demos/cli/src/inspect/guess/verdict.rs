//! What is said about a guess, to a person and as JSON.

use std::fmt::{self, Display, Formatter};

use jsonframe::{ByteOrder, DecodeErrorKind, Member, ProtoHeader};
use serde::Serialize;

use super::super::Options;
use super::super::annotate::{count, digits};
use super::super::first_bytes::FirstBytes;
use super::super::followed::Followed;
use super::LookedAt;
use super::candidate::{Candidate, Misfit};
use super::first_object::FirstObject;
use crate::dialect::{DialectName, usual};
use crate::text::Printable;

/// How many names of members are shown to a person.
const NAMES: usize = 16;

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
    /// How many bytes are missing at the end of the proto-header, header or content inside which the capture ends.
    missing: u64,
    /// Which of these it is.
    #[serde(skip)]
    cut: &'static str,
    /// Where the capture departs even from this dialect.
    fault: Option<Reason>,
    /// The likely cause of that, or of there being no dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    absent: Vec<Absent>,
    /// The members that have other names.
    renamed: Vec<Renamed>,
    /// How many headers have a text that is none.
    raw_json: u64,
    /// The dialects that fit as well, and are less simple.
    also: Vec<String>,
    /// Those that fit worse, or not at all.
    rejected: Vec<Rejected>,
    /// The JSON object that the capture begins with, if no dialect fits and none takes it for a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_object: Option<FirstObject>,
    /// The first bytes of the capture, if no dialect fits and there is no such object.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_bytes: Option<FirstBytes>,
    #[serde(skip)]
    framing: DialectName,
}

#[derive(Serialize)]
struct Absent {
    member: &'static str,
    headers: u64,
    #[serde(skip)]
    stand_in: String,
}

#[derive(Serialize)]
struct Renamed {
    member: &'static str,
    name: &'static str,
    headers: u64,
}

#[derive(Serialize)]
struct Rejected {
    dialect: String,
    messages: u64,
    /// `null` if the capture ends before anything is wrong with it.
    fault: Option<Reason>,
    /// Inside what it ends then.
    #[serde(skip)]
    cut: Option<&'static str>,
}

impl Rejected {
    fn of(candidate: &Candidate) -> Self {
        Self {
            dialect: candidate.name().to_string(),
            messages: candidate.messages(),
            fault: candidate.misfit.as_ref().map(Reason::of),
            cut: candidate.cut().map(|(part, _)| part),
        }
    }
}

#[derive(Serialize)]
struct Reason {
    kind: &'static str,
    offset: u64,
    message: String,
    /// The names that there are in a header without a member that it must have.
    #[serde(flatten)]
    names: Option<Names>,
}

#[derive(Serialize)]
struct Names {
    has: Vec<String>,
    lacks: [&'static str; 1],
}

impl Reason {
    fn of(misfit: &Misfit) -> Self {
        match misfit {
            Misfit::Fault(error) => {
                Self { kind: error.kind().name(), offset: error.offset(), message: error.to_string(), names: None }
            }
            Misfit::Lacks(offset, has) => {
                let kind = DecodeErrorKind::MissingMember { member: Member::ContentLength };
                let names = Names { has: has.clone(), lacks: [Member::ContentLength.as_str()] };
                let message = format!("{kind}, and no message comes after it (at byte {offset})");
                Self { kind: kind.name(), offset: *offset, message, names: Some(names) }
            }
            Misfit::Underscore(offset) => {
                let message = format!("a header has names with underscores (before byte {offset})");
                Self { kind: "underscores", offset: *offset, message, names: None }
            }
        }
    }

    fn write_names(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(Names { has, lacks }) = &self.names else { return Ok(()) };
        writeln!(f, "    has: {}; lacks: {}", listed(has), lacks.join(", "))
    }
}

/// The names as a list: the first of many.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(NAMES).map(|name| Printable(name).to_string()).collect();
    let left_out = names.len() - shown.len();
    match shown.as_slice() {
        [] => "nothing".into(),
        shown if left_out > 0 => format!("{} and {left_out} more", shown.join(", ")),
        shown => shown.join(", "),
    }
}

impl Verdict {
    /// The verdict about the best of them and the others.
    pub(super) fn of(best: &Candidate, others: &[Candidate], looked_at: &LookedAt) -> Self {
        let fits = best.headers() > 0;
        let as_good = |other: &&Candidate| fits && other.evidence() == best.evidence();
        let (as_good, worse): (Vec<_>, Vec<_>) = others.iter().partition(as_good);
        let none = if fits { None } else { Some(best) };
        // A prefix may be anything, so that it says nothing where it does not fit.
        let worse = worse.into_iter().filter(|other| other.framing().prefix == 0);
        let rejected = none.into_iter().chain(worse).map(Rejected::of);
        let name = best.name();
        let is_known = fits || best.lacks();
        let first_object = if is_known { None } else { FirstObject::of(&looked_at.beginning) };
        let is_unknown = !is_known && first_object.is_none();
        let (cut, missing) = best.cut().filter(|_| fits).unwrap_or_default();
        let options = Options { dialect: if fits { name } else { DialectName::STANDARD }, ..Options::default() };
        let is_at_fault = !fits || best.misfit.is_some() || missing > 0;
        let cause = || {
            let mut beginning = Followed::of(&options);
            beginning.0.may_guess = false;
            beginning.push(&looked_at.beginning);
            beginning.cause()
        };
        let cause = if is_at_fault { cause() } else { None };
        Self {
            event: "guess",
            dialect: fits.then(|| name.to_string()),
            headers: best.headers(),
            messages: best.messages(),
            bytes: best.explained(),
            looked_at: looked_at.bytes,
            all: looked_at.all,
            missing,
            cut,
            fault: best.misfit.as_ref().filter(|_| fits).map(Reason::of),
            hint: cause.map(|cause| cause.words),
            absent: best
                .absent()
                .map(|(member, headers)| Absent { member: member.as_str(), headers, stand_in: stand_in(member) })
                .collect(),
            renamed: best
                .renamed()
                .map(|(member, name, headers)| Renamed { member: member.as_str(), name, headers })
                .collect(),
            raw_json: best.raw(),
            also: as_good.into_iter().map(|other| other.name().to_string()).collect(),
            rejected: rejected.collect(),
            first_bytes: is_unknown.then(|| FirstBytes::of(&looked_at.beginning)),
            first_object,
            framing: name,
        }
    }

    /// Whether a dialect fits.
    pub(super) const fn is_clear(&self) -> bool {
        self.dialect.is_some()
    }

    fn write_hint(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.hint.as_ref().map_or(Ok(()), |hint| writeln!(f, "  hint: {}", Printable(hint)))
    }

    fn write_evidence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { headers, messages, bytes, looked_at, .. } = self;
        self.write_hint(f)?;
        let of = if self.all { "" } else { "the first " };
        let (headers, messages) = (count(*headers, "header"), count(*messages, "whole message"));
        writeln!(f, "  decoded: {headers}, {messages}; {bytes} of {of}{}", count(*looked_at, "byte"))?;
        match &self.fault {
            Some(fault) => {
                writeln!(f, "  then: {}", fault.message)?;
                fault.write_names(f)?;
            }
            None if self.missing > 0 && self.all => {
                let missing = count(self.missing, "byte");
                writeln!(f, "  then: the capture ends inside {}, {missing} before its end", self.cut)?;
            }
            None => {}
        }
        let DialectName { prefix, proto_header, .. } = self.framing;
        if !prefix.is_empty() {
            let length = count(prefix.len() as u64, "byte");
            writeln!(f, "  prefix: {length}, which are {} before the first message", digits(prefix))?;
        }
        let (length, order) = (proto_header.len(), order(proto_header));
        writeln!(f, "  proto-header: {}{order}", count(length.into(), "byte"))?;
        for Renamed { member, name, headers } in &self.renamed {
            writeln!(f, "  names: {member} is {name} in {}", count(*headers, "header"))?;
        }
        if self.raw_json > 0 {
            writeln!(f, "  raw JSON: a type or an encoding that is no string, in {}", count(self.raw_json, "header"))?;
        }
        for Absent { member, headers, stand_in } in &self.absent {
            writeln!(f, "  absent: {member}, from {}; {stand_in}", count(*headers, "header"))?;
        }
        if !self.also.is_empty() {
            writeln!(f, "  less simple, but fits as well: {}", self.also.join(" or "))?;
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
            None if self.looked_at == 0 => return writeln!(f, "the capture is empty: no dialect can be told from it"),
            None => {
                writeln!(f, "no dialect fits: in none does the capture begin with a valid header")?;
                self.write_hint(f)?;
            }
        }
        if let Some(FirstObject { offset, length, before, is_low_byte, has }) = &self.first_object {
            writeln!(
                f,
                "  the first JSON object is at byte {offset}, {} long, after: {before}",
                count(*length, "byte")
            )?;
            writeln!(f, "    has: {}", listed(has))?;
            if *is_low_byte {
                writeln!(f, "    of its length only the lowest byte stands before it")?;
            }
        }
        if let Some(first_bytes) = &self.first_bytes {
            writeln!(f, "  {first_bytes}")?;
        }
        for Rejected { dialect, messages, fault, cut } in &self.rejected {
            let after = if *messages > 0 { format!("after {}, ", count(*messages, "message")) } else { String::new() };
            match fault {
                Some(fault) => {
                    writeln!(f, "  not {dialect}: {after}{}", fault.message)?;
                    fault.write_names(f)?;
                }
                None => writeln!(f, "  not {dialect}: {after}the capture ends inside {}", cut.unwrap_or("a message"))?,
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
fn stand_in(member: Member) -> String {
    let other = match member {
        Member::ByteOrder => "no-byteorder=big",
        Member::ContentType => "no-type=TYPE",
        Member::ContentEncoding => "no-encoding=ENCODING",
        _ => return "the header is the message".into(),
    };
    format!("{} is assumed, unless {other} is given", usual(member))
}
