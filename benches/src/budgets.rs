//! What is counted in instructions, and what it may come to.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use crate::headers::{ANY_ORDER, Filling, SEED, longest, with_extensions};
use crate::ours::{Chunks, Encode, Headers, Stream};
use crate::streams::{equal, mixed, varied, wire};
use crate::transport::{Driver, Served, Sessions};
use crate::work::Side;

/// Work whose instructions are counted.
pub struct Workload {
    /// Its name in the file of budgets.
    pub name: &'static str,
    /// What is done, in one sentence.
    pub what: &'static str,
    /// What the instructions are counted by.
    pub per: &'static str,
    /// How many of those there are in a run.
    pub operations: u32,
    /// Makes it ready.
    pub side: fn() -> Box<dyn Side>,
}

/// All workloads.
pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "decode-golden",
        what: "the golden request's header, by a new decoder each time, all getters read",
        per: "header",
        operations: 1000,
        side: || Box::new(Headers::new(SEED, 1000)),
    },
    Workload {
        name: "decode-any-order",
        what: "members in another order, indented, with three escapes",
        per: "header",
        operations: 1000,
        side: || Box::new(Headers::new(ANY_ORDER, 1000)),
    },
    Workload {
        name: "decode-extensions",
        what: "a header of 1 KiB with 20 extensions",
        per: "header",
        operations: 1000,
        side: || Box::new(Headers::new(&with_extensions(), 1000)),
    },
    Workload {
        name: "decode-extensions-read",
        what: "the same, all extensions read",
        per: "header",
        operations: 1000,
        side: || Box::new(Headers::new(&with_extensions(), 1000).and_extensions()),
    },
    Workload {
        name: "stream-equal",
        what: "messages of 144 bytes with equal headers",
        per: "message",
        operations: 1024,
        side: || Box::new(Stream::new(wire(&equal(1024)))),
    },
    Workload {
        name: "stream-varied",
        what: "messages with 0 to 255 bytes of content at random",
        per: "message",
        operations: 1024,
        side: || Box::new(Stream::new(wire(&varied(1024)))),
    },
    Workload {
        name: "stream-mixed",
        what: "three kinds of header and 0 to 255 bytes of content at random",
        per: "message",
        operations: 1024,
        side: || Box::new(Stream::new(wire(&mixed(1024)))),
    },
    Workload {
        name: "stream-equal-in-segments",
        what: "messages of 144 bytes with equal headers, in pieces of 1,448 bytes",
        per: "message",
        operations: 1024,
        side: || Box::new(Stream::new(wire(&equal(1024))).in_pieces(1448)),
    },
    Workload {
        name: "encode-golden",
        what: "the golden request's proto-header and header into a buffer",
        per: "header",
        operations: 1000,
        side: || Box::new(Encode::new(1000)),
    },
    Workload {
        name: "content-chunk",
        what: "content in chunks of 64 KiB",
        per: "chunk",
        operations: 1000,
        side: || Box::new(Chunks::new(1000)),
    },
    Workload {
        name: "session-message",
        what: "the golden request received by a session over memory, and its answer sent",
        per: "message",
        operations: 1000,
        side: || Box::new(Sessions::new(1000)),
    },
    Workload {
        name: "server-message",
        what: "the golden request received by a server of one thread, and its answer sent, one after the other",
        per: "message",
        operations: 1000,
        side: || Box::new(Served::new(Driver::Poller, 1000)),
    },
    Workload {
        name: "tokio-server-message",
        what: "the same by a server under tokio",
        per: "message",
        operations: 1000,
        side: || Box::new(Served::new(Driver::Tokio, 1000)),
    },
    Workload {
        name: "longest-members",
        what: "a header of 65,535 bytes with extension members of every JSON type",
        per: "header",
        operations: 1,
        side: || Box::new(Headers::new(&longest(Filling::Members), 1)),
    },
    Workload {
        name: "longest-members-bytewise",
        what: "the same, one byte at a time",
        per: "header",
        operations: 1,
        side: || Box::new(Headers::new(&longest(Filling::Members), 1).in_pieces(1)),
    },
    Workload {
        name: "longest-short-members",
        what: "a header of 65,535 bytes with as many extension members as there can be",
        per: "header",
        operations: 1,
        side: || Box::new(Headers::new(&longest(Filling::ShortMembers), 1)),
    },
    Workload {
        name: "longest-short-members-bytewise",
        what: "the same, one byte at a time",
        per: "header",
        operations: 1,
        side: || Box::new(Headers::new(&longest(Filling::ShortMembers), 1).in_pieces(1)),
    },
    Workload {
        name: "longest-nesting",
        what: "a header of 65,535 bytes, nearly all of them brackets",
        per: "header",
        operations: 1,
        side: || Box::new(Headers::new(&longest(Filling::Nesting), 1)),
    },
    Workload {
        name: "longest-digits",
        what: "a header of 65,535 bytes, nearly all of them one number",
        per: "header",
        operations: 1,
        side: || Box::new(Headers::new(&longest(Filling::Digits), 1)),
    },
    Workload {
        name: "longest-escapes",
        what: "a header of 65,535 bytes, nearly all of them escapes in one text",
        per: "header",
        operations: 1,
        side: || Box::new(Headers::new(&longest(Filling::Escapes), 1)),
    },
    Workload {
        name: "longest-escapes-bytewise",
        what: "the same, one byte at a time",
        per: "header",
        operations: 1,
        side: || Box::new(Headers::new(&longest(Filling::Escapes), 1).in_pieces(1)),
    },
    Workload {
        name: "longest-plain",
        what: "a header of 65,535 bytes, nearly all of them one plain text",
        per: "header",
        operations: 1,
        side: || Box::new(Headers::new(&longest(Filling::Plain), 1)),
    },
    Workload {
        name: "longest-plain-bytewise",
        what: "the same, one byte at a time",
        per: "header",
        operations: 1,
        side: || Box::new(Headers::new(&longest(Filling::Plain), 1).in_pieces(1)),
    },
];

/// How much more work one workload may take than another, whatever the compiler.
pub struct Limit {
    /// What is compared, in words.
    pub what: &'static str,
    /// The workload that takes more.
    pub more: &'static str,
    /// The workload that it is compared with.
    pub less: &'static str,
    /// By how much it may be more, at most.
    pub at_most: f64,
}

/// All limits. A header of ordinary members of every JSON type is what the worst ones are compared with.
pub const LIMITS: &[Limit] = &[
    Limit {
        what: "escapes, one byte at a time, to the same at once",
        more: "longest-escapes-bytewise",
        less: "longest-escapes",
        at_most: 4.5,
    },
    Limit {
        what: "as many members as there can be, to ordinary members",
        more: "longest-short-members",
        less: "longest-members",
        at_most: 3.0,
    },
    Limit { what: "escapes, to ordinary members", more: "longest-escapes", less: "longest-members", at_most: 3.0 },
    Limit { what: "nesting, to ordinary members", more: "longest-nesting", less: "longest-members", at_most: 3.0 },
    Limit { what: "a long number, to ordinary members", more: "longest-digits", less: "longest-members", at_most: 3.0 },
];

/// The file of budgets.
#[derive(Debug, Default, Deserialize)]
pub struct Budgets {
    /// The compiler that the counts were taken with.
    pub compiler: String,
    /// By how much a count may exceed its budget.
    pub tolerance_percent: f64,
    /// The budgets, by the names of the workloads.
    pub instructions: BTreeMap<String, f64>,
}

impl Budgets {
    /// By how many percent a count is over its budget, or under it; `None` if it has none.
    #[must_use]
    pub fn change(&self, name: &str, count: f64) -> Option<f64> {
        let budget = self.instructions.get(name)?;
        Some((count / budget - 1.0) * 100.0)
    }

    /// The file's text for these counts, in this order.
    #[must_use]
    pub fn text(&self, counts: &[(&str, f64)]) -> String {
        let mut text = format!(
            "{{\n  \"compiler\": {:?},\n  \"tolerance_percent\": {},\n  \"instructions\": {{",
            self.compiler, self.tolerance_percent
        );
        for (index, (name, count)) in counts.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(text, "{comma}\n    \"{name}\": {count:.1}").expect("a string takes everything");
        }
        text + "\n  }\n}\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_read_back() {
        let budgets = Budgets { compiler: "rustc 1".to_owned(), tolerance_percent: 2.0, ..Budgets::default() };
        let text = budgets.text(&[("b", 200.0), ("a", 12.25)]);
        assert!(text.find("\"b\"") < text.find("\"a\""), "{text}");
        let again: Budgets = serde_json::from_str(&text).unwrap();
        assert_eq!((again.compiler.as_str(), again.tolerance_percent.to_string().as_str()), ("rustc 1", "2"));
        assert_eq!(again.change("b", 205.0).map(|change| format!("{change:.1}")).as_deref(), Some("2.5"));
        assert_eq!(again.change("c", 1.0), None);
    }

    #[test]
    fn limits_are_of_workloads_there_are() {
        for name in LIMITS.iter().flat_map(|limit| [limit.more, limit.less]) {
            assert!(WORKLOADS.iter().any(|workload| workload.name == name), "{name}");
        }
    }

    #[test]
    fn every_workload_does_its_work() {
        for workload in WORKLOADS {
            let found = (workload.side)().record().unwrap();
            assert!(!found.is_empty(), "{}", workload.name);
        }
    }
}
