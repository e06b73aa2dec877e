//! The streams of a capture of packets or of a log, each with a report of its own; they are shown message by message.

use std::cell::RefCell;
use std::collections::HashMap;
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
    let shown = Shown { output, options, guesses: GUESSES, is_whole: true, open: HashMap::new(), last: None };
    let (shown, ended) = several.visit(options.port, shown)?;
    summary(shown.output, options, &ended)?;
    Ok(shown.is_whole && ended.connections > 0)
}

struct Shown<'o> {
    output: &'o mut dyn Write,
    options: &'o Options,
    guesses: u32,
    is_whole: bool,
    /// The streams of each connection that were at fault or inside a message.
    open: HashMap<u64, Vec<Kept>>,
    /// The stream of which something has come last.
    last: Option<Kept>,
}

type Kept = Rc<RefCell<Reported>>;

/// A stream, and what of its report is not shown yet.
struct Reported {
    /// The number of its connection; 0 if that has no name.
    connection: u64,
    stream: Stream<'static>,
    report: Rc<RefCell<Pending>>,
    /// Whether it is among the open streams of its connection, and which message was last examined for a fault.
    is_open: bool,
    asked_of: Option<u64>,
    /// Whether nothing more is reported of it.
    is_over: bool,
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
    /// Shows what is ready of a report, after the fault of the request that it may be the answer to.
    fn show(&mut self, kept: &Kept) -> io::Result<()> {
        let reported = kept.borrow();
        if reported.report.borrow().ready > 0 {
            // Without a name, an answer belongs to what has come last.
            let is_nameless = |other: &&Kept| reported.connection == 0 || other.borrow().connection == 0;
            let others = self.open.get(&reported.connection).into_iter().flatten();
            let others = others.chain(self.last.as_ref().filter(is_nameless)).filter(|other| !Rc::ptr_eq(other, kept));
            let due: Vec<_> = others.filter(|other| other.borrow_mut().is_answered()).cloned().collect();
            due.iter().try_for_each(|other| self.finish(&mut other.borrow_mut()))?;
        }
        self.write(&reported)
    }

    fn write(&mut self, reported: &Reported) -> io::Result<()> {
        let mut pending = reported.report.borrow_mut();
        let ready = std::mem::take(&mut pending.ready);
        self.output.write_all(&pending.bytes[..ready])?;
        pending.bytes.drain(..ready);
        Ok(())
    }

    /// Shows what there is to be said of a stream in the end.
    fn finish(&mut self, reported: &mut Reported) -> io::Result<()> {
        if !std::mem::replace(&mut reported.is_over, true) {
            reported.stream.may_guess = self.guesses > 0;
            self.is_whole &= reported.stream.finish()?;
            self.guesses = self.guesses.saturating_sub(reported.stream.is_faulty().into());
        }
        self.write(reported)
    }
}

impl Reported {
    /// Whether it is known to be at fault when a message is shown that may be the answer: then nothing more may explain it, and
    /// nothing more belongs to a message whose length is wrong.
    fn is_answered(&mut self) -> bool {
        let message = self.stream.under_way().map(|message| message.start);
        let is_asked = message.is_some() && self.asked_of != message;
        if is_asked {
            self.asked_of = message;
        }
        self.stream.is_faulty() || is_asked && self.stream.cause(false).is_some()
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
        let (connection, report) = (direction.connection, Rc::new(RefCell::new(Pending::default())));
        let output: Output<'static> = Output::new(Box::new(Shared(Rc::clone(&report))));
        let options = self.options;
        // What does not begin with a connection begins anywhere.
        let find = options.find || direction.is_joined;
        let shown: Box<dyn Report> = if options.json {
            Box::new(ByMessage(JsonLines::new(output, options.dialect, Some(&direction))?))
        } else {
            Box::new(ByMessage(Annotated::new(output, options.dialect, options.color, Some(direction))?))
        };
        let stream = Stream::new(shown, options, find);
        Ok(Rc::new(RefCell::new(Reported {
            connection,
            stream,
            report,
            is_open: false,
            asked_of: None,
            is_over: false,
        })))
    }

    fn line(&mut self, kept: &mut Kept, line: u64) {
        kept.borrow_mut().stream.at_line(line);
    }

    fn bytes(&mut self, kept: &mut Kept, bytes: &[u8]) -> io::Result<()> {
        let mut reported = kept.borrow_mut();
        reported.stream.feed(bytes)?;
        if !reported.is_open && (reported.stream.is_faulty() || reported.stream.under_way().is_some()) {
            reported.is_open = true;
            self.open.entry(reported.connection).or_default().push(Rc::clone(kept));
        }
        drop(reported);
        self.show(kept)?;
        self.last = Some(Rc::clone(kept));
        Ok(())
    }

    fn gap(&mut self, kept: &mut Kept, length: u64) -> io::Result<()> {
        kept.borrow_mut().stream.gap(length)?;
        self.show(kept)
    }

    fn end(&mut self, kept: Kept, _: bool) -> io::Result<()> {
        self.open.remove(&kept.borrow().connection);
        self.finish(&mut kept.borrow_mut())
    }

    fn wait(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
