//! Delivery of spans: caller → bounded queue → (writer → spool on disk) → sender → collector.
//!
//! The caller only encodes a span and puts it into memory. Everything else happens on threads of the SDK's own, never
//! on the host's runtime. Without a spool directory the sender takes from the queue; with one, a writer takes it to
//! disk within milliseconds, and the sender reads it from there.

mod chunk;
mod encode;
mod loss;
#[cfg(feature = "mirror")]
mod mirror;
mod pipeline;
mod queue;
mod ranges;
mod records;
mod report;
mod sender;
mod span;
mod spool;
mod stats;
mod wake;
mod writer;

pub use loss::{Loss, LossCause};
#[cfg(feature = "mirror")]
pub(crate) use mirror::Mirror;
pub(crate) use pipeline::Pipeline;
pub(crate) use queue::Refused;
pub(crate) use report::Callbacks;
pub use report::DeadLetter;
pub(crate) use span::{Attribute, Exception, Owner, Parent, Span, Status, now_unix_nano};
pub(crate) use spool::SpoolSettings;
pub(crate) use spool::dead_letters::{self as dead_letter_store, Group as StoredLetters};
pub use stats::DeliveryStats;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Token;

/// What a pipeline needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub token: Token,
    pub endpoint: reqwest::Url,
    pub scope: (&'static str, &'static str),
    pub max_queue_bytes: usize,
    pub compression: bool,
    /// None: memory only.
    pub spool: Option<SpoolSettings>,
    /// Whether a second signal that joins the costs of a trace is refused.
    pub strict_cost_tracing: bool,
    pub callbacks: Callbacks,
    #[cfg(feature = "mirror")]
    pub mirror: Option<Mirror>,
}

impl Settings {
    /// The key as it is now. A function of the user's that panics is no reason to end delivery.
    fn key(&self) -> Result<String, String> {
        match catch_unwind(AssertUnwindSafe(|| self.token.text())) {
            Ok(key) => key.map_err(|error| error.to_string()),
            Err(_) => Err("the function that gives the token panicked".into()),
        }
    }
}
