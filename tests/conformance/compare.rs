//! What differs between a recording and what happened.

use paid::DateTime;
use serde_json::{Number, Value};

use crate::recording::{self, Step};
use crate::server;

/// What is wrong with a request.
pub fn request(recorded: &recording::Request, received: &server::Request) -> Vec<String> {
    let mut problems = Vec::new();
    if received.method != recorded.method {
        problems.push(format!("method {} instead of {}", received.method, recorded.method));
    }
    if !same_target(&recorded.target, &received.target) {
        problems.push(format!("target {} instead of {}", received.target, recorded.target));
    }
    // Which answers are accepted is each client's own affair.
    let headers = recorded.headers.iter().filter(|(name, _)| *name != "accept");
    for (name, value) in headers {
        let found = received.header(&name.to_ascii_lowercase());
        if found != Some(value) {
            problems.push(format!("header {name} {found:?} instead of {value:?}"));
        }
    }
    if !recorded.headers.contains_key("content-type") && received.header("content-type").is_some() {
        problems.push("a content-type, though there is no body".to_string());
    }
    problems.extend(body(recorded.body.as_ref(), &received.body));
    problems
}

/// Which of the caller's own headers are missing. Their values are in the input, not in what was recorded.
pub fn extra_headers(input: &Value, received: &server::Request) -> Vec<String> {
    let asked = input["request_options"]["additional_headers"].as_object().into_iter().flatten();
    let missing = asked.filter(|(name, value)| received.header(&name.to_ascii_lowercase()) != value.as_str());
    missing.map(|(name, value)| format!("no header {name}: {value}")).collect()
}

/// What is wrong with an answer of the driver.
pub fn outcome(step: &Step, answer: &Value) -> Vec<String> {
    let (failure, error) = match (&step.outcome.error, answer.get("error")) {
        (None, None) => return value(step, &answer["ok"]),
        (None, Some(error)) => return vec![format!("an error: {error}")],
        (Some(_), None) => return vec![format!("no error, but {answer}")],
        (Some(failure), Some(error)) => (failure, error),
    };
    let status = step.exchanges.last().map(|exchange| exchange.answer.status);
    let mut problems = Vec::new();
    let kind = if status < Some(400) { "decode" } else { "api" };
    if error["kind"] != kind {
        problems.push(format!("an error of kind {} instead of {kind}", error["kind"]));
    }
    let status = failure.status_code.or(status);
    if error["status_code"].as_u64() != status.map(u64::from) {
        problems.push(format!("status {} instead of {status:?}", error["status_code"]));
    }
    if error["attempts"] != step.exchanges.len() {
        problems.push(format!("{} attempts instead of {}", error["attempts"], step.exchanges.len()));
    }
    if let Some(body) = &failure.body {
        // The recorded client's error model is no model here: its JSON is what counts.
        let body = if body["type"] == "Error" { &body["json"] } else { body };
        if !same(body, &error["body"]) {
            problems.push(format!("error body {} instead of {body}", error["body"]));
        }
    }
    problems
}

/// A good answer arrives whole, nulls aside: a model doesn't tell them from what is missing.
fn value(step: &Step, found: &Value) -> Vec<String> {
    let Some(exchange) = step.exchanges.last() else { return Vec::new() };
    let mut sent = serde_json::from_slice(&exchange.answer.body).unwrap_or_default();
    if step.input["op"] == "usage.record_bulk" {
        sent = Value::Null; // has no model
    }
    let mut found = found.clone();
    drop_nulls(&mut sent);
    drop_nulls(&mut found);
    if same(&sent, &found) { Vec::new() } else { vec![format!("value {found} instead of {sent}")] }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Object(entries) => {
            entries.retain(|_, value| !value.is_null());
            entries.values_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

fn body(recorded: Option<&Value>, received: &[u8]) -> Option<String> {
    let text = || String::from_utf8_lossy(received);
    match (recorded, received) {
        (None, []) => None,
        (None, _) => Some(format!("body {} instead of none", text())),
        (Some(recorded), _) => match serde_json::from_slice(received) {
            Ok(value) if same(recorded, &value) => None,
            _ => Some(format!("body {:?} instead of {recorded}", text())),
        },
    }
}

/// The path is the same text; the query has the same pairs in any order.
fn same_target(recorded: &str, received: &str) -> bool {
    let split = |target: &str| {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut pairs: Vec<String> = query.split('&').map(str::to_string).collect();
        // Lists repeat a key: their order counts.
        pairs.sort_by(|a, b| a.split('=').next().cmp(&b.split('=').next()));
        (path.to_string(), pairs)
    };
    let ((recorded_path, recorded), (received_path, received)) = (split(recorded), split(received));
    let same_pairs = recorded.iter().zip(&received).all(|(a, b)| a == b || same_time(a, b));
    recorded_path == received_path && recorded.len() == received.len() && same_pairs
}

/// Times may differ in precision, not in what they say: the instant, the offset and how it is written.
fn same_time(recorded: &str, received: &str) -> bool {
    let read = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let text = value.replace("%3A", ":").replace("%2B", "+");
        let time = DateTime::parse_from_rfc3339(&text).ok()?;
        Some((name.to_string(), time, *time.offset(), text.ends_with('Z')))
    };
    read(recorded).is_some() && read(recorded) == read(received)
}

/// The same JSON, key order aside. `5` and `5.0` are the same number; no digit may be lost.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

fn same_number(a: &Number, b: &Number) -> bool {
    match (a.as_i128(), b.as_i128(), a.as_f64(), b.as_f64()) {
        (Some(a), Some(b), ..) => a == b,
        (None, None, a, b) => a == b,
        (Some(exact), None, _, Some(float)) | (None, Some(exact), Some(float), _) => {
            float.fract() == 0.0 && float as i128 == exact
        }
        _ => false,
    }
}

#[test]
fn numbers_are_compared_to_the_last_digit() {
    let same = |a: &str, b: &str| same(&serde_json::from_str(a).unwrap(), &serde_json::from_str(b).unwrap());
    assert!(same("5", "5.0") && same("1e21", "1e+21") && same("[{\"a\":1,\"b\":2}]", "[{\"b\":2,\"a\":1}]"));
    assert!(!same("9007199254740993", "9007199254740992"));
    assert!(!same("9007199254740993", "9007199254740993.0"));
    assert!(!same("5", "\"5\"") && !same("{}", "{\"a\":null}"));
}

#[test]
fn targets_are_compared_by_pairs_and_times_by_instant() {
    assert!(same_target("/a?x=1&y=2", "/a?y=2&x=1"));
    assert!(same_target("/a?t=2025-01-02T03%3A04%3A05.120000Z", "/a?t=2025-01-02T03%3A04%3A05.12Z"));
    assert!(!same_target("/a?t=2025-01-02T03%3A04%3A05Z", "/a?t=2025-01-02T03%3A04%3A05%2B00%3A00"));
    assert!(!same_target("/a?l=x&l=y", "/a?l=y&l=x"));
    assert!(!same_target("/a%20b", "/a+b") && !same_target("/a?x=1", "/a"));
}
