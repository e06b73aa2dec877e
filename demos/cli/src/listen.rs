//! A server to try a client against.
//!
//! ```text
//! command --> serve        a thread for each connection, as many at a time as there are slots
//!                   \---> converse     request after request, each in its time
//!                               |--> show      what came, a line each
//!                               \--> answer --> process    what goes back
//! ```

mod answer;
pub(crate) mod command;
mod converse;
mod listener;
mod process;
mod serve;
mod show;
mod slots;
