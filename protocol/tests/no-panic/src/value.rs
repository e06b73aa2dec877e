//! `Value`, made and read.

use jsonframe::{InvalidJson, Value};

crate::prove::prove! {
    "",

    "Value::from_json"
    fn json<'a>(text: &'a str) -> Result<Value<'a>, InvalidJson> {
        Value::from_json(text)
    }

    "Value::as_str"
    fn as_str<'a>(value: &Value<'a>) -> Option<&'a str> {
        value.as_str()
    }

    "Value::as_u64"
    fn as_u64(value: &Value<'_>) -> Option<u64> {
        value.as_u64()
    }

    "Value::as_i64"
    fn as_i64(value: &Value<'_>) -> Option<i64> {
        value.as_i64()
    }

    "Value::as_bool"
    fn as_bool(value: &Value<'_>) -> Option<bool> {
        value.as_bool()
    }

    "Value::is_null"
    fn is_null(value: &Value<'_>) -> bool {
        value.is_null()
    }

    "Value::as_json"
    fn as_json<'a>(value: &Value<'a>) -> Option<&'a str> {
        value.as_json()
    }

    "From<&str> for Value"
    fn from_text<'a>(text: &'a str) -> Value<'a> {
        Value::from(text)
    }

    "From<bool> for Value"
    fn from_bool(truth: bool) -> Value<'static> {
        Value::from(truth)
    }

    "From<u64> for Value"
    fn from_u64(number: u64) -> Value<'static> {
        Value::from(number)
    }

    "From<i64> for Value"
    fn from_i64(number: i64) -> Value<'static> {
        Value::from(number)
    }
}
