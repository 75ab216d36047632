//! Hooks at the end and at the fork of the process: the one place that needs `unsafe`.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

unsafe extern "C" {
    fn atexit(callback: extern "C" fn()) -> c_int;
    #[cfg(unix)]
    fn pthread_atfork(
        prepare: Option<extern "C" fn()>,
        parent: Option<extern "C" fn()>,
        child: Option<extern "C" fn()>,
    ) -> c_int;
}

#[cfg(unix)]
static HOOKED: Once = Once::new();
static FORKS: AtomicU64 = AtomicU64::new(0);

/// Has `paid::tracing` flush when the process ends normally: return from `main`, `std::process::exit`, a panic in `main`.
pub(crate) fn flush_at_exit() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: `atexit` takes a function that lives for the whole process and does not unwind; this one catches
        // what could. It is in the C library that `std` itself links. A refusal only means no flush.
        let refused = unsafe { atexit(at_exit) } != 0;
        if refused {
            tracing::warn!(target: "paid", "no hook at exit: flush before the process ends");
        }
    });
}

extern "C" fn at_exit() {
    let _ = std::panic::catch_unwind(super::tracing::flush_before_exit);
}

/// How many forks lie between this process and the first one that asked: what differs must not be copied.
pub(crate) fn forks() -> u64 {
    #[cfg(unix)]
    HOOKED.call_once(|| {
        // SAFETY: the handler lives for the whole process and only counts up an atomic, which is allowed in a child
        // between fork and exec. A refusal (no memory) leaves the count at zero.
        unsafe { pthread_atfork(None, None, Some(in_child)) };
    });
    FORKS.load(Ordering::Relaxed)
}

#[cfg(unix)]
extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
