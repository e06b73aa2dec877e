//! A capture, taken for a stream in one dialect.

use jsonframe::{DecodeError, DecodeErrorKind, Decoder, Event, Member};

use crate::dialect::{Absent, DialectName, underscored, usual};
use crate::inspect::message::Framing;
use crate::inspect::spelling::{Kind, members, names, spellings};

/// What is assumed of a capture, besides that any member may be absent and a text may be of any type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Assumed {
    /// The form of the proto-header, and as many bytes of prefix as this has.
    pub(super) framing: DialectName,
    pub(super) underscores: bool,
    /// Other names of `byteorder` and of `content-length`.
    pub(super) byte_order: Option<&'static str>,
    pub(super) length: Option<&'static str>,
}

impl Assumed {
    /// The dialect, with all names that may be there, and all members absent.
    fn tolerant(&self) -> DialectName {
        let mut name = self.named(|_| true);
        for (member, departure) in Member::ALL.iter().copied().zip(&mut name.members) {
            departure.absent = Some(Absent { stand_in: usual(member), is_omitted: true });
        }
        DialectName { raw_json: true, ..name }
    }

    /// The dialect, with the other names of these members.
    fn named(&self, is_renamed: impl Fn(Member) -> bool) -> DialectName {
        let mut name = self.framing;
        for (member, alias) in [(Member::ByteOrder, self.byte_order), (Member::ContentLength, self.length)] {
            if let Some(alias) = alias.filter(|_| is_renamed(member)) {
                name.departure_mut(member).name = alias;
            }
        }
        if self.underscores
            && Member::ALL.iter().copied().any(|member| underscored(member) != member.as_str() && is_renamed(member))
        {
            name.use_underscores();
        }
        name
    }
}

/// What has come of it so far.
#[derive(Clone, Default)]
struct Tally {
    headers: u64,
    messages: u64,
    /// How many bytes are in whole headers and in content.
    explained: u64,
    /// How many headers lack each member, and how many have it by another name.
    absent: [u64; Member::ALL.len()],
    renamed: [u64; Member::ALL.len()],
    /// How many headers have a text that is none.
    raw: u64,
}

pub(super) struct Candidate {
    pub(super) assumed: Assumed,
    tolerant: DialectName,
    decoder: Decoder<Vec<u8>>,
    /// The prefix, the proto-header and the header under way.
    head: Vec<u8>,
    tally: Tally,
    /// If the last header has no length: what was counted before it, where it lacks that, and the names it has.
    bare: Option<(Tally, u64, Vec<String>)>,
    /// The names of members that may be `byteorder` or `content-length`, in headers that lack it.
    pub(super) byte_orders: Vec<String>,
    pub(super) lengths: Vec<String>,
    pub(super) misfit: Option<Misfit>,
}

/// Why a capture is not in a dialect from some byte on.
#[derive(Clone, Debug)]
pub(super) enum Misfit {
    Fault(DecodeError),
    /// The header that lacks its length at this offset is not followed by a message; it has members of these names.
    Lacks(u64, Vec<String>),
    /// A name has an underscore, in the header that ends before this byte.
    Underscore(u64),
}

impl Candidate {
    /// It is never freed what the dialect is.
    pub(super) fn new(assumed: Assumed) -> Self {
        let tolerant = assumed.tolerant();
        let capacity = assumed.framing.prefix.len() + usize::from(u16::MAX);
        Self {
            assumed,
            tolerant,
            decoder: Decoder::new(vec![0; capacity]).with_dialect(tolerant.leak()),
            head: Vec::new(),
            tally: Tally::default(),
            bare: None,
            byte_orders: Vec::new(),
            lengths: Vec::new(),
            misfit: None,
        }
    }

    pub(super) const fn headers(&self) -> u64 {
        self.tally.headers
    }

    pub(super) const fn messages(&self) -> u64 {
        self.tally.messages
    }

    pub(super) const fn explained(&self) -> u64 {
        self.tally.explained
    }

    pub(super) const fn framing(&self) -> Framing {
        Framing { prefix: self.assumed.framing.prefix.len(), proto_header: self.assumed.framing.proto_header }
    }

    /// Whether there is any use in feeding it.
    pub(super) const fn is_alive(&self) -> bool {
        self.misfit.is_none()
    }

    pub(super) fn feed(&mut self, mut input: &[u8]) {
        while self.is_alive() {
            let before = input;
            let event = self.decoder.decode(&mut input);
            if !matches!(event, Ok(Some(Event::Content(_)))) {
                let taken = before.len() - input.len();
                self.head.extend_from_slice(&before[..taken]);
            }
            match event {
                Ok(None) => return,
                Err(error) => self.give_up(error),
                Ok(Some(Event::Header(_))) => self.judge(),
                Ok(Some(Event::Content(_))) => self.tally.explained = self.decoder.position(),
                Ok(Some(Event::End)) => {
                    self.tally.messages += 1;
                    self.head.clear();
                }
            }
        }
    }

    fn give_up(&mut self, error: DecodeError) {
        match error.kind() {
            DecodeErrorKind::EmptyHeader
            | DecodeErrorKind::HeaderTooLong { .. }
            | DecodeErrorKind::NotAnObject { .. } => {
                self.doubt();
            }
            _ => {}
        }
        self.misfit.get_or_insert(Misfit::Fault(error));
    }

    /// Takes the end of what is looked at into account.
    pub(super) fn finish(&mut self) {
        let header = self.head.get(self.framing().len()..).unwrap_or_default().trim_ascii_start();
        if self.decoder.header().is_none() && header.first().is_some_and(|first| *first != b'{') {
            self.doubt();
        }
    }

    /// A header without a length says nothing if no message follows it: what does follow may be its content.
    fn doubt(&mut self) {
        if let Some((before, offset, has)) = self.bare.take() {
            self.tally = before;
            self.misfit = Some(Misfit::Lacks(offset, has));
        }
    }

    /// Takes a whole header into account.
    fn judge(&mut self) {
        let header = &self.head[self.framing().len()..];
        let names = names(header);
        let spellings = spellings(header, &self.tolerant);
        let is_underscored = |member: &Member| names.iter().any(|name| name == underscored(*member));
        let absent =
            || Member::ALL.iter().copied().zip(spellings).filter(|(_, name)| name.is_none()).map(|(member, _)| member);
        if !self.assumed.underscores && absent().any(|member| is_underscored(&member)) {
            self.misfit = Some(Misfit::Underscore(self.decoder.position()));
            return;
        }
        let kinds = members::<Kind>(header);
        let candidates = |kind| {
            kinds.iter().filter(move |(_, is)| *is == kind).map(|(name, _)| name).filter(|name| may_be_said(name))
        };
        let lacks = |member| absent().any(|absent| absent == member);
        if lacks(Member::ByteOrder) {
            note(&mut self.byte_orders, candidates(Kind::ByteOrder));
        }
        self.bare = lacks(Member::ContentLength).then(|| {
            note(&mut self.lengths, candidates(Kind::Length));
            let brace = self.decoder.position() - (header.len() - header.trim_ascii_end().len()) as u64 - 1;
            (self.tally.clone(), brace, names.iter().map(ToString::to_string).collect())
        });

        let tally = &mut self.tally;
        tally.headers += 1;
        tally.explained = self.decoder.position();
        for (index, (member, name)) in Member::ALL.iter().copied().zip(spellings).enumerate() {
            tally.absent[index] += u64::from(name.is_none());
            tally.renamed[index] += u64::from(name.is_some_and(|name| name != member.as_str()));
        }
        let is_text =
            |name| kinds.iter().any(|(known, kind)| known == name && matches!(kind, Kind::Text | Kind::ByteOrder));
        let [_, content_type, content_encoding, _] = spellings;
        tally.raw += u64::from([content_type, content_encoding].into_iter().flatten().any(|name| !is_text(name)));
    }

    /// What speaks for it, the most important first.
    pub(super) fn evidence(&self) -> (u64, u64, u64, bool, bool, u64) {
        let [byte_order, ..] = self.tally.renamed;
        (self.headers(), self.messages(), self.explained(), self.lacks(), self.misfit.is_none(), byte_order)
    }

    /// Whether it ended with a header that is whole and lacks its length.
    pub(super) const fn lacks(&self) -> bool {
        matches!(self.misfit, Some(Misfit::Lacks(..)))
    }

    /// The simplest dialect in which all headers are that were decoded.
    pub(super) fn name(&self) -> DialectName {
        let mut name = self.assumed.named(|member| self.tally.renamed[member as usize] > 0);
        name.raw_json = self.tally.raw > 0;
        for (member, _) in self.absent() {
            name.departure_mut(member).absent = Some(Absent { stand_in: usual(member), is_omitted: true });
        }
        name
    }

    /// The members that are absent, and from how many headers.
    pub(super) fn absent(&self) -> impl Iterator<Item = (Member, u64)> {
        Member::ALL.iter().copied().zip(self.tally.absent).filter(|(_, count)| *count > 0)
    }

    /// The members that have another name, which, and in how many headers.
    pub(super) fn renamed(&self) -> impl Iterator<Item = (Member, &'static str, u64)> {
        let counted = Member::ALL.iter().copied().zip(self.tally.renamed).filter(|(_, count)| *count > 0);
        counted.map(|(member, count)| (member, self.tolerant.departure(member).name, count))
    }

    /// In how many headers a text is none.
    pub(super) const fn raw(&self) -> u64 {
        self.tally.raw
    }

    /// Where the capture ends, unless that is after a message: in which part of one, and how many bytes before its end.
    pub(super) fn cut(&self) -> Option<(&'static str, u64)> {
        match self.decoder.finish().map_err(|error| error.kind()) {
            Err(DecodeErrorKind::Truncated { missing }) => {
                Some((self.framing().part(&self.head, self.decoder.header().is_some()), missing))
            }
            _ => None,
        }
    }
}

/// Whether the text for a dialect can have this name in it, and be typed and shown as it is.
fn may_be_said(name: &str) -> bool {
    let is_taken = Member::ALL.iter().copied().any(|member| name == member.as_str() || name == underscored(member));
    let is_plain = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
    !is_taken && !name.is_empty() && name.len() <= 64 && name.chars().all(is_plain)
}

/// How many names are tried for a member.
const NAMES: usize = 32;

fn note<'n>(noted: &mut Vec<String>, names: impl Iterator<Item = &'n std::borrow::Cow<'n, str>>) {
    for name in names {
        if noted.len() < NAMES && !noted.iter().any(|known| known == name) {
            noted.push(name.to_string());
        }
    }
}
