//! Spans of both sides, attribute by attribute.

use std::collections::BTreeMap;

use paid_sandbox::{AttributeValue, ReceivedSpan, StatusCode};
use serde_json::{Value, json};

/// What a span stands for: its name with its event or customer.
pub fn role(span: &ReceivedSpan) -> (&str, Option<&str>) {
    (&span.name, span.text("event_name").or(span.text("external_customer_id")))
}

/// Every span is in the token's trace, save those whose scope has no token.
pub fn trace_ids(spans: &[ReceivedSpan], token: &str) {
    for span in spans {
        let has_token = span.text("external_customer_id") != Some("no token");
        assert_eq!(span.trace_id == token, has_token, "{span:#?}");
    }
}

/// Whether two spans of one role say the same.
pub fn spans(python: &ReceivedSpan, rust: &ReceivedSpan) {
    let role = role(python);
    assert_eq!(rust.kind, python.kind, "kind of {role:?}");
    assert_eq!(rust.flags, python.flags, "flags of {role:?}");
    assert_eq!(rust.status, python.status, "status of {role:?}");
    assert_eq!(rust.resource(), python.resource(), "resource of {role:?}");
    attributes(python, rust);
    exception(python, rust);
}

fn attributes(python: &ReceivedSpan, rust: &ReceivedSpan) {
    let role = role(python);
    let (mut ours, theirs) = (by_name(&rust.attributes), by_name(&python.attributes));
    if role.1 == Some("no token") {
        lists_that_python_drops(&mut ours);
    }
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        theirs.keys().collect::<Vec<_>>(),
        "names of attributes of {role:?}"
    );
    for (name, theirs) in theirs {
        match (name, ours[name], theirs) {
            // JSON text: spaces, escapes and the order of keys are no difference, types are.
            ("data", AttributeValue::String(ours), AttributeValue::String(theirs)) => {
                let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
                assert_eq!(json(ours), json(theirs), "data of {role:?}");
            }
            (name, ours, theirs) => assert_eq!(ours, theirs, "{name} of {role:?}"),
        }
    }
}

fn by_name(attributes: &[(String, AttributeValue)]) -> BTreeMap<&str, &AttributeValue> {
    let by_name: BTreeMap<_, _> = attributes.iter().map(|(name, value)| (name.as_str(), value)).collect();
    assert_eq!(by_name.len(), attributes.len(), "each attribute once: {attributes:?}");
    by_name
}

/// A difference on purpose: Python's OpenTelemetry leaves out lists whose items are not of one scalar type; here they
/// are kept, as numbers or as the text of each item.
fn lists_that_python_drops(ours: &mut BTreeMap<&str, &AttributeValue>) {
    let expected = [
        ("metadata.integers_and_floats", json!([1.0, 2.5])),
        ("metadata.mixed", json!(["1", "a", "true"])),
        ("metadata.nested", json!(["[1]", "[2]"])),
        ("metadata.objects", json!(["{\"a\":1}"])),
        ("metadata.with_null", json!(["a", "null"])),
    ];
    for (name, expected) in expected {
        assert_eq!(ours.remove(name).map(AttributeValue::to_json), Some(expected), "{name}");
    }
}

/// A failure has one event on either side. Python's has a stack trace; a Rust error has none. The type's path is the
/// language's own.
fn exception(python: &ReceivedSpan, rust: &ReceivedSpan) {
    let count = usize::from(python.status.code == StatusCode::Error);
    assert_eq!((python.events.len(), rust.events.len()), (count, count), "{python:#?}\n{rust:#?}");
    for (python, rust) in python.events.iter().zip(&rust.events) {
        let (mut theirs, mut ours) = (by_name(&python.attributes), by_name(&rust.attributes));
        assert_eq!(rust.name, python.name);
        assert!(theirs.remove("exception.stacktrace").is_some());
        let [theirs_type, ours_type] = [&mut theirs, &mut ours]
            .map(|attributes| attributes.remove("exception.type").and_then(AttributeValue::as_str).unwrap());
        assert_eq!(ours_type.rsplit("::").next(), theirs_type.rsplit('.').next());
        assert_eq!(ours, theirs);
    }
}

/// Whether both hang in the trace in the same way: below a span of the same role, a span that is never sent, or none.
pub fn parents(all: &[ReceivedSpan], python: &ReceivedSpan, rust: &ReceivedSpan) {
    let parent = |span: &ReceivedSpan| {
        let id = span.parent_span_id.as_ref()?;
        let parent = all.iter().find(|other| other.span_id == *id && other.trace_id == span.trace_id);
        assert!(parent.is_none_or(|parent| parent.scope_name == span.scope_name));
        Some(parent.map(role))
    };
    assert_eq!(parent(rust), parent(python), "parent of {:?}", role(python));
    let expected = match role(python) {
        (_, Some("no token")) => None,
        (_, Some("inner")) => Some(false),
        ("paid.trace.parent_span", _) => Some(true),
        _ => Some(false),
    };
    assert_eq!(parent(rust).map(|parent| parent.is_none()), expected, "parent of {:?}", role(python));
}
