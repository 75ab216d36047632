//! The layer and its service.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::shared::Shared;
use super::{BoxError, PeekedBody, ResponseFuture, WatchedBody};
use crate::ext::ai::engine::Providers;
use crate::ext::ai::http::{Hook, Outgoing};

/// A tower layer that records what AI calls used, in the current scope. All other requests pass through as they are.
///
/// Put it outside of retries, so that a call that is repeated is one span. Chat streams of OpenAI tell their usage only
/// when asked: it asks, and hides the answer to that from the caller, unless the caller asked too;
/// [`Providers::ask_for_stream_usage`] turns that off.
///
#[cfg_attr(not(doctest), doc = include_str!("../../../docs/examples/tower_layer_2.md"))]
///
/// [The module](super) has more: where it goes in a stack, and what it sees of bodies.
#[derive(Clone, Default)]
pub struct PaidLayer(Arc<Hook>);

impl PaidLayer {
    /// Counts calls of the providers' own hosts, and lets calls outside of a scope through untraced.
    pub fn new() -> Self {
        Self::default()
    }

    /// Other hosts too.
    ///
    /// ```
    /// use paid::ai::{PaidLayer, Provider, Providers};
    ///
    /// let layer = PaidLayer::new().providers(Providers::new().host("gateway.example.com", Provider::Anthropic));
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn providers(mut self, providers: Providers) -> Self {
        Arc::make_mut(&mut self.0).providers = providers;
        self
    }

    /// Whether calls outside of a scope, and those to hosts that are not known but have the form of a provider's call, go
    /// through untraced, as they do by default; else they fail with
    /// [`UntracedCall`](crate::ai::UntracedCall), before anything is sent. Python: `optional_tracing`.
    ///
    #[cfg_attr(not(doctest), doc = include_str!("../../../docs/examples/tower_layer.md"))]
    #[must_use]
    pub fn optional_tracing(mut self, optional: bool) -> Self {
        Arc::make_mut(&mut self.0).optional_tracing = optional;
        self
    }
}

impl<S> Layer<S> for PaidLayer {
    type Service = PaidService<S>;

    fn layer(&self, inner: S) -> PaidService<S> {
        PaidService { inner: Shared::new(inner), hook: self.0.clone() }
    }
}

impl fmt::Debug for PaidLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hook { providers, optional_tracing, .. } = &*self.0;
        f.debug_struct("PaidLayer")
            .field("providers", providers)
            .field("optional_tracing", optional_tracing)
            .finish()
    }
}

/// The service that [`PaidLayer`] makes.
pub struct PaidService<S> {
    inner: Shared<S>,
    hook: Arc<Hook>,
}

/// A clone has a service of its own.
impl<S: Clone> Clone for PaidService<S> {
    fn clone(&self) -> Self {
        PaidService { inner: self.inner.separate(), hook: self.hook.clone() }
    }
}

impl<S> PaidService<S> {
    fn counted<Q: Outgoing>(&mut self, mut request: Q) -> ResponseFuture<S, Q>
    where
        S: Service<Q>,
    {
        match self.hook.begin(&mut request) {
            Ok(Some(exchange)) => {
                let again = exchange.original(&request).map(|original| (self.inner.clone(), original));
                ResponseFuture::counted(exchange.start(|| self.inner.call(request)), exchange, again)
            }
            Ok(None) => ResponseFuture::plain(self.inner.call(request)),
            Err(error) => ResponseFuture::refused(error),
        }
    }
}

impl<S, B, R> Service<http::Request<B>> for PaidService<S>
where
    S: Service<http::Request<PeekedBody<B>>, Response = http::Response<R>>,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Unpin,
    R: Body,
{
    type Response = http::Response<WatchedBody<R>>;
    type Error = BoxError;
    type Future = ResponseFuture<S, http::Request<PeekedBody<B>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        self.counted(request.map(PeekedBody::new))
    }
}

/// `reqwest::Client`, and what is layered over it.
impl<S> Service<reqwest::Request> for PaidService<S>
where
    S: Service<reqwest::Request, Response = reqwest::Response>,
    S::Error: Into<BoxError>,
{
    type Response = reqwest::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S, reqwest::Request>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: reqwest::Request) -> Self::Future {
        self.counted(request)
    }
}

impl<S: fmt::Debug> fmt::Debug for PaidService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.show(&mut f.debug_struct("PaidService"))
    }
}
