//! Log lines of calls: operation and path pattern, attempt, status, code, request id. Never ids in
//! paths, bodies, headers, or what a server wrote: that is for errors.

use std::time::Duration;

use super::attempt::Ended;
use super::read::Answer;
use super::reason;
use crate::error::Error;
use crate::operation::Facts;

pub(super) fn sending(facts: &Facts, attempt: u32) {
    let Facts { name: operation, method, path, .. } = facts;
    tracing::debug!(target: "paid", operation, attempt, "{method} {path}: sending");
}

/// One line per attempt.
pub(super) fn ended(facts: &Facts, attempt: u32, took: Duration, ended: &Result<Answer, Ended>) {
    let Facts { name: operation, method, path, .. } = facts;
    let took_ms = took.as_millis() as u64;
    match ended {
        Ok(answer) if answer.response.status < 300 => {
            let status = answer.response.status;
            tracing::debug!(target: "paid", operation, attempt, took_ms, "{method} {path}: {status}");
        }
        Ok(answer) => {
            let status = answer.response.status;
            tracing::info!(target: "paid", operation, attempt, took_ms, "{method} {path}: {status}");
        }
        Err(Ended::Lost(error)) => {
            let code = reason::code(error);
            tracing::info!(target: "paid", operation, attempt, took_ms, "{method} {path}: {code}");
        }
        Err(Ended::Final(error)) => {
            let code = code(error);
            tracing::info!(target: "paid", operation, attempt, took_ms, "{method} {path}: {code}");
        }
    }
}

pub(super) fn repeating(facts: &Facts, attempt: u32, wait: Duration, error: &Error) {
    let wait_ms = wait.as_millis() as u64;
    let operation = facts.name;
    let code = code(error);
    match error.request_id().and_then(plain) {
        Some(request_id) => {
            tracing::warn!(target: "paid", operation, attempt, wait_ms, request_id, "repeating after {code}");
        }
        None => tracing::warn!(target: "paid", operation, attempt, wait_ms, "repeating after {code}"),
    }
}

/// `503`, `400 E_LIMIT`, `timeout`: what an error is, without its text.
fn code(error: &Error) -> String {
    match error {
        Error::Api(api) => match api.code().as_deref().and_then(plain) {
            Some(code) => format!("{} {code}", api.status_code()),
            None => api.status_code().to_string(),
        },
        Error::Timeout(_) => "timeout".into(),
        Error::Transport(error) if error.may_have_been_processed() => "connection_lost".into(),
        Error::Transport(_) => "connect".into(),
        Error::Decode(error) => format!("{} decode", error.status_code()),
        Error::InvalidRequest(_) => "invalid_request".into(),
    }
}

/// A server's code or id, unless it is more than that: a sentence, an e-mail address, a whole body.
fn plain(text: &str) -> Option<&str> {
    const LONGEST: usize = 64;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    (text.len() <= LONGEST && !text.is_empty() && text.bytes().all(fits)).then_some(text)
}
