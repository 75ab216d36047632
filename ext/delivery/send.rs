//! The sender thread: batches, attempts, and what each answer means.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};

use super::queue::{Queue, Settled};
use super::span::Span;
use super::{Settings, encode};
use crate::transport;

const MAX_BATCH: usize = 512;
const LINGER: Duration = Duration::from_millis(200);
const ATTEMPT: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A collector that asks for more makes no sense, and is not heeded.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What an answer means for the spans that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Taken,
    /// The collector will never take them.
    Refused,
    /// Again, not before so long.
    Later(Option<Duration>),
}

/// Starts the thread. It ends when the queue is closed.
///
/// What it needs is set up there: reading the system's certificates is nothing for the caller to wait for.
pub(super) fn start(
    settings: Settings,
    queue: Arc<Queue>,
    answering: Arc<AtomicBool>,
) -> std::io::Result<()> {
    let run = move || match set_up() {
        Ok((runtime, client)) => {
            Sender { settings, client, answering, failing: false }.run(&runtime, &queue);
        }
        Err(problem) => {
            tracing::error!(target: "paid", "tracing is off: the sender could not start: {problem}");
            queue.close();
        }
    };
    std::thread::Builder::new().name("paid-delivery".into()).spawn(run).map(drop)
}

fn set_up() -> Result<(tokio::runtime::Runtime, reqwest::Client), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no event queue: {error}"))?;
    // A redirect is never followed: the body holds the key.
    let client = transport::http_client(false).map_err(|error| error.to_string())?;
    Ok((runtime, client))
}

struct Sender {
    settings: Settings,
    client: reqwest::Client,
    answering: Arc<AtomicBool>,
    /// The last attempt failed; the next failure is not reported again.
    failing: bool,
}

impl Sender {
    fn run(mut self, runtime: &tokio::runtime::Runtime, queue: &Queue) {
        while let Some(spans) = queue.batch(MAX_BATCH, LINGER) {
            let settled = self.deliver(runtime, queue, &spans);
            queue.settle(&spans, settled);
        }
    }

    /// Sends a batch until it is taken, refused, or the queue is closed.
    fn deliver(&mut self, runtime: &tokio::runtime::Runtime, queue: &Queue, spans: &[Span]) -> Settled {
        let mut attempt: u32 = 0;
        // The same bytes on every attempt; made again only if the key changes.
        let mut body: Option<(String, Vec<u8>)> = None;
        loop {
            let verdict = match self.settings.token.text() {
                Ok(key) => {
                    if body.as_ref().is_none_or(|(known, _)| *known != key) {
                        let bytes = encode::request(&key, self.settings.scope, spans);
                        body = Some((key, bytes));
                    }
                    let bytes = body.as_ref().map(|(_, bytes)| bytes.clone()).unwrap_or_default();
                    runtime.block_on(self.attempt(bytes))
                }
                Err(error) => {
                    self.report(&error.to_string());
                    Verdict::Later(None)
                }
            };
            self.answering.store(!matches!(verdict, Verdict::Later(_)), Ordering::Relaxed);
            match verdict {
                Verdict::Taken => {
                    self.failing = false;
                    return Settled::Acknowledged;
                }
                Verdict::Refused => return Settled::DeadLettered,
                Verdict::Later(_) if !queue.is_open() => return Settled::Dropped,
                Verdict::Later(least) => {
                    queue.pause(pause(attempt, least, fastrand::f64()));
                    attempt = attempt.saturating_add(1);
                }
            }
        }
    }

    async fn attempt(&mut self, body: Vec<u8>) -> Verdict {
        let request = self
            .client
            .post(self.settings.endpoint.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
            .timeout(ATTEMPT)
            .body(body);
        let (status, wait, text) = match request.send().await {
            Err(error) => {
                self.report(&transport::reason(&error));
                return Verdict::Later(None);
            }
            Ok(answer) => {
                let status = answer.status().as_u16();
                let wait = transport::retry_after(answer.headers(), std::time::SystemTime::now());
                match answer.bytes().await {
                    Ok(text) => (status, wait, text),
                    Err(error) => {
                        self.report(&transport::reason(&error));
                        return Verdict::Later(None);
                    }
                }
            }
        };
        let verdict = judge(status, wait);
        match verdict {
            Verdict::Taken => {}
            Verdict::Refused => {
                let text: String = String::from_utf8_lossy(&text).chars().take(200).collect();
                tracing::error!(target: "paid", status, "the collector refused spans for good: {text}");
            }
            Verdict::Later(_) => self.report(&format!("the collector answered {status}")),
        }
        verdict
    }

    /// Once per run of failures, not per attempt.
    fn report(&mut self, problem: &str) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(target: "paid", "spans are held and will be sent again: {problem}");
        }
    }
}

fn judge(status: u16, wait: Option<Duration>) -> Verdict {
    match status {
        200..=299 => Verdict::Taken,
        400 | 413 | 415 => Verdict::Refused,
        _ => Verdict::Later(wait),
    }
}

/// 0.5 s doubles up to 60 s; any part of it at random, and never less than the collector asks for.
fn pause(attempt: u32, least: Option<Duration>, dice: f64) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST_PAUSE);
    let least = least.filter(|least| *least <= LONGEST_RETRY_AFTER);
    longest.mul_f64(dice).max(least.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        assert_eq!(judge(200, None), Verdict::Taken);
        assert_eq!(judge(202, None), Verdict::Taken);
        assert_eq!(judge(400, None), Verdict::Refused);
        for status in [301, 401, 403, 404, 408, 429, 500, 502, 503, 504] {
            let wait = Some(Duration::from_secs(3));
            assert_eq!(judge(status, wait), Verdict::Later(wait), "{status}");
        }
    }

    #[test]
    fn pauses_grow_to_a_minute_and_keep_what_is_asked_for() {
        assert_eq!(pause(0, None, 1.0), Duration::from_millis(500));
        assert_eq!(pause(3, None, 0.5), Duration::from_secs(2));
        assert_eq!(pause(u32::MAX, None, 1.0), Duration::from_secs(60));
        assert_eq!(pause(0, Some(Duration::from_secs(7)), 0.1), Duration::from_secs(7));
        assert_eq!(pause(0, Some(Duration::MAX), 1.0), Duration::from_millis(500), "that makes no sense");
    }
}
