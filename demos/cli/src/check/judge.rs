//! Compares what was seen with what was expected.

use serde::Serialize;

use super::rule::{Asked, Expect, Level, Rule};
use super::seen::{Answer, End, Flood, Seen};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Fail,
    /// What should hold does not.
    Warn,
    Skipped,
    Pass,
}

impl Verdict {
    pub(super) const ALL: [Self; 4] = [Self::Fail, Self::Warn, Self::Skipped, Self::Pass];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Skipped => "skipped",
            Self::Pass => "pass",
        }
    }
}

/// Answers that are known before the rules are played.
#[derive(Debug)]
pub(super) struct Known {
    /// The answer to a good request.
    pub(super) good: Answer,
    /// Whether the same request is always answered in the same way.
    pub(super) is_stable: bool,
    /// The answer to the same content as binary content, if there is one after which more can be asked.
    pub(super) binary: Option<Answer>,
    /// The answer to what is certainly at fault, if there is one.
    pub(super) error: Option<Answer>,
}

impl Known {
    /// Whether a message is answered as another was.
    fn is_same(&self, answer: &Answer, other: &Answer) -> bool {
        if self.is_stable { answer.says_the_same_as(other) } else { answer.is_like(other) }
    }

    pub(super) fn is_good(&self, answer: &Answer) -> bool {
        self.is_same(answer, &self.good)
    }
}

/// Why a rule does not hold.
struct Broken {
    reason: String,
    /// Whether what is broken should hold, but need not.
    is_lenient: bool,
}

impl<T: Into<String>> From<T> for Broken {
    fn from(reason: T) -> Self {
        Self { reason: reason.into(), is_lenient: false }
    }
}

/// The verdict, and the reason where the rule does not hold. `twin` is the answer to the same message without its fault.
pub(super) fn judge(rule: &Rule, seen: &Seen, known: &Known, twin: Option<&Answer>) -> (Verdict, String) {
    let outcome = match &seen.fault {
        // A close inside an answer is a fault of the answer.
        Some(fault) => Err(format!("it sends what is no message: {fault}").into()),
        None => expected(rule.expect, seen, known, twin),
    };
    match outcome {
        Ok(()) => (Verdict::Pass, String::new()),
        Err(Broken { reason, is_lenient: false }) if rule.level == Level::Must => (Verdict::Fail, reason),
        Err(Broken { reason, .. }) => (Verdict::Warn, reason),
    }
}

fn expected(expect: Expect, seen: &Seen, known: &Known, twin: Option<&Answer>) -> Result<(), Broken> {
    match expect {
        Expect::Answers(asked) => answers(asked, seen, known),
        Expect::Refusal => refusal(&seen.answers, seen.end, known, twin),
        Expect::AnswerThenRefusal => match seen.answers.split_first() {
            Some((first, rest)) if known.is_good(first) => {
                if rest.is_empty() && seen.end == End::Silence {
                    return Err("the fault is neither answered, nor is the connection ended".into());
                }
                refusal(rest, seen.end, known, None)
            }
            _ => Err("the good request before the fault is not answered".into()),
        },
        Expect::RefusalIfTwinIsRefused if twin.is_some_and(|answer| known.is_good(answer)) => Ok(()),
        Expect::RefusalIfTwinIsRefused if seen.answers.is_empty() => {
            ended(seen.end, "it waits for a header that is longer than it accepts")
        }
        Expect::RefusalWithoutReset => {
            if seen.end == End::Reset {
                return Err("a reset, which can take an answer with it".into());
            }
            refusal(&seen.answers, seen.end, known, twin)
        }
        Expect::NoAnswer => {
            if seen.answers.iter().any(|answer| known.is_good(answer)) {
                return Err("a message that is not whole is answered as a whole one".into());
            }
            // To end the connection then is what a receiver should do.
            ended(seen.end, "the connection is not ended").map_err(|broken| Broken { is_lenient: true, ..broken })
        }
        Expect::Reaction if seen.answers.is_empty() => {
            ended(seen.end, "neither an answer nor an end: it waits, or hangs")
        }
        Expect::Reaction | Expect::RefusalIfTwinIsRefused => Ok(()),
        Expect::QuietEnd if !seen.answers.is_empty() => Err("an answer, though nothing was asked".into()),
        Expect::QuietEnd => {
            ended(seen.end, "the connection is not ended").map_err(|broken| Broken { is_lenient: true, ..broken })
        }
        Expect::EndInTime => ended(seen.end, "the connection is still open at the end of that time"),
        Expect::EmittedForm => match seen.answers.as_slice() {
            [answer, ..] if answer.is_emitted_form => Ok(()),
            [_, ..] => Err("the header of the answer has another form than a sender must give it".into()),
            [] => Err(no_answer(seen).into()),
        },
        Expect::ReplyTo => match seen.answers.as_slice() {
            [answer, ..] if answer.reply_to.is_some_and(|number| number != 7) => {
                Err("the answer names another request".into())
            }
            [answer, ..] if known.is_good(answer) => Ok(()),
            [_, ..] => Err("another answer than to the good request".into()),
            [] => Err(no_answer(seen).into()),
        },
        Expect::OthersServed => match &seen.others {
            Some(others) if others.answers.iter().any(|answer| known.is_good(answer)) => Ok(()),
            _ => Err("others wait meanwhile".into()),
        },
        Expect::BackPressure => match seen.flooded {
            Some(Flood::TookAll(bytes)) => {
                Err(format!("all of {bytes} bytes of requests were read, and the answers kept").into())
            }
            _ => Ok(()),
        },
    }
}

fn answers(asked: &[Asked], seen: &Seen, known: &Known) -> Result<(), Broken> {
    for (index, request) in asked.iter().enumerate() {
        let Some(answer) = seen.answers.get(index) else {
            return Err(match index {
                0 => no_answer(seen),
                _ => format!("{index} of {} requests answered", asked.len()),
            }
            .into());
        };
        let is_right = match (request, &known.binary) {
            (Asked::Good, _) | (Asked::Binary, None) => known.is_good(answer),
            (Asked::Binary, Some(binary)) => known.is_same(answer, binary),
        };
        if !is_right {
            return Err("another answer than to the good request".into());
        }
    }
    let more = seen.answers.len() - asked.len();
    if more > 0 { Err(format!("{more} more answers than requests").into()) } else { Ok(()) }
}

fn refusal(answers: &[Answer], end: End, known: &Known, twin: Option<&Answer>) -> Result<(), Broken> {
    if answers.iter().any(|answer| known.is_good(answer)) {
        return Err("accepted: a good request is answered after the fault, or the fault as a good request".into());
    }
    if let (Some(answer), Some(twin)) = (answers.first(), twin) {
        // A program that answers everything it does not like with the same words is not caught so.
        let is_error = known.error.as_ref().is_some_and(|error| known.is_same(twin, error));
        if !is_error && known.is_same(answer, twin) {
            return Err("accepted: answered as the same message without the fault is".into());
        }
    }
    if answers.is_empty() { ended(end, "neither an answer nor an end: it waits, or hangs") } else { Ok(()) }
}

fn ended(end: End, otherwise: &str) -> Result<(), Broken> {
    match end {
        End::Closed | End::Reset | End::WithoutNotice => Ok(()),
        End::Silence => Err(otherwise.into()),
        End::TooMuch => Err("it sends without end".into()),
        End::NotConnected => Err("no connection can be made".into()),
    }
}

fn no_answer(seen: &Seen) -> String {
    match seen.end {
        End::Silence => "no answer: it waits, or hangs".into(),
        End::Reset => "no answer, but a reset".into(),
        End::NotConnected => "no connection can be made".into(),
        _ => "no answer, but the end of the connection".into(),
    }
}
