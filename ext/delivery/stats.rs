//! Counters of delivery: every span is in exactly one of them.

/// How many spans went where. `emitted = acknowledged + held + dead_lettered + dropped`, at any moment.
///
/// Spans of an ended process that this one took over from the spool directory count as emitted here when they are read.
///
/// ```
/// let stats = paid::tracing::delivery().stats();
/// assert_eq!(stats.emitted, stats.acknowledged + stats.held + stats.dead_lettered + stats.dropped);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryStats {
    /// Handed over by the program.
    pub emitted: u64,
    /// Taken by the collector.
    pub acknowledged: u64,
    /// Waiting in memory or on disk, or on their way.
    pub held: u64,
    /// Refused by the collector for good.
    pub dead_lettered: u64,
    /// Lost; [`TracingOptions::on_loss`](crate::tracing::TracingOptions::on_loss) says why.
    pub dropped: u64,
    /// Bytes of spans that ended processes with the same key left in the spool directory and that are not read yet: they
    /// are delivered by this process, and count as `held` from when they are read.
    pub orphaned_bytes: u64,
    /// Bytes of spans in the spool directory that were recorded under other keys by processes that have ended: only a
    /// process with their key delivers them. A key that was changed while no process ran leaves them behind.
    pub other_keys_bytes: u64,
}

/// What became of spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Acknowledged,
    DeadLettered,
    Dropped,
}

impl DeliveryStats {
    /// Spans that are held from now on.
    pub(super) fn hold(&mut self, count: u64) {
        self.emitted += count;
        self.held += count;
    }

    /// Held spans that are not any more.
    pub(super) fn settle(&mut self, count: u64, how: Settled) {
        self.held = self.held.saturating_sub(count);
        self.add(count, how);
    }

    /// Spans that were never held.
    pub(super) fn refuse(&mut self, count: u64) {
        self.emitted += count;
        self.add(count, Settled::Dropped);
    }

    fn add(&mut self, count: u64, how: Settled) {
        match how {
            Settled::Acknowledged => self.acknowledged += count,
            Settled::DeadLettered => self.dead_lettered += count,
            Settled::Dropped => self.dropped += count,
        }
    }
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
            orphaned_bytes: self.orphaned_bytes + other.orphaned_bytes,
            other_keys_bytes: self.other_keys_bytes.max(other.other_keys_bytes),
        }
    }
}
