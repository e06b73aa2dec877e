//! An allocator that never frees: all that it gives for two requests is less than 64 KiB.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::null_mut;

const SIZE: usize = 64 * 1024;

struct Bump {
    memory: UnsafeCell<[u8; SIZE]>,
    used: UnsafeCell<usize>,
}

// SAFETY: a module without shared memory has one thread.
unsafe impl Sync for Bump {}

// SAFETY: what is given is aligned, inside the memory, and given once.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.memory.get().cast::<u8>();
        // SAFETY: there is one thread.
        let used = unsafe { &mut *self.used.get() };
        let begin = *used + start.wrapping_add(*used).align_offset(layout.align());
        match begin.checked_add(layout.size()) {
            Some(end) if end <= SIZE => {
                *used = end;
                start.wrapping_add(begin)
            }
            _ => null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static MEMORY: Bump = Bump { memory: UnsafeCell::new([0; SIZE]), used: UnsafeCell::new(0) };
