//! Two sides on the same work, measured in turn.

use std::hint::black_box;
use std::io;

use thiserror::Error;

use crate::sink::Seen;
use crate::work::{Side, Timing};

/// Ours and a peer's side of the same work, and how long they have taken so far.
pub struct Contest {
    operations: f64,
    ours: Runner,
    peer: Runner,
    rounds: usize,
}

/// Why a contest is no good.
#[derive(Debug, Error)]
pub enum Foul {
    /// The sides do not find the same.
    #[error("the sides differ at result {at}: ours is {ours}, the peer's is {peer}")]
    Differ {
        /// Which result, from 0.
        at: usize,
        /// What we found.
        ours: String,
        /// What the peer found.
        peer: String,
    },
    /// A side does not find the same again.
    #[error("{0} finds something else in another run")]
    Unsteady(&'static str),
    /// A side cannot be measured.
    #[error(transparent)]
    Io(#[from] io::Error),
}

struct Runner {
    name: &'static str,
    side: Box<dyn Side>,
    glance: Option<u64>,
    times: Vec<f64>,
}

impl Contest {
    /// A contest of work that consists of so many operations.
    #[must_use]
    pub fn new(operations: u32, ours: impl Side + 'static, peer: impl Side + 'static) -> Self {
        Self {
            operations: f64::from(operations),
            ours: Runner::new("our side", Box::new(ours)),
            peer: Runner::new("the peer", Box::new(peer)),
            rounds: 0,
        }
    }

    /// Checks that both sides find the same, in every detail.
    ///
    /// # Errors
    ///
    /// [`Foul`] if they do not.
    pub fn check(&mut self) -> Result<(), Foul> {
        let (ours, peer) = (self.ours.side.record()?, self.peer.side.record()?);
        if ours == peer {
            return Ok(());
        }
        let same = ours.iter().zip(&peer).take_while(|(ours, peer)| ours == peer).count();
        let show = |seen: &[Seen]| seen.get(same).map_or_else(|| "nothing".to_owned(), |seen| format!("{seen:?}"));
        Err(Foul::Differ { at: same, ours: show(&ours), peer: show(&peer) })
    }

    /// Runs both sides so many times, in turn, and once before that to warm up.
    ///
    /// # Errors
    ///
    /// [`Foul`] if a side does not find what it found before.
    pub fn rounds(&mut self, count: usize) -> Result<(), Foul> {
        self.ours.run()?;
        self.peer.run()?;
        for _ in 0..count {
            // Neither side is always the one that finds the caches as the other left them.
            let order = if self.rounds.is_multiple_of(2) {
                [&mut self.ours, &mut self.peer]
            } else {
                [&mut self.peer, &mut self.ours]
            };
            for runner in order {
                let ns = on_shifted_stack(self.rounds / 2, || runner.run())?;
                runner.times.push(ns);
            }
            self.rounds += 1;
        }
        Ok(())
    }

    /// What has been measured, in the calmer half of the rounds.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let rounds = calmer_half(&self.ours.times, &self.peer.times);
        let (ours, peer): (Vec<f64>, Vec<f64>) = rounds.iter().copied().unzip();
        let ours_ns = quantile(&ours, 0.5) / self.operations;
        let peer_ns = quantile(&peer, 0.5) / self.operations;
        let ratios: Vec<f64> = rounds.iter().map(|(ours, peer)| peer / ours).collect();
        Outcome {
            ours_ns,
            peer_ns,
            ratio: peer_ns / ours_ns,
            middle_half: [quantile(&ratios, 0.25), quantile(&ratios, 0.75)],
        }
    }
}

impl Runner {
    fn new(name: &'static str, side: Box<dyn Side>) -> Self {
        Self { name, side, glance: None, times: Vec::new() }
    }

    fn run(&mut self) -> Result<f64, Foul> {
        let Timing { ns, glance } = self.side.time()?;
        if *self.glance.get_or_insert(glance) != glance {
            return Err(Foul::Unsteady(self.name));
        }
        Ok(ns)
    }
}

/// Acts with the stack a little further down, by the number: what takes 30 ns takes 33 where a few bytes on the stack
/// come to lie across two cache lines, and the system puts the stack elsewhere in every process.
fn on_shifted_stack<T>(number: usize, act: impl FnOnce() -> T) -> T {
    match number % 4 {
        0 => act(),
        1 => shifted::<16, T>(act),
        2 => shifted::<32, T>(act),
        _ => shifted::<48, T>(act),
    }
}

#[inline(never)]
fn shifted<const BYTES: usize, T>(act: impl FnOnce() -> T) -> T {
    let between = black_box([0_u8; BYTES]);
    let result = act();
    black_box(&between);
    result
}

/// What a contest came to, in the calmer half of its rounds.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The median of our times, an operation, in nanoseconds.
    pub ours_ns: f64,
    /// The median of the peer's times, an operation, in nanoseconds.
    pub peer_ns: f64,
    /// The peer's median divided by ours.
    pub ratio: f64,
    /// The quartiles of the rounds' own ratios.
    pub middle_half: [f64; 2],
}

/// The rounds that took least, both sides together, each measured by its own median. Where other programs want the
/// processor too, a median of all rounds is now that of quiet rounds and now that of busy ones, and not for both sides
/// alike.
fn calmer_half(ours: &[f64], peer: &[f64]) -> Vec<(f64, f64)> {
    let usual = (quantile(ours, 0.5), quantile(peer, 0.5));
    let mut rounds: Vec<(f64, f64)> = ours.iter().copied().zip(peer.iter().copied()).collect();
    let trouble = |round: &(f64, f64)| round.0 / usual.0 + round.1 / usual.1;
    rounds.sort_by(|one, other| trouble(one).total_cmp(&trouble(other)));
    rounds.truncate(rounds.len().div_ceil(2));
    rounds
}

/// What is at this part of the sorted numbers: 0.5 for the median. It is not a number if there are none.
#[must_use]
pub fn quantile(times: &[f64], part: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let at = (times.len().saturating_sub(1) as f64 * part).round() as usize;
    times.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Sink;
    use crate::work::Work;

    #[test]
    fn quantiles_are_of_the_sorted_times() {
        let times = [5.0, 1.0, 4.0, 2.0, 3.0];
        let quantiles = [0.0, 0.25, 0.5, 1.0].map(|part| quantile(&times, part).to_string());
        assert_eq!(quantiles, ["1", "2", "3", "5"]);
    }

    #[test]
    fn the_busier_half_of_the_rounds_is_left_out() {
        let (ours, peer) = ([1.0, 9.0, 1.1, 1.2, 1.0], [10.0, 11.0, 99.0, 10.0, 11.0]);
        assert_eq!(format!("{:?}", calmer_half(&ours, &peer)), "[(1.0, 10.0), (1.0, 11.0), (1.2, 10.0)]");
    }

    /// Finds these numbers, and the number of runs on top if it is unsteady.
    struct Finds(Vec<u64>, Option<u64>);

    impl Work for Finds {
        fn run<S: Sink>(&mut self, sink: &mut S) {
            for number in &self.0 {
                sink.number(*number);
            }
            if let Some(runs) = &mut self.1 {
                *runs += 1;
                sink.number(*runs);
            }
        }
    }

    #[test]
    fn sides_that_differ_are_found_out() {
        let mut contest = Contest::new(1, Finds(vec![1, 2], None), Finds(vec![1], None));
        assert_eq!(
            contest.check().unwrap_err().to_string(),
            "the sides differ at result 1: ours is Number(2), the peer's is nothing"
        );
    }

    #[test]
    fn a_side_that_does_not_do_its_work_again_is_found_out() {
        let mut contest = Contest::new(1, Finds(vec![1], None), Finds(vec![1], Some(0)));
        assert_eq!(contest.rounds(3).unwrap_err().to_string(), "the peer finds something else in another run");
    }
}
