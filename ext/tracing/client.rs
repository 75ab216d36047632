//! Tracing from a client: under its key, even beside another's.

use super::account::{self, Account, TracingError};
use super::options::TracingOptions;
use super::scope::PaidTracing;
use super::signal::{Signal, signal};
use super::text::OptionalText;
use crate::AsyncPaid;

macro_rules! tracing_methods {
    ($token:expr) => {
        /// Starts tracing under this client's key; the first one started is the default of the process.
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
        /// As [`initialize_tracing`](Self::initialize_tracing).
        pub fn initialize_tracing_with(&self, options: TracingOptions) -> Result<(), TracingError> {
            account::initialize_for($token(self), options)
        }

        /// Work for a customer, to be traced under this client's key. Python: `client.trace(..)` with its parameters.
        pub fn paid_tracing(&self, external_customer_id: impl OptionalText) -> PaidTracing {
            PaidTracing::new(Account::Of($token(self)), external_customer_id)
        }

        /// Runs a closure in a scope of this client. Python: `client.trace(external_customer_id, fn)`.
        ///
        /// For the other parameters, and for futures, see `paid_tracing`.
        pub fn trace<R>(&self, external_customer_id: impl OptionalText, work: impl FnOnce() -> R) -> R {
            self.paid_tracing(external_customer_id).run(work)
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
    tracing_methods!(|client: &AsyncPaid| client.token().clone());
}

#[cfg(feature = "blocking")]
impl crate::Paid {
    tracing_methods!(|client: &crate::Paid| client.token().clone());
}
