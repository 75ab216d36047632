//! The attempts of a call: send, read, judge, wait, again.

use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::HeaderName;

use super::retry::{self, Failure};
use super::{State, reason, request};
use crate::error::{ApiError, DecodeError, Error, InvalidRequest, TimeoutError, TransportError};
use crate::operation::Facts;
use crate::response::{Headers, Response};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Sends a request as often as the policy allows. `attempts` counts what was sent.
pub(super) async fn exchange(
    state: &State,
    mut request: reqwest::Request,
    attempts: &mut u32,
) -> Result<Response<()>, Error> {
    request::finish(state, &mut request)?;
    let defaults = &state.transport.defaults;
    let limit = state.options.timeout.unwrap_or(defaults.timeout);
    let max_retries = state.options.max_retries.unwrap_or(defaults.max_retries);
    // A deadline beyond what the clock can hold is none.
    let deadline = state.options.deadline.or(defaults.deadline);
    let deadline = deadline.and_then(|total| Some((total, Instant::now().checked_add(total)?)));
    let repeatable = state.options.repeatable
        || state.options.headers.contains_key(&IDEMPOTENCY_KEY)
        || request.headers().contains_key(&IDEMPOTENCY_KEY)
        || retry::is_idempotent(request.method().as_str());
    loop {
        // Headers come after the copy: each of them would be copied too.
        let mut attempt = copy(&request)?;
        request::headers(state, attempt.headers_mut());
        authorize(state, &mut attempt)?;
        let mut time = limit;
        if let Some((total, end)) = deadline {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(timed_out(state, total, *attempts).into());
            }
            time = time.min(left);
        }
        *attempt.timeout_mut() = Some(time);
        *attempts += 1;
        let started = Instant::now();
        let Facts { name: operation, method, path, .. } = state.facts;
        tracing::debug!(target: "paid", operation, attempt = *attempts, "{method} {path}: sending");
        let sent = state.transport.http.execute(attempt).await;
        let answer = match sent {
            Ok(answer) => read(state, answer, *attempts).await,
            Err(error) => Err(Ended::Lost(error)),
        };
        log(state, *attempts, started.elapsed(), &answer);
        let (error, failure, retry_after) = match answer {
            Ok(answer) if (200..300).contains(&answer.status) => {
                state.transport.budget.give();
                return Ok(answer);
            }
            Ok(answer) => {
                let asked = retry::retry_after(answer.headers.map(), SystemTime::now());
                let failure = Failure::Status(answer.status);
                (ApiError::new(state.facts.name, answer, *attempts, asked).into(), failure, asked)
            }
            Err(Ended::Final(error)) => return Err(error),
            Err(Ended::Lost(error)) => {
                let (error, failure) = judge(state, &error, time, *attempts);
                (error, failure, None)
            }
        };
        if *attempts > max_retries || !retry::may_repeat(failure, repeatable) {
            return Err(error);
        }
        let Some(wait) = retry::delay(*attempts, retry_after, fastrand::f64()) else { return Err(error) };
        if deadline.is_some_and(|(_, end)| Instant::now() + wait >= end) || !state.transport.budget.take() {
            return Err(error);
        }
        tracing::warn!(
            target: "paid",
            operation = state.facts.name, attempt = *attempts, wait_ms = wait.as_millis() as u64,
            "repeating: {error}"
        );
        tokio::time::sleep(wait).await;
    }
}

/// How an attempt ended without an answer to judge.
enum Ended {
    Lost(reqwest::Error),
    Final(Error),
}

/// Reads the body, up to the limit. An error answer is cut there, a success refused.
async fn read(state: &State, mut answer: reqwest::Response, attempts: u32) -> Result<Response<()>, Ended> {
    let most = state.transport.defaults.max_response_bytes;
    let status = answer.status().as_u16();
    let headers = Headers::new(std::mem::take(answer.headers_mut()));
    let mut body = Bytes::new();
    let mut joined = BytesMut::new();
    let mut too_large = false;
    while let Some(chunk) = answer.chunk().await.map_err(Ended::Lost)? {
        if body.len() + joined.len() + chunk.len() > most {
            too_large = true;
            break;
        }
        if body.is_empty() && joined.is_empty() {
            body = chunk;
            continue;
        }
        if joined.is_empty() {
            joined.extend_from_slice(&std::mem::take(&mut body));
        }
        joined.extend_from_slice(&chunk);
    }
    if !joined.is_empty() {
        body = joined.freeze();
    }
    let answer = Response { status, headers, body, data: () };
    if too_large && (200..300).contains(&status) {
        let reason =
            format!("it is larger than {most} bytes; raise .max_response_bytes(..) on the client's builder");
        let empty = Response { body: Bytes::new(), ..answer };
        let error = DecodeError::new(state.facts.name, empty, ".".into(), reason, attempts);
        return Err(Ended::Final(error.into()));
    }
    Ok(answer)
}

/// What a lost attempt means.
fn judge(state: &State, error: &reqwest::Error, limit: Duration, attempts: u32) -> (Error, Failure) {
    if error.is_timeout() {
        return (timed_out(state, limit, attempts).into(), Failure::Lasting);
    }
    let connected = !error.is_connect();
    let operation = state.facts.name;
    let failure = match (error.is_redirect(), connected) {
        (true, _) => Failure::Lasting,
        (false, true) => Failure::Broken,
        (false, false) => Failure::NotSent,
    };
    (TransportError { operation, reason: reason::of(error), connected, attempts }.into(), failure)
}

fn timed_out(state: &State, limit: Duration, attempts: u32) -> TimeoutError {
    TimeoutError { operation: state.facts.name, limit, attempts }
}

fn copy(request: &reqwest::Request) -> Result<reqwest::Request, InvalidRequest> {
    request.try_clone().ok_or_else(|| InvalidRequest::new("body", "is a stream, which can't be sent"))
}

fn authorize(state: &State, request: &mut reqwest::Request) -> Result<(), InvalidRequest> {
    if state.options.headers.contains_key(http::header::AUTHORIZATION) {
        return Ok(());
    }
    let value = match &state.transport.authorization {
        Some(value) => value.clone(),
        None => state.transport.token.header()?,
    };
    request.headers_mut().insert(http::header::AUTHORIZATION, value);
    Ok(())
}

/// One line per attempt: the operation and its path pattern, never ids, bodies or headers.
fn log(state: &State, attempt: u32, took: Duration, answer: &Result<Response<()>, Ended>) {
    let Facts { name: operation, method, path, .. } = state.facts;
    let took_ms = took.as_millis() as u64;
    match answer {
        Ok(answer) if answer.status < 400 => {
            tracing::debug!(target: "paid", operation, attempt, took_ms, "{method} {path}: {}", answer.status);
        }
        Ok(answer) => {
            tracing::info!(target: "paid", operation, attempt, took_ms, "{method} {path}: {}", answer.status);
        }
        Err(Ended::Lost(error)) => {
            tracing::info!(target: "paid", operation, attempt, took_ms, "{method} {path}: {}", reason::of(error));
        }
        Err(Ended::Final(error)) => {
            tracing::info!(target: "paid", operation, attempt, took_ms, "{method} {path}: {error}");
        }
    }
}
