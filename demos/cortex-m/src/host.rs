//! The computer at the other end of the debugger, whose standard streams the device reads and writes: semihosting.

use embedded_io::{ErrorKind, ErrorType, Read, Write};
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

impl ErrorType for Input<'_> {
    type Error = ErrorKind;
}

impl Read for Input<'_> {
    fn read(&mut self, place: &mut [u8]) -> Result<usize, ErrorKind> {
        let lacking = sys_read_orig(self.0, place).map_err(|_| ErrorKind::Other)?;
        place.len().checked_sub(lacking).ok_or(ErrorKind::Other)
    }
}

impl ErrorType for Output<'_> {
    type Error = ErrorKind;
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let lacking = sys_write_orig(self.0, bytes).map_err(|_| ErrorKind::Other)?;
        bytes.len().checked_sub(lacking).ok_or(ErrorKind::Other)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
