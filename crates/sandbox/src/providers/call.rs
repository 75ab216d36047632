//! A request to a provider: read whole, its key checked, its parts at hand.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, OriginalUri, Request};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use serde_json::Value;

use super::refusal::Refusal;
use super::script::Script;
use super::{KEY_HEADERS, Provider};
use crate::recorder::RequestIndex;
use crate::server::Shared;

/// What a provider's handler answers.
pub(super) type Answer = Result<Response, Refusal>;

/// A request that carries a key.
pub(super) struct Call {
    pub(super) provider: Provider,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    path: String,
    query: String,
    number: usize,
    shared: Arc<Shared>,
}

impl Call {
    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Refusal::new(self.provider, 400, format!("the body is not valid JSON: {error}")))
    }

    /// The script that is meant for this request, or one that asks for nothing. It is used up by that much.
    pub(super) fn script(&self) -> Script {
        self.shared.scripts().take(&self.path).unwrap_or_default()
    }

    /// An id that tells this request apart from others of the same sandbox.
    pub(super) fn id(&self, prefix: &str) -> String {
        format!("{prefix}sandbox{:08}", self.number)
    }

    /// The value of a query parameter, as it was sent.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The segment of the path after this one: the deployment after `deployments`.
    pub(super) fn segment_after(&self, name: &str) -> Option<&str> {
        self.path.split('/').skip_while(|segment| *segment != name).nth(1)
    }

    /// A header's value, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn refuse(&self, status: u16, message: impl Into<String>) -> Refusal {
        Refusal::new(self.provider, status, message)
    }

    /// The refusal for a field that must be there.
    pub(super) fn missing(&self, field: &str) -> Refusal {
        Refusal::missing(self.provider, field)
    }

    /// A field of the body that must be text.
    pub(super) fn required_text(&self, body: &Value, field: &str) -> Result<String, Refusal> {
        body.get(field).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| self.missing(field))
    }

    fn has_key(&self) -> bool {
        let sent = |name: &str| self.header(name).is_some_and(|value| !value.trim().is_empty());
        let own_header = match self.provider {
            Provider::OpenAi | Provider::Mistral | Provider::Bedrock => false,
            Provider::Azure => sent("api-key"),
            Provider::Anthropic => sent("x-api-key"),
            Provider::Gemini => {
                sent("x-goog-api-key") || self.parameter("key").is_some_and(|key| !key.is_empty())
            }
        };
        own_header || self.header("authorization").is_some_and(has_credentials)
    }
}

/// Whether an `Authorization` value has something after its scheme.
fn has_credentials(value: &str) -> bool {
    value.split_once(' ').is_some_and(|(_, credentials)| !credentials.trim().is_empty())
}

impl FromRequest<Arc<Shared>> for Call {
    type Rejection = Refusal;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let extensions = request.extensions();
        let number =
            extensions.get::<RequestIndex>().map_or(0, |RequestIndex(index)| index.saturating_add(1));
        // The request's own URI has lost what the router was nested below.
        let uri = extensions.get::<OriginalUri>().map_or(request.uri(), |OriginalUri(uri)| uri).clone();
        let provider = Provider::of(uri.path()).unwrap_or(Provider::OpenAi);
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, shared)
            .await
            .map_err(|error| Refusal::new(provider, 400, error.body_text()))?;
        let call = Self {
            provider,
            headers,
            body,
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            number,
            shared: shared.clone(),
        };
        if call.has_key() { Ok(call) } else { Err(Refusal::no_key(provider)) }
    }
}

/// The keys of a request as they were sent, for comparison only.
pub(crate) fn keys(headers: &HeaderMap) -> Vec<String> {
    let values = KEY_HEADERS.iter().flat_map(|name| headers.get_all(*name));
    values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

pub(super) async fn no_such_path(method: Method, OriginalUri(uri): OriginalUri) -> Refusal {
    let path = uri.path();
    let provider = Provider::of(path).unwrap_or(Provider::OpenAi);
    Refusal::new(provider, 404, format!("Invalid URL ({method} {path})"))
}
