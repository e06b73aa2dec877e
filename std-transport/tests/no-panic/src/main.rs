//! Links only if no function here can panic, whatever the state of the engine is, the time, and the number of bytes; then it
//! prints their names. The engine is private, so it is compiled into this program from its own files.
//!
//! What allocates is left out, and what slices: to take events, to queue, and to mark bytes as written. That slices stay
//! within their buffers follows from what earlier calls have done, which the optimiser does not know of; the fuzz target
//! `engine` looks for a way in which they do not. So are `is_long_idle`, which asks std how much time has passed, and
//! `abandon`, which drops an `io::Error`: the optimiser sees into neither.

use std::hint::black_box;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Instant;

use jsonframe::Dialect;
use no_panic::no_panic;

use self::engine::{CloseReason, Engine, Limits, Totals};

#[path = "../../../src/engine/mod.rs"]
#[allow(dead_code, unused_imports, reason = "only a part of it is put up for proof")]
mod engine;

/// Declares functions to be proven, and calls each with what the optimiser knows nothing about.
macro_rules! prove {
    ($($(#[$planted:meta])? fn $name:ident($engine:ident, $count:ident, $now:ident) -> $result:ty = $body:expr;)*) => {
        $(
            $(#[$planted])?
            #[no_panic]
            #[inline(never)]
            fn $name($engine: &mut Engine, $count: usize, $now: Instant) -> $result {
                let _ = ($count, $now);
                $body
            }
        )*

        fn main() {
            let (limits, now) = (Arc::new(Limits::default()), Instant::now());
            let totals = Arc::new(Totals::new(&limits, 1));
            let mut engine = Engine::new(limits, totals, &Dialect::STANDARD, &Dialect::STANDARD, now);
            $(
                $(#[$planted])?
                {
                    let _ = black_box($name(black_box(&mut engine), black_box(1), black_box(now)));
                    println!("{}", stringify!($name));
                }
            )*
        }
    };
}

prove! {
    fn received(engine, count, now) -> () = engine.received(count, now);
    fn ended(engine, _count, _now) -> bool = { engine.inbox.end(); engine.inbox.ended() };
    fn update(engine, _count, now) -> () = engine.update(now);
    fn poll_timeout(engine, _count, _now) -> Option<Instant> = engine.poll_timeout();
    fn is_write_due(engine, _count, now) -> bool = engine.sending.is_write_due(now);
    fn handle_timeout(engine, _count, now) -> Result<(), CloseReason> = engine.handle_timeout(now);
    fn poll_quiet(engine, count, _now) -> Option<CloseReason> = engine.poll_quiet(count > 0);
    fn half_close(engine, _count, now) -> bool = engine.half_close(now, || Ok(())).is_ok();
    fn half_close_blocked(engine, _count, now) -> bool = engine.half_close(now, || Err(ErrorKind::WouldBlock.into())).is_ok();
    fn poll_closed(engine, _count, _now) -> Option<CloseReason> = engine.poll_closed();
    fn fits(engine, count, _now) -> bool = engine.sending.fits(count);
    fn is_paused(engine, _count, _now) -> bool = engine.sending.is_paused();
    fn reply_later(engine, _count, _now) -> () = engine.sending.reply_later();
    fn replies_done(engine, count, _now) -> () = engine.sending.replies_done(u32::try_from(count).unwrap_or(u32::MAX));
    fn handled(engine, _count, _now) -> () = engine.handled();
    fn count(engine, _count, _now) -> () = engine.count();
    fn discount_collected(engine, _count, _now) -> () = engine.sending.discount_collected();
    fn is_full(engine, _count, _now) -> bool = engine.sending.totals.is_full() || engine.sending.totals.is_queue_over();
    #[cfg(feature = "planted")]
    fn planted(engine, _count, now) -> Instant = engine.poll_timeout().unwrap_or(now + Limits::default().linger);
}
