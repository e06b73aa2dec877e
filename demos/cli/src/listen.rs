//! A server to try a client against.
//!
//! ```text
//! command --> converse     request after request, each in its time
//!                 |--> show      what came, a line each
//!                 \--> answer --> process    what goes back
//! ```

mod answer;
pub(crate) mod command;
mod converse;
mod limits;
mod process;
mod show;
