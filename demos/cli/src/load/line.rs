//! One connection that sends requests.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use jsonframe::Event;
use jsonframe_std::{Error, Fill, Session};

use super::request::Request;
use super::tally::{Failure, Tally};
use crate::dialect::Dialects;
use crate::wire::Wire;

/// How an answer of the application begins that is an error.
const ERROR: &[u8] = b"{\"error\"";

/// What goes over a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Messages, decoded, and looked at if an answer may be an error of the application.
    Messages { dialects: Dialects, errors_count: bool },
    /// Bytes, only counted.
    Bytes,
}

/// A connection, and the requests under way on it.
#[derive(Debug)]
pub(super) struct Line {
    traffic: Traffic,
    is_open: bool,
    /// From when the latency of each request under way counts.
    due: VecDeque<Instant>,
    /// How many more requests may be sent.
    left: u64,
}

#[derive(Debug)]
enum Traffic {
    Messages { session: Box<Session<Wire>>, beginning: Vec<u8>, is_json: bool, errors_count: bool },
    Bytes { stream: Wire, sent: u64, to_send: u64, received: u64, answered: u64 },
}

impl Line {
    /// A connection that is being opened.
    pub(super) fn new(stream: Wire, kind: Kind, left: u64) -> Self {
        let traffic = match kind {
            // The limit is on what is read ahead of answers; here those are what is wanted.
            Kind::Messages { dialects, errors_count } => Traffic::Messages {
                session: Session::new(stream)
                    .with_dialect(dialects.received)
                    .with_sending_dialect(dialects.sent)
                    .with_max_unread_replies(usize::MAX)
                    .with_max_content(jsonframe_std::UNLIMITED)
                    .into(),
                beginning: Vec::new(),
                is_json: false,
                errors_count,
            },
            Kind::Bytes => Traffic::Bytes { stream, sent: 0, to_send: 0, received: 0, answered: 0 },
        };
        Self { traffic, is_open: false, due: VecDeque::new(), left }
    }

    /// Whether the connection is open by now.
    pub(super) fn is_opened(&mut self) -> io::Result<bool> {
        if self.is_open {
            return Ok(true);
        }
        self.is_open = self.wire_mut().open()?;
        Ok(self.is_open)
    }

    /// Whether it has been found open.
    pub(super) const fn has_opened(&self) -> bool {
        self.is_open
    }

    /// Whether another request may be sent, with at most `depth` under way.
    pub(super) fn has_room(&self, depth: usize) -> bool {
        self.is_open && self.left > 0 && self.due.len() < depth
    }

    /// How many requests are under way.
    pub(super) fn under_way(&self) -> usize {
        self.due.len()
    }

    /// Whether everything that was to be asked on this connection is answered.
    pub(super) fn is_used_up(&self) -> bool {
        self.left == 0 && self.due.is_empty()
    }

    /// Queues a request.
    pub(super) fn send(&mut self, request: &Request<'_>, due: Instant) -> Result<(), Failure> {
        match &mut self.traffic {
            Traffic::Messages { session, .. } => {
                session.queue(request.header(), Arc::clone(request.content())).map_err(|_| Failure::Protocol)?;
            }
            Traffic::Bytes { to_send, .. } => *to_send += request.frame().len() as u64,
        }
        self.due.push_back(due);
        self.left -= 1;
        Ok(())
    }

    /// Writes as far as the stream takes it.
    pub(super) fn flush(&mut self, batch: &[u8], frame: usize) -> Result<(), Failure> {
        match &mut self.traffic {
            Traffic::Messages { session, .. } => {
                let _ = session.flush().map_err(|_| Failure::Io)?;
                // TLS holds what it has encrypted.
                match session.get_mut().flush() {
                    Err(error) if error.kind() != ErrorKind::WouldBlock => Err(Failure::Io),
                    _ => Ok(()),
                }
            }
            Traffic::Bytes { stream, sent, to_send, .. } => {
                while sent < to_send {
                    let position = usize::try_from(*sent % frame as u64).unwrap_or(0);
                    let length = usize::try_from(*to_send - *sent).unwrap_or(usize::MAX).min(batch.len() - position);
                    match stream.write(&batch[position..position + length]) {
                        Ok(0) => return Err(Failure::Io),
                        Ok(count) => *sent += count as u64,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        Err(_) => return Err(Failure::Io),
                    }
                }
                Ok(())
            }
        }
    }

    /// Takes the answers that have come, and stops when all have, unless the server has ended the connection.
    pub(super) fn receive(
        &mut self,
        frame: usize,
        has_ended: bool,
        scrap: &mut [u8],
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        loop {
            if self.take_answers(frame, tally)? && !has_ended {
                return Ok(());
            }
            let filled = match &mut self.traffic {
                Traffic::Messages { session, .. } => session.fill().map_err(|_| Failure::Io)?,
                Traffic::Bytes { stream, received, .. } => match stream.read(scrap) {
                    Ok(0) => Fill::Eof,
                    Ok(count) => {
                        *received += count as u64;
                        Fill::Data
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => Fill::Blocked,
                    Err(error) if error.kind() == ErrorKind::Interrupted => Fill::Data,
                    Err(_) => return Err(Failure::Io),
                },
            };
            match filled {
                Fill::Data => {}
                Fill::Blocked => return Ok(()),
                // If it ended inside an answer, the session says so.
                Fill::Eof => return self.take_answers(frame, tally).and(Err(Failure::Closed)),
            }
        }
    }

    /// Takes what has been read: true if no answer is awaited any more.
    fn take_answers(&mut self, frame: usize, tally: &mut Tally) -> Result<bool, Failure> {
        match &mut self.traffic {
            Traffic::Messages { session, beginning, is_json, errors_count } => {
                while let Some(event) = session.next_event().map_err(|error| in_kind(error, tally))? {
                    match event {
                        Event::Header(header) => {
                            *is_json = header.content_type() == "text/json";
                            beginning.clear();
                        }
                        Event::Content(piece) => beginning.extend(piece.iter().take(ERROR.len() - beginning.len())),
                        Event::End => {
                            if *errors_count && *is_json && beginning == ERROR {
                                return Err(Failure::Answer);
                            }
                            // More answers than requests are no answers.
                            let due = self.due.pop_front().ok_or(Failure::Protocol)?;
                            tally.answer(due, Instant::now());
                        }
                    }
                }
            }
            Traffic::Bytes { received, answered, .. } => {
                while *received >= (*answered + 1) * frame as u64 {
                    *answered += 1;
                    let due = self.due.pop_front().ok_or(Failure::Protocol)?;
                    tally.answer(due, Instant::now());
                }
            }
        }
        Ok(self.due.is_empty())
    }

    pub(super) fn wire_mut(&mut self) -> &mut Wire {
        match &mut self.traffic {
            Traffic::Messages { session, .. } => session.get_mut(),
            Traffic::Bytes { stream, .. } => stream,
        }
    }
}

fn in_kind(error: Error, tally: &mut Tally) -> Failure {
    match error {
        Error::Io(_) => Failure::Io,
        Error::Decode(error) if matches!(error.kind(), jsonframe::DecodeErrorKind::Truncated { .. }) => Failure::Closed,
        error => {
            tally.no_message.get_or_insert_with(|| error.to_string());
            Failure::Protocol
        }
    }
}
