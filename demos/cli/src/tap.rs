//! What stands between two programs and shows what they say to each other.
//!
//! ```text
//! client <--> pump <--> server      bytes, unchanged; read only as far as they can be written
//!              | \--> capture       a file for each direction
//!              v
//!          splitter                  all but the most of long contents, of which the length says enough
//!              v
//!            queue --> inspect --> journal --> console      a thread for each direction; nobody waits for it
//! ```

mod capture;
pub(crate) mod command;
mod connection;
mod flow;
mod journal;
mod patient;
mod pump;
mod queue;
mod splitter;
mod totals;
