//! Streams as JSON lines that can be written and edited, and back.
//!
//! ```text
//! input --> lines ---\
//!     \---> assemble ---> written: bytes, hex, Python
//! ```

mod assemble;
pub(crate) mod command;
mod lines;
mod written;
