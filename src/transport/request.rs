//! The request as it goes out: headers, query, body.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::State;
use crate::error::InvalidRequest;

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("paid-rust/", env!("CARGO_PKG_VERSION")));
const LANGUAGE: HeaderName = HeaderName::from_static("x-fern-language");
const SDK_NAME: HeaderName = HeaderName::from_static("x-fern-sdk-name");
const SDK_VERSION: HeaderName = HeaderName::from_static("x-fern-sdk-version");

/// Adds the call's own body fields and query parameters to progenitor's request.
pub(super) fn finish(state: &State, request: &mut reqwest::Request) -> Result<(), InvalidRequest> {
    body(state, request)?;
    query(state, request);
    Ok(())
}

/// The SDK's headers and the call's own.
pub(super) fn headers(state: &State, headers: &mut HeaderMap) {
    headers.reserve(8);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, USER_AGENT);
    headers.insert(LANGUAGE, HeaderValue::from_static("Rust"));
    headers.insert(SDK_NAME, HeaderValue::from_static("paid-rust"));
    headers.insert(SDK_VERSION, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    for (name, value) in &state.options.headers {
        headers.insert(name, value.clone());
    }
}

/// Adds the call's own body fields; an object with nothing in it is not sent.
fn body(state: &State, request: &mut reqwest::Request) -> Result<(), InvalidRequest> {
    let mut bytes = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let merged;
    if !state.options.body.is_empty() {
        let mut object = match bytes {
            [] => serde_json::Map::new(),
            bytes => serde_json::from_slice(bytes)
                .map_err(|_| InvalidRequest::new("body", "is not an object, so it takes no extra fields"))?,
        };
        object.extend(state.options.body.iter().map(|(name, value)| (name.clone(), value.clone())));
        merged = Value::Object(object).to_string();
        bytes = merged.as_bytes();
    }
    let media = state.facts.content_type.unwrap_or("application/json");
    let empty = matches!(bytes, b"" | b"{}");
    if empty {
        *request.body_mut() = None;
    } else if !state.options.body.is_empty() {
        *request.body_mut() = Some(bytes.to_vec().into());
    }
    if !empty || state.facts.content_type.is_some() {
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    }
    Ok(())
}

/// Adds the call's own query parameters: lists repeat the key, objects become `key[part]`.
fn query(state: &State, request: &mut reqwest::Request) {
    let mut pairs = Vec::new();
    for (name, value) in &state.options.query {
        flatten(name.clone(), value, &mut pairs);
    }
    if !pairs.is_empty() {
        request.url_mut().query_pairs_mut().extend_pairs(pairs);
    }
}

fn flatten(name: String, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Bool(value) => into.push((name, value.to_string())),
        Value::Number(value) => into.push((name, value.to_string())),
        Value::String(value) => into.push((name, value.clone())),
        Value::Array(values) => values.iter().for_each(|value| flatten(name.clone(), value, into)),
        Value::Object(parts) => {
            parts.iter().for_each(|(part, value)| flatten(format!("{name}[{part}]"), value, into));
        }
    }
}
