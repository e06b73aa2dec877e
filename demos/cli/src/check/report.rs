//! What came out of all rules.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::judge::Verdict;
use super::rule::{Level, Rule};
use super::step::Step;
use crate::text::Printable;

/// How much is shown of what was sent, in bytes.
const SHOWN: usize = 4096;

/// What came out of one rule.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) rule: &'static str,
    pub(super) family: &'static str,
    pub(super) section: &'static str,
    pub(super) level: Level,
    pub(super) verdict: Verdict,
    /// What was sent, in words.
    pub(super) sends: &'static str,
    /// The bytes that were sent, of which long ones are cut.
    #[serde(serialize_with = "in_hex")]
    pub(super) sent: Vec<u8>,
    /// How many they were in all.
    pub(super) sent_length: usize,
    pub(super) expected: &'static str,
    /// What came, in words.
    pub(super) came: String,
    /// Why it is not a pass.
    pub(super) reason: String,
}

impl Outcome {
    pub(super) fn new(family: &'static str, rule: &Rule, steps: &[Step]) -> Self {
        let mut sent = Vec::new();
        for step in steps {
            if let Step::Send(bytes) | Step::Trickle(bytes) | Step::Flood(bytes) = step {
                sent.extend(bytes);
            }
        }
        let sent_length = sent.len();
        sent.truncate(SHOWN);
        Self {
            rule: rule.name,
            family,
            section: rule.section,
            level: rule.level,
            verdict: Verdict::Skipped,
            sends: rule.sends,
            sent,
            sent_length,
            expected: rule.expect.words(),
            came: String::new(),
            reason: String::new(),
        }
    }

    /// The same for a client.
    pub(super) fn of_client(family: &'static str, rule: &Rule, steps: &[Step]) -> Self {
        Self { expected: rule.expect.words_for_clients(), ..Self::new(family, rule, steps) }
    }

    /// The outcome of a rule that has been played. No text of a peer goes into it as it is.
    pub(super) fn judged(self, came: &str, (verdict, reason): (Verdict, String)) -> Self {
        Self { verdict, came: Printable(came).to_string(), reason: Printable(&reason).to_string(), ..self }
    }

    pub(super) fn skipped(self, reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, reason: reason.into(), ..self }
    }
}

fn in_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

/// How many outcomes of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Summary {
    pub(super) pass: usize,
    pub(super) fail: usize,
    pub(super) warn: usize,
    pub(super) skipped: usize,
}

impl Summary {
    pub(super) const fn count(&self, verdict: Verdict) -> usize {
        match verdict {
            Verdict::Pass => self.pass,
            Verdict::Fail => self.fail,
            Verdict::Warn => self.warn,
            Verdict::Skipped => self.skipped,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// What was checked, such as `server at 127.0.0.1:65432`.
    pub(super) target: String,
    /// What counts as silence, in seconds.
    pub(super) timeout: f64,
    pub(super) summary: Summary,
    pub(super) rules: Vec<Outcome>,
}

impl Report {
    pub(super) fn new(target: String, timeout: Duration, rules: Vec<Outcome>) -> Self {
        let mut summary = Summary::default();
        for outcome in &rules {
            match outcome.verdict {
                Verdict::Pass => summary.pass += 1,
                Verdict::Fail => summary.fail += 1,
                Verdict::Warn => summary.warn += 1,
                Verdict::Skipped => summary.skipped += 1,
            }
        }
        Self { target, timeout: timeout.as_secs_f64(), summary, rules }
    }

    /// The outcomes of this verdict.
    pub(super) fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Outcome> {
        self.rules.iter().filter(move |outcome| outcome.verdict == verdict)
    }
}
