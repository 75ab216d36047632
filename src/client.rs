//! The async client.

use std::fmt;
use std::sync::Arc;

use crate::config::Builder;
use crate::error::Error;
use crate::token::Token;
use crate::transport::Transport;

/// The async client of the Paid API. Python: `AsyncPaid`.
///
/// It is cheap to clone, shares its connections between clones, and can be used from any number
/// of tasks. Calls need a Tokio runtime with I/O and time enabled.
///
/// ```no_run
/// use paid::{AsyncPaid, types::CustomerCreate};
///
/// # async fn example() -> Result<(), paid::Error> {
/// let client = AsyncPaid::new("API_KEY")?;
/// let customer = client.customers().create(CustomerCreate::new("Acme, Inc.")).await?;
/// println!("{}", customer.id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AsyncPaid {
    transport: Arc<Transport>,
}

impl AsyncPaid {
    /// A client for the production server.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] if the token can't be one: empty, or with characters that don't fit a header.
    pub fn new(token: impl Into<Token>) -> Result<Self, Error> {
        Self::builder().token(token).build()
    }

    /// A client configured by `PAID_API_KEY` and, if set, `PAID_BASE_URL`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().from_env()?.build()
    }

    /// A client with settings of its own.
    pub fn builder() -> Builder<AsyncPaid> {
        Builder::new()
    }

    /// The URL that requests go to, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.transport.base_url
    }

    pub(crate) fn from_transport(transport: Transport) -> Self {
        #[cfg(feature = "cost-tracing")]
        crate::account::note_client(&transport.account);
        AsyncPaid { transport: Arc::new(transport) }
    }

    #[cfg(feature = "cost-tracing")]
    pub(crate) fn account(&self) -> &Arc<crate::account::Account> {
        &self.transport.account
    }

    pub(crate) fn transport(&self) -> &Arc<Transport> {
        &self.transport
    }
}

impl Builder<AsyncPaid> {
    /// The client.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] names the setting that is missing or wrong.
    pub fn build(self) -> Result<AsyncPaid, Error> {
        self.transport().map(AsyncPaid::from_transport)
    }
}

impl fmt::Debug for AsyncPaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncPaid")
            .field("base_url", &self.transport.base_url)
            .field("token", &self.transport.token)
            .finish_non_exhaustive()
    }
}
