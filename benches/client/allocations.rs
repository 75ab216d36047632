//! How often, and how much, the current thread allocates.
// A global allocator can't be written without it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting.
pub struct Counting;

/// What a thread has allocated so far.
#[derive(Clone, Copy, Default)]
pub struct Count {
    pub times: u64,
    pub bytes: u64,
}

thread_local! {
    // Per thread, so that the server's own allocations don't count.
    static COUNT: Cell<Count> = const { Cell::new(Count { times: 0, bytes: 0 }) };
}

/// What the current thread has allocated so far.
pub fn count() -> Count {
    COUNT.get()
}

fn add(bytes: usize) {
    // At the very end of a thread there is nothing left to count in.
    let _ = COUNT.try_with(|count| {
        let Count { times, bytes: before } = count.get();
        count.set(Count { times: times + 1, bytes: before + bytes as u64 });
    });
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size.saturating_sub(layout.size()));
        unsafe { System.realloc(pointer, layout, size) }
    }
}
