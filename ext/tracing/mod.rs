//! Cost tracing: scopes for the work done for a customer, signals, and tokens that join processes.
//!
//! A scope says for whom work is done; what is recorded inside belongs to that customer's trace.
//!
//! ```no_run
//! use paid::tracing::{paid_tracing, signal};
//!
//! let report = paid_tracing("customer_1").external_agent_id("agent_1").run(|| {
//!     let report = "done".to_string(); // ...the work...
//!     // Without a key, tracing is off and says so here; the work runs all the same.
//!     if let Err(error) = signal("report_written").enable_cost_tracing(true).send() {
//!         eprintln!("{error}");
//!     }
//!     report
//! });
//! assert_eq!(report, "done");
//! ```
//!
//! Tracing never disturbs the program: it has its own pipeline beside any OpenTelemetry set-up of yours, takes no
//! `OTEL_*` variable, does no I/O on your threads, and where it cannot start, your code runs untraced.

#[doc(hidden)]
#[path = "macro_support.rs"]
pub mod __private;
mod client;
mod dead_letters;
mod delivery;
mod futures;
mod ids;
mod joined_costs;
mod metadata;
mod options;
mod outcome;
mod runtime;
#[cfg(unix)]
mod shutdown_signals;

mod id;
mod scope;
mod signal;
pub(crate) mod thread_context;
mod token;

pub use dead_letters::{StoredDeadLetter, dead_letters};
pub use delivery::{Delivery, delivery, flush, shutdown};
pub use futures::{InCurrentScope, Scoped, Traced, carry_scope};
pub use id::IntoId;
pub use metadata::Metadata;
pub use options::TracingOptions;
pub use runtime::{AsDefault, FlushGuard, TracingError, flush_guard, initialize_tracing};
pub use scope::{PaidTracing, Scope, current_tracing_token, paid_tracing};
#[cfg(unix)]
pub use shutdown_signals::flush_on_signals;
pub use signal::{Signal, SignalData, SignalError, signal};
pub use token::{
    InvalidToken, TracingToken, generate_and_set_tracing_token, generate_tracing_token, set_tracing_token,
    unset_tracing_token, with_tracing_token,
};

pub use super::delivery::{DeadLetter, DeliveryStats, Loss, LossCause};
pub use paid_macros::paid_tracing;

pub(crate) use ids::span_id as new_span_id;
pub(crate) use outcome::Outcome;
pub(crate) use runtime::{flush_before_exit, is_enabled};
#[cfg(feature = "openai")]
pub(crate) use scope::is_in_scope;
pub(crate) use scope::{ActiveScope, current as current_scope};

/// The scope's name in OpenTelemetry, and the version with it.
const INSTRUMENTATION: (&str, &str) = ("paid.rust", env!("CARGO_PKG_VERSION"));
