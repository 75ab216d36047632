//! The async client.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use crate::config::{Builder, Defaults};
use crate::error::Error;
use crate::token::Token;
use crate::transport::Budget;

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
    shared: Arc<Shared>,
}

/// What all clones of a client share.
pub(crate) struct Shared {
    pub http: reqwest::Client,
    pub base_url: String,
    pub token: Token,
    /// The header of a token that does not change.
    pub authorization: Option<HeaderValue>,
    pub defaults: Defaults,
    pub budget: Budget,
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
        &self.shared.base_url
    }

    pub(crate) fn from_shared(shared: Shared) -> Self {
        AsyncPaid { shared: Arc::new(shared) }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl fmt::Debug for AsyncPaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncPaid")
            .field("base_url", &self.shared.base_url)
            .field("token", &self.shared.token)
            .finish_non_exhaustive()
    }
}
