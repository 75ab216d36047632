//! A hook at the normal end of the process: the one place that needs `unsafe`.

#![allow(unsafe_code)]

use std::sync::Once;

unsafe extern "C" {
    fn atexit(callback: extern "C" fn()) -> std::ffi::c_int;
}

static REGISTERED: Once = Once::new();

/// Has `paid::tracing` flush when the process ends normally: return from `main`, `std::process::exit`, a panic in `main`.
pub(crate) fn flush_at_exit() {
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
