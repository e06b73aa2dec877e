//! Streams as JSON lines that can be written and edited, and back.
//!
//! ```text
//! input ----> lines --------\
//!  |  \---> assemble ------ written: JSON lines, bytes, hex, Python
//!  \-----> packets --> lines
//! ```

mod assemble;
mod choice;
pub(crate) mod command;
mod lines;
mod packets;
mod written;
