//! Captured packets, and the streams of the connections that they belong to.

mod connections;
mod direction;
mod file;
mod link;

use std::io::{self, BufRead, BufReader, Read};

use self::file::File;
use self::link::Segment;
use super::dump::Blocks;
use super::invalid;

pub(crate) use self::connections::{Connections, Direction, Streams, Towards};
pub(crate) use self::link::Link;

/// Frames, and the TCP segments in them.
pub(crate) struct Packets<'a> {
    frames: Frames<'a>,
    /// What was left out.
    pub passed: Passed,
}

enum Frames<'a> {
    File(File<'a>),
    Dump(BufReader<Box<dyn Read + 'a>>, Link),
}

/// How many frames say nothing about a TCP connection that could be used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passed {
    /// Those with something else than TCP over IP.
    pub other: u64,
    /// Those with a part of a packet that was sent in several.
    pub fragments: u64,
}

/// What is told of the frames.
pub(super) enum Step<'a> {
    Segment(Segment<'a>),
    /// More is waited for.
    Waiting,
}

/// The longest line of a dump of packets, in bytes.
const LONGEST_LINE: u64 = 4096;

impl<'a> Packets<'a> {
    pub(super) fn of_file(input: Box<dyn Read + 'a>) -> io::Result<Self> {
        Ok(Self { frames: Frames::File(File::open(input)?), passed: Passed::default() })
    }

    pub(super) fn of_dump(input: Box<dyn Read + 'a>, link: Link) -> Self {
        Self { frames: Frames::Dump(BufReader::new(input), link), passed: Passed::default() }
    }

    /// Visits all segments, in the order in which they were captured.
    pub(super) fn visit(&mut self, visit: &mut dyn FnMut(Step<'_>) -> io::Result<()>) -> io::Result<()> {
        let passed = &mut self.passed;
        let mut frame = |link: Option<Link>, frame: &[u8], visit: &mut dyn FnMut(Step<'_>) -> io::Result<()>| {
            match link.map_or(Ok(None), |link| link.segment(frame)) {
                Ok(Some(segment)) => return visit(Step::Segment(segment)),
                Ok(None) => passed.other += 1,
                Err(_) => passed.fragments += 1,
            }
            Ok(())
        };
        match &mut self.frames {
            Frames::Dump(text, link) => {
                let mut blocks = Blocks::default();
                let mut line = Vec::new();
                for number in 1_u64.. {
                    line.clear();
                    let length = text.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
                    let complete = if length == 0 {
                        blocks.take()
                    } else {
                        let fault = |fault| invalid(format!("the hex dump is wrong at line {number}: {fault}"));
                        blocks.line(&line).map_err(fault)?
                    };
                    if let Some(block) = complete {
                        frame(Some(*link), &block, visit)?;
                    }
                    if length == 0 {
                        break;
                    }
                }
                Ok(())
            }
            Frames::File(file) => loop {
                while file.next(&mut |link, bytes| frame(link, bytes, visit))? {}
                visit(Step::Waiting)?;
                if !file.read()? {
                    return Ok(());
                }
            },
        }
    }
}
