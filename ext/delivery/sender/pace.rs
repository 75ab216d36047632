//! How often the collector is asked: many requests at once while it takes them, one at a time and ever more rarely
//! while it doesn't.

use std::time::{Duration, Instant};

/// Requests under way at once.
const WIDTH: usize = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The least time after a failure, however often someone flushes.
const BREATH: Duration = Duration::from_millis(100);
/// The same after a failure that somebody has to mend.
const LONG_BREATH: Duration = Duration::from_secs(1);
/// Such a failure counts as so many in a row.
const LASTING: u32 = 5;
/// The least time after spans were refused for good: the next ones may be taken.
const GAP: Duration = Duration::from_millis(60);
/// Where everything is refused, it is to come to an end.
const LATER_GAP: Duration = Duration::from_millis(10);
const MANY: u32 = 50;
/// A collector that asks for more makes no sense, and is not heeded.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Failures in a row; those of requests that were under way together count as one.
    failures: u32,
    /// Refusals in a row.
    refusals: u32,
    last: Option<Instant>,
    not_before: Option<Instant>,
    /// What the collector asked for: no flush goes below it.
    asked: Option<Instant>,
    /// The last failure is one that does not pass by itself.
    lasts: bool,
}

impl Pace {
    /// How many requests may be under way now.
    pub fn width(&self, now: Instant) -> usize {
        match self.not_before {
            Some(then) if then > now => 0,
            _ if self.is_failing() || self.refusals > 0 => 1,
            _ => WIDTH,
        }
    }

    /// When the next request may go, if not now.
    pub fn not_before(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|then| *then > now)
    }

    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// How many failures came before.
    pub fn succeeded(&mut self) -> u32 {
        std::mem::take(self).failures
    }

    /// Spans were refused for good: the collector answers, but is not to be flooded with more of their kind.
    pub fn refused(&mut self, now: Instant) {
        let refusals = self.refusals.saturating_add(1);
        let gap = if refusals > MANY { LATER_GAP } else { GAP };
        *self = Pace { refusals, last: Some(now), not_before: now.checked_add(gap), ..Pace::default() };
    }

    /// A request that started then failed; `asked` is the collector's Retry-After, `dice` from 0 to 1.
    pub fn failed(&mut self, started: Instant, now: Instant, asked: Option<Duration>, dice: f64) {
        if self.failures == 0 || self.last.is_none_or(|last| started >= last) {
            self.failures = self.failures.saturating_add(1);
            self.not_before = now.checked_add(pause(self.failures - 1, dice));
        }
        self.last = Some(now);
        self.lasts = false;
        // Other spans may go a minute later, whatever was asked for these.
        if let Some(asked) = sensible(asked) {
            self.asked = now.checked_add(asked.min(LONGEST_PAUSE));
            self.not_before = self.not_before.max(self.asked);
        }
    }

    /// As [`failed`](Self::failed), for a reason that somebody has to mend: attempts are rare from the first one on.
    pub fn failed_lastingly(&mut self, started: Instant, now: Instant, dice: f64) {
        self.failures = self.failures.max(LASTING - 1);
        self.failed(started, now, None, dice.mul_add(0.5, 0.5));
        self.lasts = true;
    }

    /// Someone waits: what is only a pause is cut short.
    pub fn hurry(&mut self) {
        if self.failures == 0 {
            return;
        }
        let least = if self.lasts { LONG_BREATH } else { BREATH };
        let breath = self.last.and_then(|last| last.checked_add(least));
        self.not_before = self.not_before.min(breath).max(self.asked);
    }
}

/// After so many attempts before: 0.5 s doubles up to 60 s; any part of it at random.
pub(super) fn pause(attempts: u32, dice: f64) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts)).min(LONGEST_PAUSE).mul_f64(dice)
}

/// A Retry-After that can be meant.
pub(super) fn sensible(asked: Option<Duration>) -> Option<Duration> {
    asked.filter(|asked| *asked <= LONGEST_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn pauses_grow_to_a_minute() {
        assert_eq!(pause(0, 1.0), Duration::from_millis(500));
        assert_eq!(pause(3, 0.5), Duration::from_secs(2));
        assert_eq!(pause(u32::MAX, 1.0), Duration::from_secs(60));
        assert_eq!(sensible(Some(Duration::MAX)), None);
    }

    #[test]
    fn requests_that_fail_together_count_as_one_failure() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.width(start), WIDTH);
        let then = start + Duration::from_secs(1);
        for _ in 0..4 {
            pace.failed(start, then, None, 1.0);
        }
        assert_eq!(pace.not_before(then), Some(then + FIRST_PAUSE));
        assert_eq!((pace.width(then), pace.width(then + FIRST_PAUSE)), (0, 1));
        pace.failed(then + FIRST_PAUSE, then + FIRST_PAUSE, None, 1.0);
        assert_eq!(pace.not_before(then), Some(then + FIRST_PAUSE + Duration::from_secs(1)));
        pace.succeeded();
        assert_eq!(pace.width(then), WIDTH);
    }

    #[test]
    fn a_flush_cuts_a_pause_short_but_not_what_was_asked_for() {
        let start = Instant::now();
        let mut pace = Pace::default();
        for _ in 0..10 {
            pace.failed(start, start, None, 1.0);
        }
        pace.hurry();
        assert_eq!(pace.not_before(start), Some(start + BREATH));
        pace.failed(start, start, Some(Duration::from_secs(7)), 0.0);
        pace.hurry();
        assert_eq!(pace.not_before(start), Some(start + Duration::from_secs(7)));
    }

    #[test]
    fn a_failure_that_lasts_is_met_rarely() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.failed_lastingly(start, start, 0.0);
        assert_eq!(pace.not_before(start), Some(start + Duration::from_secs(4)));
        pace.hurry();
        assert_eq!(pace.not_before(start), Some(start + LONG_BREATH));
        let then = start + Duration::from_secs(4);
        pace.failed_lastingly(then, then, 1.0);
        assert!(pace.not_before(then) > Some(then + Duration::from_secs(10)));
        pace.failed(then, then, None, 1.0);
        pace.hurry();
        assert_eq!(pace.not_before(then), Some(then + BREATH));
    }

    #[test]
    fn an_outage_sees_few_requests() {
        for refused in [true, false] {
            let (start, mut pace) = (Instant::now(), Pace::default());
            let mut now = start;
            let mut requests = 0;
            while now < start + Duration::from_secs(3) {
                requests += pace.width(now).max(1);
                match refused {
                    true => pace.refused(now),
                    false => pace.failed(now, now, None, 0.0),
                }
                // The worst case: no luck with the dice, and someone flushes all the time.
                pace.hurry();
                now = pace.not_before(now).unwrap_or(now + Duration::from_millis(100));
            }
            assert!(requests <= 56, "{requests}");
        }
    }
}
