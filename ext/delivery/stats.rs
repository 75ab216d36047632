//! Counters of delivery: every span is in exactly one of them.

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
