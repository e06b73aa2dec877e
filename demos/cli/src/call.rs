//! Sends requests to a server and shows the answers.
//!
//! ```text
//! command --> conversation   both directions at once, each in its time: patience
//!                      \---> output    where the answers go, and in which form
//! ```

pub(crate) mod command;
mod conversation;
mod output;
mod patience;
