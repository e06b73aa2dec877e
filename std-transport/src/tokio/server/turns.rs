//! The turns of connections that have more to do than fits in one.

use ::tokio::runtime::Handle;
use ::tokio::sync::Semaphore;
use ::tokio::task::yield_now;

/// Whoever has been woken has its turn first, and then one of these for each thread of the runtime, in the order in which they
/// came. So whoever asks for little does not wait for all that ask for much.
#[derive(Debug)]
pub(super) struct Turns(Semaphore);

impl Turns {
    /// The turns on the runtime in which this is called.
    pub(super) fn new() -> Self {
        Self(Semaphore::new(Handle::current().metrics().num_workers()))
    }

    /// Waits for another turn right after one.
    pub(super) async fn another(&self) {
        // One for each thread waits until the runtime has looked for what has arrived; the others wait for it.
        let _first = self.0.acquire().await;
        yield_now().await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use ::tokio::io::Interest;
    use ::tokio::net::UnixStream;
    use ::tokio::task::LocalSet;

    use super::*;

    #[test]
    fn between_two_looks_at_what_has_arrived_one_busy_task_has_its_turn() {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let order = Rc::new(RefCell::new(String::new()));
        LocalSet::new().block_on(&runtime, async {
            let turns = Rc::new(Turns::new());
            for name in ["a", "b", "c", "d"] {
                let (turns, order) = (Rc::clone(&turns), Rc::clone(&order));
                ::tokio::task::spawn_local(async move {
                    loop {
                        order.borrow_mut().push_str(name);
                        turns.another().await;
                    }
                });
            }
            let (one, other) = UnixStream::pair().unwrap();
            for _ in 0..20 {
                // Read until nothing is left, so that the next byte is only known of once the runtime has looked.
                one.ready(Interest::WRITABLE).await.unwrap();
                while other.try_read(&mut [0]).is_ok() {}
                one.try_write(b"x").unwrap();
                other.readable().await.unwrap();
                order.borrow_mut().push(' ');
            }
        });
        let order = order.take();
        let rounds: Vec<_> = order.split(' ').skip(2).collect();
        assert!(rounds.iter().all(|round| round.len() <= 2), "{order}");
        // Each in turn, and none left out.
        assert!("abcd".chars().all(|name| rounds.concat().matches(name).count() >= 3), "{order}");
    }
}
