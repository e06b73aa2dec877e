//! Peers that are slow, silent, or do not read.

use super::super::rule::{Expect, Roles, Rule};
use super::super::sample::Sample;
use super::super::step::Step;

pub(super) const RULES: &[Rule] = &[
    Rule::steps(
        "others-during-header",
        "7.3",
        "half of a header on one connection, and a good request on another",
        |sample| meanwhile(&sample.good()[..sample.head() / 2]),
        Expect::OthersServed,
    )
    .should(),
    Rule::steps(
        "others-during-content",
        "7.3",
        "half of a content on one connection, and a good request on another",
        |sample| meanwhile(&sample.good()[..sample.good().len() - 1]),
        Expect::OthersServed,
    )
    .should(),
    Rule::steps(
        "others-during-silence",
        "7.3",
        "nothing on one connection, and a good request on another",
        |_| meanwhile(b""),
        Expect::OthersServed,
    )
    .should(),
    Rule::steps(
        "deadline-for-header",
        "7.3",
        "half of a header, and then nothing",
        |sample| stalled(&sample.good()[..sample.head() / 2]),
        Expect::EndInTime,
    )
    .should()
    .of(Roles::Both),
    Rule::steps(
        "deadline-for-content",
        "7.3",
        "a message but for its last byte, and then nothing",
        |sample| stalled(&sample.good()[..sample.good().len() - 1]),
        Expect::EndInTime,
    )
    .should()
    .of(Roles::Both),
    Rule::steps("deadline-for-silence", "7.3", "nothing", |_| stalled(b""), Expect::EndInTime).should().of(Roles::Both),
    Rule::steps(
        "unread-answers",
        "7.3",
        "good requests without end, of which no answer is read",
        unread,
        Expect::BackPressure,
    )
    .should(),
];

fn meanwhile(bytes: &[u8]) -> Vec<Step> {
    vec![Step::Send(bytes.to_vec()), Step::Pause, Step::AskOnAnother]
}

fn stalled(bytes: &[u8]) -> Vec<Step> {
    vec![Step::Send(bytes.to_vec()), Step::WatchForDeadline]
}

fn unread(sample: &Sample) -> Vec<Step> {
    const PIECE: usize = 64 << 10;
    vec![Step::Flood(sample.good().repeat(PIECE / sample.good().len() + 1))]
}
