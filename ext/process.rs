//! Hooks at the end and at the fork of the process: the one place that needs `unsafe`.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Once, OnceLock};

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
/// Set in a process that was forked from one that asked for it.
static FORKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Has `paid::tracing` flush when the process ends normally: return from `main`, `std::process::exit`, a panic in `main`.
pub(crate) fn flush_at_exit() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: `atexit` takes a function that lives for the whole process and does not unwind; this one catches
        // what could. It is in the C library that `std` itself links. A refusal only means no flush.
        let refused = unsafe { atexit(at_exit) } != 0;
        if refused {
            super::log::log(
                || tracing::warn!(target: "paid", "no hook at exit: flush before the process ends"),
            );
        }
    });
}

extern "C" fn at_exit() {
    let _ = std::panic::catch_unwind(super::tracing::flush_before_exit);
}

/// Whether the process ignores a signal, as under `nohup`.
#[cfg(unix)]
pub(crate) fn is_ignored(signal: c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action, `sigaction` only writes the present one to memory of its size. All bytes of it are
    // initialized, and zeros are a valid value.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// How many forks lie between this process and the first one that asked: what differs must not be copied.
pub(crate) fn forks() -> u64 {
    #[cfg(unix)]
    HOOKED.call_once(|| {
        // SAFETY: the handler lives for the whole process, and only touches atomics and closes files, which is allowed
        // in a child between fork and exec. A refusal (no memory) leaves the count at zero.
        unsafe { pthread_atfork(None, None, Some(in_child)) };
    });
    FORKS.load(Ordering::Relaxed)
}

/// A flag that becomes true in children of this process.
#[cfg(unix)]
pub(crate) fn forked() -> Arc<AtomicBool> {
    forks();
    FORKED.get_or_init(Arc::default).clone()
}

#[cfg(unix)]
extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    if let Some(forked) = FORKED.get() {
        forked.store(true, Ordering::Relaxed);
    }
    files::close_in_child();
}

/// Files that a child must not hold: a lock on a file is shared with it, and would outlive this process.
#[cfg(unix)]
pub(crate) mod files {
    use std::ffi::c_int;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::sync::atomic::{AtomicI32, Ordering};

    const FREE: i32 = -1;
    static HELD: [AtomicI32; 256] = [const { AtomicI32::new(FREE) }; 256];

    unsafe extern "C" {
        fn close(file: c_int) -> c_int;
    }

    /// Has children close this file. Beyond 256 files, they keep the rest.
    pub(crate) fn hold(file: &File) {
        super::forks();
        let taken = |slot: &AtomicI32| {
            slot.compare_exchange(FREE, file.as_raw_fd(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        HELD.iter().any(taken);
    }

    /// The file is about to be closed here.
    pub(crate) fn release(file: &File) {
        for slot in &HELD {
            let _ = slot.compare_exchange(file.as_raw_fd(), FREE, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    pub(super) fn close_in_child() {
        for slot in &HELD {
            let file = slot.swap(FREE, Ordering::Relaxed);
            if file != FREE {
                // SAFETY: the number is that of a file that is open in the parent, so in its copy as well, and whose
                // owner in the child never runs: what holds it belongs to threads that the child does not have.
                unsafe { close(file) };
            }
        }
    }
}
