//! Whatever the body of a trace request is, there is an answer, and the sandbox goes on.

use crate::common::api;
use crate::common::otlp::{PROTOBUF, TRACE, flag, int, list, request, span, text, zipped};
use prost::Message;
use serde_json::json;

/// xorshift64*: the same numbers for the same seed, everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).expect("fits")).expect("fits")
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    /// The body with something wrong: cut, changed, lengthened, repeated.
    fn spoil(&mut self, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(body.len());
            match self.below(5) {
                0 => body.truncate(at),
                1 => body[at..].iter_mut().take(1).for_each(|byte| *byte = self.next().to_be_bytes()[0]),
                2 => body.insert(at, self.next().to_be_bytes()[0]),
                3 => body.extend_from_within(at..),
                _ => drop(body.drain(at..(at + 3).min(body.len()))),
            }
        }
        body
    }
}

fn valid(key: &str) -> Vec<(&'static str, Vec<u8>)> {
    let data = json!({"costData": {"vendor": "v", "attributes": {"gen_ai.usage.input_tokens": 3}}});
    let attributes = [
        ("event_name", text("é")),
        ("external_customer_id", text("acme")),
        ("enable_cost_tracing", flag(true)),
        ("data", text(&data.to_string())),
        ("gen_ai.usage.output_tokens", int(-1)),
        ("metadata.list", list([list([int(1)]), text("x")])),
    ];
    let spans = [span(TRACE, 1, 2, "paid.trace.signal", attributes), span(TRACE, 2, 1, "s", [("a", int(1))])];
    let protobuf = request(key, spans).encode_to_vec();
    let json = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "api.key", "value": {"stringValue": key}}]},
        "scopeSpans": [{"scope": {"name": "n"}, "spans": [{
            "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0000000000000003", "kind": 1,
            "name": "s", "startTimeUnixNano": "1", "flags": 256, "events": [{"name": "e"}],
            "attributes": [{"key": "k", "value": {"bytesValue": "AAEC"}}, {"key": "d", "value": {"doubleValue": "NaN"}}],
        }]}],
    }]});
    vec![(PROTOBUF, protobuf), ("application/json", json.to_string().into_bytes())]
}

#[tokio::test]
async fn any_bytes_get_an_answer() {
    let api = api().await;
    let mut random = Random(0x5EED);
    let mut taken = 0;
    for round in 0..1500 {
        for (media_type, body) in valid(api.sandbox.api_key()) {
            let body = match round % 3 {
                0 => random.spoil(&body),
                1 => body.get(..random.below(body.len())).unwrap_or_default().to_vec(),
                _ => {
                    let length = random.below(200);
                    random.bytes(length)
                }
            };
            // The packed body, the packed body spoilt, or the body as it is.
            let (encoding, body) = match random.below(4) {
                0 => ("gzip", zipped(&body)),
                1 => ("gzip", random.spoil(&zipped(&body))),
                _ => ("identity", body),
            };
            let sent = api.trace_request(media_type, body).header("content-encoding", encoding);
            let status = sent.send().await.expect("an answer").status().as_u16();
            assert!([200, 400, 401].contains(&status), "round {round}: {status}");
            taken += usize::from(status == 200);
        }
    }
    assert!(taken > 0);
    let spans = api.sandbox.spans();
    for span in &spans {
        assert_eq!((span.trace_id.len(), span.span_id.len()), (32, 16));
        assert!(api.sandbox.trace_tree(&span.trace_id).contains("  "));
    }
    assert!(api.sandbox.traced_signals().len() <= spans.len());
    for (media_type, body) in valid(api.sandbox.api_key()) {
        assert_eq!(api.send_traces(media_type, body).await.0, 200);
    }
    assert_eq!(api.sandbox.spans().len(), spans.len() + 3);
}

#[tokio::test]
async fn values_may_be_nested_but_not_without_end() {
    let api = api().await;
    let mut value = int(1);
    for _ in 0..20 {
        value = list([value]);
    }
    api.spans([span(TRACE, 1, 0, "nested", [("deep", value.clone())])]).await;
    for _ in 0..2_000 {
        value = list([value]);
    }
    let body = request(api.sandbox.api_key(), [span(TRACE, 2, 0, "deeper", [("deep", value)])]);
    assert_eq!(api.send_traces(PROTOBUF, body.encode_to_vec()).await.0, 400);
    let mut json = String::from("{\"stringValue\":\"x\"}");
    for _ in 0..2_000 {
        json = format!("{{\"arrayValue\":{{\"values\":[{json}]}}}}");
    }
    assert_eq!(api.send_traces("application/json", json).await.0, 400);
    assert_eq!(api.sandbox.spans().len(), 1);
}
