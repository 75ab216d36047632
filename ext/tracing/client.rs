//! Tracing from a client: under its key, even beside another's.

use std::future::Future;

use super::id::IntoId;
use super::options::TracingOptions;
use super::runtime::{self, AsDefault, ScopeAccount, TracingError};
use super::scope::PaidTracing;
use super::signal::{Signal, signal};
use crate::AsyncPaid;

macro_rules! tracing_methods {
    () => {
        /// Starts tracing under this client's key. If no other account is traced in the process, this one becomes the
        /// default of free functions and the attribute.
        ///
        /// It is not needed: the first scope starts it. Python: `client.initialize_tracing()`.
        ///
        /// # Errors
        ///
        /// [`TracingError`](crate::tracing::TracingError); the program can ignore it and runs untraced.
        pub fn initialize_tracing(&self) -> Result<(), TracingError> {
            self.initialize_tracing_with(TracingOptions::new())
        }

        /// Starts tracing under this client's key with a collector or a bound of your own; a key in the options is
        /// not used. Python: `client.initialize_tracing(collector_endpoint)`.
        ///
        /// # Errors
        ///
        /// As [`initialize_tracing`](Self::initialize_tracing);
        /// [`TracingError::Conflict`](crate::tracing::TracingError::Conflict) if the account is traced with other
        /// settings already.
        pub fn initialize_tracing_with(&self, options: TracingOptions) -> Result<(), TracingError> {
            runtime::initialize_for(self.account(), &options)
        }

        /// Work for a customer, to be traced under this client's key. Python: `client.trace(..)` with its parameters.
        pub fn paid_tracing(&self, external_customer_id: impl IntoId) -> PaidTracing {
            PaidTracing::new(ScopeAccount::Of(self.account().clone()), external_customer_id)
        }

        /// Runs a closure in a scope of this client. Python: `client.trace(external_customer_id, fn)`.
        ///
        /// For the other parameters, and for futures, see `paid_tracing`.
        pub fn trace<R>(&self, external_customer_id: impl IntoId, work: impl FnOnce() -> R) -> R {
            self.paid_tracing(external_customer_id).run(work)
        }

        /// Runs a closure in which this client's account is the default: free functions and the attribute trace under
        /// its key. For tests side by side, and for programs with several accounts.
        ///
        /// Threads and spawned tasks don't have it, unless [`carry_scope`](crate::tracing::carry_scope) or
        /// [`in_current_scope`](crate::tracing::InCurrentScope::in_current_scope) carries it into them.
        pub fn as_default<R>(&self, work: impl FnOnce() -> R) -> R {
            runtime::run_as_default(self.account(), work)
        }

        /// A future in which this client's account is the default, as [`as_default`](Self::as_default) for closures.
        pub fn as_default_async<F: Future>(&self, work: F) -> AsDefault<F> {
            AsDefault::new(self.account().clone(), work)
        }

        /// A signal, to be sent in the current scope. Python: `client.signal(..)`.
        ///
        /// It is recorded under the account of the scope that it is sent in.
        pub fn signal(&self, event_name: impl Into<String>) -> Signal {
            signal(event_name)
        }
    };
}

impl AsyncPaid {
    tracing_methods!();
}

#[cfg(feature = "blocking")]
impl crate::Paid {
    tracing_methods!();
}
