//! Questions to Python.

#[path = "../common/script.rs"]
mod script;

use jsonframe::ByteOrder;

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

/// The order of bytes that Python takes where nothing says one: that of its machine, which an emulated one need not share.
pub(crate) fn order() -> Option<ByteOrder> {
    let mark = ask(&["encode utf-16".to_owned()])?;
    Some(if mark == ["=feff"] { ByteOrder::Big } else { ByteOrder::Little })
}

/// The text of an answer in hex.
pub(crate) fn text(answer: &str) -> String {
    String::from_utf8(hex::decode(answer).unwrap()).unwrap()
}
