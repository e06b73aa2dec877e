//! A capture, taken for a stream in one dialect.

use jsonframe::{DecodeError, DecodeErrorKind, Decoder, Dialect, Event, Member};

use crate::dialect::{BYTE_ORDER, CONTENT_ENCODING, CONTENT_TYPE, DialectName, FORMS};
use crate::inspect::message::part;
use crate::inspect::spelling::{Spelling, Spellings, names};

/// The dialects in which every member may be absent that ever is, with names that have hyphens, and with either names.
static WITH_HYPHENS: [Dialect; FORMS.len()] = tolerant(false);
static WITH_UNDERSCORES: [Dialect; FORMS.len()] = tolerant(true);

const fn tolerant(underscores: bool) -> [Dialect; FORMS.len()] {
    let mut dialects = [Dialect::STANDARD; FORMS.len()];
    let mut form = 0;
    while form < FORMS.len() {
        let name = DialectName {
            proto_header: FORMS[form].1,
            underscores,
            byte_order: Some(BYTE_ORDER),
            content_type: Some(CONTENT_TYPE),
            content_encoding: Some(CONTENT_ENCODING),
        };
        dialects[form] = name.dialect();
        form += 1;
    }
    dialects
}

/// What has come of it so far.
pub(super) struct Candidate {
    form: usize,
    underscores: bool,
    decoder: Decoder<Vec<u8>>,
    /// The proto-header and the header under way.
    head: Vec<u8>,
    pub(super) headers: u64,
    pub(super) messages: u64,
    /// How many bytes are in whole headers and in content.
    pub(super) explained: u64,
    /// How many headers lack each member, and how many have its name with an underscore.
    absent: [u64; Member::ALL.len()],
    underscored: u64,
    pub(super) misfit: Option<Misfit>,
}

/// Why a capture is not in a dialect from some byte on.
#[derive(Clone, Debug)]
pub(super) enum Misfit {
    Fault(DecodeError),
    /// A header is whole and lacks a member; it has those of these names.
    Lacks {
        error: DecodeError,
        member: Member,
        has: Vec<String>,
    },
    /// A name has an underscore, in the header that ends before this byte.
    Underscore(u64),
}

impl Candidate {
    pub(super) fn new(form: usize, underscores: bool) -> Self {
        let dialects = if underscores { &WITH_UNDERSCORES } else { &WITH_HYPHENS };
        Self {
            form,
            underscores,
            decoder: Decoder::new(vec![0; usize::from(u16::MAX)]).with_dialect(&dialects[form]),
            head: Vec::new(),
            headers: 0,
            messages: 0,
            explained: 0,
            absent: [0; Member::ALL.len()],
            underscored: 0,
            misfit: None,
        }
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
                Err(error) => self.misfit = Some(self.misfit_of(error)),
                Ok(Some(Event::Header(_))) => self.judge(),
                Ok(Some(Event::Content(_))) => self.explained = self.decoder.position(),
                Ok(Some(Event::End)) => {
                    self.messages += 1;
                    self.head.clear();
                }
            }
        }
    }

    fn misfit_of(&self, error: DecodeError) -> Misfit {
        match error.kind() {
            DecodeErrorKind::MissingMember { member } => {
                Misfit::Lacks { error, member, has: names(self.header()).into_iter().map(Into::into).collect() }
            }
            _ => Misfit::Fault(error),
        }
    }

    /// The header under way.
    fn header(&self) -> &[u8] {
        &self.head[FORMS[self.form].1.len().into()..]
    }

    /// Takes a whole header into account.
    fn judge(&mut self) {
        let spellings = Spellings::of(self.header());
        let underscored = spellings.each().any(|(_, spelling)| spelling == Spelling::Underscore);
        if underscored && !self.underscores {
            self.misfit = Some(Misfit::Underscore(self.decoder.position()));
            return;
        }
        self.headers += 1;
        self.underscored += u64::from(underscored);
        for (count, (_, spelling)) in self.absent.iter_mut().zip(spellings.each()) {
            *count += u64::from(spelling == Spelling::Absent);
        }
        self.explained = self.decoder.position();
    }

    /// Of the same form with hyphens and with underscores the one that says more of the capture.
    pub(super) fn better([hyphens, underscores]: [Self; 2]) -> Self {
        if underscores.evidence() > hyphens.evidence() { underscores } else { hyphens }
    }

    /// What speaks for it, the most important first.
    pub(super) const fn evidence(&self) -> (u64, u64, u64, bool, bool) {
        (self.headers, self.messages, self.explained, self.lacks(), self.misfit.is_none())
    }

    /// Whether it ended with a header that is whole and lacks a member.
    pub(super) const fn lacks(&self) -> bool {
        matches!(self.misfit, Some(Misfit::Lacks { .. }))
    }

    /// The simplest dialect in which all headers are that were decoded.
    pub(super) fn name(&self) -> DialectName {
        let mut name = DialectName { proto_header: FORMS[self.form].1, ..DialectName::STANDARD };
        name.underscores = self.underscored > 0;
        for (member, _) in self.absent() {
            match member {
                Member::ByteOrder => name.byte_order = Some(BYTE_ORDER),
                Member::ContentType => name.content_type = Some(CONTENT_TYPE),
                Member::ContentEncoding => name.content_encoding = Some(CONTENT_ENCODING),
                // There is no header without.
                Member::ContentLength => {}
            }
        }
        name
    }

    /// The members that are absent, and from how many headers.
    pub(super) fn absent(&self) -> impl Iterator<Item = (Member, u64)> {
        Member::ALL.into_iter().zip(self.absent).filter(|(_, count)| *count > 0)
    }

    /// How many headers have names with underscores.
    pub(super) const fn underscored(&self) -> u64 {
        self.underscored
    }

    /// Where the capture ends, unless that is after a message: in which part of one, and how many bytes before its end.
    pub(super) fn cut(&self) -> Option<(&'static str, u64)> {
        match self.decoder.finish().map_err(|error| error.kind()) {
            Err(DecodeErrorKind::Truncated { missing }) => {
                Some((part(&self.head, FORMS[self.form].1, self.decoder.header().is_some()), missing))
            }
            _ => None,
        }
    }
}
