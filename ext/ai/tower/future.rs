//! A call on its way.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::Body;
use pin_project_lite::pin_project;

use super::BoxError;
use crate::ext::ai::engine::{Inside, UntracedCall};
use crate::ext::ai::http::{Exchange, WatchedBody};

pin_project! {
    /// The answer to a call, when it comes. Dropped before, the call is recorded as failed.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct ResponseFuture<F> {
        #[pin]
        call: Call<F>,
    }
}

pin_project! {
    #[project = CallProjection]
    enum Call<F> {
        Plain { #[pin] call: F },
        Counted { #[pin] call: Inside<F>, exchange: Option<Exchange> },
        Refused { error: Option<UntracedCall> },
    }
}

impl<F: Future> ResponseFuture<F> {
    /// Starts the call, if it may be made.
    pub(super) fn new(looked: Result<Option<Exchange>, UntracedCall>, call: impl FnOnce() -> F) -> Self {
        let call = match looked {
            Ok(Some(exchange)) => Call::Counted { call: exchange.start(call), exchange: Some(exchange) },
            Ok(None) => Call::Plain { call: call() },
            Err(error) => Call::Refused { error: Some(error) },
        };
        ResponseFuture { call }
    }
}

impl<F, A, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<A, E>>,
    A: Answer,
    E: Into<BoxError>,
{
    type Output = Result<A::Watched, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (answer, exchange) = match self.project().call.project() {
            CallProjection::Plain { call } => (ready!(call.poll(context)), None),
            CallProjection::Counted { call, exchange } => (ready!(call.poll(context)), exchange.take()),
            CallProjection::Refused { error } => {
                return Poll::Ready(Err(match error.take() {
                    Some(error) => error.into(),
                    None => "the future was polled after its end".into(),
                }));
            }
        };
        Poll::Ready(match answer {
            Ok(answer) => Ok(answer.watched(Counted(exchange))),
            Err(error) => {
                let error = error.into();
                if let Some(exchange) = exchange {
                    exchange.fail_as(kind::<E>(), &error.to_string());
                }
                Err(error)
            }
        })
    }
}

/// What an error's type is called.
fn kind<E>() -> &'static str {
    match type_name::<E>() {
        name if name == type_name::<BoxError>() => "tower::BoxError",
        name => name,
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// The call that an answer is to, if it is counted.
pub struct Counted(Option<Exchange>);

/// What a service answers.
pub trait Answer {
    type Watched;

    fn watched(self, call: Counted) -> Self::Watched;
}

impl<B: Body> Answer for http::Response<B> {
    type Watched = http::Response<WatchedBody<B>>;

    fn watched(self, call: Counted) -> Self::Watched {
        match call.0 {
            Some(exchange) => exchange.answered_http(self),
            None => self.map(|body| WatchedBody::new(body, None, None)),
        }
    }
}

impl Answer for reqwest::Response {
    type Watched = reqwest::Response;

    fn watched(self, call: Counted) -> Self::Watched {
        match call.0 {
            Some(exchange) => exchange.answered(self),
            None => self,
        }
    }
}
