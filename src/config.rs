//! The builder of both clients.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::environment;
use crate::error::{Error, InvalidRequest};
use crate::generated::Environment;
use crate::options::Defaults;
use crate::token::Token;
use crate::transport::{self, HttpClient, HttpSettings, Transport};

/// How many retries a client may have in hand; a measure against amplifying an outage.
///
/// A client starts with the full budget. A retry takes one from it; ten successful calls give
/// one back. While it is empty, failed calls are not repeated and return their error at once.
///
/// ```
/// let client = paid::AsyncPaid::builder().token("KEY").retry_budget(paid::RetryBudget::of(20)).build()?;
/// # Ok::<(), paid::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryBudget(pub(crate) Option<u32>);

impl RetryBudget {
    /// At most this many retries in hand.
    pub const fn of(retries: u32) -> Self {
        RetryBudget(Some(retries))
    }

    /// No limit beside `max_retries` of each call.
    pub const fn unlimited() -> Self {
        RetryBudget(None)
    }
}

impl Default for RetryBudget {
    /// 100 retries in hand.
    fn default() -> Self {
        RetryBudget::of(100)
    }
}

/// Settings of a client, before it is one. Made by `AsyncPaid::builder()` and `Paid::builder()`.
///
/// Python: the arguments of `Paid(..)` and `AsyncPaid(..)`.
///
/// ```
/// use std::time::Duration;
///
/// let client = paid::AsyncPaid::builder()
///     .token("API_KEY")
///     .timeout(Duration::from_secs(10))
///     .max_retries(4)
///     .build()?;
/// # Ok::<(), paid::Error>(())
/// ```
#[must_use = "a builder does nothing until .build()"]
pub struct Builder<C> {
    token: Option<Token>,
    base_url: Option<String>,
    #[cfg(feature = "cost-tracing")]
    collector_endpoint: Option<String>,
    /// Whether token and base URL come from the environment.
    from_env: FromEnv,
    environment: Environment,
    pub(crate) defaults: Defaults,
    follow_redirects: bool,
    retry_budget: RetryBudget,
    pool_idle_timeout: Duration,
    client: Option<reqwest::Client>,
    makes: PhantomData<fn() -> C>,
}

/// Which settings were read from variables, for errors to name them.
#[derive(Clone, Copy, Default)]
struct FromEnv {
    token: bool,
    base_url: bool,
}

impl<C> Builder<C> {
    pub(crate) fn new() -> Self {
        Builder {
            token: None,
            base_url: None,
            #[cfg(feature = "cost-tracing")]
            collector_endpoint: None,
            from_env: FromEnv::default(),
            environment: Environment::default(),
            defaults: Defaults::default(),
            follow_redirects: true,
            retry_budget: RetryBudget::default(),
            pool_idle_timeout: transport::POOL_IDLE_TIMEOUT,
            client: None,
            makes: PhantomData,
        }
    }

    /// The API key: text, or [`Token::from_fn`] for one that is asked for before every attempt.
    pub fn token(mut self, token: impl Into<Token>) -> Self {
        self.token = Some(token.into());
        self.from_env.token = false;
        self
    }

    /// Another server than the environment's: an absolute http or https URL.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self.from_env.base_url = false;
        self
    }

    /// The OTLP/HTTP collector that this client's traces go to, with its whole path, such as
    /// `http://gateway:4318/v1/traces`. By default that of `PAID_OTEL_COLLECTOR_ENDPOINT`, or Paid's own, whatever
    /// the base URL is. Python: `initialize_tracing(collector_endpoint)`.
    #[cfg(feature = "cost-tracing")]
    pub fn collector_endpoint(mut self, url: impl Into<String>) -> Self {
        self.collector_endpoint = Some(url.into());
        self
    }

    /// One of the API's servers; production by default.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// How long one attempt may take, from connecting to the last byte of the answer; 60 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.defaults.timeout = timeout;
        self
    }

    /// How long a call may take in all, retries and waits included; unlimited by default.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.defaults.deadline = Some(deadline);
        self
    }

    /// How often a failed attempt is repeated; 2 by default, 0 for never.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.defaults.max_retries = retries;
        self
    }

    /// How many retries the client may have in hand over all its calls.
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.retry_budget = budget;
        self
    }

    /// The largest body that an answer may have, in bytes; 64 MiB by default.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.defaults.max_response_bytes = bytes;
        self
    }

    /// How long a connection is kept while no call uses it; 4 s by default, zero for not at all.
    ///
    /// Servers close such connections after 5 s or later. A call that goes out just then fails, so that this should
    /// be less than the server's time.
    pub fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.pool_idle_timeout = timeout;
        self
    }

    /// Whether redirects are followed; they are by default.
    ///
    /// One is followed only to the same scheme, host and port, and only where it keeps the method: a POST that is
    /// answered 301, 302 or 303, or any redirect to another server, is an error that names the base URL to set.
    pub fn follow_redirects(mut self, follow: bool) -> Self {
        self.follow_redirects = follow;
        self
    }

    /// A client of yours to send with, for proxies, certificates or TLS of your choice. Python: `httpx_client`.
    ///
    /// Timeouts are still the SDK's. Give it `redirect::Policy::none()`: the SDK then follows redirects as
    /// [`follow_redirects`](Self::follow_redirects) says. One that follows redirects by itself turns a POST into a
    /// GET; where that may have happened, the call is an error.
    pub fn reqwest_client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Takes what is not set from `PAID_API_KEY` and `PAID_BASE_URL`.
    ///
    /// # Errors
    ///
    /// A variable that is not Unicode text. What is wrong otherwise, `build` says, and names the variable.
    pub fn from_env(mut self) -> Result<Self, Error> {
        if self.token.is_none() {
            self.token = environment::read(environment::API_KEY)?.map(Token::from);
            self.from_env.token = self.token.is_some();
        }
        if self.base_url.is_none() {
            self.base_url = environment::read(environment::BASE_URL)?;
            self.from_env.base_url = self.base_url.is_some();
        }
        Ok(self)
    }

    pub(crate) fn transport(self) -> Result<Transport, Error> {
        let token = self.token.ok_or_else(|| {
            InvalidRequest::new(
                "token",
                "is missing: call .token(\"API_KEY\"), or set PAID_API_KEY and use from_env()",
            )
        })?;
        let authorization =
            token.fixed().map_err(|error| error.of_variable(self.from_env.token, environment::API_KEY))?;
        let url = base_url(self.base_url.as_deref().unwrap_or(self.environment.base_url()))
            .map_err(|error| error.of_variable(self.from_env.base_url, environment::BASE_URL))?;
        #[cfg(feature = "cost-tracing")]
        let collector_endpoint = self
            .collector_endpoint
            .map(|url| check_url("collector_endpoint", &url).map(String::from))
            .transpose()?;
        if self.defaults.timeout.is_zero() {
            return Err(InvalidRequest::new("timeout", "is zero: give a duration above zero").into());
        }
        let tls = url.scheme() == "https";
        if tls && self.client.is_none() && !cfg!(any(feature = "rustls", feature = "native-tls")) {
            return Err(InvalidRequest::new("base_url", NO_TLS).into());
        }
        transport::warn_of_plain_http(&url);
        let http = match self.client {
            Some(client) => HttpClient::given(client),
            None => {
                HttpClient::from_settings(HttpSettings { tls, pool_idle_timeout: self.pool_idle_timeout })
            }
        };
        let base_url = url.as_str().trim_end_matches('/').to_string();
        Ok(Transport {
            http,
            #[cfg(feature = "cost-tracing")]
            account: std::sync::Arc::new(crate::account::Account {
                token: token.clone(),
                collector_endpoint,
                other_server: (base_url != self.environment.base_url()).then(|| base_url.clone()),
            }),
            follow_redirects: self.follow_redirects,
            base_url,
            token,
            authorization,
            defaults: self.defaults,
            budget: transport::Budget::new(self.retry_budget.0),
        })
    }
}

impl<C> fmt::Debug for Builder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("token", &self.token)
            .field("environment", &self.environment)
            .field("defaults", &self.defaults)
            .field("follow_redirects", &self.follow_redirects)
            .finish_non_exhaustive()
    }
}

const NO_TLS: &str = "is an https URL, and the crate `paid` was built without TLS: enable its feature `rustls` or \
                      `native-tls`, or give a client with .reqwest_client(..)";

/// An absolute http or https URL without a user name or password.
pub(crate) fn check_url(field: &str, text: &str) -> Result<reqwest::Url, InvalidRequest> {
    let refuse = |problem: &str| Err(InvalidRequest::new(field, problem));
    let Ok(url) = reqwest::Url::parse(text.trim()) else {
        return refuse("is not an absolute URL: give one such as https://host/path");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return refuse("is not an http or https URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("holds a user name or password: only the API key authorizes, take them out");
    }
    Ok(url)
}

/// Checks a base URL.
fn base_url(text: &str) -> Result<reqwest::Url, InvalidRequest> {
    let refuse = |problem: &str| Err(InvalidRequest::new("base_url", problem));
    let url = check_url("base_url", text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return refuse(
            "has a query or fragment: give the part up to the version, such as https://host/api/v1",
        );
    }
    Ok(url)
}

#[cfg(all(test, not(any(feature = "rustls", feature = "native-tls"))))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::AsyncPaid;
    use crate::error::Error;

    #[test]
    fn https_without_a_tls_feature_is_refused() {
        for builder in [AsyncPaid::builder(), AsyncPaid::builder().base_url("https://127.0.0.1:1/api")] {
            let Err(Error::InvalidRequest(error)) = builder.token("k").build() else {
                unreachable!("it is refused")
            };
            assert_eq!(error.field(), "base_url");
            assert!(
                error.problem().contains("`rustls`") && error.problem().contains("`native-tls`"),
                "{error}"
            );
        }
        // The caller's own client may have TLS by a feature of reqwest.
        AsyncPaid::builder().token("k").reqwest_client(reqwest::Client::new()).build().unwrap();
        AsyncPaid::builder().token("k").base_url("http://127.0.0.1:1/api").build().unwrap();
    }
}
