//! How fast jsonframe is, what that is worth beside its peers, and how many instructions it may take.
//!
//! | file | what it holds |
//! |---|---|
//! | `headers`, `streams` | the bytes that all are measured on |
//! | `work`, `sink` | what a measurement does, and what becomes of what it finds |
//! | `ours` | the work done by jsonframe, through its public interface only |
//! | `transport` | the work done by jsonframe-std, likewise |
//! | `peers` | the same work done by others, a peer a file |
//! | `figures` | what is compared with what |
//! | `contest`, `report` | measuring two sides in turn; tables |
//! | `instructions`, `budgets` | counting instructions under valgrind; what they may come to |
//! | `programs` | programs that are measured, each in a process of its own |
//! | `duel` | servers on the same requests, in turns |
//!
//! The programs are `compare`, `budgets`, `floods`, `duel` and `growth`; the criterion benches are in `benches/`.
#![allow(clippy::missing_panics_doc, reason = "a measurement of something that fails is to stop at once")]

pub mod budgets;
pub mod contest;
pub mod duel;
pub mod figures;
pub mod headers;
pub mod instructions;
pub mod ours;
pub mod peers;
pub mod programs;
pub mod report;
pub mod sink;
pub mod streams;
pub mod transport;
pub mod work;
