//! Flushing when the system asks the process to end, for programs that want it.

use std::ffi::c_int;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

use super::delivery::delivery;
use super::runtime;
use crate::ext::process;

/// Flushes, at most `timeout`, when the process gets SIGTERM, SIGINT or SIGHUP, and then ends it by that signal.
///
/// Call it once, in a program that handles none of these signals itself; one that does calls [`flush`](super::flush)
/// in its own shutdown instead. Without it, no handler is installed. A signal that the process ignores, as SIGHUP under `nohup`, stays ignored. `timeout` beyond 12 s counts as 12 s. Unix only.
///
/// # Errors
///
/// The system refuses a handler or a thread.
pub fn flush_on_signals(timeout: Duration) -> std::io::Result<()> {
    let all = [SIGTERM, SIGINT, SIGHUP].into_iter().filter(|signal| !process::is_ignored(*signal));
    let all: Vec<c_int> = all.collect();
    // A child that is forked later has the handlers, but not the thread: there the signals do what they always did.
    for signal in &all {
        flag::register_conditional_default(*signal, process::forked())?;
    }
    let mut signals = Signals::new(all)?;
    let timeout = timeout.min(Duration::from_secs(12));
    std::thread::Builder::new().name("paid-signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            delivery().flush(timeout);
            runtime::close();
            // Ends the process as if there were no handler; it comes back only if that is not allowed.
            let _ = low_level::emulate_default_handler(signal);
        }
    })?;
    Ok(())
}
