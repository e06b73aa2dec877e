//! Labels: which are known, and which are refused.

use std::collections::{BTreeMap, BTreeSet};

use jsonframe::Encoding;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::all;
use crate::python::ask;

/// Looks these labels up in Python. The results are names of text codecs, or why there is none.
fn lookup(labels: &[String]) -> Option<Vec<Result<String, String>>> {
    let requests: Vec<_> = labels.iter().map(|label| format!("lookup {}", hex::encode(label))).collect();
    let verdict = |answer: String| match answer.strip_prefix("not-text ") {
        Some(name) => Err(format!("{name} is not of text")),
        None if answer == "-" => Err(String::from("unknown")),
        None => Ok(answer),
    };
    Some(ask(&requests)?.into_iter().map(verdict).collect())
}

/// The minor version of the last Python 3 whose aliases are known here.
const LATEST: u32 = 14;

/// Checks that every label known here has the same name in Python, and the reverse for the encodings that are here. Returns
/// the number of labels known.
fn compare(labels: &[String]) -> Option<usize> {
    let version: u32 = ask(&[String::from("version")])?[0].parse().unwrap();
    let ours: BTreeSet<_> = all().collect();
    let mut known = 0;
    for (label, theirs) in labels.iter().zip(lookup(labels)?) {
        match (label.parse::<Encoding>().ok(), theirs) {
            (Some(encoding), theirs) => {
                assert_eq!(Ok(encoding.name()), theirs.as_deref(), "{label:?}");
                known += 1;
            }
            (None, Ok(name)) if ours.contains(name.as_str()) => {
                assert!(version > LATEST, "{label:?} is {name} and is refused");
                println!("{label:?} is {name} in Python 3.{version} and is refused");
            }
            (None, _) => {}
        }
    }
    Some(known)
}

fn every_label() -> Option<Vec<String>> {
    let answers = ask(&[String::from("labels")])?;
    Some(answers[0].split(' ').map(String::from).collect())
}

#[test]
fn every_label_of_python_names_the_same_encoding_or_is_refused() {
    let Some(labels) = every_label() else { return };
    assert!(labels.len() > 400, "{} labels", labels.len());
    let mut refused = BTreeMap::<String, usize>::new();
    let mut known = BTreeMap::<String, usize>::new();
    let mut not_text = 0;
    for (label, theirs) in labels.iter().zip(lookup(&labels).expect("Python answered before")) {
        match (label.parse::<Encoding>().ok(), theirs) {
            (Some(_), Ok(name)) => *known.entry(name).or_default() += 1,
            (None, Ok(name)) => *refused.entry(name).or_default() += 1,
            (_, Err(_)) => not_text += 1,
        }
    }
    compare(&labels);
    let sum = |counts: &BTreeMap<String, usize>| counts.values().sum::<usize>();
    println!("{} labels of {} encodings are known", sum(&known), known.len());
    println!("{} labels of {} encodings are refused: {refused:?}", sum(&refused), refused.len());
    println!("{not_text} labels are not of text, or of nothing on this system");
    assert_eq!(known.len(), all().count());
}

#[test]
fn labels_are_spelled_in_many_ways() {
    let Some(labels) = every_label() else { return };
    let spellings = labels.iter().flat_map(|label| {
        [
            label.to_uppercase(),
            label.replace('_', "-"),
            label.replace('_', " "),
            label.replace('_', "."),
            label.replace('_', ""),
            label.replace('_', "__"),
            label.replace('_', "-/:("),
            format!("\t{label}\r\n"),
            format!("_{label}"),
            format!("{label}."),
            format!("x-{label}"),
            label.replace("iso", "iso-").replace("cp", "cp-").replace("windows", "Windows "),
        ]
    });
    let spellings: Vec<_> = spellings.collect();
    let known = compare(&spellings).expect("Python answered before");
    println!("{known} of {} spellings are known", spellings.len());
    assert!(known > spellings.len() / 3);
}

#[test]
fn random_labels_are_what_python_takes_them_for() {
    let mut runner = TestRunner::deterministic();
    let word = prop::sample::select(vec![
        "utf", "8", "16", "32", "le", "be", "sig", "iso", "8859", "1", "15", "2", "cp", "1252", "latin", "l1", "us",
        "ascii", "646", "big5", "gb", "2312", "irv", "1991", "koi8", "r", "ansi", "x3", "4", "1968", "euc", "jp",
    ]);
    let between = prop::sample::select(vec!["", "", "", "", "_", "-", "_", "-", " ", ".", "\t_", "é"]);
    let label = prop::collection::vec((word, between), 1..4)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, between)| [word, between]).collect::<String>());
    let labels: Vec<String> = (0..40_000).map(|_| label.new_tree(&mut runner).unwrap().current()).collect();
    // Labels that are not ASCII are refused, whatever Python does with them.
    let (ascii, others): (Vec<_>, Vec<_>) = labels.into_iter().partition(|label| label.is_ascii());
    assert!(others.iter().all(|label| label.parse::<Encoding>().is_err()));
    let Some(known) = compare(&ascii) else { return };
    println!("{known} of {} random labels are known", ascii.len());
    assert!(known > 1000);
}

/// Returns the name and the aliases in each row of the specification's table.
fn rows_of_the_specification() -> Vec<(&'static str, Vec<&'static str>)> {
    let (_, section) = include_str!("../../SPEC.md").split_once("\n#### 3.3.1").unwrap();
    let rows = section.split("\n### ").next().unwrap().lines().filter(|line| line.starts_with("   | "));
    let labels = |cell: &'static str| cell.split('`').skip(1).step_by(2).collect::<Vec<_>>();
    rows.filter_map(|row| {
        let cells: Vec<_> = row.trim().trim_matches('|').split('|').collect();
        Some((*labels(cells[1]).first()?, labels(cells[2])))
    })
    .collect()
}

#[test]
fn the_labels_of_the_specification_are_known() {
    let rows = rows_of_the_specification();
    assert_eq!(rows.len(), 10);
    for (name, aliases) in &rows {
        let encoding = name.parse::<Encoding>();
        assert!(encoding.is_ok(), "{name}");
        for alias in aliases {
            assert_eq!(alias.parse(), encoding, "{alias}");
        }
    }
    let labels = rows.iter().flat_map(|(name, aliases)| [name].into_iter().chain(aliases));
    let labels: Vec<String> = labels.map(ToString::to_string).collect();
    let Some(known) = compare(&labels) else { return };
    assert_eq!(known, labels.len());
}

#[test]
fn a_dot_stands_for_an_underscore_in_an_alias_and_not_in_a_name() {
    let mut labels = Vec::new();
    for (name, aliases) in rows_of_the_specification() {
        if name.contains('_') {
            let dotted = name.replace('_', ".");
            assert!(dotted.parse::<Encoding>().is_err(), "{dotted}");
            labels.push(dotted);
        }
        // An alias that contains a dot is excepted: Python replaces that dot as well.
        for alias in aliases.iter().filter(|alias| !alias.contains('.')) {
            let dotted = alias.replace('_', ".");
            assert_eq!(dotted.parse::<Encoding>(), name.parse(), "{dotted}");
            labels.push(dotted);
        }
    }
    compare(&labels);
}

#[test]
fn labels_of_other_encodings_are_refused() {
    for label in [
        "",
        " ",
        "_",
        "binary",
        "gzip",
        "deflate",
        "br",
        "identity",
        "base64",
        "hex",
        "rot13",
        "rot-13",
        "zlib",
        "bz2",
        "uu",
        "quopri",
        "idna",
        "punycode",
        "unicode_escape",
        "utf-7",
        "undefined",
        "charmap",
        "mbcs",
        "null",
        "utf-8\0",
    ] {
        assert!(label.parse::<Encoding>().is_err(), "{label:?}");
    }
}
