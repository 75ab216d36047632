//! Traces: what the collector takes, what it refuses, and how it shows what came.

use std::time::{Duration, Instant};

use crate::common::otlp::{PROTOBUF, TRACE, TRACES, flag, int, list, request, span, text, zipped};
use crate::common::{Api, api, assert_error, read};
use opentelemetry_proto::tonic::common::v1::any_value::Value::DoubleValue;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::Event};
use paid_sandbox::{AttributeValue, Fault, ReceivedSpan, Sandbox, SpanKind, StatusCode};
use prost::Message;
use serde_json::json;

const JSON: &str = "application/json";

/// A span with something of everything.
fn rich() -> Span {
    let mut span = span(
        TRACE,
        2,
        1,
        "paid.trace.openai.chat",
        [
            ("external_customer_id", text("acme")),
            ("gen_ai.usage.input_tokens", int(12)),
            ("metadata.ratio", DoubleValue(12.0)),
            ("metadata.on", flag(true)),
            ("metadata.tags", list([text("a"), text("b")])),
        ],
    );
    span.flags = 0x300;
    span.kind = 3;
    span.status = Some(Status { code: 2, message: "Boom: no".to_owned() });
    span.events = vec![Event {
        time_unix_nano: 7,
        name: "exception".to_owned(),
        attributes: crate::common::otlp::attributes([("exception.message", text("no"))]),
        ..Event::default()
    }];
    span
}

#[track_caller]
fn assert_rich(span: &ReceivedSpan, key: &str) {
    assert_eq!(span.trace_id, "0102030405060708090a0b0c0d0e0f10");
    assert_eq!(span.span_id, "0000000000000002");
    assert_eq!(span.parent_span_id.as_deref(), Some("0000000000000001"));
    assert_eq!((span.flags, span.kind), (0x300, SpanKind::Client));
    assert_eq!(span.name, "paid.trace.openai.chat");
    assert_eq!(span.start_unix_nano, 1_735_689_600_000_000_002);
    assert_eq!(span.end_unix_nano, 1_735_689_600_000_000_102);
    assert_eq!(span.attributes.len(), 5);
    assert_eq!(span.text("external_customer_id"), Some("acme"));
    assert_eq!(span.attribute("gen_ai.usage.input_tokens"), Some(&AttributeValue::Int(12)));
    assert_eq!(span.attribute("metadata.ratio"), Some(&AttributeValue::Double(12.0)));
    assert_eq!(span.attribute("metadata.on"), Some(&true.into()));
    assert_eq!(span.attribute("metadata.tags"), Some(&vec!["a", "b"].into()));
    assert_eq!(span.attribute("absent"), None);
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Error, "Boom: no"));
    let [event] = span.events.as_slice() else { panic!("{span:?}") };
    assert_eq!((event.name.as_str(), event.time_unix_nano), ("exception", 7));
    assert_eq!(event.attribute("exception.message"), Some(&"no".into()));
    assert_eq!((span.scope_name.as_str(), span.scope_version.as_str()), ("paid.rust", "0.1.0"));
    assert_eq!(span.resource(), [("api.key".to_owned(), "[redacted]".into())]);
    assert!(span.key_is(key) && !span.key_is("other") && !span.key_is("[redacted]"));
    assert!(!format!("{span:?}").contains(key));
}

fn rich_json(key: &str) -> serde_json::Value {
    json!({"later": 1, "resourceSpans": [{
        "resource": {"attributes": [{"key": "api.key", "value": {"stringValue": key}}]},
        "scopeSpans": [{
            "scope": {"name": "paid.rust", "version": "0.1.0"},
            "spans": [{
                "traceId": "0102030405060708090A0B0C0D0E0F10", "spanId": "0000000000000002",
                "parentSpanId": "0000000000000001", "flags": 0x300, "kind": "SPAN_KIND_CLIENT",
                "name": "paid.trace.openai.chat", "traceState": null, "links": [],
                "startTimeUnixNano": "1735689600000000002", "endTimeUnixNano": 1_735_689_600_000_000_102_u64,
                "attributes": [
                    {"key": "external_customer_id", "value": {"stringValue": "acme"}},
                    {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}},
                    {"key": "metadata.ratio", "value": {"doubleValue": 12}},
                    {"key": "metadata.on", "value": {"boolValue": true}},
                    {"key": "metadata.tags", "value": {"arrayValue": {
                        "values": [{"stringValue": "a"}, {"stringValue": "b"}]}}},
                ],
                "events": [{"name": "exception", "timeUnixNano": "7", "attributes": [
                    {"key": "exception.message", "value": {"stringValue": "no"}}]}],
                "status": {"code": 2, "message": "Boom: no"},
            }],
        }],
    }]})
}

#[tokio::test]
async fn spans_arrive_in_either_encoding_compressed_or_not() {
    let api = api().await;
    let key = api.sandbox.api_key();
    let protobuf = request(key, [rich()]).encode_to_vec();
    let json = rich_json(key).to_string().into_bytes();
    for (media_type, body, answer) in [(PROTOBUF, protobuf, ""), (JSON, json, "{}")] {
        for (encoding, body) in [("identity", body.clone()), ("GZIP", zipped(&body))] {
            let sent = api.trace_request(media_type, body.clone()).header("content-encoding", encoding);
            let response = sent.send().await.expect("an answer");
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["content-type"], media_type);
            assert_eq!(response.text().await.expect("a body"), answer);
            let spans = api.sandbox.spans();
            let span = spans.last().expect("a span");
            assert_rich(span, key);
            assert_eq!(span.request_index + 1, spans.len());
            let requests = api.sandbox.requests();
            assert!(requests[span.request_index].matches("POST", TRACES));
            assert_eq!(requests[span.request_index].body(), body);
            assert!(!format!("{requests:?}").contains(key));
        }
    }
    let shown = read(api.http.get(format!("{}/sandbox/received", api.sandbox.origin()))).await.1;
    assert!(!shown.to_string().contains(key));
    let span = &shown["spans"][3];
    assert_eq!(span["attributes"]["metadata.ratio"].to_string(), "12.0");
    assert_eq!(span["start_unix_nano"], "1735689600000000002");
    assert_eq!(span["resource"], json!({"api.key": "[redacted]"}));
    assert_eq!(shown["traced_signals"], json!([]));

    api.sandbox.reset();
    assert!(api.sandbox.spans().is_empty());
}

#[tokio::test]
async fn other_types_of_body_are_refused() {
    let api = api().await;
    let body = request(api.sandbox.api_key(), [rich()]).encode_to_vec();
    assert_eq!(api.send_traces("text/plain", body.clone()).await.0, 415);
    let bare = api.http.post(api.sandbox.collector_endpoint()).body(body.clone()).send().await;
    assert_eq!(bare.expect("an answer").status(), 415);
    let brotli = api.trace_request(PROTOBUF, body.clone()).header("content-encoding", "br").send().await;
    assert_eq!(brotli.expect("an answer").status(), 415);
    let unzipped = api.trace_request(PROTOBUF, body).header("content-encoding", "gzip").send().await;
    assert_eq!(unzipped.expect("an answer").status(), 400);
    assert_error(read(api.http.get(api.sandbox.collector_endpoint())).await, 405, "GET");

    let large = vec![0; 64 * 1024 * 1024 + 1];
    assert_eq!(api.send_traces(PROTOBUF, large.clone()).await.0, 413);
    let bomb = zipped(&large);
    assert!(bomb.len() < 1_000_000);
    let bomb = api.trace_request(PROTOBUF, bomb).header("content-encoding", "gzip").send().await;
    assert_eq!(bomb.expect("an answer").status(), 413);
    assert!(api.sandbox.spans().is_empty());
}

#[tokio::test]
async fn one_wrong_id_or_field_refuses_the_whole_request() {
    let api = api().await;
    let key = api.sandbox.api_key();
    for spoil in [
        |span: &mut Span| span.trace_id.clear(),
        |span: &mut Span| span.trace_id = vec![0; 16],
        |span: &mut Span| span.trace_id.push(1),
        |span: &mut Span| span.span_id = vec![0; 8],
        |span: &mut Span| span.span_id.truncate(7),
        |span: &mut Span| span.parent_span_id.truncate(7),
    ] {
        let mut wrong = rich();
        spoil(&mut wrong);
        let body = request(key, [rich(), wrong]).encode_to_vec();
        let (status, answer) = api.send_traces(PROTOBUF, body).await;
        assert_eq!(status, 400);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.contains("_id of the span \"paid.trace.openai.chat\" must be"), "{answer}");
    }
    let mut wrong = rich_json(key);
    wrong["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["kind"] = json!([]);
    let (status, answer) = api.send_traces(JSON, wrong.to_string()).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(status, 400);
    let message = "resourceSpans[0].scopeSpans[0].spans[0].kind must be an integer, not a list";
    assert_eq!(answer, json!({"code": 3, "message": message}));
    assert!(api.sandbox.spans().is_empty());

    let mut root = rich();
    root.parent_span_id = vec![0; 8];
    root.kind = 77;
    root.status = None;
    api.spans([root]).await;
    let span = api.sandbox.spans().remove(0);
    assert_eq!(
        (span.parent_span_id, span.kind, span.status.code),
        (None, SpanKind::Unspecified, StatusCode::Unset)
    );
}

#[tokio::test]
async fn every_resource_must_carry_the_key() {
    let api = api().await;
    let key = api.sandbox.api_key();
    let good = request(key, [rich()]);
    let mut none = good.clone();
    none.resource_spans[0].resource = None;
    let mut twice = good.clone();
    let resource = twice.resource_spans[0].resource.as_mut().expect("a resource");
    resource.attributes.push(resource.attributes[0].clone());
    let mut mixed = good.clone();
    mixed.resource_spans.extend(request("other_key", [rich()]).resource_spans);
    for body in [request("other_key", [rich()]), request("", [rich()]), none, twice, mixed] {
        let (status, answer) = api.send_traces(PROTOBUF, body.encode_to_vec()).await;
        assert_eq!(status, 401);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("api.key") && !answer.contains("_key"), "{answer}");
    }
    let (status, answer) = api.send_traces(JSON, rich_json("other_key").to_string()).await;
    assert_eq!(status, 401);
    assert!(String::from_utf8_lossy(&answer).contains("\"code\":16"));
    assert!(api.sandbox.spans().is_empty());
    assert_eq!(api.sandbox.requests().len(), 6);

    // A bearer token is neither asked for nor enough.
    let sent = api.trace_request(PROTOBUF, request("x", [rich()]).encode_to_vec()).bearer_auth(key);
    assert_eq!(sent.send().await.expect("an answer").status(), 401);
    // Nothing to take needs no key.
    assert_eq!(api.send_traces(PROTOBUF, "").await.0, 200);
    assert_eq!(api.send_traces(JSON, "{}").await.0, 200);

    let any = Sandbox::builder().any_api_key().start().await.expect("starts");
    let api = Api { sandbox: any, http: api.http };
    for (key, status) in [("a", 200), ("b", 200), ("", 401)] {
        let body = request(key, [rich()]).encode_to_vec();
        assert_eq!(api.send_traces(PROTOBUF, body).await.0, status);
    }
    assert!(api.sandbox.spans()[1].key_is("b"));
}

#[tokio::test]
async fn faults_meet_traces_as_they_meet_calls() {
    let api = api().await;
    let on = || Fault::on("POST", TRACES);
    let body = request(api.sandbox.api_key(), [rich()]).encode_to_vec();
    let patience = Duration::from_millis(200);
    let send = async || api.trace_request(PROTOBUF, body.clone()).timeout(patience).send().await;

    api.sandbox.fail(on().status(503).header("retry-after", "7"));
    let busy = send().await.expect("an answer");
    assert_eq!(busy.status(), 503);
    assert_eq!(busy.headers()["retry-after"], "7");
    api.sandbox.fail(on().hang());
    assert!(send().await.expect_err("no answer").is_timeout());
    api.sandbox.fail(on().cut());
    send().await.expect_err("no answer");
    assert!(api.sandbox.spans().is_empty());

    api.sandbox.fail(on().after_processing().cut());
    send().await.expect_err("no answer");
    api.sandbox.fail(on().after_processing().status(500));
    assert_eq!(send().await.expect("an answer").status(), 500);
    assert_eq!(send().await.expect("an answer").status(), 200);
    let spans = api.sandbox.spans();
    assert_eq!(spans.len(), 3);
    assert!(spans.iter().all(|span| span.span_id == spans[0].span_id));
    assert_eq!(spans.iter().map(|span| span.request_index).collect::<Vec<_>>(), [3, 4, 5]);
    let requests = api.sandbox.requests();
    assert!(requests.iter().all(|request| request.body() == body));
}

#[tokio::test]
async fn waiting_ends_with_the_spans_or_with_the_time() {
    let api = api().await;
    let long = Duration::from_secs(30);
    assert!(api.sandbox.wait_for_spans(0, Duration::ZERO).await.is_empty());
    let begun = Instant::now();
    assert!(api.sandbox.wait_for_spans(1, Duration::from_millis(50)).await.is_empty());
    assert!(begun.elapsed() >= Duration::from_millis(50));

    let (found, ()) = tokio::join!(api.sandbox.wait_for_spans(3, long), async {
        api.spans([rich()]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        api.spans([rich(), rich()]).await;
    });
    assert_eq!(found.len(), 3);
    assert_eq!(api.sandbox.wait_for_spans(2, Duration::MAX).await.len(), 3);
    assert_eq!(api.sandbox.wait_for_spans_blocking(3, long).len(), 3);
    assert!(begun.elapsed() < long);
    api.sandbox.reset();
    assert!(api.sandbox.wait_for_spans(1, Duration::from_millis(10)).await.is_empty());
}

#[test]
fn waiting_needs_no_runtime() {
    let sandbox = Sandbox::start_blocking().expect("starts");
    let begun = Instant::now();
    assert!(sandbox.wait_for_spans_blocking(1, Duration::from_millis(20)).is_empty());
    assert!(begun.elapsed() >= Duration::from_millis(20));
    assert!(sandbox.collector_endpoint().ends_with(TRACES));
}

#[tokio::test]
async fn a_partial_success_says_how_many_spans_were_rejected_and_why() {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;

    let api = api().await;
    let body = request(api.sandbox.api_key(), [span(TRACE, 1, 0, "a", []), span(TRACE, 2, 0, "b", [])]);
    let on = || Fault::on("POST", TRACES);
    for (fault, kept) in
        [(on().partial_success(1, "too old"), 0), (on().after_processing().partial_success(1, "too old"), 2)]
    {
        api.sandbox.fail(fault);
        let sent = api.trace_request(PROTOBUF, body.encode_to_vec()).send().await.expect("an answer");
        assert_eq!(
            (sent.status().as_u16(), &sent.headers()["content-type"]),
            (200, &PROTOBUF.parse().unwrap())
        );
        let answer =
            ExportTraceServiceResponse::decode(sent.bytes().await.expect("a body")).expect("protobuf");
        let partly = answer.partial_success.expect("a partial success");
        assert_eq!((partly.rejected_spans, partly.error_message.as_str()), (1, "too old"));
        assert_eq!(api.sandbox.spans().len(), kept);
    }
}
