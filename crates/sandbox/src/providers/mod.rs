//! Stand-ins for AI providers: their real paths, answered in their own shapes from what the request says.

mod answer;
mod anthropic;
mod ask;
mod base64;
mod bedrock;
mod call;
mod eventstream;
mod gemini;
mod handle;
mod interactions;
mod json;
mod mistral;
mod multipart;
mod openai;
mod refusal;
mod script;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderName;

pub(crate) use call::keys;
pub(crate) use refusal::in_shape;
pub use script::Script;
pub(crate) use script::ScriptQueue;

use crate::recorder::REDACTED;
use crate::server::Shared;

/// Where every provider has a place of its own, whatever paths another has.
const PREFIX: &str = "/providers/";

/// The headers that carry a provider's key, or a session's.
const KEY_HEADERS: [&str; 4] = ["x-api-key", "api-key", "x-goog-api-key", "x-amz-security-token"];

/// Whose API a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    OpenAi,
    Azure,
    Anthropic,
    Gemini,
    Mistral,
    Bedrock,
}

impl Provider {
    const ALL: [Self; 6] =
        [Self::OpenAi, Self::Azure, Self::Anthropic, Self::Gemini, Self::Mistral, Self::Bedrock];

    /// Its name in the path.
    fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Azure => "azure",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Mistral => "mistral",
            Self::Bedrock => "bedrock",
        }
    }

    fn routes(self) -> Router<Arc<Shared>> {
        match self {
            Self::OpenAi => openai::routes(),
            Self::Azure => openai::azure_routes(),
            Self::Anthropic => anthropic::routes(),
            Self::Gemini => gemini::routes(),
            Self::Mistral => mistral::routes(),
            Self::Bedrock => bedrock::routes(),
        }
    }

    /// The provider that a path of the server belongs to.
    pub(crate) fn of(path: &str) -> Option<Self> {
        if let Some((name, _)) = path.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')) {
            return Self::ALL.into_iter().find(|provider| provider.name() == name);
        }
        let begins = |starts: &[&str]| starts.iter().any(|start| path.starts_with(start));
        if begins(&["/v1/messages"]) {
            Some(Self::Anthropic)
        } else if begins(&["/v1/chat/", "/v1/responses", "/v1/embeddings", "/v1/images/", "/v1/audio/"]) {
            Some(Self::OpenAi)
        } else if begins(&["/openai/"]) {
            Some(Self::Azure)
        } else if begins(&["/v1beta/"]) {
            Some(Self::Gemini)
        } else if begins(&["/model/"]) {
            Some(Self::Bedrock)
        } else {
            None
        }
    }
}

/// The routes of all providers: each below its name, and where no two want the same path, at the root too.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Provider::ALL.into_iter().fold(Router::new(), |router, provider| {
        let below =
            provider.routes().fallback(call::no_such_path).method_not_allowed_fallback(call::no_such_path);
        let router = router.nest(&format!("{PREFIX}{}", provider.name()), below);
        // Mistral's paths are OpenAI's.
        if provider == Provider::Mistral { router } else { router.merge(provider.routes()) }
    })
}

/// The path below a provider's name: `/v1/messages` of `/providers/anthropic/v1/messages`.
pub(crate) fn below_provider(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(PREFIX)?;
    rest.find('/').and_then(|slash| rest.get(slash..))
}

/// Whether the value of this header is a key.
pub(crate) fn is_key_header(name: &HeaderName) -> bool {
    KEY_HEADERS.contains(&name.as_str())
}

/// A request target without the keys in its query, and those keys. Only Gemini's is sent that way.
pub(crate) fn without_key(target: &str) -> (String, Vec<String>) {
    let parted = target.split_once('?').filter(|(path, _)| Provider::of(path) == Some(Provider::Gemini));
    let Some((path, query)) = parted else { return (target.to_owned(), Vec::new()) };
    let mut keys = Vec::new();
    let shown: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some(("key", value)) => {
                keys.push(value.to_owned());
                format!("key={REDACTED}")
            }
            _ => pair.to_owned(),
        })
        .collect();
    (format!("{path}?{}", shown.join("&")), keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_provider() {
        for (path, provider) in [
            ("/providers/mistral/v1/chat/completions", Some(Provider::Mistral)),
            ("/v1/chat/completions", Some(Provider::OpenAi)),
            ("/v1/messages", Some(Provider::Anthropic)),
            ("/model/x/converse", Some(Provider::Bedrock)),
            ("/v1/traces", None),
            ("/api/v1/customers", None),
            ("/providers/other/v1", None),
        ] {
            assert_eq!(Provider::of(path), provider, "{path}");
        }
    }

    #[test]
    fn a_key_in_a_query_is_taken_out() {
        let (shown, key) = without_key("/v1beta/models/m:generateContent?alt=sse&key=hush");
        assert_eq!(shown, "/v1beta/models/m:generateContent?alt=sse&key=[redacted]");
        assert_eq!(key, ["hush"]);
        assert_eq!(without_key("/api/v1/x?key=1"), ("/api/v1/x?key=1".to_owned(), Vec::new()));
    }
}
