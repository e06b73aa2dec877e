//! Messages that are no replies, on their way from a client's task.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use jsonframe::OwnedMessage;

/// Receives the messages of a client that are no replies: [`Client::with_pushes`](super::Client::with_pushes).
///
/// Those that come after it has been dropped are dropped too, and [counted](crate::client::Stats::dropped_pushes).
#[derive(Debug)]
pub struct Pushes {
    queue: Arc<Queue>,
}

/// What is between the two.
#[derive(Debug)]
pub(super) struct Queue {
    inside: Mutex<Inside>,
    max: usize,
}

#[derive(Debug, Default)]
struct Inside {
    messages: VecDeque<OwnedMessage>,
    receiver: Option<Waker>,
    driver: Option<Waker>,
    /// Whether one of the two is not there any more.
    is_over: bool,
}

impl Pushes {
    /// With what the client's task needs for it.
    pub(super) fn new(max: usize) -> (Self, Arc<Queue>) {
        let queue = Arc::new(Queue { inside: Mutex::default(), max: max.max(1) });
        (Self { queue: Arc::clone(&queue) }, queue)
    }

    /// Receives the next message; `None` when the client's task has ended.
    ///
    /// Cancel-safe: a message is not lost if this is dropped. As long as [`Options::max_pushes`](crate::client::Options::max_pushes)
    /// messages wait, the client receives nothing, so a task that receives pushes should not make calls itself.
    ///
    /// ```
    /// use jsonframe_std::client::Options;
    /// use jsonframe_std::tokio::{Client, Connection};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (stream, server) = tokio::io::duplex(1024);
    /// let mut stream = Some(stream);
    /// let connect = move || std::future::ready(stream.take().ok_or_else(|| std::io::ErrorKind::NotFound.into()));
    /// let (_client, mut pushes) = Client::with_pushes(connect, Options::default());
    /// Connection::new(server).send_json("the house is on fire").await?;
    /// assert_eq!(pushes.receive().await.expect("a push").json::<String>()?, "the house is on fire");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn receive(&mut self) -> Option<OwnedMessage> {
        poll_fn(|context| self.queue.poll_pop(context)).await
    }
}

impl Drop for Pushes {
    fn drop(&mut self) {
        self.queue.end();
    }
}

impl Queue {
    /// Gives a message back if nobody receives any more.
    pub(super) fn push(&self, message: OwnedMessage) -> Option<OwnedMessage> {
        let mut inside = self.lock();
        if inside.is_over {
            return Some(message);
        }
        inside.messages.push_back(message);
        let waker = inside.receiver.take();
        drop(inside);
        waker.into_iter().for_each(Waker::wake);
        None
    }

    /// Whether there is a place for one more.
    pub(super) fn poll_place(&self, context: &Context<'_>) -> Poll<()> {
        let mut inside = self.lock();
        if inside.is_over || inside.messages.len() < self.max {
            return Poll::Ready(());
        }
        inside.driver = Some(context.waker().clone());
        Poll::Pending
    }

    fn poll_pop(&self, context: &Context<'_>) -> Poll<Option<OwnedMessage>> {
        let mut inside = self.lock();
        match inside.messages.pop_front() {
            Some(message) => {
                let waker = inside.driver.take();
                drop(inside);
                waker.into_iter().for_each(Waker::wake);
                Poll::Ready(Some(message))
            }
            None if inside.is_over => Poll::Ready(None),
            None => {
                inside.receiver = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// One of the two is not there any more.
    pub(super) fn end(&self) {
        let mut inside = self.lock();
        inside.is_over = true;
        let wakers = [inside.receiver.take(), inside.driver.take()];
        drop(inside);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
