//! The rules, a table for each family of them.

mod content;
mod framing;
mod header;
mod members;
mod time;

use super::rule::Rule;

/// Rules that belong together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) rules: &'static [Rule],
}

/// All rules, in the order in which they are played.
pub(super) const FAMILIES: [Family; 5] = [
    Family { name: "framing", rules: framing::RULES },
    Family { name: "header", rules: header::RULES },
    Family { name: "members", rules: members::RULES },
    Family { name: "content", rules: content::RULES },
    Family { name: "time", rules: time::RULES },
];

/// All rules, each with the name of its family.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static Rule)> {
    FAMILIES.iter().flat_map(|family| family.rules.iter().map(|rule| (family.name, rule)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jsonframe::{Decoder, Event, Header};

    use super::super::rule::{Expect, Play};
    use super::super::sample::Sample;
    use super::super::step::Step;
    use super::*;

    #[test]
    fn the_names_of_rules_are_unique() {
        let names: BTreeSet<_> = all().map(|(_, rule)| rule.name).collect();
        assert_eq!(names.len(), all().count());
    }

    /// How many messages the decoder takes from a stream, and its fault.
    fn decoded(mut stream: &[u8]) -> (usize, Option<String>) {
        let mut decoder = Decoder::new([0; Header::MAX_LEN]);
        let mut messages = 0;
        loop {
            match decoder.decode(&mut stream) {
                Ok(Some(Event::End)) => messages += 1,
                Ok(Some(_)) => {}
                Ok(None) => return (messages, decoder.finish().err().map(|error| error.to_string())),
                Err(error) => return (messages, Some(error.to_string())),
            }
        }
    }

    #[test]
    fn the_library_itself_holds_to_each_rule_of_a_header() {
        let sample = Sample::json(r#"{"action": "search", "value": "needle"}"#).unwrap();
        for (_, rule) in all() {
            let (Play::Header(_) | Play::Length(..)) = rule.play else { continue };
            let steps = rule.play(&sample);
            let Some(Step::Send(bytes)) = steps.first() else { panic!("{}: nothing is sent", rule.name) };
            let (messages, fault) = decoded(bytes);
            match rule.expect {
                Expect::Refusal => assert!(messages == 0 && fault.is_some(), "{}: {messages} messages", rule.name),
                _ => assert_eq!((messages, fault), (1, None), "{}", rule.name),
            }
        }
    }

    #[test]
    fn the_twin_of_a_faulty_length_is_whole() {
        let sample = Sample::json(r#"{"action": "search", "value": "needle"}"#).unwrap();
        let twins: Vec<_> = all().filter_map(|(_, rule)| rule.twin(&sample)).collect();
        assert!(!twins.is_empty());
        for twin in twins {
            assert_eq!(decoded(&twin), (1, None));
        }
    }
}
