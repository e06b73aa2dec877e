//! What a rule is.

use serde::Serialize;

use super::sample::{Sample, message};
use super::step::{Step, accepted, refused};
use super::template::header;

/// One rule of the specification, and how it is played.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Identifies it, for `--only`.
    pub(super) name: &'static str,
    /// The section of the specification.
    pub(super) section: &'static str,
    pub(super) level: Level,
    /// What is sent, in a few words.
    pub(super) sends: &'static str,
    pub(super) play: Play,
    pub(super) expect: Expect,
    /// Who is asked to hold to it.
    pub(super) roles: Roles,
}

/// How strictly the specification demands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Level {
    Must,
    Should,
}

impl Level {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roles {
    Both,
    Servers,
    Clients,
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Play {
    /// A message with a header of this [template](header), and the sample's content.
    Header(&'static str),
    /// A message of which `content-length` is spelt so, with this content.
    Length(&'static str, Body),
    Steps(fn(&Sample) -> Vec<Step>),
}

/// The content after a header with a faulty `content-length`: what a receiver takes for it that accepts the header.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// The sample's content, and its type.
    Sample,
    /// The sample's content as binary content.
    Binary,
    /// As much of it, as binary content.
    First(usize),
    /// No content, but the sample's type.
    Nothing,
}

/// The longest header that there is.
pub(super) const LONGEST: &str = "{«4»«fill»}";

/// What is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// An answer for each of these requests, in this order, and no other.
    Answers(&'static [Asked]),
    /// An error answer, the end of the connection, or both; but no answer as to a good request.
    Refusal,
    /// An answer to the good request before the fault, and then a refusal.
    AnswerThenRefusal,
    /// A refusal, unless the twin of what was sent is accepted.
    RefusalIfTwinIsRefused,
    /// A refusal that no reset destroys.
    RefusalWithoutReset,
    /// No answer as to a whole request, and the end of the connection.
    NoAnswer,
    /// Any answer, or the end of the connection: anything but silence.
    Reaction,
    /// The end of the connection, without a word.
    QuietEnd,
    /// The end of the connection in the time of `--deadline`.
    EndInTime,
    /// An answer in the form that the specification gives to the byte.
    EmittedForm,
    /// An answer that names its request, or no request at all.
    ReplyTo,
    /// An answer to others who ask meanwhile.
    OthersServed,
    /// That not everything is read from a peer that reads no answers.
    BackPressure,
}

/// A request whose answer is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Good,
    /// The same content, as binary content.
    Binary,
}

impl Expect {
    /// What is expected, in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Answers([]) => "no answer",
            Self::Answers([_]) => "the answer to a good request",
            Self::Answers(_) => "an answer to each request, in their order",
            Self::Refusal => "an error answer, or the end of the connection; no answer as to a good request",
            Self::AnswerThenRefusal => {
                "the answer to the good request, then an error answer or the end of the connection"
            }
            Self::RefusalIfTwinIsRefused => "a refusal at once, if such a header is refused when it is whole",
            Self::RefusalWithoutReset => "an error answer or the end of the connection, without a reset",
            Self::NoAnswer => "the end of the connection, and no answer as to a whole request",
            Self::Reaction => "an answer of any kind, or the end of the connection, without another byte",
            Self::QuietEnd => "the end of the connection, without a message",
            Self::EndInTime => "the end of the connection in the time of --deadline",
            Self::EmittedForm => "an answer whose header is in the form that a sender must emit",
            Self::ReplyTo => "an answer with this number as `reply-to`, or without that member",
            Self::OthersServed => "the answer to a good request on another connection meanwhile",
            Self::BackPressure => "that reading stops, or the end of the connection",
        }
    }

    /// Whether a client that succeeds has got it right, for those expectations that can be played to a client.
    pub(super) const fn is_success(self) -> bool {
        matches!(self, Self::Answers(_) | Self::EmittedForm)
    }

    /// What is expected of a client, in words.
    pub(super) const fn words_for_clients(self) -> &'static str {
        match self {
            Self::EmittedForm => "a request whose header is in the form that a sender must emit",
            Self::Answers(_) => "that the answer is taken, and the connection ended or used again",
            Self::EndInTime => "the end of the connection in the time of --deadline, without success",
            _ => "the end of the connection without another request, and no success",
        }
    }
}

impl Rule {
    /// A rule that this spelling of a good header is accepted.
    pub(super) const fn accept(
        name: &'static str,
        section: &'static str,
        sends: &'static str,
        header: &'static str,
    ) -> Self {
        Self {
            name,
            section,
            level: Level::Must,
            sends,
            play: Play::Header(header),
            expect: Expect::Answers(&[Asked::Good]),
            roles: Roles::Both,
        }
    }

    /// A rule that this header is refused.
    pub(super) const fn refuse(
        name: &'static str,
        section: &'static str,
        sends: &'static str,
        header: &'static str,
    ) -> Self {
        Self { expect: Expect::Refusal, ..Self::accept(name, section, sends, header) }
    }

    /// A rule that this spelling of `content-length` is refused.
    pub(super) const fn length(name: &'static str, sends: &'static str, form: &'static str, body: Body) -> Self {
        Self { play: Play::Length(form, body), ..Self::refuse(name, "3.4", sends, "") }
    }

    /// A rule that is played in steps of its own, to servers.
    pub(super) const fn steps(
        name: &'static str,
        section: &'static str,
        sends: &'static str,
        steps: fn(&Sample) -> Vec<Step>,
        expect: Expect,
    ) -> Self {
        Self { play: Play::Steps(steps), expect, roles: Roles::Servers, ..Self::accept(name, section, sends, "") }
    }

    pub(super) const fn should(self) -> Self {
        Self { level: Level::Should, ..self }
    }

    pub(super) const fn of(self, roles: Roles) -> Self {
        Self { roles, ..self }
    }

    /// What is sent, given a good message.
    pub(super) fn play(&self, sample: &Sample) -> Vec<Step> {
        let bytes = match self.play {
            Play::Steps(steps) => return steps(sample),
            Play::Header(template) => message(&header(template, sample), sample.content()),
            Play::Length(form, body) => sample.with_length(&header(form, sample), body),
        };
        match self.expect {
            Expect::Answers(_) => accepted(bytes),
            _ => refused(bytes, sample),
        }
    }

    /// The same message without its fault, where that is another one than the sample; or what is whole of one that is not.
    pub(super) fn twin(&self, sample: &Sample) -> Option<Vec<u8>> {
        match self.play {
            Play::Steps(_) if self.expect == Expect::RefusalIfTwinIsRefused => {
                Some(message(&header(LONGEST, sample), sample.content()))
            }
            Play::Length(_, Body::Sample) => None,
            Play::Length(_, body) => {
                let length = sample.body(body).len();
                Some(sample.with_length(length.to_string().as_bytes(), body))
            }
            _ => None,
        }
    }
}
