//! The client, which is the same for all servers: it sends bytes that were made before, and compares all that comes with the
//! bytes that are right. So it takes little of what is measured.

use std::collections::VecDeque;
use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use jsonframe::{Header, Message};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};

use super::{Content, Work};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest time to an answer that is told from longer ones, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// How much is read at a time, in bytes.
const CHUNK: usize = 128 * 1024;

/// How requests and answers are told from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By the header of our protocol.
    Messages,
    /// By a length of four bytes.
    LengthDelimited,
    /// Not at all: the answers are messages too, the same as the requests.
    Bytes,
}

/// Requests of the same length, each for something else, again and again, and the answers to them.
#[derive(Debug)]
pub(super) struct Script {
    /// How many different requests there are.
    count: usize,
    request: usize,
    answer: usize,
    /// All requests, and after them those that may follow the last.
    requests: Vec<u8>,
    answers: Vec<u8>,
}

impl Script {
    /// Asks the server for all answers, one after the other, and looks at each. From then on the same bytes are right.
    pub(super) fn learn(server: SocketAddr, framing: Framing, work: &Work) -> io::Result<Self> {
        let stream = &mut std::net::TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let count = ((256 << 10) / work.content.length().max(1)).clamp(1, 16);
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        for letter in (b'a'..=b'z').take(count) {
            let request = framing.request(work.content.header(), &work.content.request(letter))?;
            stream.write_all(&request)?;
            answers.push(framing.answer(stream, &request, work.content, letter)?);
            requests.push(request);
        }
        let (request, answer) = (requests[0].len(), answers[0].len());
        if answers.iter().any(|one| one.len() != answer) {
            return Err(wrong("the answers have different lengths"));
        }
        let (requests, answers) = (requests.concat(), answers.concat());
        Ok(Self {
            count,
            request,
            answer,
            requests: requests.repeat((work.depth - 1).div_ceil(count) + 1),
            answers: answers.repeat(CHUNK.div_ceil(answers.len()) + 1),
        })
    }
}

impl Content {
    const fn length(self) -> usize {
        match self {
            Self::Search(length) | Self::Binary(length) => length,
        }
    }

    const fn header(self) -> Header<'static> {
        match self {
            Self::Search(length) => Header::for_json(length as u64),
            Self::Binary(length) => Header::new("binary/custom-client-binary-type", "binary", length as u64),
        }
    }

    /// A request's content, which differs from others by a letter.
    fn request(self, letter: u8) -> Vec<u8> {
        match self {
            Self::Search(_) => format!(r#"{{"action": "search", "value": "{}"}}"#, self.value(letter)).into_bytes(),
            Self::Binary(length) => vec![letter; length],
        }
    }

    fn value(self, letter: u8) -> String {
        let around = r#"{"action": "search", "value": "?"}"#.len();
        "needle".chars().cycle().take(self.length() - around).chain([letter.into()]).collect()
    }

    /// Checks the header and the content of the answer.
    fn check(self, letter: u8, header: Option<&Value>, content: &[u8]) -> io::Result<()> {
        let (content_type, content_encoding) = match self {
            Self::Search(_) => ("text/json", "utf-8"),
            Self::Binary(_) => ("binary/custom-server-binary-type", "binary"),
        };
        let right = json!({
            "byteorder": "little",
            "content-type": content_type,
            "content-encoding": content_encoding,
            "content-length": content.len(),
        });
        if let Some(header) = header.filter(|header| **header != right) {
            return Err(wrong(&format!("the header is {header}")));
        }
        let is_right = match self {
            Self::Search(_) => {
                let right = json!({ "result": format!("No match for \"{}\".", self.value(letter)) });
                serde_json::from_slice::<Value>(content)? == right
            }
            Self::Binary(length) => {
                *content == [&b"First 10 bytes of request: "[..], &vec![letter; length.min(10)]].concat()
            }
        };
        if is_right {
            return Ok(());
        }
        Err(wrong(&format!("the content is {}", String::from_utf8_lossy(content))))
    }
}

impl Framing {
    fn request(self, header: Header<'_>, content: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Messages | Self::Bytes => {
                Message::new(header, content).and_then(|message| message.to_vec()).map_err(Error::other)
            }
            Self::LengthDelimited => {
                let length = u32::try_from(content.len()).map_err(Error::other)?;
                Ok([&length.to_be_bytes(), content].concat())
            }
        }
    }

    /// Reads the answer to this request, which had this content, and checks it. Nothing of ours has a part in that.
    fn answer(self, stream: &mut impl Read, request: &[u8], content: Content, letter: u8) -> io::Result<Vec<u8>> {
        let mut answer = Vec::new();
        let mut take = |count: usize| {
            let start = answer.len();
            answer.resize(start + count, 0);
            stream.read_exact(&mut answer[start..])?;
            io::Result::Ok(answer[start..].to_vec())
        };
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        match self {
            Self::Messages => {
                let length = number(&take(2)?);
                let header: Value = serde_json::from_slice(&take(length)?)?;
                let length = header["content-length"].as_u64().and_then(|length| usize::try_from(length).ok());
                content.check(letter, Some(&header), &take(length.unwrap_or_default())?)?;
            }
            Self::LengthDelimited => {
                let length = number(&take(4)?);
                content.check(letter, None, &take(length)?)?;
            }
            Self::Bytes => {
                if take(request.len())? != request {
                    return Err(wrong("other bytes came back"));
                }
            }
        }
        Ok(answer)
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("a wrong answer: {what}"))
}

/// What was measured.
#[derive(Debug)]
pub(super) struct Measured {
    /// The times from sending, or opening a new connection, to the answer, in nanoseconds.
    pub(super) latency: Histogram<u64>,
    pub(super) elapsed: Duration,
}

/// All connections, in one thread. On each the next request is sent when an answer has come.
#[derive(Debug)]
pub(super) struct Client<'a> {
    script: &'a Script,
    work: &'a Work,
    server: SocketAddr,
    poll: Poll,
    lines: Vec<Line>,
    /// Those that send nothing.
    idle: Vec<std::net::TcpStream>,
    opened: usize,
    chunk: Vec<u8>,
}

/// A connection. Positions are counted in bytes from the beginning of the script.
#[derive(Debug)]
struct Line {
    stream: TcpStream,
    sent: usize,
    to_send: usize,
    received: usize,
    /// When the requests under way were sent.
    since: VecDeque<Instant>,
}

impl<'a> Client<'a> {
    /// Opens all connections and sends the first requests.
    pub(super) fn new(script: &'a Script, work: &'a Work, server: SocketAddr) -> io::Result<Self> {
        let (poll, chunk) = (Poll::new()?, vec![0; CHUNK]);
        let idle = (0..work.idle).map(|_| std::net::TcpStream::connect(server)).collect::<io::Result<_>>()?;
        let mut client = Self { script, work, server, poll, lines: Vec::new(), idle, opened: 0, chunk };
        for index in 0..work.connections {
            let line = client.open(index)?;
            client.lines.push(line);
        }
        Ok(client)
    }

    fn open(&mut self, index: usize) -> io::Result<Line> {
        let now = Instant::now();
        let stream = std::net::TcpStream::connect(self.server)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        self.poll.registry().register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
        let first = self.opened % self.script.count;
        self.opened += 1;
        let (sent, received) = (first * self.script.request, first * self.script.answer);
        let mut line = Line { stream, sent, to_send: sent, received, since: VecDeque::new() };
        line.ask(self.script, self.work.depth, now)?;
        Ok(line)
    }

    /// Sends requests and takes answers for this long, and until there is an answer.
    pub(super) fn run(&mut self, duration: Duration) -> io::Result<Measured> {
        let mut latency = Histogram::new_with_bounds(1, LONGEST, 3).map_err(Error::other)?;
        let mut events = Events::with_capacity(1024);
        let start = Instant::now();
        while latency.is_empty() || start.elapsed() < duration {
            match self.poll.poll(&mut events, Some(PATIENCE)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if events.is_empty() {
                return Err(Error::new(ErrorKind::TimedOut, format!("no answer in {} s", PATIENCE.as_secs())));
            }
            for event in &events {
                let Token(index) = event.token();
                if event.is_readable() {
                    self.lines[index].receive(self.script, &mut self.chunk, &mut latency)?;
                }
                let line = &mut self.lines[index];
                if self.work.is_new_each && line.since.is_empty() {
                    self.lines[index] = self.open(index)?;
                } else {
                    line.ask(self.script, self.work.depth, Instant::now())?;
                }
            }
        }
        let elapsed = start.elapsed();
        for stream in &self.idle {
            stream.set_nonblocking(true)?;
            if stream.peek(&mut [0]).is_ok_and(|count| count == 0) {
                return Err(Error::new(ErrorKind::UnexpectedEof, "the server has ended an idle connection"));
            }
        }
        Ok(Measured { latency, elapsed })
    }
}

impl Line {
    /// Takes what has come, and compares it with what should.
    fn receive(&mut self, script: &Script, chunk: &mut [u8], latency: &mut Histogram<u64>) -> io::Result<()> {
        loop {
            let count = match self.stream.read(chunk) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            if count == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "the server has ended a connection"));
            }
            let at = self.received % (script.count * script.answer);
            if script.answers[at..at + count] != chunk[..count] {
                return Err(wrong("it was another one before"));
            }
            let answers = (self.received + count) / script.answer - self.received / script.answer;
            self.received += count;
            let now = Instant::now();
            for _ in 0..answers {
                let since = self.since.pop_front().ok_or_else(|| wrong("nothing was asked"))?;
                latency.saturating_record(u64::try_from((now - since).as_nanos()).unwrap_or(u64::MAX));
            }
            // On Linux, a read that does not fill the buffer has got all there was.
            if count < chunk.len() {
                return Ok(());
            }
        }
    }

    /// Sends as many requests as may be under way, as far as the stream takes them.
    fn ask(&mut self, script: &Script, depth: usize, now: Instant) -> io::Result<()> {
        self.to_send += (depth - self.since.len()) * script.request;
        self.since.resize(depth, now);
        while self.sent < self.to_send {
            let at = self.sent % (script.count * script.request);
            match self.stream.write(&script.requests[at..at + self.to_send - self.sent]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                written => self.sent += written?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    const WORK: Work = Work { connections: 3, depth: 20, ..Work::ONE };

    /// An echo that changes one byte of each connection, the one after `right` bytes.
    fn echo(right: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || {
                    let (mut stream, mut chunk, mut total) = (stream.unwrap(), vec![0; 1000], 0);
                    while let Ok(count @ 1..) = stream.read(&mut chunk) {
                        if (total..total + count).contains(&right) {
                            chunk[right - total] ^= 1;
                        }
                        total += count;
                        if stream.write_all(&chunk[..count]).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        address
    }

    fn run(server: SocketAddr, framing: Framing, work: &Work) -> io::Result<Measured> {
        let script = Script::learn(server, framing, work)?;
        Client::new(&script, work, server)?.run(Duration::from_millis(50))
    }

    #[test]
    fn all_answers_are_counted() {
        let measured = run(echo(usize::MAX), Framing::Bytes, &WORK).unwrap();
        assert!(!measured.latency.is_empty() && measured.elapsed >= Duration::from_millis(50));
        assert!(measured.latency.max() > 1000, "an answer takes more than a microsecond");
        let new_each = Work { is_new_each: true, depth: 1, ..WORK };
        assert!(!run(echo(usize::MAX), Framing::Bytes, &new_each).unwrap().latency.is_empty());
    }

    #[test]
    fn a_wrong_first_answer_is_found_out() {
        let wrong = |right, framing| run(echo(right), framing, &WORK).unwrap_err().to_string();
        assert_eq!(wrong(100, Framing::Bytes), "a wrong answer: other bytes came back");
        let content = r#"the content is {"action": "search", "value": "needla"}"#;
        assert_eq!(wrong(usize::MAX, Framing::Messages), format!("a wrong answer: {content}"));
        assert_eq!(wrong(usize::MAX, Framing::LengthDelimited), format!("a wrong answer: {content}"));
        let header = r#"the header is {"byteorder":"little","content-encoding":"utf-8","content-length":39,"content-type":"uext/json"}"#;
        assert_eq!(wrong(43, Framing::Messages), format!("a wrong answer: {header}"));
    }

    #[test]
    fn a_wrong_later_answer_is_found_out() {
        // The first sixteen come on a connection of their own, and the byte is one of the second round of them.
        let wrong = run(echo(16 * 144 + 20), Framing::Bytes, &WORK).unwrap_err();
        assert_eq!(wrong.to_string(), "a wrong answer: it was another one before");
    }

    #[test]
    fn an_end_before_the_answer_is_found_out() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        thread::spawn(move || listener.incoming().for_each(drop));
        assert!(run(server, Framing::Bytes, &WORK).is_err());
    }
}
