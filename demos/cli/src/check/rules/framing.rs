//! How messages are told apart, however the stream is cut.

use super::super::rule::{Asked, Body, Expect, Roles, Rule};
use super::super::sample::{Sample, message};
use super::super::step::{Step, answered, cut_short, in_pieces, refused};

const ONE: Expect = Expect::Answers(&[Asked::Good]);

/// What is certainly refused: a header that is no object.
const FAULT: &[u8] = b"\0\x02[]";

pub(super) const RULES: &[Rule] = &[
    Rule::steps("emitted-form", "4.1", "a good message; the peer's own is looked at", good, Expect::EmittedForm)
        .of(Roles::Both),
    Rule::steps("half-close", "2.5", "a good request, then the end of the stream", half_close, ONE),
    Rule::steps("one-byte-at-a-time", "2.3", "a good message, byte by byte", bytewise, ONE).of(Roles::Both),
    Rule::steps("cut-in-proto-header", "2.3", "a good message, cut after 1 byte", |sample| cut(sample, &[1]), ONE)
        .of(Roles::Both),
    Rule::steps("cut-after-proto-header", "2.3", "a good message, cut after 2 bytes", |sample| cut(sample, &[2]), ONE)
        .of(Roles::Both),
    Rule::steps(
        "cut-in-header",
        "2.3",
        "a good message, cut at both ends and in the middle of its header",
        |sample| cut(sample, &[3, sample.head() / 2, sample.head() - 1]),
        ONE,
    )
    .of(Roles::Both),
    Rule::steps(
        "cut-after-header",
        "2.3",
        "a good message, cut between header and content",
        |sample| cut(sample, &[sample.head()]),
        ONE,
    )
    .of(Roles::Both),
    Rule::steps(
        "cut-in-content",
        "2.3",
        "a good message, cut in its content and before its last byte",
        |sample| cut(sample, &[sample.head() + sample.content().len() / 2, sample.good().len() - 1]),
        ONE,
    )
    .of(Roles::Both),
    Rule::steps(
        "two-in-one-write",
        "2.3",
        "two good requests in one write",
        |sample| answered(vec![Step::Send(sample.good().repeat(2))], 2),
        Expect::Answers(&[Asked::Good, Asked::Good]),
    ),
    Rule::steps(
        "one-and-a-half",
        "2.3",
        "a good request and half of another, then the rest",
        one_and_a_half,
        Expect::Answers(&[Asked::Good, Asked::Good]),
    ),
    Rule::steps(
        "one-after-the-other",
        "2.3",
        "a good request, and after its answer another",
        one_after_the_other,
        Expect::Answers(&[Asked::Good, Asked::Good]),
    ),
    Rule::steps(
        "order-of-answers",
        "3.8",
        "a good request, the same content as binary, and the good request again, in one write",
        |sample| answered(vec![Step::Send([sample.good(), &sample.binary(), sample.good()].concat())], 3),
        Expect::Answers(&[Asked::Good, Asked::Binary, Asked::Good]),
    )
    .should(),
    Rule::steps(
        "end-without-a-message",
        "5.5",
        "nothing, then the end of the stream",
        |_| vec![Step::EndSending, Step::Watch],
        Expect::QuietEnd,
    )
    .of(Roles::Both),
    Rule::steps(
        "empty-header",
        "5.3",
        "a header length of 0, and a good message",
        |sample| refused(vec![0, 0], sample),
        Expect::Refusal,
    )
    .of(Roles::Both),
    Rule::steps(
        "empty-header-on-sight",
        "5.3",
        "a header length of 0, and nothing more",
        |_| vec![Step::Send(vec![0, 0]), Step::Watch],
        Expect::Refusal,
    )
    .of(Roles::Both),
    Rule::steps(
        "long-header-on-sight",
        "5.3",
        "a header length of 65,535, and nothing more",
        |_| vec![Step::Send(vec![0xFF, 0xFF]), Step::Watch],
        Expect::RefusalIfTwinIsRefused,
    ),
    Rule::steps(
        "end-in-proto-header",
        "5.5",
        "1 byte, then the end of the stream",
        |sample| cut_short(&sample.good()[..1]),
        Expect::NoAnswer,
    )
    .of(Roles::Both),
    Rule::steps(
        "end-in-header",
        "5.5",
        "half of a header, then the end of the stream",
        |sample| cut_short(&sample.good()[..sample.head() / 2]),
        Expect::NoAnswer,
    )
    .of(Roles::Both),
    Rule::steps(
        "end-after-header",
        "5.5",
        "a message without its content, then the end of the stream",
        |sample| cut_short(&sample.good()[..sample.head().min(sample.good().len() - 1)]),
        Expect::NoAnswer,
    )
    .of(Roles::Both),
    Rule::steps(
        "end-in-content",
        "5.5",
        "content-length 1 more than what comes, then the end of the stream",
        |sample| {
            let length = sample.content().len() + 1;
            cut_short(&sample.with_length(length.to_string().as_bytes(), Body::Sample))
        },
        Expect::NoAnswer,
    )
    .of(Roles::Both),
    Rule::steps(
        "fault-after-request",
        "5.6",
        "a good request, a header that is no object, and a good request, in one write",
        |sample| refused([sample.good(), FAULT].concat(), sample),
        Expect::AnswerThenRefusal,
    ),
    Rule::steps(
        "message-after-fault",
        "5.6",
        "a message of empty content with a fault in its header, and a good message",
        |sample| {
            let header =
                format!("{{{}, \"content-length\": 0, \"byteorder\": 1}}", sample.members(Some("content-length")));
            refused(message(header.as_bytes(), b""), sample)
        },
        Expect::Refusal,
    )
    .of(Roles::Both),
    Rule::steps(
        "http-request",
        "5.4.1",
        "a request of HTTP, and nothing more",
        |_| vec![Step::Send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()), Step::Watch],
        Expect::Refusal,
    )
    .should(),
    Rule::steps(
        "no-object-on-sight",
        "5.4.1",
        "the beginning of a header that is no object, and nothing more",
        |_| vec![Step::Send(b"\x01\0[1, 2".to_vec()), Step::Watch],
        Expect::Refusal,
    )
    .should()
    .of(Roles::Both),
    Rule::steps(
        "refusal-without-reset",
        "5.6",
        "a header that is no object, and 256 KiB after it",
        |_| vec![Step::Send([FAULT, &vec![b' '; 256 << 10]].concat()), Step::Watch],
        Expect::RefusalWithoutReset,
    )
    .should(),
];

fn good(sample: &Sample) -> Vec<Step> {
    answered(vec![Step::Send(sample.good().to_vec())], 1)
}

fn half_close(sample: &Sample) -> Vec<Step> {
    vec![Step::Send(sample.good().to_vec()), Step::EndSending, Step::Watch]
}

fn bytewise(sample: &Sample) -> Vec<Step> {
    const MOST: usize = 4096;
    let (first, rest) = sample.good().split_at(sample.good().len().min(MOST));
    answered(vec![Step::Trickle(first.to_vec()), Step::Send(rest.to_vec())], 1)
}

/// A good message, cut at these places.
fn cut(sample: &Sample, places: &[usize]) -> Vec<Step> {
    let bytes = sample.good();
    let mut places = [&[0], places, &[bytes.len()]].concat();
    // Without content, the places in it are no places of their own.
    places.sort_unstable();
    places.dedup();
    let pieces: Vec<_> = places.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
    answered(in_pieces(&pieces), 1)
}

fn one_and_a_half(sample: &Sample) -> Vec<Step> {
    let two = sample.good().repeat(2);
    let (first, second) = two.split_at(sample.good().len() * 3 / 2);
    answered(in_pieces(&[first, second]), 2)
}

fn one_after_the_other(sample: &Sample) -> Vec<Step> {
    let ask = || Step::Send(sample.good().to_vec());
    answered(vec![ask(), Step::Await(1), ask()], 2)
}
