//! The computer at the other end of the debugger, whose standard streams the device reads and writes: semihosting.

use semihosting::fd::{AsFd, BorrowedFd};
use semihosting::io::{stdin, stdout};
use semihosting::sys::arm_compat::{sys_read_orig, sys_write_orig};

/// The host's standard input.
pub struct Input<'h>(BorrowedFd<'h>);

/// The host's standard output.
pub struct Output<'h>(BorrowedFd<'h>);

/// Calls a function with the host's standard streams: `None` if there is no host.
///
/// The descriptors are taken here, where they are known to be valid. `Stdin` and `Stdout` check them at every call, and
/// would panic.
#[inline]
pub fn with_host<T>(run: impl FnOnce(Input<'_>, Output<'_>) -> T) -> Option<T> {
    let (input, output) = (stdin().ok()?, stdout().ok()?);
    Some(run(Input(input.as_fd()), Output(output.as_fd())))
}

impl Input<'_> {
    /// Waits for bytes and puts them to the beginning of this place: how many, 0 at the end, `None` after an error.
    pub fn read(&mut self, place: &mut [u8]) -> Option<usize> {
        let lacking = sys_read_orig(self.0, place).ok()?;
        place.len().checked_sub(lacking)
    }
}

impl Output<'_> {
    /// Writes some of these bytes: how many, `None` after an error.
    pub fn write(&mut self, bytes: &[u8]) -> Option<usize> {
        let lacking = sys_write_orig(self.0, bytes).ok()?;
        bytes.len().checked_sub(lacking)
    }
}
