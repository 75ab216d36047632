//! A call on its way.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::StatusCode;
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::BoxError;
use super::shared::Shared;
use crate::ext::ai::engine::{Inside, UntracedCall};
use crate::ext::ai::http::{Exchange, WatchedBody};

pin_project! {
    /// The answer to a call, when it comes. Dropped before, the call is recorded as failed.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct ResponseFuture<S, Q>
    where
        S: Service<Q>,
    {
        #[pin]
        call: Call<S, Q>,
    }
}

pin_project! {
    #[project = CallProjection]
    enum Call<S, Q>
    where
        S: Service<Q>,
    {
        Plain { #[pin] call: S::Future },
        // With the service and the caller's own request, for a host that refuses what was changed.
        Counted { #[pin] call: Inside<S::Future>, exchange: Option<Exchange>, again: Option<(Shared<S>, Q)> },
        Refused { error: Option<UntracedCall> },
    }
}

impl<S: Service<Q>, Q> ResponseFuture<S, Q> {
    pub(super) fn plain(call: S::Future) -> Self {
        ResponseFuture { call: Call::Plain { call } }
    }

    pub(super) fn counted(
        call: Inside<S::Future>,
        exchange: Exchange,
        again: Option<(Shared<S>, Q)>,
    ) -> Self {
        ResponseFuture { call: Call::Counted { call, exchange: Some(exchange), again } }
    }

    pub(super) fn refused(error: UntracedCall) -> Self {
        ResponseFuture { call: Call::Refused { error: Some(error) } }
    }
}

impl<S, Q> Future for ResponseFuture<S, Q>
where
    S: Service<Q>,
    S::Response: Answer,
    S::Error: Into<BoxError>,
{
    type Output = Result<<S::Response as Answer>::Watched, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let (answer, mut exchange, again) = match this.call.as_mut().project() {
                CallProjection::Plain { call } => (ready!(call.poll(context)), None, None),
                CallProjection::Counted { call, exchange, again } => {
                    (ready!(call.poll(context)), exchange.take(), again.take())
                }
                CallProjection::Refused { error } => {
                    return Poll::Ready(Err(error
                        .take()
                        .map_or_else(|| POLLED_AFTER_END.into(), Into::into)));
                }
            };
            if let Some((service, request)) = again
                && let Ok(answer) = &answer
                && let Some(refused) = &mut exchange
                && refused.is_refused(answer.status())
            {
                // What the call held of the service is free again.
                this.call.set(Call::Refused { error: None });
                let call = refused.call_again(|| service.call_if_ready(context, request));
                if let Some(call) = call {
                    this.call.set(Call::Counted { call, exchange, again: None });
                    continue;
                }
            }
            return Poll::Ready(match answer {
                Ok(answer) => Ok(answer.watched(Counted(exchange))),
                Err(error) => {
                    let error = error.into();
                    if let Some(exchange) = exchange {
                        exchange.fail_as(kind::<S::Error>(), &error.to_string());
                    }
                    Err(error)
                }
            });
        }
    }
}

const POLLED_AFTER_END: &str = "the future was polled after its end";

/// What an error's type is called.
fn kind<E>() -> &'static str {
    match type_name::<E>() {
        name if name == type_name::<BoxError>() => "tower::BoxError",
        name => name,
    }
}

impl<S: Service<Q>, Q> fmt::Debug for ResponseFuture<S, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// The call that an answer is to, if it is counted.
pub struct Counted(Option<Exchange>);

/// What a service answers.
pub trait Answer {
    type Watched;

    fn status(&self) -> StatusCode;

    fn watched(self, call: Counted) -> Self::Watched;
}

impl<B: Body> Answer for http::Response<B> {
    type Watched = http::Response<WatchedBody<B>>;

    fn status(&self) -> StatusCode {
        self.status()
    }

    fn watched(self, call: Counted) -> Self::Watched {
        match call.0 {
            Some(exchange) => exchange.answered_http(self),
            None => self.map(|body| WatchedBody::new(body, None, None)),
        }
    }
}

impl Answer for reqwest::Response {
    type Watched = reqwest::Response;

    fn status(&self) -> StatusCode {
        self.status()
    }

    fn watched(self, call: Counted) -> Self::Watched {
        match call.0 {
            Some(exchange) => exchange.answered(self),
            None => self,
        }
    }
}
