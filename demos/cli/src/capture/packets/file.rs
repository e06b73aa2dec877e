//! Capture files: pcap and pcapng, read in pieces.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{Block, LegacyPcapReader, PcapBlockOwned, PcapError, PcapNGReader};

use super::super::invalid;
use super::link::Link;

/// How much of a file is at hand at first, and at most, in bytes: no block of a file is longer.
const BUFFER: usize = 256 * 1024;
const LONGEST: usize = 4 * 1024 * 1024;

/// How many interfaces a section can have.
const INTERFACES: usize = 4096;

/// What is done with a frame.
type Visit<'v> = &'v mut dyn FnMut(Option<Link>, &[u8]) -> io::Result<()>;

/// A capture file under way.
pub(super) struct File<'a> {
    reader: Box<dyn PcapReaderIterator + 'a>,
    failure: Failure,
    /// The link of all frames, or those of the interfaces of the section.
    link: Option<Link>,
    interfaces: Vec<Option<Link>>,
    capacity: usize,
    is_over: bool,
}

/// An error of the input, which the reader of blocks does not pass on.
type Failure = Rc<RefCell<Option<io::Error>>>;

struct Failing<R>(R, Failure);

impl<R: Read> Read for Failing<R> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(place) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let kind = error.kind();
                    *self.1.borrow_mut() = Some(error);
                    return Err(kind.into());
                }
                Ok(count) => return Ok(count),
            }
        }
    }
}

impl<'a> File<'a> {
    /// The file whose beginning, its first header, is there to be read at once.
    pub(super) fn open(mut input: Box<dyn Read + 'a>) -> io::Result<Self> {
        let mut magic = [0; 4];
        input.read_exact(&mut magic)?;
        let is_new = magic == [0x0A, 0x0D, 0x0D, 0x0A];
        let failure = Failure::default();
        let input = Failing(io::Cursor::new(magic).chain(input), Rc::clone(&failure));
        // The reader of blocks reads once, and must find a header.
        let input = Whole { input, has_read: false };
        let reader: Result<Box<dyn PcapReaderIterator + 'a>, _> = if is_new {
            PcapNGReader::new(BUFFER, input).map(|reader| Box::new(reader) as Box<_>)
        } else {
            LegacyPcapReader::new(BUFFER, input).map(|reader| Box::new(reader) as Box<_>)
        };
        let reader = reader.map_err(|error| wrong(&failure, &error))?;
        Ok(Self { reader, failure, link: None, interfaces: Vec::new(), capacity: BUFFER, is_over: false })
    }

    /// Passes the next frame on: false if there is none at hand.
    pub(super) fn next(&mut self, frame: Visit<'_>) -> io::Result<bool> {
        let (length, block) = match self.reader.next() {
            Ok(next) => next,
            Err(PcapError::Eof) => {
                self.is_over = true;
                return Ok(false);
            }
            Err(PcapError::Incomplete(_)) => return Ok(false),
            Err(PcapError::BufferTooSmall) if self.capacity < LONGEST => {
                self.capacity = LONGEST;
                return if self.reader.grow(LONGEST) {
                    Ok(false)
                } else {
                    Err(invalid("a block of the capture file is too long"))
                };
            }
            Err(error) => return Err(wrong(&self.failure, &error)),
        };
        match block {
            PcapBlockOwned::LegacyHeader(header) => self.link = Link::of_number(header.network.0),
            PcapBlockOwned::Legacy(packet) => frame(self.link, packet.data)?,
            PcapBlockOwned::NG(Block::SectionHeader(_)) => self.interfaces.clear(),
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) if self.interfaces.len() < INTERFACES => {
                self.interfaces.push(Link::of_number(interface.linktype.0));
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let link = self.interfaces.get(packet.if_id as usize).copied().flatten();
                let captured = (packet.caplen as usize).min(packet.data.len());
                frame(link, &packet.data[..captured])?;
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                let link = self.interfaces.first().copied().flatten();
                let captured = (packet.origlen as usize).min(packet.data.len());
                frame(link, &packet.data[..captured])?;
            }
            PcapBlockOwned::NG(_) => {}
        }
        self.reader.consume(length);
        Ok(true)
    }

    /// Reads more of the file: false at its end.
    pub(super) fn read(&mut self) -> io::Result<bool> {
        if self.is_over {
            return Ok(false);
        }
        let length = self.reader.data().len();
        if self.reader.reader_exhausted() {
            return if length == 0 { Ok(false) } else { Err(ends_inside()) };
        }
        let failure = &self.failure;
        self.reader.refill().map_err(|error| wrong(failure, &error))?;
        // Where nothing more fits in, nothing more would ever come.
        if !self.reader.reader_exhausted() && self.reader.data().len() == length {
            return Err(invalid("a block of the capture file is too long"));
        }
        Ok(true)
    }
}

fn ends_inside() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the capture file ends inside a block")
}

fn wrong<I>(failure: &Failure, error: &PcapError<I>) -> io::Error {
    match error {
        PcapError::ReadError => failure.borrow_mut().take().unwrap_or_else(|| io::Error::other("cannot be read")),
        PcapError::UnexpectedEof | PcapError::Incomplete(_) => ends_inside(),
        PcapError::BufferTooSmall => invalid("a block of the capture file is too long"),
        _ => invalid("the capture file is wrong: there is something that is no block of one"),
    }
}

/// An input of which the first read gives as much as a header takes.
struct Whole<R> {
    input: R,
    has_read: bool,
}

/// The longest header of a section that is looked for at once, in bytes.
const HEADER: usize = 4096;

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        if std::mem::replace(&mut self.has_read, true) {
            return self.input.read(place);
        }
        let mut filled = 0;
        let mut needed = 24;
        while filled < needed.min(place.len()) {
            let count = self.input.read(&mut place[filled..])?;
            if count == 0 {
                break;
            }
            filled += count;
            // The length of the header of a section, and a number in the same byte order.
            if place[0] == 0x0A
                && let Some(order) = place[..filled].get(8..12)
                && let Some(length) = place[4..].first_chunk::<4>()
            {
                let is_big = order == [0x1A, 0x2B, 0x3C, 0x4D];
                let length = if is_big { u32::from_be_bytes(*length) } else { u32::from_le_bytes(*length) };
                needed = (length as usize).clamp(24, HEADER);
            }
        }
        Ok(filled)
    }
}
