//! What the receiver answers.

use serde::{Deserialize, Serialize};

/// Whether a file is stored: `{"result": "received", "bytes": N}` or `{"error": "…"}`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Verdict {
    Received { result: Received, bytes: u64 },
    Refused { error: String },
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Received {
    Received,
}

impl Verdict {
    pub(super) const fn received(bytes: u64) -> Self {
        Self::Received { result: Received::Received, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_one_of_two_objects() {
        for (verdict, json) in [
            (Verdict::received(7), r#"{"result": "received", "bytes": 7}"#),
            (Verdict::Refused { error: "no".into() }, r#"{"error": "no"}"#),
        ] {
            assert_eq!(jsonframe::to_json(&verdict).unwrap(), json.as_bytes());
            assert_eq!(serde_json::from_str::<Verdict>(json).unwrap(), verdict);
        }
        for other in ["{}", r#"{"result": "received"}"#, r#"{"result": "lost", "bytes": 1}"#, "[]", "1"] {
            assert!(serde_json::from_str::<Verdict>(other).is_err(), "{other}");
        }
    }
}
