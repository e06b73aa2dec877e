//! What is done over a connection, step by step.

use super::sample::Sample;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Sends these bytes in one write.
    Send(Vec<u8>),
    /// Sends these bytes, each in a write of its own.
    Trickle(Vec<u8>),
    /// Waits a moment, so that what has been sent is read before what follows.
    Pause,
    /// Ends the sending direction.
    EndSending,
    /// Waits until this many messages have come on this connection in all, or nothing more comes.
    Await(usize),
    /// Waits for the end of the connection, until nothing more comes.
    Watch,
    /// Waits for the end of the connection for as long as `--deadline` says.
    WatchForDeadline,
    /// Sends a good request on another connection, and waits for the answer.
    AskOnAnother,
    /// Sends these bytes again and again, reading nothing, until no more can be sent.
    Flood(Vec<u8>),
}

/// The steps in which a good message is sent.
pub(super) fn accepted(message: Vec<u8>) -> Vec<Step> {
    answered(vec![Step::Send(message)], 1)
}

/// These steps, and what shows that this many answers came, and no more.
pub(super) fn answered(mut steps: Vec<Step>, answers: usize) -> Vec<Step> {
    steps.extend([Step::Await(answers), Step::EndSending, Step::Watch]);
    steps
}

/// The steps in which a faulty message is sent. A good one follows it: nothing after a fault may be answered, and whoever
/// takes the fault for something good can go on with it.
pub(super) fn refused(mut message: Vec<u8>, sample: &Sample) -> Vec<Step> {
    message.extend(sample.good());
    vec![Step::Send(message), Step::Watch]
}

/// These pieces, with a pause between any two.
pub(super) fn in_pieces(pieces: &[&[u8]]) -> Vec<Step> {
    let mut steps = Vec::new();
    for piece in pieces {
        if !steps.is_empty() {
            steps.push(Step::Pause);
        }
        steps.push(Step::Send(piece.to_vec()));
    }
    steps
}

/// The steps in which a stream ends too early.
pub(super) fn cut_short(bytes: &[u8]) -> Vec<Step> {
    vec![Step::Send(bytes.to_vec()), Step::Pause, Step::EndSending, Step::Watch]
}
