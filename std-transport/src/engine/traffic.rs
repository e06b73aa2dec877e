//! How many messages and bytes the connections of a worker have received and sent.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has been received and sent. Connections count for themselves, and add it here once a turn or so.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    messages_received: AtomicU64,
    bytes_received: AtomicU64,
    messages_sent: AtomicU64,
    bytes_sent: AtomicU64,
}

impl Traffic {
    pub(crate) fn received_messages(&self, count: u32) {
        add(&self.messages_received, count.into());
    }

    pub(crate) fn received_bytes(&self, count: usize) {
        add(&self.bytes_received, count as u64);
    }

    pub(crate) fn sent(&self, messages: u32, bytes: usize) {
        add(&self.messages_sent, messages.into());
        add(&self.bytes_sent, bytes as u64);
    }

    /// Messages and bytes, received and sent.
    #[cfg(feature = "server")]
    pub(crate) fn all(&self) -> [u64; 4] {
        [&self.messages_received, &self.bytes_received, &self.messages_sent, &self.bytes_sent]
            .map(|count| count.load(Ordering::Relaxed))
    }
}

fn add(count: &AtomicU64, more: u64) {
    // Others may count in the same cache line.
    if more > 0 {
        count.fetch_add(more, Ordering::Relaxed);
    }
}
