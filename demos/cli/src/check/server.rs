//! Goes through the rules with a server.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::judge::{Known, Verdict, judge};
use super::play::{Line, Patience};
use super::report::Outcome;
use super::rule::{Asked, Expect, Rule};
use super::sample::Sample;
use super::seen::{Answer, End, Seen};
use super::step::{Step, accepted, answered, refused};
use crate::connect::Stream;

/// A server, and how to ask it.
pub(super) struct Server<'a> {
    /// Opens a connection.
    pub(super) connect: &'a (dyn Fn() -> Result<Stream, String> + Sync),
    pub(super) sample: &'a Sample,
    pub(super) patience: Patience,
    /// Whether rules are played that wait for `--deadline`.
    pub(super) has_deadline: bool,
}

/// Why no more rules are played.
const GONE: &str = "the server does not answer a good request any more";

impl Server<'_> {
    /// Plays these rules, up to `jobs` at a time, and tells `progress` after each. They are in the order given.
    ///
    /// # Errors
    ///
    /// Why the server cannot be reached, in words.
    pub(super) fn check(
        &self,
        rules: &[(&'static str, &'static Rule)],
        jobs: usize,
        is_stopped: &AtomicBool,
        progress: &(dyn Fn(&Outcome) + Sync),
    ) -> Result<Vec<Outcome>, String> {
        // A connection on which nothing is sent would end many a simple server.
        let known = self.known((self.connect)()?);
        let next = AtomicUsize::new(0);
        let is_gone = AtomicBool::new(false);
        let outcomes = Mutex::new(Vec::with_capacity(rules.len()));
        thread::scope(|scope| {
            for _ in 0..jobs.min(rules.len()) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some((family, rule)) = rules.get(index) else { return };
                        let steps = rule.play(self.sample);
                        let outcome = Outcome::new(family, rule, &steps);
                        let outcome = match &known {
                            _ if is_stopped.load(Ordering::Relaxed) => outcome.skipped("interrupted"),
                            Err(reason) => outcome.skipped(reason),
                            Ok(_) if is_gone.load(Ordering::Relaxed) => outcome.skipped(GONE),
                            Ok(known) => self.one(rule, steps, known, outcome, &is_gone),
                        };
                        progress(&outcome);
                        outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((index, outcome));
                    }
                });
            }
        });
        let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcomes.sort_by_key(|(index, _)| *index);
        let mut outcomes: Vec<_> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
        if let (Err(reason), Some(first)) = (&known, outcomes.first_mut()) {
            // Something must be said to fail where nothing works.
            (first.verdict, first.reason, first.came) =
                (Verdict::Fail, reason.clone(), "no answer to a good request".into());
        }
        Ok(outcomes)
    }

    /// Plays one rule, and sees whether a good request is still answered afterwards.
    fn one(&self, rule: &Rule, steps: Vec<Step>, known: &Known, outcome: Outcome, is_gone: &AtomicBool) -> Outcome {
        match rule.expect {
            Expect::EndInTime if !self.has_deadline => return outcome.skipped("needs --deadline"),
            Expect::Answers(asked) if asked.contains(&Asked::Binary) && known.binary.is_none() => {
                return outcome.skipped("the server has no other answer to the same content as binary content");
            }
            _ => {}
        }
        let twin = rule.twin(self.sample).and_then(|message| first(self.play(accepted(message))));
        let seen = self.play(steps);
        let verdict = judge(rule, &seen, known, twin.as_ref());
        let outcome = outcome.judged(&seen.to_string(), verdict);
        if self.recovers(known) {
            return outcome;
        }
        is_gone.store(true, Ordering::Relaxed);
        let reason = match outcome.reason.as_str() {
            "" => "a good request on a new connection is not answered any more".into(),
            reason => format!("{reason}; and a good request on a new connection is not answered any more"),
        };
        Outcome { verdict: Verdict::Fail, reason, ..outcome }
    }

    /// Whether a good request is answered on a new connection, at the second try at the latest.
    fn recovers(&self, known: &Known) -> bool {
        (0..2).any(|_| first(self.ask()).is_some_and(|answer| known.is_good(&answer)))
    }

    /// Learns how the server answers, on this connection first.
    fn known(&self, stream: Stream) -> Result<Known, String> {
        let unanswered = |seen: &Seen| {
            format!("a good request is not answered; what came: {seen}; `jsonframe call` says more of it")
        };
        let seen = self.play_on(stream, self.good());
        let good = seen.answers.first().cloned().ok_or_else(|| unanswered(&seen))?;
        let again = self.ask();
        let again = again.answers.first().ok_or_else(|| unanswered(&again))?;
        let is_stable = good.says_the_same_as(again);
        let binary = self.play(answered(vec![Step::Send([&self.sample.binary(), self.sample.good()].concat())], 2));
        let binary = match &binary.answers[..] {
            [binary, ..] if binary.says_the_same_as(&good) || !is_stable => None,
            [binary, second, ..] if second.says_the_same_as(&good) => Some(binary.clone()),
            _ => None,
        };
        let error = first(self.play(refused(b"\0\x02[]".to_vec(), self.sample)));
        Ok(Known { good, is_stable, binary, error })
    }

    /// Sends a good request on a connection of its own.
    fn ask(&self) -> Seen {
        self.play(self.good())
    }

    fn good(&self) -> Vec<Step> {
        vec![Step::Send(self.sample.good().to_vec()), Step::Await(1), Step::EndSending]
    }

    fn play(&self, steps: Vec<Step>) -> Seen {
        match (self.connect)() {
            Ok(stream) => self.play_on(stream, steps),
            Err(_) => Seen { end: End::NotConnected, ..Seen::default() },
        }
    }

    fn play_on(&self, stream: Stream, steps: Vec<Step>) -> Seen {
        Line::new(stream, self.patience, &|| self.ask()).play(steps)
    }
}

fn first(seen: Seen) -> Option<Answer> {
    seen.answers.into_iter().next()
}
