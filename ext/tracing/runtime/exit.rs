//! What the end of the process does for delivery.

use std::time::{Duration, Instant};

use super::registry::{Running, registry};

/// What the end of the process may take with a collector that does not answer.
const UNANSWERED_TIMEOUT: Duration = Duration::from_secs(1);

/// Before the process ends: nothing more will be recorded.
pub(in crate::ext::tracing) fn close() {
    super::pipelines().iter().for_each(|pipeline| pipeline.leave());
}

/// At the normal end of the process.
pub(crate) fn flush_before_exit() {
    let start = Instant::now();
    let running = registry().running().clone();
    for Running { exit_timeout, pipeline, .. } in &running {
        let left = |most: Duration| most.min(*exit_timeout).saturating_sub(start.elapsed());
        // Within a second, it is known whether the disk can be used.
        let on_disk = [UNANSWERED_TIMEOUT, *exit_timeout]
            .into_iter()
            .any(|most| pipeline.has_spool() && pipeline.flush_to_disk(left(most)));
        // By the end of the first flush an attempt has shown whether the collector answers.
        let in_vain = on_disk && !pipeline.is_answering();
        if !in_vain && !pipeline.flush(left(UNANSWERED_TIMEOUT)) && pipeline.is_answering() && !on_disk {
            pipeline.flush(left(*exit_timeout));
        }
        if !in_vain {
            pipeline.drain(left(UNANSWERED_TIMEOUT));
        }
        pipeline.leave();
    }
}

/// Flushes when it is dropped, at most for the given time: to be held in `main`.
///
/// The end of the process flushes by itself for up to 5 s; hold this where that is not enough, or where the process
/// ends otherwise.
///
/// ```no_run
/// let _guard = paid::tracing::flush_guard(std::time::Duration::from_secs(10));
/// ```
pub fn flush_guard(timeout: Duration) -> FlushGuard {
    FlushGuard { timeout }
}

/// See [`flush_guard`].
#[must_use = "it flushes when it is dropped: give it a name such as _guard, and hold it to the end of main"]
#[derive(Debug)]
pub struct FlushGuard {
    timeout: Duration,
}

impl Drop for FlushGuard {
    fn drop(&mut self) {
        crate::ext::tracing::flush(self.timeout);
    }
}
