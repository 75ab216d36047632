//! AI calls through `reqwest-middleware` 0.5: any provider, with any crate or code that takes such a client.

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::engine::Providers;
use super::http::Hook;

/// A middleware that records what AI calls used, in the current scope. All other requests pass through as they are.
///
/// Put it outside of a retry middleware (before it, in the order of `with`), so that a call that is repeated is one span.
/// Chat streams of OpenAI tell their usage only when asked: it asks, and hides the answer to that from the caller, unless
/// the caller asked too; `Providers::ask_for_stream_usage(false)` turns that off.
///
/// ```no_run
/// use paid::ai::PaidMiddleware;
/// use paid::tracing::paid_tracing;
/// use reqwest_middleware::ClientBuilder;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let http = ClientBuilder::new(reqwest::Client::new()).with(PaidMiddleware::new()).build();
/// let body = r#"{"model": "gpt-4.1-mini", "input": "Hello!"}"#;
/// let call = http.post("https://api.openai.com/v1/responses").bearer_auth("<OPENAI_API_KEY>");
/// let call = call.header("content-type", "application/json").body(body).send();
/// let answer = paid_tracing("customer_1").run_async(call).await?.text().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct PaidMiddleware(Hook);

impl PaidMiddleware {
    /// Counts calls of the providers' own hosts, and lets calls outside of a scope through untraced.
    pub fn new() -> Self {
        Self::default()
    }

    /// Other hosts too.
    #[must_use]
    pub fn providers(mut self, providers: Providers) -> Self {
        self.0.providers = providers;
        self
    }

    /// Whether calls outside of a scope, and those to hosts that are not known but have the form of a provider's call, go
    /// through untraced, as they do by default; else they fail with
    /// [`UntracedCall`](super::UntracedCall), before anything is sent. Python: `optional_tracing`.
    #[must_use]
    pub fn optional_tracing(mut self, optional: bool) -> Self {
        self.0.optional_tracing = optional;
        self
    }
}

#[async_trait]
impl Middleware for PaidMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        match self.0.begin(&mut request).map_err(Error::middleware)? {
            Some(mut exchange) => {
                let original = exchange.original(&request);
                let mut result = exchange.inside(next.clone().run(request, extensions)).await;
                // A host that refuses to be asked gets what the caller made.
                if let (Ok(answer), Some(original)) = (&result, original)
                    && exchange.is_refused(answer.status())
                {
                    result = exchange.inside(next.run(original, extensions)).await;
                }
                exchange.finish(result, |watch, error| watch.fail(error))
            }
            None => next.run(request, extensions).await,
        }
    }
}
