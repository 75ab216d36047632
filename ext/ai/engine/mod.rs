//! The engine of AI usage capture: it recognises calls of AI providers, reads what they used from their answers, and
//! records a span for each. It makes no request and changes none by itself; adapters hook it into a client.
//!
//! What an adapter does, at the layer where it sees requests and answers (outside of any retry):
//!
//! ```text
//! let wanted = Watch::is_wanted(); // not outside of a scope, and not if a hook above counts the call
//! if !wanted && self.optional_tracing { return self.inner.call(request).await; }
//! let seen = Request { method, host, path, body }; // body: None if it is not at hand
//! let Some(recognized) = recognize(&self.providers, &seen) else { return self.inner.call(request).await };
//! UntracedCall::check(self.optional_tracing)?; // before the provider is called
//! if !wanted { return self.inner.call(request).await; }
//! // Chat streams tell their usage only if asked: send `asked` (with its content-length), then hide the answer to it.
//! let asked = recognized.ask_for_usage(body);
//! let mut watch = Watch::start(recognized);
//! let answer = Watch::inside(watch.as_ref(), self.inner.call(request)).await;
//! // Err: watch.fail(&error). Ok:
//! watch.answered_http(answer.status(), answer.headers());
//! let hide = asked.and_then(|_| HideUsage::new(content_type_of_the_answer));
//! // The body goes on as it comes, with the watch in it:
//! //   each piece:  watch.feed(&piece), then pass on hide.filter(piece)
//! //   its end:     watch.end(), then pass on hide.end()
//! //   an error:    watch.fail(&error), and pass it on
//! //   dropped:     the watch is dropped with it
//! ```
//!
//! The scope is that of `Watch::start`: start it where the caller calls, not in a task that is spawned for the stream.
//! An adapter that knows what it talks to uses [`recognize_as`] with a [`Provider`] instead of a host.

mod ask;
mod errors;
mod event_stream;
mod form;
mod found;
mod hide;
mod inside;
mod interactions;
mod json;
mod measure;
#[cfg(any(test, fuzzing))]
mod properties;
mod providers;
mod reader;
mod recognize;
mod request;
mod skim;
mod sse;
#[cfg(test)]
mod tests;
mod unpack;
mod untraced;
mod usage;
mod watch;

/// For a fuzzer, which finds inputs of which these don't hold.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    pub use super::properties::{ask_for_usage, event_stream, json_usage, request, sse};
}

pub use inside::Inside;
pub use providers::{Provider, Providers};
pub use untraced::UntracedCall;

pub(crate) use hide::HideUsage;
pub(crate) use inside::run as run_inside;
pub(crate) use providers::Speaks;
#[cfg(feature = "anthropic")]
pub(crate) use recognize::Format;
pub(crate) use recognize::{Recognized, Request, recognize, recognize_as};
pub(crate) use request::{Body as RequestBody, FormBody};
#[cfg(feature = "anthropic")]
pub(crate) use sse::{Piece, Sse};
pub(crate) use watch::Watch;
