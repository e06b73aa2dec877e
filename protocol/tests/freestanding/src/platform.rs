//! What the program needs of an x86-64 Linux kernel, and what the compiler needs of a program.

use core::arch::{asm, global_asm};
use core::panic::PanicInfo;

// The kernel enters with the stack at its arguments; `run` wants it aligned as after a call.
global_asm!(".globl _start", "_start:", "and rsp, -16", "call run");

const WRITE: usize = 1;
const EXIT: usize = 60;

fn system_call(number: usize, arguments: [usize; 3]) -> isize {
    let result;
    // SAFETY: the two calls made here read the memory they are given, and no more.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") arguments[0], in("rsi") arguments[1], in("rdx") arguments[2],
            out("rcx") _, out("r11") _,
        );
    }
    result
}

/// Writes to standard output: how many bytes were written.
pub(crate) fn print(bytes: &[u8]) -> Option<usize> {
    usize::try_from(system_call(WRITE, [1, bytes.as_ptr() as usize, bytes.len()])).ok()
}

pub(crate) fn exit(code: u8) -> ! {
    loop {
        system_call(EXIT, [usize::from(code), 0, 0]);
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    exit(101)
}

/// The precompiled `core` names it, though nothing here unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// The memory functions that the compiler calls and a libc would have.
mod memory {
    use core::arch::asm;

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { asm!("rep movsb", inout("rdi") to => _, inout("rsi") from => _, inout("rcx") count => _) };
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
        if to.addr().wrapping_sub(from.addr()) >= count {
            // SAFETY: the caller's; what is written first is not read later.
            return unsafe { memcpy(to, from, count) };
        }
        // SAFETY: the caller's; from the last byte to the first.
        unsafe {
            asm!(
                "std", "rep movsb", "cld",
                inout("rdi") to.add(count).sub(1) => _, inout("rsi") from.add(count).sub(1) => _, inout("rcx") count => _,
            );
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { asm!("rep stosb", inout("rdi") to => _, in("al") byte as u8, inout("rcx") count => _) };
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
        for index in 0..count {
            // SAFETY: the caller's.
            let (left, right) = unsafe { (left.add(index).read(), right.add(index).read()) };
            if left != right {
                return i32::from(left) - i32::from(right);
            }
        }
        0
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
        // SAFETY: the caller's.
        unsafe { memcmp(left, right, count) }
    }
}
