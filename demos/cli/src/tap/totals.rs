//! What has been counted until now, of all connections.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

#[derive(Debug, Default)]
pub(super) struct Totals {
    connections: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
    faults: AtomicU64,
}

impl Totals {
    /// There is one more connection.
    pub(super) fn connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts whole messages and bytes that have passed.
    pub(super) fn add(&self, messages: u64, bytes: u64) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A direction is at fault.
    pub(super) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// What has passed in all, in words.
    pub(super) fn in_words(&self) -> String {
        let [connections, messages, bytes, faults] = self.numbers();
        format!("connections: {connections}, whole messages: {messages}, faults: {faults}, bytes: {bytes}")
    }

    /// What has passed in all, in JSON.
    pub(super) fn in_json(&self) -> Value {
        let [connections, messages, bytes, faults] = self.numbers();
        json!({"event": "summary", "connections": connections, "messages": messages, "faults": faults, "bytes": bytes})
    }

    fn numbers(&self) -> [u64; 4] {
        [&self.connections, &self.messages, &self.bytes, &self.faults].map(|number| number.load(Ordering::Relaxed))
    }
}
