//! Plays the rules of the specification against a server or a client in any language, and judges what can be seen of it.
//!
//! The rules are tables, a file for each family of them in `rules/`. A rule says what is sent, as a few [`step::Step`]s, and what
//! is expected. [`play`] takes the steps over a connection, [`judge`] compares what was [`seen`] with what was expected, and
//! [`report`], [`table`] and [`page`] show it. [`server`] and [`client`] go through the rules.

mod client;
pub(crate) mod command;
mod judge;
mod page;
mod play;
mod report;
mod rule;
mod rules;
mod sample;
mod seen;
mod server;
mod step;
mod table;
mod template;
