//! The layer of a tower stack in `async-openai`.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::retry::OpenAIRetryLayer;
use async_openai::middleware::{HttpRequestFactory, ReqwestService};
use opentelemetry::context::FutureExt;
use reqwest::{Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use super::rebuild::factory;
use super::tells::fail;
use crate::ext::ai::engine::{Provider, Providers};
use crate::ext::ai::http::Hook;
use crate::ext::tracing::{current_scope, is_in_scope, thread_context};

/// A tower layer that records what AI calls used, in the current scope. It goes around the service of an
/// [`async_openai::Client`]; everything else that it sees passes through as it is.
///
/// Make it the outermost layer: outside of retries, a call that is repeated is one span, and outside of what hands calls to
/// another task, it is in the caller's scope.
///
#[cfg_attr(not(doctest), doc = include_str!("../../../docs/examples/openai_layer.md"))]
///
/// That is what [`client`](PaidOpenAILayer::client) does.
#[derive(Clone)]
pub struct PaidOpenAILayer(Arc<Hook>);

impl PaidOpenAILayer {
    /// Counts calls to every host, and lets those outside of a scope through untraced.
    pub fn new() -> Self {
        PaidOpenAILayer(Arc::new(Hook { api: Some(Provider::OpenAi), ..Hook::default() }))
    }

    /// The names of other services that are called, where they are not `openai`.
    ///
    /// ```
    /// use paid::ai::Providers;
    /// use paid::ai::openai::PaidOpenAILayer;
    ///
    /// let layer = PaidOpenAILayer::new().providers(Providers::new().compatible("api.groq.com", "groq"));
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn providers(mut self, providers: Providers) -> Self {
        Arc::make_mut(&mut self.0).providers = providers;
        self
    }

    /// Whether calls outside of a scope go through untraced, as they do by default. Else they fail with
    /// [`UntracedCall`](crate::ai::UntracedCall), in [`OpenAIError::Boxed`], before anything is sent. Python:
    /// `optional_tracing`.
    ///
    /// ```no_run
    /// use async_openai::error::OpenAIError;
    /// use paid::ai::UntracedCall;
    ///
    /// fn is_untraced(error: &OpenAIError) -> bool {
    ///     matches!(error, OpenAIError::Boxed(error) if error.is::<UntracedCall>())
    /// }
    /// ```
    #[must_use]
    pub fn optional_tracing(mut self, optional: bool) -> Self {
        Arc::make_mut(&mut self.0).optional_tracing = optional;
        self
    }

    /// A client with this layer; else it is as [`Client::with_config`] makes it, with the same retries.
    ///
    /// ```no_run
    /// use async_openai::config::OpenAIConfig;
    /// use paid::ai::openai::PaidOpenAILayer;
    ///
    /// let openai = PaidOpenAILayer::new().optional_tracing(false).client(OpenAIConfig::new());
    /// ```
    pub fn client<C: Config>(self, config: C) -> Client<C> {
        self.client_with(reqwest::Client::new(), config)
    }

    /// The same with an HTTP client of your own, as [`Client::build`] makes it: for timeouts, proxies and the like.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use async_openai::config::OpenAIConfig;
    /// use paid::ai::openai::PaidOpenAILayer;
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let http = reqwest::Client::builder().connect_timeout(Duration::from_secs(5)).build()?;
    /// let openai = PaidOpenAILayer::new().client_with(http, OpenAIConfig::new());
    /// # let _ = openai;
    /// # Ok(())
    /// # }
    /// ```
    pub fn client_with<C: Config>(self, http_client: reqwest::Client, config: C) -> Client<C> {
        let service = self.layer(OpenAIRetryLayer::default().layer(ReqwestService::new(http_client.clone())));
        Client::build(http_client, config).with_http_service(service)
    }
}

impl Default for PaidOpenAILayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for PaidOpenAILayer {
    type Service = PaidOpenAI<S>;

    fn layer(&self, inner: S) -> PaidOpenAI<S> {
        PaidOpenAI { inner, hook: self.0.clone() }
    }
}

impl fmt::Debug for PaidOpenAILayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hook { providers, optional_tracing, .. } = &*self.0;
        f.debug_struct("PaidOpenAILayer")
            .field("providers", providers)
            .field("optional_tracing", optional_tracing)
            .finish()
    }
}

/// The service that [`PaidOpenAILayer`] makes. Errors of the service inside become those of `async-openai`, as they would
/// in its client.
#[derive(Clone)]
pub struct PaidOpenAI<S> {
    inner: S,
    hook: Arc<Hook>,
}

impl<S> Service<HttpRequestFactory> for PaidOpenAI<S>
where
    S: Service<HttpRequestFactory, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<OpenAIError>,
{
    type Response = Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), OpenAIError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        // The one that is ready makes the call.
        let next = self.inner.clone();
        let inner = mem::replace(&mut self.inner, next);
        let hook = self.hook.clone();
        let called_in = current_scope().map(|_| thread_context::current());
        Box::pin(async move {
            let call = counted(hook, inner, request);
            match called_in {
                // A layer above has spawned it, and left the caller's scope behind.
                Some(called_in) if !is_in_scope() => call.with_context(called_in).await,
                _ => call.await,
            }
        })
    }
}

async fn counted<S>(
    hook: Arc<Hook>,
    mut inner: S,
    request: HttpRequestFactory,
) -> Result<Response, OpenAIError>
where
    S: Service<HttpRequestFactory, Response = Response>,
    S::Error: Into<OpenAIError>,
{
    if hook.is_idle() {
        return inner.call(request).await.map_err(Into::into);
    }
    let mut first = request.build().await?;
    let exchange = hook.begin(&mut first).map_err(|untraced| OpenAIError::Boxed(Box::new(untraced)))?;
    let Some(mut exchange) = exchange else {
        return inner.call(factory(first, request, None)).await.map_err(Into::into);
    };
    let original = exchange.is_changed().then(|| request.clone());
    let request = factory(first, request, Some(exchange.change()));
    let call = inner.call(request);
    let mut result = exchange.inside(call).await.map_err(Into::into);
    // A host that refuses to be asked gets what the caller made.
    if let Some(original) = original
        && let Some(status) = status(&result)
        && exchange.is_refused(status)
    {
        let again = async {
            poll_fn(|context| inner.poll_ready(context)).await?;
            inner.call(original).await
        };
        result = exchange.inside(again).await.map_err(Into::into);
    }
    exchange.finish(result, fail)
}

/// The status of an answer, which a layer below may have made an error of.
fn status(result: &Result<Response, OpenAIError>) -> Option<StatusCode> {
    match result {
        Ok(answer) => Some(answer.status()),
        Err(OpenAIError::ApiError(refused)) => Some(refused.status_code),
        Err(_) => None,
    }
}

impl<S: fmt::Debug> fmt::Debug for PaidOpenAI<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidOpenAI").field("inner", &self.inner).finish_non_exhaustive()
    }
}
