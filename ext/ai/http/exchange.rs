//! A call through reqwest, from its request to its answer.

use std::error::Error;
use std::future::Future;

use http::header::CONTENT_LENGTH;
use reqwest::{Body, Request, Response, ResponseBuilderExt};

use super::body::WatchedBody;
use crate::ext::ai::engine::{self, HideUsage, Providers, UntracedCall, Watch, recognize};

/// What calls are counted, and how strictly.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub providers: Providers,
    pub optional_tracing: bool,
}

impl Default for Hook {
    fn default() -> Self {
        Hook { providers: Providers::new(), optional_tracing: true }
    }
}

/// A call that is counted, before it is made.
pub(crate) struct Exchange {
    watch: Watch,
    asked: bool,
}

impl Hook {
    /// Looks at a request; none if it is not counted.
    ///
    /// # Errors
    ///
    /// It would not be traced, and has to be.
    pub fn begin(&self, request: &mut Request) -> Result<Option<Exchange>, UntracedCall> {
        let wanted = Watch::is_wanted();
        if !wanted && self.optional_tracing {
            return Ok(None);
        }
        let url = request.url();
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_string(),
        };
        let body = request.body().and_then(Body::as_bytes);
        let seen = engine::Request { method: request.method().as_str(), host: &host, path: url.path(), body };
        let Some(recognized) = recognize(&self.providers, &seen) else { return Ok(None) };
        UntracedCall::check(self.optional_tracing)?;
        let asked = body.and_then(|body| recognized.ask_for_usage(body));
        let Some(watch) = Watch::start(recognized.of_async_client()) else { return Ok(None) };
        let is_asked = asked.is_some();
        if let Some(asked) = asked {
            if request.headers().contains_key(CONTENT_LENGTH) {
                request.headers_mut().insert(CONTENT_LENGTH, asked.len().into());
            }
            *request.body_mut() = Some(asked.into());
        }
        Ok(Some(Exchange { watch, asked: is_asked }))
    }
}

impl Exchange {
    /// Makes the call. What it answers is what the caller gets; its body is watched on the way.
    pub async fn run<E: Error>(
        mut self,
        call: impl Future<Output = Result<Response, E>>,
    ) -> Result<Response, E> {
        match Watch::inside(Some(&self.watch), call).await {
            Ok(answer) => Ok(self.answered(answer)),
            Err(error) => {
                self.watch.fail(&error);
                Err(error)
            }
        }
    }

    fn answered(mut self, answer: Response) -> Response {
        self.watch.answered_http(answer.status(), answer.headers());
        let content_type = answer.headers().get(http::header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let hide = if self.asked { HideUsage::new(content_type) } else { None };
        let url = answer.url().clone();
        let (mut parts, body) = http::Response::from(answer).into_parts();
        if hide.is_some() {
            parts.headers.remove(CONTENT_LENGTH);
        }
        // An answer that is made anew has no URL, unless it is said.
        if let Ok(carrier) = http::Response::builder().url(url).body(()) {
            parts.extensions.extend(carrier.into_parts().0.extensions);
        }
        let body = Body::wrap(WatchedBody::new(body, self.watch, hide));
        Response::from(http::Response::from_parts(parts, body))
    }
}
