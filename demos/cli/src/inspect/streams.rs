//! The streams of a capture of packets, each with a report of its own; they are shown message by message.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use super::annotate::{Annotated, count};
use super::drive::Stream;
use super::json::{JsonLines, capture_line};
use super::report::{Fault, Report};
use super::{Options, Output};
use crate::capture::packets::{Connections, Direction, Packets, Passed, Streams};

/// For how many streams at fault it is found out in which dialect they are.
const GUESSES: u32 = 16;

/// Reports all streams of a capture: true if all are nothing but whole messages, as far as they were captured.
pub(super) fn inspect(packets: Packets<'_>, output: &mut dyn Write, options: &Options) -> io::Result<bool> {
    let shown = Shown { output, options, guesses: GUESSES, is_whole: true };
    let (shown, passed, connections) = Connections::visit(packets, options.port, shown)?;
    summary(shown.output, options, passed, connections)?;
    Ok(shown.is_whole && connections > 0)
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

/// Says what a capture held, at its end.
pub(super) fn summary(output: &mut dyn Write, options: &Options, passed: Passed, connections: u64) -> io::Result<()> {
    if options.json {
        writeln!(output, "{}", capture_line(connections, passed))?;
        return output.flush();
    }
    let Passed { other, fragments } = passed;
    let of = options.port.map_or_else(String::new, |port| format!(" of port {port}"));
    write!(output, "\nend of the capture, {}{of}", count(connections, "connection"))?;
    if other > 0 {
        write!(output, "; {} that hold no TCP over IP", count(other, "packet"))?;
    }
    if fragments > 0 {
        write!(output, "; {} of IP, which are not put together", count(fragments, "fragment"))?;
    }
    writeln!(output)?;
    output.flush()
}

impl Streams for Shown<'_> {
    type Stream = Kept;

    fn begin(&mut self, direction: Direction) -> io::Result<Kept> {
        let report = Rc::new(RefCell::new(Pending::default()));
        let output: Output<'static> = Output::new(Box::new(Shared(Rc::clone(&report))));
        let options = self.options;
        let shown: Box<dyn Report> = if options.json {
            Box::new(ByMessage(JsonLines::new(output, options.dialect, Some(direction))?))
        } else {
            Box::new(ByMessage(Annotated::new(output, options.dialect, options.color, Some(direction))?))
        };
        // What does not begin with a connection begins anywhere.
        let find = options.find || direction.is_joined;
        Ok(Kept { stream: Stream::new(shown, options, find), report })
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
