//! The streams of a capture of packets or of a log, each with a report of its own; they are shown message by message.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use super::annotate::{Annotated, count};
use super::drive::Stream;
use super::json::{JsonLines, ended_line, log_line};
use super::report::{Fault, Report};
use super::{Options, Output};
use crate::capture::log::Counts;
use crate::capture::packets::{Direction, Passed, Streams};
use crate::capture::{EndOf, Ended, Several};

/// For how many streams at fault it is found out in which dialect they are.
const GUESSES: u32 = 16;

/// Reports all streams of a capture: true if all are nothing but whole messages, as far as they were captured.
pub(super) fn inspect(several: Several<'_>, output: &mut dyn Write, options: &Options) -> io::Result<bool> {
    let shown = Shown { output, options, guesses: GUESSES, is_whole: true };
    let (shown, ended) = several.visit(options.port, shown)?;
    summary(shown.output, options, &ended)?;
    Ok(shown.is_whole && ended.connections > 0)
}

struct Shown<'o> {
    output: &'o mut dyn Write,
    options: &'o Options,
    guesses: u32,
    is_whole: bool,
}

/// A stream, and what of its report is not shown yet.
struct Kept {
    stream: Stream<'static>,
    report: Rc<RefCell<Pending>>,
}

/// The report of a stream up to the end of its last message can be shown; the rest belongs to a message under way.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    ready: usize,
}

struct Shared(Rc<RefCell<Pending>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// What comes before this can be shown.
    fn flush(&mut self) -> io::Result<()> {
        let mut pending = self.0.borrow_mut();
        pending.ready = pending.bytes.len();
        Ok(())
    }
}

/// A report that can be shown after each of its messages.
struct ByMessage<R>(R);

impl<R: Report> Report for ByMessage<R> {
    fn header(&mut self, message: &super::message::Message, header: &jsonframe::Header<'_>) -> io::Result<()> {
        self.0.header(message, header)
    }

    fn end(&mut self, message: &super::message::Message, header: &jsonframe::Header<'_>) -> io::Result<()> {
        self.0.end(message, header)?;
        self.0.flush()
    }

    fn fault(&mut self, fault: &Fault<'_>) -> io::Result<()> {
        self.0.fault(fault)?;
        self.0.flush()
    }

    fn finish(&mut self, message: &super::message::Message) -> io::Result<()> {
        self.0.finish(message)?;
        self.0.flush()
    }

    fn skipped(&mut self, offset: u64, length: u64, is_found: bool) -> io::Result<()> {
        self.0.skipped(offset, length, is_found)?;
        self.0.flush()
    }

    fn gap(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.0.gap(offset, length)?;
        self.0.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shown<'_> {
    fn show(&mut self, kept: &Kept) -> io::Result<()> {
        let mut pending = kept.report.borrow_mut();
        let ready = std::mem::take(&mut pending.ready);
        self.output.write_all(&pending.bytes[..ready])?;
        pending.bytes.drain(..ready);
        Ok(())
    }
}

/// Says what a capture or a log held, at its end.
pub(super) fn summary(output: &mut dyn Write, options: &Options, ended: &Ended) -> io::Result<()> {
    if options.json {
        writeln!(output, "{}", ended_line(ended))?;
        return output.flush();
    }
    let of = options.port.map_or_else(String::new, |port| format!(" of port {port}"));
    let connections = count(ended.connections, "connection");
    match ended.kind {
        EndOf::Packets(Passed { other, fragments }) => {
            write!(output, "\nend of the capture, {connections}{of}")?;
            if other > 0 {
                write!(output, "; {} that hold no TCP over IP", count(other, "packet"))?;
            }
            if fragments > 0 {
                write!(output, "; {} of IP, which are not put together", count(fragments, "fragment"))?;
            }
        }
        EndOf::Log(counts) => {
            write!(output, "\nend of the log, {connections}{of}; ")?;
            write_counts(output, counts)?;
        }
    }
    writeln!(output)?;
    output.flush()
}

/// Says what a log of one stream held, at its end.
pub(super) fn summary_of_log(output: &mut dyn Write, options: &Options, counts: Counts) -> io::Result<()> {
    if options.json {
        writeln!(output, "{}", log_line(None, counts))?;
    } else {
        write!(output, "\nend of the log, ")?;
        write_counts(output, counts)?;
        writeln!(output)?;
    }
    output.flush()
}

fn write_counts(output: &mut dyn Write, counts: Counts) -> io::Result<()> {
    let Counts { literals, lines, other_lines, given_up } = counts;
    write!(output, "{}", count(literals, "literal"))?;
    match lines {
        Some([first, last]) if first == last => write!(output, " of line {first}")?,
        Some([first, last]) => write!(output, " of lines {first} to {last}")?,
        None => {}
    }
    write!(output, "; {} of other text passed over", count(other_lines, "line"))?;
    if given_up > 0 {
        let most = "since no more than 1,024 are followed at a time";
        write!(output, "; {} given up while idle, {most}", count(given_up, "connection"))?;
    }
    Ok(())
}

impl Streams for Shown<'_> {
    type Stream = Kept;

    fn begin(&mut self, direction: Direction) -> io::Result<Kept> {
        let report = Rc::new(RefCell::new(Pending::default()));
        let output: Output<'static> = Output::new(Box::new(Shared(Rc::clone(&report))));
        let options = self.options;
        // What does not begin with a connection begins anywhere.
        let find = options.find || direction.is_joined;
        let shown: Box<dyn Report> = if options.json {
            Box::new(ByMessage(JsonLines::new(output, options.dialect, Some(&direction))?))
        } else {
            Box::new(ByMessage(Annotated::new(output, options.dialect, options.color, Some(direction))?))
        };
        Ok(Kept { stream: Stream::new(shown, options, find), report })
    }

    fn line(&mut self, kept: &mut Kept, line: u64) {
        kept.stream.at_line(line);
    }

    fn bytes(&mut self, kept: &mut Kept, bytes: &[u8]) -> io::Result<()> {
        kept.stream.feed(bytes)?;
        self.show(kept)
    }

    fn gap(&mut self, kept: &mut Kept, length: u64) -> io::Result<()> {
        kept.stream.gap(length)?;
        self.show(kept)
    }

    fn end(&mut self, mut kept: Kept, _: bool) -> io::Result<()> {
        kept.stream.may_guess = self.guesses > 0;
        self.is_whole &= kept.stream.finish()?;
        self.guesses = self.guesses.saturating_sub(kept.stream.is_faulty().into());
        self.show(&kept)
    }

    fn wait(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
