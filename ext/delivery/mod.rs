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
mod thread;
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

use sha2::{Digest, Sha256};

use crate::Token;

/// What a pipeline needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub token: Token,
    pub endpoint: reqwest::Url,
    pub scope: (&'static str, &'static str),
    pub max_queue_bytes: usize,
    pub compression: bool,
    /// No proxy of the environment's either.
    pub no_proxy: bool,
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

    /// A sentence about the collector, which names its host and what sets it.
    fn about_collector(&self, does: &str) -> String {
        let host = self.endpoint.host_str().unwrap_or_default();
        let port = self.endpoint.port_or_known_default().unwrap_or_default();
        format!(
            "the collector {host}:{port} {does} (its URL is set by TracingOptions::collector_endpoint or \
             PAID_OTEL_COLLECTOR_ENDPOINT)"
        )
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
impl Settings {
    fn for_tests(endpoint: &str) -> Settings {
        Settings {
            token: Token::from("a_key"),
            endpoint: endpoint.parse().unwrap_or_else(|error| panic!("{endpoint}: {error}")),
            scope: ("paid.rust", "0"),
            max_queue_bytes: 100_000,
            compression: true,
            no_proxy: true,
            spool: None,
            strict_cost_tracing: false,
            callbacks: Callbacks::default(),
            #[cfg(feature = "mirror")]
            mirror: None,
        }
    }
}

/// Names an account where several are at work. It tells nothing of the key to one who does not have it.
pub(crate) fn fingerprint(key: &str) -> String {
    let digest = Sha256::new().chain_update(b"paid account 1\0").chain_update(key).finalize();
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
