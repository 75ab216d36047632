//! Calls over HTTP that are made by hand, and measured by what their answers tell.

use std::fmt::{self, Display};
use std::future::Future;

use http::{HeaderMap, StatusCode, Uri};
use opentelemetry::Value;

use super::engine::{Inside, Providers, Request, UntracedCall, Watch, recognize, run_inside};

/// Watches a call of an AI provider that you make with an HTTP client of your own. What it is, and what it used, is
/// read from the request and the answer; see [`Providers::watch`] for hosts of your own.
///
/// Outside of a scope, and for anything that is no call of an AI provider, it does nothing.
///
/// ```no_run
/// use paid::tracing::paid_tracing;
///
/// # async fn example(http: reqwest::Client) -> Result<(), Box<dyn std::error::Error>> {
/// paid_tracing("customer_1").run_async(async {
///     let (url, body) = ("https://api.anthropic.com/v1/messages", r#"{"model": "claude-sonnet-4-5"}"#);
///     let mut call = paid::ai::watch("POST", url, body);
///     let mut answer = http.post(url).body(body).send().await?;
///     call.answered(answer.status(), answer.headers());
///     while let Some(piece) = answer.chunk().await? {
///         call.feed(&piece);
///     }
///     call.end();
///     Ok::<(), reqwest::Error>(())
/// }).await?;
/// # Ok(())
/// # }
/// ```
///
/// Dropped by a `?` before its answer, or amid a stream, it is recorded as failed.
pub fn watch(method: &str, url: &str, body: impl AsRef<[u8]>) -> WatchedCall {
    Providers::new().watch(method, url, body)
}

impl Providers {
    /// Watches a call that you make with an HTTP client of your own, as [`watch`] does.
    pub fn watch(&self, method: &str, url: &str, body: impl AsRef<[u8]>) -> WatchedCall {
        WatchedCall(self.started(method, url, body.as_ref()))
    }

    fn started(&self, method: &str, url: &str, body: &[u8]) -> Option<Watch> {
        if !Watch::is_wanted() {
            return None;
        }
        let url: Uri = url.parse().ok()?;
        let host = url.authority()?.as_str();
        let request = Request { method, host, path: url.path(), body: Some(body) };
        let Some(recognized) = recognize(self, &request) else {
            // Nothing is refused here: the caller makes the call. What is not counted is reported.
            let _ = UntracedCall::check_unrecognized(true, &request);
            return None;
        };
        Watch::start(recognized)
    }
}

/// A call that is watched. Made by [`watch`].
#[must_use = "the call ends when this is dropped"]
pub struct WatchedCall(Option<Watch>);

impl WatchedCall {
    /// The head of the answer, of any status.
    pub fn answered(&mut self, status: StatusCode, headers: &HeaderMap) -> &mut Self {
        if let Some(watch) = &mut self.0 {
            watch.answered_http(status, headers);
        }
        self
    }

    /// The answer's body: all of it, or the next piece of any size. The call ends when all that counts is told.
    pub fn feed(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        if let Some(watch) = &mut self.0 {
            watch.feed(bytes.as_ref());
        }
        self
    }

    /// The body has ended.
    pub fn end(mut self) {
        if let Some(watch) = &mut self.0 {
            watch.end();
        }
    }

    /// The call failed: the error's text is the span's status, without the URLs in it.
    pub fn fail<E: Display + ?Sized>(mut self, error: &E) {
        if let Some(watch) = &mut self.0 {
            watch.fail(error);
        }
    }

    /// Any other attribute. What holds prompts or answers is dropped, unless the scope has `store_prompt`.
    pub fn attribute(&mut self, key: impl Into<String>, value: impl Into<Value>) -> &mut Self {
        if let Some(watch) = &mut self.0 {
            watch.attribute(key, value);
        }
        self
    }

    /// How long the audio is that is sent to be transcribed; answers tell it rounded, or not at all.
    pub fn audio_seconds(&mut self, seconds: f64) -> &mut Self {
        if let Some(watch) = &mut self.0 {
            watch.audio_seconds(seconds);
        }
        self
    }

    /// Runs the closure that makes the call, where the client is hooked too: the hook doesn't count it again.
    pub fn inside<R>(&self, work: impl FnOnce() -> R) -> R {
        run_inside(self.0.is_some(), work)
    }

    /// The same for a future, up to its end.
    pub fn inside_async<F: Future>(&self, work: F) -> Inside<F> {
        Inside::new(self.0.is_some(), work)
    }
}

impl fmt::Debug for WatchedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedCall").field("is_watched", &self.0.is_some()).finish()
    }
}
