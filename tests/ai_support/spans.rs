//! What is read from the span of a call, and what is asserted of it.

use std::collections::BTreeMap;

use paid_sandbox::{ReceivedSpan, StatusCode};

use super::PROMPT;

/// Keys (all of them are called secret), addresses, prompts and answers.
const HIDDEN: [&str; 5] = ["secret", "://", "127.0.0.1", PROMPT, "You said"];

pub fn int(span: &ReceivedSpan, name: &str) -> Option<i64> {
    span.attribute(name).map(|value| value.as_i64().unwrap_or_else(|| panic!("{name} is {value:?}")))
}

pub fn count(span: &ReceivedSpan, key: &str) -> Option<i64> {
    int(span, &format!("gen_ai.usage.{key}"))
}

/// Told of most answers, where they have tests of their own.
const OF_ANSWERS: [&str; 3] =
    ["gen_ai.response.id", "gen_ai.response.finish_reasons", "gen_ai.response.service_tier"];

/// All attributes but those of the scope, and of answers of any price, as text.
pub fn attributes(span: &ReceivedSpan) -> BTreeMap<&str, String> {
    let own = span
        .attributes
        .iter()
        .filter(|(key, _)| !key.starts_with("external_") && !OF_ANSWERS.contains(&key.as_str()));
    let attributes: BTreeMap<_, _> = own.map(|(key, value)| (key.as_str(), value.to_string())).collect();
    for key in attributes.keys().filter(|key| key.starts_with("gen_ai.usage.")) {
        assert!(int(span, key).is_some());
    }
    attributes
}

/// That a span is a success with these attributes, besides those of its scope, and no others.
#[track_caller]
pub fn assert_told(span: &ReceivedSpan, name: &str, expected: &[(&str, &str)]) {
    assert_ok(span);
    assert_eq!(span.name, name);
    let expected = expected.iter().map(|(key, value)| (*key, (*value).to_string())).collect();
    assert_eq!(attributes(span), expected);
}

#[track_caller]
pub fn assert_ok(span: &ReceivedSpan) {
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Ok, ""));
    assert_eq!(span.events, []);
}

#[track_caller]
pub fn assert_failed(span: &ReceivedSpan, message: &str) {
    assert_failed_as(span, message);
    assert_eq!(span.status.message, message);
}

/// That a span is an error, told once, whose message starts so.
#[track_caller]
pub fn assert_failed_as(span: &ReceivedSpan, start: &str) {
    assert_eq!(span.status.code, StatusCode::Error);
    assert!(span.status.message.starts_with(start), "{} and not {start}", span.status.message);
    let events: Vec<_> = span.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(events, ["exception"]);
}

#[track_caller]
pub fn assert_discreet(span: &ReceivedSpan) {
    let shown = format!("{span:?}");
    for hidden in HIDDEN {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
}
