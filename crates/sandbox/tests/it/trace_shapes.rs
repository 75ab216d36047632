//! Requests that are well-formed, but not what they should be: any JSON and any protobuf gets an answer.

use crate::common::otlp::{PROTOBUF, TRACE, flag, int, list, request, span, text, zipped};
use crate::common::{Api, api};
use fastrand::Rng;
use prost::Message;
use serde_json::{Value, json};

const ROUNDS: usize = 1500;

/// Anything that JSON has, the odd values more often than not.
fn odd(random: &mut Rng, depth: usize) -> Value {
    match random.u32(..if depth == 0 { 16 } else { 19 }) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(0),
        4 => json!(u64::MAX),
        5 => json!(i64::MIN),
        6 => json!(1e308),
        7 => json!(0.5),
        8 => json!(""),
        9 => json!("-9223372036854775809"),
        10 => json!("18446744073709551616"),
        11 => json!("NaN"),
        12 => json!("é\u{0}\u{10ffff}"),
        13 => json!("0102030405060708090a0b0c0d0e0f10"),
        14 => json!("===="),
        15 => json!("x".repeat(random.usize(..5000))),
        16 => Value::Array((0..random.usize(..4)).map(|_| odd(random, depth - 1)).collect()),
        17 => json!({"stringValue": odd(random, depth - 1), "intValue": odd(random, depth - 1)}),
        _ => json!({"key": odd(random, depth - 1), "value": odd(random, depth - 1)}),
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum::<usize>(),
        Value::Object(values) => values.values().map(count).sum(),
        _ => 0,
    }
}

/// Replaces the value at a place, counted from the root, by an odd one; or takes it away, or doubles it.
fn change(value: &mut Value, place: &mut usize, random: &mut Rng) -> bool {
    if *place == 0 {
        *value = odd(random, 3);
        return true;
    }
    *place -= 1;
    match value {
        Value::Array(values) => {
            if let Some(first) = values.first().cloned().filter(|_| random.u32(..8) == 0) {
                values.push(first);
            }
            values.iter_mut().any(|value| change(value, place, random))
        }
        Value::Object(values) => {
            if let Some(key) = values.keys().next().cloned().filter(|_| random.u32(..20) == 0) {
                values.remove(&key);
            }
            values.values_mut().any(|value| change(value, place, random))
        }
        _ => false,
    }
}

fn valid_json(key: &str) -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "api.key", "value": {"stringValue": key}}]},
        "scopeSpans": [{"scope": {"name": "n", "version": "1"}, "spans": [{
            "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0000000000000003",
            "parentSpanId": "0000000000000002", "kind": 1, "name": "paid.trace.signal", "flags": 256,
            "startTimeUnixNano": "1", "endTimeUnixNano": 2, "status": {"code": 2, "message": "m"},
            "events": [{"name": "e", "timeUnixNano": "3", "attributes": [{"key": "k", "value": {"boolValue": true}}]}],
            "attributes": [
                {"key": "event_name", "value": {"stringValue": "e"}},
                {"key": "external_customer_id", "value": {"stringValue": "acme"}},
                {"key": "data", "value": {"stringValue": "{\"costData\": {\"vendor\": \"v\", \"cost\": {\"amount\": 1}}}"}},
                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}},
                {"key": "l", "value": {"arrayValue": {"values": [{"doubleValue": 1.5}, {"bytesValue": "AAEC"}]}}},
                {"key": "m", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": 1}}]}}},
            ],
        }]}],
    }]})
}

/// A field of a message with a number that OTLP uses, of any kind, right or wrong.
fn field(random: &mut Rng, depth: usize, out: &mut Vec<u8>) {
    let number = random.u8(1..=16);
    match random.u32(..if depth == 0 { 4 } else { 8 }) {
        0 => {
            tag(number, 0, out);
            varint(random.u64(..) >> random.u32(..64), out);
        }
        1 => {
            tag(number, 1, out);
            out.extend(random.u64(..).to_le_bytes());
        }
        2 => {
            tag(number, 5, out);
            out.extend(random.u32(..).to_le_bytes());
        }
        3 => {
            let length = [0, 1, 7, 8, 15, 16, 17, 200][random.usize(..8)];
            tag(number, 2, out);
            varint(length, out);
            out.extend((0..length).map(|_| random.u8(..)));
        }
        _ => {
            // OTLP's messages in messages have low numbers.
            let mut inner = Vec::new();
            (0..random.usize(..5)).for_each(|_| field(random, depth - 1, &mut inner));
            tag(random.u8(1..=3), 2, out);
            varint(inner.len() as u64, out);
            out.extend(inner);
        }
    }
}

fn tag(number: u8, kind: u64, out: &mut Vec<u8>) {
    varint(u64::from(number) << 3 | kind, out);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Sends it plain or packed; it has an answer that makes sense. Whether it was taken.
async fn answered(api: &Api, media_type: &str, body: Vec<u8>, packed: bool) -> bool {
    let shown = body.clone();
    let (coding, body) = if packed { ("gzip", zipped(&body)) } else { ("identity", body) };
    let sent = api.trace_request(media_type, body).header("content-encoding", coding).send().await;
    let answer = sent.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&shown)));
    let status = answer.status().as_u16();
    assert!([200, 400, 401].contains(&status), "{status}: {}", String::from_utf8_lossy(&shown));
    assert_eq!(answer.headers()["content-type"], media_type);
    status == 200
}

/// What was taken can be looked at, and a valid request is taken as before.
async fn assert_goes_on(api: &Api) {
    for span in api.sandbox.spans() {
        assert_eq!((span.trace_id.len(), span.span_id.len()), (32, 16));
    }
    let _ = (api.sandbox.traced_signals(), api.sandbox.cost_traces());
    let before = api.sandbox.spans().len();
    api.spans([span(TRACE, 9, 0, "valid", [("a", int(1))])]).await;
    assert_eq!(api.sandbox.spans().len(), before + 1);
}

#[tokio::test]
async fn any_json_gets_an_answer() {
    let api = api().await;
    let mut random = Rng::with_seed(0x15_0B);
    let mut taken = 0;
    for round in 0..ROUNDS {
        let mut body = valid_json(api.sandbox.api_key());
        for _ in 0..=random.usize(..2) {
            let mut place = random.usize(..count(&body));
            change(&mut body, &mut place, &mut random);
        }
        taken += usize::from(
            answered(&api, "application/json", body.to_string().into_bytes(), round % 4 == 0).await,
        );
    }
    assert!(taken > ROUNDS / 20 && taken < ROUNDS, "some of it is valid: {taken}");
    assert_goes_on(&api).await;
}

#[tokio::test]
async fn any_protobuf_gets_an_answer() {
    let api = api().await;
    let mut random = Rng::with_seed(0x9B);
    let mut taken = 0;
    for round in 0..ROUNDS {
        let mut body = Vec::new();
        match round % 3 {
            0 => (0..random.usize(..6)).for_each(|_| field(&mut random, 6, &mut body)),
            // With a valid span before or after it, of which nothing may stay if the rest is refused.
            more => {
                let attributes = [("a", list([flag(true), text("x")]))];
                let valid =
                    request(api.sandbox.api_key(), [span(TRACE, 3, 1, "s", attributes)]).encode_to_vec();
                if more == 1 {
                    body.extend(&valid);
                }
                field(&mut random, 4, &mut body);
                if more == 2 {
                    body.extend(valid);
                }
            }
        }
        let before = api.sandbox.spans().len();
        let was_taken = answered(&api, PROTOBUF, body, round % 4 == 0).await;
        assert!(was_taken || api.sandbox.spans().len() == before, "a refused request leaves nothing behind");
        taken += usize::from(was_taken);
    }
    assert!(taken > ROUNDS / 20 && taken < ROUNDS, "some of it is valid: {taken}");
    assert_goes_on(&api).await;
}
