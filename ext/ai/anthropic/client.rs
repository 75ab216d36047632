//! The client and its settings.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::call::{self, Shared};
use super::error::Error;
use super::message::Message;
use super::request::MessageRequest;
use super::stream::MessageStream;
use crate::environment;
use crate::error::{InvalidRequest, TransportError};
use crate::transport;

const BASE_URL: &str = "https://api.anthropic.com";
const VERSION: &str = "2023-06-01";
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const VERSION_HEADER: HeaderName = HeaderName::from_static("anthropic-version");
const BETA_HEADER: HeaderName = HeaderName::from_static("anthropic-beta");
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("paid-rust/", env!("CARGO_PKG_VERSION")));

/// A client of Anthropic's Messages API whose calls are counted. Python: `PaidAnthropic`, `PaidAsyncAnthropic`.
///
/// It is cheap to clone, shares its connections between clones, and needs a Tokio runtime with I/O and time enabled.
///
/// ```no_run
/// use paid::ai::anthropic::{ContentBlock, MessageRequest, PaidAnthropic, Tool};
/// use serde_json::json;
///
/// # async fn example(anthropic: PaidAnthropic) -> Result<(), paid::ai::anthropic::Error> {
/// let weather = Tool::new("weather", "Tells the weather", json!({"type": "object", "properties": {}}));
/// let mut request = MessageRequest::new("claude-sonnet-4-5", 1024).tool(weather).user("How is the weather?");
/// loop {
///     let message = anthropic.messages().create(&request).await?;
///     let results: Vec<_> =
///         message.tool_uses().map(|call| ContentBlock::tool_result(&*call.id, "It rains")).collect();
///     if results.is_empty() {
///         println!("{}", message.text());
///         return Ok(());
///     }
///     request = request.message(message).message(results);
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct PaidAnthropic(Arc<Shared>);

impl PaidAnthropic {
    /// A client with this API key of Anthropic's.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] if the key can't be one, [`Error::Transport`] if TLS can't be set up.
    pub fn new(api_key: impl Into<String>) -> Result<Self, Error> {
        Self::builder(api_key).build()
    }

    /// A client configured by `ANTHROPIC_API_KEY` and, if set, `ANTHROPIC_BASE_URL`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), if a variable is missing or wrong.
    pub fn from_env() -> Result<Self, Error> {
        let missing =
            || InvalidRequest::new("ANTHROPIC_API_KEY", "is not set: give it the API key from the console");
        let key = environment::read("ANTHROPIC_API_KEY")?.ok_or_else(missing)?;
        let builder = Self::builder(key);
        match environment::read("ANTHROPIC_BASE_URL")? {
            Some(url) => builder.base_url(url).build(),
            None => builder.build(),
        }
    }

    /// A client with settings of its own.
    pub fn builder(api_key: impl Into<String>) -> Builder {
        Builder {
            api_key: api_key.into(),
            base_url: BASE_URL.into(),
            version: VERSION.into(),
            betas: Vec::new(),
            headers: Vec::new(),
            timeout: Duration::from_secs(600),
            max_retries: 2,
            optional_tracing: true,
            client: None,
        }
    }

    /// The Messages API.
    pub fn messages(&self) -> Messages {
        Messages(self.0.clone())
    }
}

impl fmt::Debug for PaidAnthropic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidAnthropic")
            .field("timeout", &self.0.timeout)
            .field("max_retries", &self.0.max_retries)
            .field("optional_tracing", &self.0.optional_tracing)
            .finish_non_exhaustive()
    }
}

/// The Messages API. Made by [`PaidAnthropic::messages`].
#[derive(Clone)]
pub struct Messages(Arc<Shared>);

impl Messages {
    /// Asks for a message and waits for all of it. The scope is the one that it is awaited in.
    ///
    /// # Errors
    ///
    /// Every [`Error`].
    pub async fn create(self, request: impl Borrow<MessageRequest>) -> Result<Message, Error> {
        call::create(&self.0, request.borrow()).await
    }

    /// Asks for a message and gets it as it comes. The scope is the one that it is awaited in, wherever the stream is
    /// read.
    ///
    /// # Errors
    ///
    /// Every [`Error`] that comes before the first event.
    pub async fn stream(self, request: impl Borrow<MessageRequest>) -> Result<MessageStream, Error> {
        call::stream(&self.0, request.borrow()).await
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").finish_non_exhaustive()
    }
}

/// Settings of a client, before it is one. Made by [`PaidAnthropic::builder`].
///
/// ```
/// use std::time::Duration;
///
/// let anthropic = paid::ai::anthropic::PaidAnthropic::builder("ANTHROPIC_API_KEY")
///     .timeout(Duration::from_secs(60))
///     .beta("context-1m-2025-08-07")
///     .build()?;
/// # Ok::<(), paid::ai::anthropic::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until .build()"]
pub struct Builder {
    api_key: String,
    base_url: String,
    version: String,
    betas: Vec<String>,
    headers: Vec<(String, String)>,
    timeout: Duration,
    max_retries: u32,
    optional_tracing: bool,
    client: Option<reqwest::Client>,
}

impl Builder {
    /// Another server than `https://api.anthropic.com`, with or without `/v1` at its end.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// The version of the API, `2023-06-01` by default.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Adds a beta feature, such as `context-1m-2025-08-07`.
    pub fn beta(mut self, name: impl Into<String>) -> Self {
        self.betas.push(name.into());
        self
    }

    /// Any other header of every request, such as a gateway wants it. It replaces one of the client's.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How long a message may take; of a stream, how long its beginning and then every piece of it may. 10 minutes by
    /// default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often a failed attempt is repeated; 2 by default, 0 for never.
    ///
    /// As Anthropic's own clients do it: when the connection fails before an answer begins, and after 408, 409, 429 and
    /// 5xx, unless `x-should-retry` says otherwise. It waits as long as `retry-after` says, if that is at most a minute;
    /// else half a second, doubled each time up to 8 seconds. What has begun, or timed out, is never repeated. All
    /// attempts are one span.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Whether calls outside of a scope go through untraced, as they do by default. Else they are an error before
    /// anything is sent.
    pub fn optional_tracing(mut self, optional: bool) -> Self {
        self.optional_tracing = optional;
        self
    }

    /// A client of yours to send with, for proxies, certificates or TLS of your choice. Let it follow no redirects:
    /// they would take the API key with them. The default one follows none.
    pub fn reqwest_client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] names the setting that is wrong; [`Error::Transport`] if TLS can't be set up.
    pub fn build(self) -> Result<PaidAnthropic, Error> {
        let url = url(&self.base_url)?;
        if self.timeout.is_zero() {
            return Err(InvalidRequest::new("timeout", "is zero: give a duration above zero").into());
        }
        let headers = self.header_map()?;
        let http = match self.client {
            Some(client) => client,
            None => http_client()?,
        };
        Ok(PaidAnthropic(Arc::new(Shared {
            http,
            url,
            headers,
            timeout: self.timeout,
            max_retries: self.max_retries,
            optional_tracing: self.optional_tracing,
        })))
    }

    fn header_map(&self) -> Result<HeaderMap, InvalidRequest> {
        if self.api_key.trim().is_empty() {
            return Err(InvalidRequest::new(
                "api_key",
                "is empty: give the API key from Anthropic's console",
            ));
        }
        let mut key = value("api_key", &self.api_key)?;
        key.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::USER_AGENT, USER_AGENT),
            (API_KEY, key),
            (VERSION_HEADER, value("version", &self.version)?),
        ]);
        if !self.betas.is_empty() {
            headers.insert(BETA_HEADER, value("beta", &self.betas.join(","))?);
        }
        for (name, text) in &self.headers {
            let Ok(name) = HeaderName::try_from(name) else {
                return Err(InvalidRequest::new("header", "has a name that is none"));
            };
            let mut value = value(name.as_str(), text)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("api_key", &"***")
            .field("version", &self.version)
            .field("betas", &self.betas)
            .field("timeout", &self.timeout)
            .field("max_retries", &self.max_retries)
            .field("optional_tracing", &self.optional_tracing)
            .finish_non_exhaustive()
    }
}

/// Checks a header's value. Messages never hold any of it.
fn value(what: &str, text: &str) -> Result<HeaderValue, InvalidRequest> {
    let fits = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let value = HeaderValue::try_from(text).ok().filter(|_| fits);
    value.ok_or_else(|| {
        InvalidRequest::new(what, "has line ends or characters beyond ASCII, which fit no header")
    })
}

/// Where messages are asked for, below a base URL.
fn url(base: &str) -> Result<reqwest::Url, InvalidRequest> {
    let refuse = |problem: &str| Err(InvalidRequest::new("base_url", problem));
    let Ok(mut url) = reqwest::Url::parse(base.trim()) else {
        return refuse("is not an absolute URL: give one such as https://api.anthropic.com");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return refuse("is not an http or https URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("holds a user name or password: use .header(..) for what a gateway wants");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("has a query or fragment: give the part up to the version");
    }
    let path = url.path().trim_end_matches('/');
    let path = format!("{}/v1/messages", path.strip_suffix("/v1").unwrap_or(path));
    url.set_path(&path);
    Ok(url)
}

/// It follows no redirect: the headers hold the key.
fn http_client() -> Result<reqwest::Client, TransportError> {
    let policy = reqwest::redirect::Policy::none();
    let built = reqwest::Client::builder().redirect(policy).tcp_nodelay(true).build();
    built.map_err(|error| {
        let reason = format!("TLS could not be set up: {}", transport::reason(&error));
        TransportError::new("the client", reason, false, 0)
    })
}
