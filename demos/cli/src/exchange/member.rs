//! Extension members that are kept.

use jsonframe::Value;

/// An extension member of a header.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    name: String,
    value: Kept,
}

#[derive(Clone, Debug)]
enum Kept {
    Text(String),
    /// JSON that is not a string.
    Json(String),
}

impl Member {
    /// Keeps a member.
    pub(crate) fn new(name: &str, value: Value<'_>) -> Self {
        let value = value.as_str().map_or_else(|| Kept::Json(value.to_string()), |text| Kept::Text(text.into()));
        Self { name: name.into(), value }
    }

    /// The member, as headers have it.
    pub(crate) fn parts(&self) -> (&str, Value<'_>) {
        let value = match &self.value {
            Kept::Text(text) => text.as_str().into(),
            // It was made of such a value.
            Kept::Json(json) => Value::from_json(json).unwrap_or(Value::NULL),
        };
        (&self.name, value)
    }
}
