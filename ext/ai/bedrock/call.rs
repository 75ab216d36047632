//! A call that is counted, from its request to its answer.

use std::error::Error as _;
use std::fmt;
use std::mem;

use aws_smithy_runtime_api::client::interceptors::context::Error;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use super::body::WatchedBody;
use super::shared::{SharedWatch, chain};
use crate::ext::ai::engine::{Provider, Request, Speaks, Watch, recognize_as};

/// What is kept of a call while it is made: one for all of its attempts, and for all interceptors that see it.
pub(super) struct Counted {
    watch: SharedWatch,
    stream: bool,
}

impl Storable for Counted {
    type Storer = StoreReplace<Self>;
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").finish_non_exhaustive()
    }
}

impl Counted {
    /// Starts the call that a request is, before its endpoint is known; none if it is not counted.
    pub fn begin(request: &HttpRequest) -> Option<Self> {
        if !Watch::is_wanted() {
            return None;
        }
        let request = Request { method: request.method(), host: "", path: request.uri(), body: None };
        // An interceptor of this client talks to Bedrock, whatever the endpoint is.
        let recognized = recognize_as(&Speaks::from(Provider::Bedrock), &request)?;
        let stream = recognized.stream;
        let watch = SharedWatch::new(Watch::start(recognized)?);
        Some(Counted { watch, stream })
    }

    /// An attempt is answered. The body of a stream is watched on its way; others are whole when the call has ended.
    pub fn attempted(&self, response: &mut HttpResponse) {
        // The body of an attempt before is gone; that of this one is watched once.
        if self.stream && response.status().is_success() && !self.watch.is_shared() {
            let body = mem::replace(response.body_mut(), SdkBody::taken());
            *response.body_mut() = SdkBody::from_body_1_x(WatchedBody::new(body, self.watch.clone()));
        }
    }

    /// The call succeeded; what it answers of a stream is yet to come.
    pub fn succeeded(&self, response: &HttpResponse) {
        let mut watch = self.watch.lock();
        let whole = answered(&mut watch, response);
        if whole {
            watch.end();
        }
    }

    /// The call failed, after all attempts.
    pub fn failed(&self, error: &OrchestratorError<Error>, response: Option<&HttpResponse>) {
        let mut watch = self.watch.lock();
        // A timeout between two attempts is none of the answer before.
        let response = response.filter(|_| !error.is_timeout_error() && !error.is_connector_error());
        if let Some(response) = response
            && answered(&mut watch, response)
            && !response.status().is_success()
        {
            watch.end();
        }
        watch.fail_as(name(error, response), &chain(error.source().unwrap_or(error)));
    }
}

/// Tells what is known of an answer; whether that is all of it.
fn answered(watch: &mut Watch, response: &HttpResponse) -> bool {
    watch.answered(response.status().as_u16(), |name| response.headers().get(name));
    let bytes = response.body().bytes();
    watch.feed(bytes.unwrap_or_default());
    bytes.is_some()
}

/// The name of the `SdkError` that the caller gets.
fn name(error: &OrchestratorError<Error>, response: Option<&HttpResponse>) -> &'static str {
    if error.is_timeout_error() {
        "TimeoutError"
    } else if error.is_operation_error() {
        "ServiceError"
    } else if response.is_some() {
        "ResponseError"
    } else {
        "DispatchFailure"
    }
}
