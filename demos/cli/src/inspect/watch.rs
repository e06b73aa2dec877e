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
    let output: Output<'_> = BufWriter::new(Box::new(output));
    let report: Box<dyn Report + '_> = if options.json {
        Box::new(JsonLines::new(output, options.dialect, None)?)
    } else {
        Box::new(Brief::new(output))
    };
    drive(input, Box::new(Counted { report, messages }), options, (false, None))
}

struct Counted<'a> {
    report: Box<dyn Report + 'a>,
    messages: &'a AtomicU64,
}

impl Report for Counted<'_> {
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

    fn skipped(&mut self, offset: u64, length: u64, is_found: bool) -> io::Result<()> {
        self.report.skipped(offset, length, is_found)
    }

    fn gap(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.report.gap(offset, length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.report.flush()
    }
}
