//! From a call to the wire and back: request, attempts, answer.

mod attempt;
mod explain;
mod http_client;
mod local_host;
mod log;
mod read;
mod reason;
mod redirect;
mod request;
mod retry;
mod segment;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::ResponseBuilderExt;
use serde::de::DeserializeOwned;

use crate::error::{DecodeError, Error, InvalidRequest};
use crate::generated::wire;
use crate::operation::{Facts, Operation};
use crate::options::{Defaults, Options};
use crate::response::Response;
use crate::token::Token;

pub(crate) use explain::explain;
pub(crate) use http_client::{HttpClient, HttpSettings, POOL_IDLE_TIMEOUT};
pub(crate) use local_host::warn_of_plain_http;
pub(crate) use reason::of as reason;
#[cfg(feature = "cost-tracing")]
pub(crate) use retry::retry_after;
pub(crate) use retry::{Budget, is_retryable_status};
pub(crate) use segment::{check_segment, encode_segment};

/// What all calls of a client share.
pub(crate) struct Transport {
    pub http: HttpClient,
    pub follow_redirects: bool,
    pub base_url: String,
    pub token: Token,
    /// The header of a token that does not change.
    pub authorization: Option<http::HeaderValue>,
    /// Of tracing, which the client only carries.
    #[cfg(feature = "cost-tracing")]
    pub account: Arc<crate::account::Account>,
    pub defaults: Defaults,
    pub budget: Budget,
}

/// The state of one call, carried through progenitor's client to the hook that sends.
#[derive(Clone)]
pub(crate) struct CallState(Arc<State>);

struct State {
    transport: Arc<Transport>,
    http: reqwest::Client,
    options: Options,
    facts: Facts,
    outcome: Mutex<Outcome>,
}

/// What progenitor's result has no room for.
#[derive(Default)]
struct Outcome {
    error: Option<Error>,
    answer: Option<Response<()>>,
    attempts: u32,
}

impl fmt::Debug for CallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallState({})", self.0.facts.name)
    }
}

/// Makes a call.
pub(crate) async fn execute<O: Operation>(
    transport: &Arc<Transport>,
    operation: O,
    options: Options,
) -> Result<Response<O::Output>, Error> {
    operation.check()?;
    // The problem of a value, such as NaN, is the more precise one where a field is missing too.
    operation.check_body().map_err(|missing| operation.explain_body().unwrap_or(missing))?;
    if let Some(problem) = &options.problem {
        return Err(problem.clone().into());
    }
    if options.timeout.is_some_and(|timeout| timeout.is_zero()) {
        return Err(InvalidRequest::new("timeout", "is zero: give a duration above zero").into());
    }
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(InvalidRequest::new(
            "runtime",
            "there is no Tokio runtime here: await the call inside one, or use paid::Paid, the blocking client",
        )
        .into());
    }
    let http = transport.http.get()?;
    let state = CallState(Arc::new(State {
        transport: transport.clone(),
        http: http.clone(),
        options,
        facts: O::FACTS,
        outcome: Mutex::default(),
    }));
    let wire = wire::Client::new_with_client(&transport.base_url, http, state.clone());
    let sent = operation.send(&wire).await;
    let outcome = state.take();
    if let Some(error) = outcome.error {
        return Err(error);
    }
    match (sent, outcome.answer) {
        (Ok(value), Some(answer)) => {
            if !O::FACTS.has_content
                && let Some(reason) = read::not_ours(&answer)
            {
                let error = DecodeError::new(O::FACTS.name, answer, ".".into(), reason, outcome.attempts);
                return Err(error.into());
            }
            Ok(answer.with(value.into_inner()))
        }
        (Err(progenitor_client::Error::InvalidResponsePayload(..)), Some(answer)) => {
            Err(decode_error::<O::Output>(O::FACTS.name, answer, outcome.attempts).into())
        }
        // Nothing was sent: the request could not be built.
        (Err(error), _) => Err(operation
            .explain_body()
            .unwrap_or_else(|| InvalidRequest::new("request", reason::of(&error)))
            .into()),
        (Ok(_), None) => Err(InvalidRequest::new("request", "was not sent").into()),
    }
}

/// Reads the body again, this time keeping track of where in it the reader is.
fn decode_error<T: DeserializeOwned>(
    operation: &'static str,
    answer: Response<()>,
    attempts: u32,
) -> DecodeError {
    let body = read::json(&answer.body);
    let mut reader = serde_json::Deserializer::from_slice(&body);
    let (path, reason) = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => (error.path().to_string(), error.inner().to_string()),
        Ok(_) => (".".to_string(), "there is more after the JSON value".to_string()),
    };
    let reason = match body.trim_ascii().first() {
        None => "it is empty. The call succeeded, and there is nothing to read of what it did: look it up before you \
                 repeat it"
            .to_string(),
        Some(b'<') => format!("{}, not JSON: {} ({reason})", read::kind(&answer), read::WRONG_SERVER),
        Some(_) => reason,
    };
    DecodeError::new(operation, answer, path, reason, attempts)
}

impl CallState {
    fn outcome<R>(&self, change: impl FnOnce(&mut Outcome) -> R) -> R {
        change(&mut self.0.outcome.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&self) -> Outcome {
        self.outcome(std::mem::take)
    }
}

/// What progenitor's client gets when the outcome is an error: a status that no operation describes.
const UNDESCRIBED: http::StatusCode = http::StatusCode::NOT_EXTENDED;

impl ClientHooks<CallState> for wire::Client {
    async fn exec(&self, request: reqwest::Request, _: &OperationInfo) -> reqwest::Result<reqwest::Response> {
        let state = self.inner();
        let url = request.url().clone();
        let mut attempts = 0;
        let answer = attempt::exchange(&state.0, request, &mut attempts).await;
        let (status, body) = match &answer {
            Ok(answer) => (http::StatusCode::OK, read::json(&answer.body)),
            Err(_) => (UNDESCRIBED, bytes::Bytes::new()),
        };
        state.outcome(|outcome| {
            outcome.attempts = attempts;
            match answer {
                Ok(answer) => outcome.answer = Some(answer),
                Err(error) => outcome.error = Some(error),
            }
        });
        // A response without a URL makes reqwest parse a placeholder every time, which costs more than this.
        let mut response = http::Response::builder().url(url).body(body).unwrap_or_default();
        *response.status_mut() = status;
        Ok(response.into())
    }
}
