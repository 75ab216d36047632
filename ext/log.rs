//! The one way in which the extensions write log lines.
//!
//! The layer that takes a line is the host's. It may panic (a closed pipe, for one), and it may call the SDK again. So a
//! line is written with no lock held, and a panic ends there: neither a thread of the SDK nor the host's own call ends
//! with it.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Writes a log line, such as `log(|| tracing::warn!(target: "paid", ..))`. The caller holds no lock.
pub(crate) fn log(line: impl FnOnce()) {
    // There is nowhere left to report to.
    let _ = catch_unwind(AssertUnwindSafe(line));
}

/// Runs HTTP without the host's layers hearing of it: what hyper, h2 and reqwest trace there is not the host's.
pub(crate) fn without_host_layers<R>(work: impl FnOnce() -> R) -> R {
    // Where no subscriber was ever set, none can hear. Setting one would turn off the `log` records that `tracing`
    // writes for such a host.
    match tracing::dispatcher::has_been_set() {
        true => tracing::dispatcher::with_default(&tracing::Dispatch::none(), work),
        false => work(),
    }
}
