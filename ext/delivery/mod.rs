//! Delivery of spans: caller → bounded queue → sender thread → collector.
//!
//! The caller only puts a span into memory. Everything else happens on a thread of the SDK's own,
//! never on the host's runtime.

mod encode;
mod queue;
mod send;
mod span;
mod stats;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(crate) use queue::Refused;
pub(crate) use span::{Exception, Owner, Parent, Span, Status, now_unix_nano};
pub use stats::DeliveryStats;

use queue::Queue;

use crate::Token;

/// Where one account's spans go.
pub(crate) struct Pipeline {
    queue: Arc<Queue>,
    /// Whether the last attempt had an answer that settled its spans; true before the first.
    answering: Arc<AtomicBool>,
}

/// What a pipeline needs to know.
pub(crate) struct Settings {
    pub token: Token,
    pub endpoint: reqwest::Url,
    pub scope: (&'static str, &'static str),
    pub max_queue_bytes: usize,
}

impl Pipeline {
    /// Starts the sender thread.
    ///
    /// # Errors
    ///
    /// The system has no thread for it.
    pub fn start(settings: Settings) -> std::io::Result<Pipeline> {
        let queue = Arc::new(Queue::new(settings.max_queue_bytes));
        let answering = Arc::new(AtomicBool::new(true));
        send::start(settings, queue.clone(), answering.clone())?;
        Ok(Pipeline { queue, answering })
    }

    /// Hands over a finished span. It never waits.
    ///
    /// # Errors
    ///
    /// The queue is full or closed; the span is counted as dropped.
    pub fn offer(&self, span: Span) -> Result<(), Refused> {
        self.queue.offer(span)
    }

    /// Waits until what was handed over so far is acknowledged or given up; whether it was in time.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.queue.flush(Instant::now() + timeout)
    }

    /// Flushes, then takes no more spans. What is left counts as dropped.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        let done = self.flush(timeout);
        self.queue.close();
        done
    }

    /// Whether the pipeline still takes spans.
    pub fn is_open(&self) -> bool {
        self.queue.is_open()
    }

    /// Whether the collector took something lately or nothing was sent yet; else waiting for it is in vain.
    pub fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed)
    }

    pub fn stats(&self) -> DeliveryStats {
        self.queue.stats()
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.queue.close();
    }
}
