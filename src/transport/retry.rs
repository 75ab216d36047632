//! Retry policy for API calls: what is repeated, when, and how often.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::HeaderMap;

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(10);
/// A server that asks for more is not waited for: its error goes to the caller, who can read the time.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server answered with this status.
    Status(u16),
    /// There was no connection: the server never saw the request.
    NotSent,
    /// The connection broke: the server may have processed the request.
    Broken,
    /// No answer in time: the server may have processed the request.
    TimedOut,
    /// Another attempt would end the same: TLS refused the server, redirects led nowhere.
    Lasting,
}

/// What makes it harmless to repeat a request that may have been processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Safety {
    /// The request has an idempotency key.
    pub has_key: bool,
    /// GET, PUT, DELETE, a request with a key, or the caller's word.
    pub is_idempotent: bool,
}

/// Whether a failed attempt is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    Yes,
    /// Another attempt would end the same.
    Never,
    /// Another attempt may succeed, and may do twice what must happen once.
    Unsafe,
}

/// Decides on a failed attempt.
///
/// A request that may have been processed is repeated only if that cannot change the outcome. 408 and
/// 429 say that it was not. 409 is a duplicate, unless a key says that it is the same call.
pub(crate) fn decide(failure: Failure, safety: Safety) -> Repeat {
    match failure {
        Failure::NotSent | Failure::Status(408 | 429) => Repeat::Yes,
        Failure::Status(409) if safety.has_key => Repeat::Yes,
        Failure::Status(500..) | Failure::Broken | Failure::TimedOut if safety.is_idempotent => Repeat::Yes,
        Failure::Status(500..) | Failure::Broken | Failure::TimedOut => Repeat::Unsafe,
        Failure::Status(_) | Failure::Lasting => Repeat::Never,
    }
}

/// Whether a status is one that may pass.
pub(crate) fn is_retryable_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..)
}

/// Whether repeating a request cannot change the outcome, by its method.
pub(crate) fn is_idempotent(method: &str) -> bool {
    method != "POST" && method != "PATCH"
}

/// How long to wait before the attempt after `attempt` (the first is 1); none if it is too long.
///
/// `dice` is in 0..1. What the server asks for is a lower bound; else 0.5 s doubles up to 10 s, and
/// up to half of it is taken off at random, so that clients don't come back all at once.
pub(crate) fn delay(attempt: u32, retry_after: Option<Duration>, dice: f64) -> Option<Duration> {
    if let Some(asked) = retry_after {
        return (asked <= LONGEST_RETRY_AFTER).then(|| asked + FIRST_DELAY.mul_f64(dice * 0.2));
    }
    let doubled = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    Some(doubled.min(LONGEST_DELAY).mul_f64(1.0 - dice / 2.0))
}

/// What the server asks for: `retry-after-ms`, or `Retry-After` in seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: std::time::SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(millis / 1000.0).ok();
    }
    let given = text("retry-after")?;
    if let Ok(seconds) = given.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = chrono::DateTime::parse_from_rfc2822(given).ok()?;
    let wait = date.signed_duration_since(chrono::DateTime::<chrono::Utc>::from(now));
    // A date that has passed means now.
    Some(wait.to_std().unwrap_or_default())
}

/// The retries that a client has in hand. Tenths, so that a success can give back a part.
#[derive(Debug)]
pub(crate) struct Budget {
    tenths: AtomicU32,
    /// None for no limit.
    full: Option<u32>,
}

impl Budget {
    pub fn new(retries: Option<u32>) -> Self {
        let full = retries.map(|retries| retries.saturating_mul(10));
        Budget { tenths: AtomicU32::new(full.unwrap_or(0)), full }
    }

    /// Takes one retry, if there is one.
    pub fn take(&self) -> bool {
        let less = |tenths: u32| tenths.checked_sub(10);
        self.full.is_none() || self.tenths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// A call succeeded.
    pub fn give(&self) {
        let Some(full) = self.full else { return };
        let more = |tenths: u32| (tenths < full).then(|| tenths.saturating_add(1));
        // Full is as good as given.
        let _ = self.tenths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let value = http::HeaderValue::from_str(value).ok();
        value
            .map(|value| HeaderMap::from_iter([(http::HeaderName::from_static(name), value)]))
            .unwrap_or_default()
    }

    #[test]
    fn what_may_have_been_processed_is_repeated_only_if_that_is_harmless() {
        let harmless = Safety { has_key: false, is_idempotent: true };
        let harmful = Safety { has_key: false, is_idempotent: false };
        let keyed = Safety { has_key: true, is_idempotent: true };
        let statuses = [500, 503, 599].map(Failure::Status);
        for failure in [Failure::Broken, Failure::TimedOut].into_iter().chain(statuses) {
            assert_eq!(decide(failure, harmless), Repeat::Yes, "{failure:?}");
            assert_eq!(decide(failure, harmful), Repeat::Unsafe, "{failure:?}");
        }
        for failure in [Failure::NotSent, Failure::Status(408), Failure::Status(429)] {
            assert_eq!(decide(failure, harmful), Repeat::Yes, "{failure:?}");
        }
        for failure in [Failure::Lasting, Failure::Status(400), Failure::Status(404), Failure::Status(302)] {
            assert_eq!(decide(failure, keyed), Repeat::Never, "{failure:?}");
        }
        assert_eq!(decide(Failure::Status(409), keyed), Repeat::Yes);
        assert_eq!(decide(Failure::Status(409), harmless), Repeat::Never);
    }

    #[test]
    fn delays_double_up_to_ten_seconds_and_vary_by_half() {
        let seconds = |attempt, dice| delay(attempt, None, dice).map(|delay| delay.as_secs_f64());
        assert_eq!(seconds(1, 0.0), Some(0.5));
        assert_eq!(seconds(1, 1.0), Some(0.25));
        assert_eq!(seconds(3, 0.0), Some(2.0));
        assert_eq!(seconds(40, 0.0), Some(10.0));
        assert_eq!(seconds(u32::MAX, 1.0), Some(5.0));
    }

    #[test]
    fn what_the_server_asks_for_is_a_lower_bound_and_too_much_is_refused() {
        let asked = Some(Duration::from_secs(20));
        assert!(delay(1, asked, 0.0) >= asked && delay(1, asked, 1.0) < Some(Duration::from_secs(21)));
        assert_eq!(delay(1, Some(Duration::from_secs(61)), 0.5), None);
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_480);
        let read = |name, value| retry_after(&headers(name, value), at);
        assert_eq!(read("retry-after", "3"), Some(Duration::from_secs(3)));
        assert_eq!(read("retry-after", " 1.5 "), Some(Duration::from_millis(1500)));
        assert_eq!(read("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(read("retry-after", "Wed, 21 Oct 2015 07:28:05 GMT"), Some(Duration::from_secs(5)));
        assert_eq!(read("retry-after", "Wed, 21 Oct 2015 07:00:00 GMT"), Some(Duration::ZERO));
        for nonsense in ["-1", "soon", "NaN", "inf", "", "1e400"] {
            assert_eq!(read("retry-after", nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_budget_empties_and_fills_a_tenth_per_success() {
        let budget = Budget::new(Some(2));
        assert!(budget.take() && budget.take());
        assert!(!budget.take());
        (0..9).for_each(|_| budget.give());
        assert!(!budget.take());
        budget.give();
        assert!(budget.take());
        (0..100).for_each(|_| budget.give());
        assert!(budget.take() && budget.take() && !budget.take());
        assert!((0..1000).all(|_| Budget::new(None).take()));
        assert!(!Budget::new(Some(0)).take());
    }
}
