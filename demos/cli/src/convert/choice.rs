//! Which stream of a capture is converted.

use std::fmt::{self, Display, Formatter};
use std::io;

use clap::Args;

use crate::capture::invalid;
use crate::capture::packets::Towards;

/// A stream of a capture, or of its lines, or all of which this is true.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Which {
    /// Of a capture of packets, of a log that names connections, or of their lines, take the connection of this number
    #[arg(long, value_name = "N")]
    pub(super) connection: Option<u64>,

    /// Of a capture of packets, of a log that names connections, or of their lines, take this direction
    #[arg(long, value_enum, value_name = "DIRECTION")]
    pub(super) direction: Option<Towards>,
}

impl Display for Which {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.connection {
            Some(connection) => write!(f, "connection {connection}")?,
            None => f.write_str("a stream of no connection")?,
        }
        self.direction.map_or(Ok(()), |direction| write!(f, ", {}", direction.name()))
    }
}

/// Tells the streams that are converted from the others.
pub(super) struct Choice {
    chosen: Which,
    /// Whether there may be several.
    several: bool,
    taken: Option<Which>,
}

impl Choice {
    pub(super) const fn new(chosen: Which, several: bool) -> Self {
        Self { chosen, several, taken: None }
    }

    /// Whether this stream is converted.
    ///
    /// # Errors
    ///
    /// It would be one too many.
    pub(super) fn takes(&mut self, stream: Which) -> Result<bool, String> {
        let Which { connection, direction } = self.chosen;
        if (connection.is_some() && stream.connection != connection)
            || (direction.is_some() && stream.direction != direction)
        {
            return Ok(false);
        }
        match self.taken {
            Some(other) if other != stream && !self.several => Err(format!(
                "{stream} comes after {other}, and only one can be written: choose it with --connection and --direction"
            )),
            _ => {
                self.taken = Some(stream);
                Ok(true)
            }
        }
    }

    /// The end of the input: an error if what was chosen is not in it.
    pub(super) fn finish(&self) -> io::Result<()> {
        if self.taken.is_some() || self.chosen == Which::default() {
            return Ok(());
        }
        Err(invalid("the input has nothing of this --connection and --direction"))
    }
}
