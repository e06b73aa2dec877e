//! A stream looked at while it is under way.

use std::io::{self, BufWriter, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use jsonframe::Header;

use super::brief::Brief;
use super::drive::{Fault, Report, drive};
use super::json::JsonLines;
use super::message::Message;
use super::{Options, Output};

/// Shows every message of the input in a line or two, or, with [`Options::json`], in the lines of [`inspect`](super::inspect);
/// true if the input is nothing but whole messages. Counts whole messages as they come.
///
/// # Errors
///
/// Those of the input and of the output.
pub(crate) fn watch(
    input: &mut impl Read,
    output: &mut impl Write,
    options: &Options,
    messages: &AtomicU64,
) -> io::Result<bool> {
    let output: Output<'_> = BufWriter::new(output);
    if options.json {
        drive(input, Counted { report: JsonLines::new(output, options.dialect), messages }, options)
    } else {
        drive(input, Counted { report: Brief::new(output), messages }, options)
    }
}

struct Counted<'a, R> {
    report: R,
    messages: &'a AtomicU64,
}

impl<R: Report> Report for Counted<'_, R> {
    fn header(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        self.report.header(message, header)
    }

    fn end(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.report.end(message, header)
    }

    fn fault(&mut self, fault: &Fault<'_>) -> io::Result<()> {
        self.report.fault(fault)
    }

    fn finish(&mut self, message: &Message) -> io::Result<()> {
        self.report.finish(message)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.report.flush()
    }
}
