//! Files of any size, each as one message, in constant memory.
//!
//! The message has the content type `application/octet-stream`, the encoding `binary`, and two extension members:
//! `filename`, the file's name without a directory, and `sha256`, the checksum of its content in hex. The receiver takes
//! content of any type and encoding for the bytes of a file, and may do without the checksum. It answers each with `{"result": "received", "bytes": N}` when the file is stored, or with `{"error": "…"}` as soon as it knows
//! that it will not be.

pub(crate) mod command;
mod file_name;
mod limits;
mod linger;
mod progress;
mod receive;
mod send;
mod source;
mod store;
mod verdict;

use limits::Limits;
use progress::Progress;
use receive::Receiver;
use send::send;
use store::Store;
