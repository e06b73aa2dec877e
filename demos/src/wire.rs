//! What both ends of a connection do with it.

use std::fmt::{self, Display, Formatter};
use std::io::Write;

use jsonframe::Dialect;
use jsonframe_cli::console::Console;
use jsonframe_cli::text::ByteString;
use jsonframe_std::{Connection, Error};

use crate::application::Draft;

/// A message as it goes over the wire in a dialect, to be printed.
pub(crate) struct FramedIn<'a>(pub(crate) &'a Draft, pub(crate) &'a Dialect);

impl Display for FramedIn<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.frame_in(self.1) {
            Ok(frame) => ByteString(&frame).fmt(f),
            Err(error) => write!(f, "nothing, for {error},"),
        }
    }
}

/// Prints a message and sends it over a connection in this dialect.
pub(crate) fn send<S: Write>(
    connection: &mut Connection<S>,
    dialect: &Dialect,
    draft: &Draft,
    to: impl Display,
    console: &Console,
) -> Result<(), Error> {
    console.say(format_args!("sending {} to {to}", FramedIn(draft, dialect)));
    connection.send(&draft.header(), draft.content())
}
