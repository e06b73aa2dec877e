//! Questions to Python.

#[path = "../common/script.rs"]
mod script;

/// Python's answers to these requests, or `None` where there is no Python. In continuous integration that is a failure.
pub(crate) fn ask(requests: &[String]) -> Option<Vec<String>> {
    if requests.is_empty() {
        return Some(Vec::new());
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/encoding/python_codecs.py");
    let output = script::output(&[script], requests.join("\n") + "\n")?;
    let answers: Vec<_> = String::from_utf8(output).unwrap().lines().map(String::from).collect();
    assert_eq!(answers.len(), requests.len());
    Some(answers)
}

/// The text of an answer in hex.
pub(crate) fn text(answer: &str) -> String {
    String::from_utf8(hex::decode(answer).unwrap()).unwrap()
}
