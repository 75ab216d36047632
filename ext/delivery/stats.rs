//! Counters of delivery: every span is in exactly one of them.

use std::sync::{Mutex, PoisonError};

/// How many spans went where. `emitted = acknowledged + held + dead_lettered + dropped`, at any moment.
///
/// ```
/// let stats = paid::tracing::stats();
/// assert_eq!(stats.emitted, stats.acknowledged + stats.held + stats.dead_lettered + stats.dropped);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryStats {
    /// Handed over by the program.
    pub emitted: u64,
    /// Taken by the collector.
    pub acknowledged: u64,
    /// Waiting, or on their way.
    pub held: u64,
    /// Refused by the collector for good.
    pub dead_lettered: u64,
    /// Lost: the queue was full, or tracing was shut down before they went out.
    pub dropped: u64,
}

impl std::ops::Add for DeliveryStats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        DeliveryStats {
            emitted: self.emitted + other.emitted,
            acknowledged: self.acknowledged + other.acknowledged,
            held: self.held + other.held,
            dead_lettered: self.dead_lettered + other.dead_lettered,
            dropped: self.dropped + other.dropped,
        }
    }
}

/// The counters of one pipeline. One lock, so that the sum holds whenever one looks.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    stats: DeliveryStats,
    failing: bool,
}

impl Counters {
    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn stats(&self) -> DeliveryStats {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stats
    }

    pub fn taken(&self) {
        self.change(|inner| {
            inner.stats.emitted += 1;
            inner.stats.held += 1;
        });
    }

    pub fn refused(&self) {
        self.change(|inner| {
            inner.stats.emitted += 1;
            inner.stats.dropped += 1;
        });
    }

    pub fn acknowledged(&self, count: u64) {
        self.change(|inner| {
            inner.stats.held = inner.stats.held.saturating_sub(count);
            inner.stats.acknowledged += count;
        });
    }

    pub fn dead_lettered(&self, count: u64) {
        self.change(|inner| {
            inner.stats.held = inner.stats.held.saturating_sub(count);
            inner.stats.dead_lettered += count;
        });
    }

    pub fn dropped(&self, count: u64) {
        self.change(|inner| {
            inner.stats.held = inner.stats.held.saturating_sub(count);
            inner.stats.dropped += count;
        });
    }

    /// The last attempt's outcome: whether the collector answers at all.
    pub fn attempt(&self, answered: bool) {
        self.change(|inner| inner.failing = !answered);
    }

    pub fn is_answering(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).failing
    }
}
