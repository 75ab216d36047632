//! Losses, counted by cause, and told of once per cause rather than per span.

use std::fmt;
use std::time::{Duration, Instant};

/// A cause that goes on is told of again after this long.
const AGAIN: Duration = Duration::from_secs(60);

/// Why spans were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LossCause {
    /// The memory for waiting spans is full: the collector or the disk does not keep up.
    QueueFull,
    /// Tracing was shut down before they were delivered, or they were recorded afterwards.
    ShutDown,
    /// They were in the spool directory for longer than the bound of age.
    Expired,
    /// The spool's files do not hold them any more: they were damaged, or could not be read.
    Corrupt,
    /// A span alone is larger than the memory for waiting spans can ever hold.
    TooLarge,
}

impl fmt::Display for LossCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LossCause::QueueFull => "the memory for waiting spans is full: the collector does not keep up",
            LossCause::ShutDown => "tracing was shut down before they were delivered",
            LossCause::Expired => "they were in the spool directory for too long",
            LossCause::Corrupt => "the files in the spool directory are damaged or can't be read",
            LossCause::TooLarge => {
                "a span is larger than the memory for waiting spans (TracingOptions::max_queue_bytes)"
            }
        })
    }
}

/// Spans that were lost for one cause, since it was last told of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// Why.
    pub cause: LossCause,
    /// How many; 0 if damage on disk does not show it.
    pub spans: u64,
}

const CAUSES: [LossCause; 5] =
    [LossCause::QueueFull, LossCause::ShutDown, LossCause::Expired, LossCause::Corrupt, LossCause::TooLarge];

/// What is still to be told, by cause.
#[derive(Debug, Default)]
pub(super) struct Losses([Pending; CAUSES.len()]);

#[derive(Debug, Default)]
struct Pending {
    spans: u64,
    untold: bool,
    told: Option<Instant>,
}

impl Losses {
    /// Whether it is the first of its cause, and should be told of at once.
    pub fn add(&mut self, cause: LossCause, spans: u64) -> bool {
        let Some(pending) = self.0.get_mut(cause as usize) else { return false };
        let news = !pending.untold && pending.told.is_none();
        pending.spans += spans;
        pending.untold = true;
        news
    }

    /// What is to be told now; all of it at the end.
    pub fn due(&mut self, now: Instant, last: bool) -> Vec<(LossCause, u64)> {
        let mut due = Vec::new();
        for (cause, pending) in CAUSES.into_iter().zip(&mut self.0) {
            let waits = pending.told.is_some_and(|told| now.saturating_duration_since(told) < AGAIN);
            if pending.untold && (last || !waits) {
                due.push((cause, std::mem::take(&mut pending.spans)));
                pending.untold = false;
                pending.told = Some(now);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_cause_is_told_of_at_once_and_then_once_a_minute() {
        let mut losses = Losses::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(losses.add(LossCause::QueueFull, 1));
        assert!(!losses.add(LossCause::QueueFull, 1));
        assert_eq!(losses.due(start, false), [(LossCause::QueueFull, 2)]);
        assert!(!losses.add(LossCause::QueueFull, 5), "it was told of already");
        assert!(losses.add(LossCause::Expired, 0));
        assert_eq!(losses.due(at(59), false), [(LossCause::Expired, 0)]);
        assert_eq!(losses.due(at(60), false), [(LossCause::QueueFull, 5)]);
        assert_eq!(losses.due(at(600), false), []);
        losses.add(LossCause::QueueFull, 3);
        losses.due(at(601), false);
        losses.add(LossCause::QueueFull, 4);
        assert_eq!(losses.due(at(602), true), [(LossCause::QueueFull, 4)], "at the end, what is left");
    }
}
