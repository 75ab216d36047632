//! The attempts of a call: send, read, classify, back off, repeat.

use std::time::{Duration, Instant, SystemTime};

use http::HeaderName;

use super::read::{self, Answer};
use super::redirect::{MAX_REDIRECTS, Redirect, redirect};
use super::retry::{self, Failure, Repeat, Safety};
use super::{State, Transport, log, reason, request};
use crate::error::{ApiError, Error, InvalidRequest, NotRepeated, TimeoutError, TransportError};
use crate::response::Response;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How an attempt ended without an answer to classify.
pub(super) enum Ended {
    Lost(reqwest::Error),
    Final(Error),
}

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
    let safety = safety(state, &request);
    loop {
        let mut time = limit;
        let mut bound = limit;
        if let Some((total, end)) = deadline {
            let remaining = end.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return Err(TimeoutError::new(state.facts.name, total, *attempts).into());
            }
            if remaining < time {
                (time, bound) = (remaining, total);
            }
        }
        let attempt = prepared(state, &request, time)?;
        *attempts += 1;
        let started = Instant::now();
        log::sending(&state.facts, *attempts);
        let ended = send(state, attempt, &request, time, *attempts).await;
        log::ended(&state.facts, *attempts, started.elapsed(), &ended);
        let (error, failure, retry_after) = match ended {
            Ok(Answer { response, refusal: None, .. }) if (200..300).contains(&response.status) => {
                state.transport.budget.give();
                return Ok(response);
            }
            Ok(answer) => classify_answer(state, answer, *attempts),
            Err(Ended::Final(error)) => return Err(error),
            Err(Ended::Lost(error)) => {
                let (error, failure) = classify_error(state, &error, request.url(), bound, *attempts);
                (error, failure, None)
            }
        };
        if *attempts > max_retries {
            return Err(error);
        }
        match retry::decide(failure, safety) {
            Repeat::Yes => {}
            Repeat::Never => return Err(error),
            Repeat::Unsafe => return Err(error.not_repeated(NotRepeated::MayHaveBeenProcessed)),
        }
        let Some(wait) = retry::delay(*attempts, retry_after, fastrand::f64()) else {
            let why = NotRepeated::RetryAfter(retry_after.unwrap_or_default());
            return Err(error.not_repeated(why));
        };
        if deadline.is_some_and(|(_, end)| end.saturating_duration_since(Instant::now()) <= wait) {
            return Err(error.not_repeated(NotRepeated::Deadline));
        }
        if !state.transport.budget.take() {
            return Err(error.not_repeated(NotRepeated::BudgetEmpty));
        }
        log::repeating(&state.facts, *attempts, wait, &error);
        tokio::time::sleep(wait).await;
    }
}

fn safety(state: &State, request: &reqwest::Request) -> Safety {
    let has_key = state.options.headers.contains_key(&IDEMPOTENCY_KEY)
        || request.headers().contains_key(&IDEMPOTENCY_KEY);
    let is_idempotent =
        has_key || state.options.repeatable || retry::is_idempotent(request.method().as_str());
    Safety { has_key, is_idempotent }
}

/// A copy of the request with its headers and key. Headers come after the copy: each of them would be copied too.
fn prepared(
    state: &State,
    request: &reqwest::Request,
    time: Duration,
) -> Result<reqwest::Request, InvalidRequest> {
    let copy = request.try_clone();
    let mut copy = copy.ok_or_else(|| InvalidRequest::new("body", "is a stream, which can't be sent"))?;
    request::headers(state, copy.headers_mut());
    authorize(state, &mut copy)?;
    *copy.timeout_mut() = Some(time);
    Ok(copy)
}

/// Sends one attempt, along the redirects that stay with the server.
async fn send(
    state: &State,
    mut attempt: reqwest::Request,
    request: &reqwest::Request,
    time: Duration,
    attempts: u32,
) -> Result<Answer, Ended> {
    let started = Instant::now();
    let Transport { base_url, follow_redirects, .. } = &*state.transport;
    let mut moved = None;
    for _ in 0..=MAX_REDIRECTS {
        let answer = state.http.execute(attempt).await.map_err(Ended::Lost)?;
        let from = moved.as_ref().unwrap_or(request.url());
        let (status, method) = (answer.status().as_u16(), request.method());
        let refusal = match redirect(status, answer.headers(), method, from, base_url, *follow_redirects) {
            Redirect::None => None,
            Redirect::Refuse(why) => Some(why),
            Redirect::Follow(target) => {
                let remaining = time.saturating_sub(started.elapsed());
                attempt = prepared(state, request, remaining).map_err(|error| Ended::Final(error.into()))?;
                *attempt.url_mut() = target.clone();
                moved = Some(target);
                continue;
            }
        };
        return read::answer(state, answer, method, from, refusal, attempts).await;
    }
    let reason = format!("more than {MAX_REDIRECTS} redirects: {}", super::redirect::BASE_URL_REMEDY);
    Err(Ended::Final(TransportError::new(state.facts.name, reason, true, attempts).lasting().into()))
}

/// The error that an answer without success is.
fn classify_answer(state: &State, answer: Answer, attempts: u32) -> (Error, Failure, Option<Duration>) {
    let Answer { response, refusal, key_withheld } = answer;
    let asked = retry::retry_after(response.headers.map(), SystemTime::now());
    let failure = Failure::Status(response.status);
    let mut error = ApiError::new(state.facts.name, response, attempts, asked);
    if let Some(refusal) = refusal {
        error = error.with_message(refusal);
    }
    if key_withheld {
        error = error.with_key_withheld();
    }
    (error.into(), failure, asked)
}

/// The error of an attempt without an answer.
fn classify_error(
    state: &State,
    error: &reqwest::Error,
    url: &reqwest::Url,
    bound: Duration,
    attempts: u32,
) -> (Error, Failure) {
    let operation = state.facts.name;
    if error.is_timeout() {
        return (TimeoutError::new(operation, bound, attempts).into(), Failure::TimedOut);
    }
    let connected = !error.is_connect();
    let transport = TransportError::new(operation, reason::of(error), connected, attempts);
    if error.is_redirect() {
        return (transport.lasting().into(), Failure::Lasting);
    }
    if connected {
        return (transport.into(), Failure::Broken);
    }
    let transport = transport.with_host(host(url));
    match reason::is_tls(error) {
        true => (transport.lasting().into(), Failure::Lasting),
        false => (transport.into(), Failure::NotSent),
    }
}

/// Host and port, as in `api.agentpaid.io:443`.
fn host(url: &reqwest::Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
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
