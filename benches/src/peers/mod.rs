//! The work done by others. What they are and how they are used here stands at the top of each file.

pub mod http;
pub mod length_delimited;
pub mod look_only;
pub mod lsp;
pub mod postcard;
pub mod python;
pub mod serde_json;
pub mod serde_json_core;
pub mod shape;
pub mod sonic_rs;
