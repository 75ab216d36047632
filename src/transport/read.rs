//! The answer of one attempt: its body up to a bound, and what can be seen without decoding it.

use bytes::{Bytes, BytesMut};
use http::Method;
use reqwest::Url;
use serde::de::IgnoredAny;

use super::State;
use super::attempt::Ended;
use super::redirect::remedy;
use crate::error::DecodeError;
use crate::response::{Headers, Response};
use crate::values::BYTE_ORDER_MARK;

/// An error body is a message and a few details. What is beyond this is not read.
const MAX_ERROR_BYTES: usize = 1024 * 1024;

/// An answer, with what the transport knows of it.
pub(super) struct Answer {
    pub response: Response<()>,
    /// Why a redirect was not followed.
    pub refusal: Option<String>,
    /// Whether another server answered, which was not given the key.
    pub key_withheld: bool,
}

/// Reads the body, up to the limit. An error answer is cut there, a success refused.
pub(super) async fn answer(
    state: &State,
    mut answer: reqwest::Response,
    method: &Method,
    from: &Url,
    refusal: Option<String>,
    attempts: u32,
) -> Result<Answer, Ended> {
    let status = answer.status().as_u16();
    let is_success = (200..300).contains(&status);
    let most = state.transport.defaults.max_response_bytes;
    let bound = if is_success { most } else { most.min(MAX_ERROR_BYTES) };
    // Only a client of the caller's own follows redirects by itself.
    let moved = (answer.url() != from).then(|| answer.url().clone());
    let headers = Headers::new(std::mem::take(answer.headers_mut()));
    let body = body(&mut answer, bound, is_success).await.map_err(Ended::Lost)?;
    let refuse = |body, reason| {
        let answer = Response { status, headers: headers.clone(), body, data: () };
        let error = DecodeError::new(state.facts.name, answer, ".".into(), reason, attempts);
        Err(Ended::Final(error.into()))
    };
    let Some(body) = body else {
        let reason =
            format!("it is larger than {most} bytes; raise .max_response_bytes(..) on the client's builder");
        return refuse(Bytes::new(), reason);
    };
    if let Some(target) =
        moved.as_ref().filter(|_| is_success && !matches!(*method, Method::GET | Method::HEAD))
    {
        let remedy = remedy(target, from, &state.transport.base_url);
        let reason = format!(
            "the given reqwest client followed a redirect, by which a {method} may have become a GET that does \
             nothing. {remedy}, or give a client with redirect::Policy::none()"
        );
        return refuse(body, reason);
    }
    let key_withheld = moved.is_some_and(|target| target.origin() != from.origin());
    Ok(Answer { response: Response { status, headers, body, data: () }, refusal, key_withheld })
}

/// The body; none if it is larger than the bound and has to be whole.
async fn body(
    answer: &mut reqwest::Response,
    bound: usize,
    has_to_be_whole: bool,
) -> reqwest::Result<Option<Bytes>> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(mut chunk) = answer.chunk().await? {
        let room = bound.saturating_sub(first.len() + joined.len());
        let is_last = chunk.len() > room;
        if is_last && has_to_be_whole {
            return Ok(None);
        }
        chunk.truncate(room);
        if first.is_empty() && joined.is_empty() {
            first = chunk;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&std::mem::take(&mut first));
            }
            joined.extend_from_slice(&chunk);
        }
        if is_last {
            break;
        }
    }
    Ok(Some(if joined.is_empty() { first } else { joined.freeze() }))
}

/// The body without a byte order mark, which JSON has no place for.
pub(super) fn json(body: &Bytes) -> Bytes {
    if body.starts_with(BYTE_ORDER_MARK) { body.slice(BYTE_ORDER_MARK.len()..) } else { body.clone() }
}

/// What is wrong with the body of an answer that describes none. Nothing and JSON are the API's; any
/// other body comes from a server that did not do what the call says, such as a login page.
pub(super) fn not_ours(answer: &Response<()>) -> Option<String> {
    let body = json(&answer.body);
    let is_json = || serde_json::from_slice::<IgnoredAny>(&body).is_ok();
    if body.trim_ascii().is_empty() || is_json() {
        return None;
    }
    Some(format!("{}, where nothing or JSON is due: {WRONG_SERVER}", kind(answer)))
}

pub(super) const WRONG_SERVER: &str = "this is not the API's answer, and the call may have had no effect. Is the base \
                                       URL right (base_url, PAID_BASE_URL)?";

/// What a body that is not JSON looks like.
pub(super) fn kind(answer: &Response<()>) -> String {
    let media = answer.headers.get("content-type").unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    let is_html = answer.body.trim_ascii_start().starts_with(b"<") || media.eq_ignore_ascii_case("text/html");
    match (is_html, media) {
        (true, _) => "it is HTML".into(),
        (false, "") => "it is not JSON".into(),
        (false, media) => format!("it is not JSON ({})", media.chars().take(60).collect::<String>()),
    }
}
