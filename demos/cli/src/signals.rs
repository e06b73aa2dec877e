//! The signals that ask a program to end.

use std::io;

/// Calls a function, in a thread of its own, each time a signal asks the program to end: Ctrl-C, SIGTERM or SIGHUP.
///
/// A signal that was ignored when the program was started stays ignored, as whoever started it wanted: `nohup`, or a shell
/// that runs it in the background.
///
/// # Errors
///
/// Why the signals cannot be waited for.
pub fn on_end(end: impl FnMut() + Send + 'static) -> io::Result<()> {
    wait(end)
}

#[cfg(unix)]
fn wait(mut end: impl FnMut() + Send + 'static) -> io::Result<()> {
    use std::io::Read;
    use std::sync::mpsc;
    use std::thread;

    let (mut signals, writer) = io::pipe()?;
    let (registered, outcome) = mpsc::channel();
    // No other thread has more to do with signals than to write a byte when one comes.
    thread::Builder::new().name("signals".into()).spawn(move || {
        let _ = registered.send(register(&writer));
        drop(writer);
        while signals.read_exact(&mut [0]).is_ok() {
            end();
        }
    })?;
    outcome.recv().map_err(io::Error::other)?
}

/// Has each signal that is not ignored write a byte.
#[cfg(unix)]
fn register(writer: &io::PipeWriter) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::low_level::pipe;

    let ignored = ignored();
    let mut awaited = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !contains(ignored, *signal));
    awaited.try_for_each(|signal| pipe::register(signal, writer.try_clone()?).map(drop))
}

#[cfg(not(unix))]
fn wait(end: impl FnMut() + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(end).map_err(io::Error::other)
}

/// The signals that are ignored, a bit each, as Linux tells. Elsewhere none is known to be.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(unix)]
fn contains(mask: u64, signal: i32) -> bool {
    u32::try_from(signal - 1).is_ok_and(|bit| mask >> bit & 1 == 1)
}
