//! Asks Python.

#[path = "../common/script.rs"]
mod script;

use jsonframe::ByteOrder;

/// Returns Python's answers to these requests. `None` if there is no Python, which is a failure in continuous integration.
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

/// Returns Python's native byte order. It may differ from that of the tests if these run in an emulator.
pub(crate) fn order() -> Option<ByteOrder> {
    let mark = ask(&["encode utf-16".to_owned()])?;
    Some(if mark == ["=feff"] { ByteOrder::Big } else { ByteOrder::Little })
}

/// Returns the text of an answer in hexadecimal digits.
pub(crate) fn text(answer: &str) -> String {
    String::from_utf8(hex::decode(answer).unwrap()).unwrap()
}
