//! Which host speaks which provider's API.

use std::borrow::Cow;

/// An API that AI calls are made through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provider {
    /// OpenAI and Azure OpenAI.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Gemini, also through Vertex AI.
    Gemini,
    /// Mistral.
    Mistral,
    /// Amazon Bedrock's runtime.
    Bedrock,
}

impl Provider {
    /// Its name in `gen_ai.system`.
    fn system(self) -> &'static str {
        match self {
            Provider::OpenAi => "openai",
            Provider::Anthropic => "anthropic",
            Provider::Gemini => "gemini",
            Provider::Mistral => "mistral",
            Provider::Bedrock => "bedrock",
        }
    }

    /// Its name in a sentence.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Provider::OpenAi => "OpenAI",
            Provider::Anthropic => "Anthropic",
            Provider::Gemini => "Gemini",
            Provider::Mistral => "Mistral",
            Provider::Bedrock => "Bedrock",
        }
    }
}

/// Where AI calls go: the providers' own hosts are known, and gateways, proxies and OpenAI-compatible services can be
/// added.
///
/// | provider | calls that are counted |
/// |---|---|
/// | OpenAI, Azure OpenAI, and compatible | chat, completions, responses, embeddings, images, transcriptions, translations, speech; messages |
/// | Anthropic | messages; chat of its service for OpenAI's clients |
/// | Gemini, Vertex AI | `generateContent`, `streamGenerateContent`, `embedContent`, interactions; text embeddings by `predict`, and Anthropic's and Mistral's models, on Vertex; chat of its services for OpenAI's clients |
/// | Mistral | chat, fill-in-the-middle, agents' completions, embeddings, OCR, transcriptions, speech |
/// | Amazon Bedrock | Converse, InvokeModel, and their streams; its services for OpenAI's and Anthropic's clients |
///
/// Not counted are batches, counting tokens, what goes on in the background after its answer, realtime sessions, videos and
/// moderations; Mistral's conversations; Vertex's `predict` of other models than text embeddings.
///
/// ```
/// use paid::ai::{Provider, Providers};
///
/// let providers = Providers::new()
///     .host("gateway.example.com", Provider::Anthropic)
///     .host("127.0.0.1:8080", Provider::Bedrock)
///     .compatible("api.groq.com", "groq");
/// # let _ = providers;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Providers {
    added: Vec<Added>,
    /// Streams are left as they are asked for.
    asks_nothing: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Added {
    host: String,
    /// The start of the paths that it is for; empty for all.
    path: String,
    speaks: Speaks,
}

/// The API that a host speaks, and the name under which Paid prices it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Speaks {
    pub provider: Provider,
    pub system: Cow<'static, str>,
    /// The user gave it this name, which counts for every API that it serves.
    pub is_named: bool,
}

impl From<Provider> for Speaks {
    fn from(provider: Provider) -> Self {
        Speaks { provider, system: provider.system().into(), is_named: false }
    }
}

impl Providers {
    /// The providers' own hosts.
    pub fn new() -> Self {
        Self::default()
    }

    /// A host that speaks a provider's API: `host` for any port, or `host:port`. A gateway with several behind it is
    /// told apart by paths: `gateway.example.com/anthropic`.
    #[must_use]
    pub fn host(self, host: impl AsRef<str>, provider: Provider) -> Self {
        self.add(host.as_ref(), provider.into())
    }

    /// A host that speaks OpenAI's API in its own name, which is what Paid prices: `groq`, `openrouter`. Anthropic's Messages
    /// API of the same host counts under that name too.
    #[must_use]
    pub fn compatible(self, host: impl AsRef<str>, system: impl Into<String>) -> Self {
        let speaks = Speaks { provider: Provider::OpenAi, system: system.into().into(), is_named: true };
        self.add(host.as_ref(), speaks)
    }

    /// Whether chat streams of OpenAI's API are asked for their usage, which they don't tell otherwise: they are, by
    /// `stream_options.include_usage`, and the chunk that is sent for it is kept from a caller who did not ask. Turn it
    /// off for a service that refuses the option; one that answers 400 or 422 gets the caller's own request once more, and is
    /// not asked again in this process.
    #[must_use]
    pub fn ask_for_stream_usage(mut self, ask: bool) -> Self {
        self.asks_nothing = !ask;
        self
    }

    /// Whether streams may be asked.
    pub(crate) fn asks(&self) -> bool {
        !self.asks_nothing
    }

    fn add(mut self, host: &str, speaks: Speaks) -> Self {
        let rest = host.split_once("://").map_or(host, |(_, rest)| rest);
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/').to_string();
        self.added.push(Added { host: bare(host), path, speaks });
        self
    }

    /// What a host speaks under a path; none if it is not known.
    pub(crate) fn find(&self, host: &str, path: &str) -> Option<Speaks> {
        let host = bare(host);
        let name = without_port(&host);
        let fits = |added: &&Added| {
            let below = path.strip_prefix(&added.path);
            (added.host == host || added.host == name)
                && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // The most exact one; of two that say the same, the last.
        let added = self.added.iter().filter(fits).max_by_key(|added| (added.path.len(), added.host.len()));
        added.map(|added| added.speaks.clone()).or_else(|| known(name).map(Speaks::from))
    }
}

/// Azure's domains in its public cloud, that of the US government, and China.
const AZURE: [&str; 8] = [
    "openai.azure.com",
    "cognitiveservices.azure.com",
    "services.ai.azure.com",
    "openai.azure.us",
    "cognitiveservices.azure.us",
    "services.ai.azure.us",
    "openai.azure.cn",
    "cognitiveservices.azure.cn",
];

fn known(host: &str) -> Option<Provider> {
    let below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    let is = |domain: &str| host == domain || below(domain);
    if is("api.openai.com") || AZURE.into_iter().any(below) {
        Some(Provider::OpenAi)
    } else if is("api.anthropic.com") {
        Some(Provider::Anthropic)
    } else if host == "generativelanguage.googleapis.com"
        || below("googleapis.com")
            && host.split('.').next().is_some_and(|first| first.ends_with("aiplatform"))
    {
        Some(Provider::Gemini)
    } else if is("api.mistral.ai") || is("codestral.mistral.ai") {
        Some(Provider::Mistral)
    } else if (below("amazonaws.com") || below("amazonaws.com.cn") || below("api.aws"))
        && host.split('.').any(|label| {
            matches!(
                label,
                "bedrock-runtime" | "bedrock-runtime-fips" | "bedrock-mantle" | "bedrock-mantle-fips"
            )
        })
    {
        Some(Provider::Bedrock)
    } else {
        None
    }
}

/// The host and port alone.
fn bare(authority: &str) -> String {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_ascii_lowercase()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_the_providers_are_known_and_others_are_not() {
        let speaks = |host: &str| Providers::new().find(host, "/v1").map(|speaks| speaks.provider);
        for (host, provider) in [
            ("api.openai.com", Provider::OpenAi),
            ("API.OpenAI.com:443", Provider::OpenAi),
            ("eu.api.openai.com", Provider::OpenAi),
            ("my-resource.openai.azure.com", Provider::OpenAi),
            ("api.anthropic.com", Provider::Anthropic),
            ("generativelanguage.googleapis.com", Provider::Gemini),
            ("us-central1-aiplatform.googleapis.com", Provider::Gemini),
            ("aiplatform.googleapis.com", Provider::Gemini),
            ("aiplatform.eu.rep.googleapis.com", Provider::Gemini),
            ("api.mistral.ai", Provider::Mistral),
            ("bedrock-runtime.us-east-1.amazonaws.com", Provider::Bedrock),
            ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", Provider::Bedrock),
            ("vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com", Provider::Bedrock),
        ] {
            assert_eq!(speaks(host), Some(provider), "{host}");
        }
        for host in [
            "",
            "openai.com",
            "api.openai.com.evil.example",
            "evilapi.openai.com",
            "storage.googleapis.com",
            "bedrock.us-east-1.amazonaws.com",
            "bedrock-agent-runtime.us-east-1.amazonaws.com",
            "s3.amazonaws.com",
            "127.0.0.1:8080",
        ] {
            assert_eq!(speaks(host), None, "{host}");
        }
    }

    #[test]
    fn hosts_can_be_added_with_and_without_a_port() {
        let providers = Providers::new()
            .host("http://127.0.0.1:8080/v1", Provider::Gemini)
            .host("[::1]:9", Provider::Mistral)
            .host("Gateway.example", Provider::Anthropic)
            .compatible("api.groq.com", "groq")
            .compatible("api.openai.com", "first")
            .compatible("api.openai.com", "second")
            .host("gateway.example/google", Provider::Gemini)
            .host("https://gateway.example/google/bedrock/", Provider::Bedrock);
        let system = |host: &str| providers.find(host, "/v1/x").map(|speaks| speaks.system.into_owned());
        assert_eq!(system("127.0.0.1:8080").as_deref(), Some("gemini"));
        assert_eq!(system("127.0.0.1:8081"), None);
        assert_eq!(system("[::1]:9").as_deref(), Some("mistral"));
        assert_eq!(system("[::1]"), None);
        assert_eq!(system("gateway.example:4").as_deref(), Some("anthropic"));
        assert_eq!(system("user:secret@gateway.example").as_deref(), Some("anthropic"));
        assert_eq!(system("api.groq.com").as_deref(), Some("groq"));
        assert_eq!(system("api.openai.com").as_deref(), Some("second"));
        let below = |path: &str| providers.find("gateway.example", path).map(|speaks| speaks.provider);
        assert_eq!(below("/google/v1"), Some(Provider::Gemini));
        assert_eq!(below("/google/bedrock/model"), Some(Provider::Bedrock));
        assert_eq!(below("/googles"), Some(Provider::Anthropic));
    }
}
