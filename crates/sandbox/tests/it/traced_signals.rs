//! Signals that came as spans, the costs that belong to them, and the tree of a trace.

use crate::common::otlp::{PROTOBUF, TRACE, flag, int, request, span, text};
use crate::common::{Api, api};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use paid_sandbox::PRICE_PER_TOKEN_USD;
use prost::Message;
use serde_json::{Value, json};

const SIGNAL: &str = "paid.trace.signal";
const CHAT: &str = "paid.trace.openai.chat.completions.create";

fn parent(trace: u128) -> Span {
    span(
        trace,
        1,
        0,
        "paid.trace.parent_span",
        [("external_customer_id", text("acme")), ("external_agent_id", text("writer"))],
    )
}

fn chat(trace: u128, id: u64, tokens: i64) -> Span {
    span(
        trace,
        id,
        1,
        CHAT,
        [
            ("external_customer_id", text("acme")),
            ("external_agent_id", text("writer")),
            ("gen_ai.system", text("openai")),
            ("gen_ai.usage.input_tokens", int(tokens)),
        ],
    )
}

fn signal(trace: u128, id: u64, linking: bool, data: Option<Value>) -> Span {
    let mut attributes = vec![
        ("external_customer_id", text("acme")),
        ("external_agent_id", text("writer")),
        ("event_name", text("report_done")),
    ];
    if linking {
        attributes.push(("enable_cost_tracing", flag(true)));
    }
    if let Some(data) = data {
        attributes.push(("data", text(&data.to_string())));
    }
    span(trace, id, 1, SIGNAL, attributes)
}

fn manual_cost(amount: f64) -> Value {
    json!({"pages": 3, "costData": {"vendor": "v", "cost": {"amount": amount, "currency": "EUR"}}})
}

async fn costs(api: &Api) -> Vec<(String, String, f64)> {
    let (status, listing) = api.get("/customers/external/acme/costs").await;
    assert_eq!(status, 200, "{listing}");
    let traces = listing["traces"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let read = |cost: &Value| {
        (text(&cost["name"]), text(&cost["vendor"]), cost["cost"]["amount"].as_f64().unwrap_or_default())
    };
    traces.iter().map(read).collect()
}

#[tokio::test]
async fn a_signal_shows_what_it_carries() {
    let api = api().await;
    api.spans([parent(TRACE), signal(TRACE, 2, false, Some(json!({"pages": 3})))]).await;
    let signals = api.sandbox.traced_signals();
    let [signal] = signals.as_slice() else { panic!("{signals:?}") };
    assert_eq!(signal.event_name.as_deref(), Some("report_done"));
    assert_eq!(signal.external_customer_id.as_deref(), Some("acme"));
    assert_eq!(signal.external_agent_id.as_deref(), Some("writer"));
    assert_eq!(signal.data, Some(json!({"pages": 3})));
    assert_eq!(signal.trace_id, format!("{TRACE:032x}"));
    assert_eq!(signal.span_id, "0000000000000002");
    assert!(!signal.enable_cost_tracing && signal.linked.is_empty() && signal.cost_error.is_none());
    assert!(api.sandbox.signals().is_empty());

    let bare = span(TRACE, 3, 1, SIGNAL, [("event_name", int(7)), ("data", text("{\"n\": NaN}"))]);
    api.spans([bare]).await;
    let bare = api.sandbox.traced_signals().remove(1);
    assert_eq!(bare.event_name.as_deref(), Some("7"));
    assert_eq!((bare.external_customer_id, bare.data), (None, Some(json!("{\"n\": NaN}"))));
}

#[tokio::test]
async fn a_linking_signal_has_the_costs_of_its_trace_whoever_sent_them() {
    let api = api().await;
    api.customer("acme").await;
    // One process sends the signal, others send the calls: before, after, in other traces.
    api.spans([chat(TRACE, 2, 100)]).await;
    api.spans([parent(TRACE), signal(TRACE, 3, true, None), signal(TRACE, 4, false, None)]).await;
    let linked = |index: usize| {
        let signal = api.sandbox.traced_signals().remove(index);
        signal.linked.into_iter().map(|cost| (cost.span_id, cost.span_name, cost.cost)).collect::<Vec<_>>()
    };
    let first = linked(0);
    let [(span_id, name, cost)] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!((span_id.as_str(), name.as_str()), ("0000000000000002", CHAT));
    assert_eq!((cost.vendor(), cost.currency()), ("openai", "USD"));
    assert!((cost.amount() - 100.0 * PRICE_PER_TOKEN_USD).abs() < 1e-12);

    api.spans([chat(TRACE + 1, 5, 1_000)]).await;
    assert_eq!(linked(0).len(), 1);
    api.spans([signal(TRACE, 6, false, Some(manual_cost(0.5))), chat(TRACE, 7, 1)]).await;
    assert_eq!(linked(0).len(), 3);
    assert!(linked(1).is_empty());
    // A call that is sent again is the same call.
    api.spans([chat(TRACE, 2, 100)]).await;
    assert_eq!(linked(0).len(), 3);
    assert_eq!(api.sandbox.spans().len(), 8);
}

#[tokio::test]
async fn costs_of_traces_are_listed_for_their_customer_once() {
    let api = api().await;
    api.customer("acme").await;
    let spans = || [signal(TRACE, 2, true, Some(manual_cost(0.5))), chat(TRACE, 3, 2_000_000), parent(TRACE)];
    api.spans(spans()).await;
    api.spans(spans()).await;
    let expected =
        [("report_done".to_owned(), "v".to_owned(), 0.5), (CHAT.to_owned(), "openai".to_owned(), 2.0)];
    assert_eq!(costs(&api).await, expected);
    assert_eq!(api.sandbox.traced_signals().len(), 2);
    assert_eq!(api.sandbox.traced_signals()[0].linked.len(), 2);
    let (_, listing) = api.get("/customers/external/acme/costs").await;
    assert_eq!(listing["traces"][0]["startTimeUnixNano"], "1735689600000000002");
    assert_eq!(
        listing["traces"][1]["attributes"],
        json!({"gen_ai.system": "openai", "gen_ai.usage.input_tokens": 2_000_000})
    );

    api.sandbox.reset();
    api.customer("acme").await;
    api.spans(spans()).await;
    assert_eq!(costs(&api).await, expected);
}

#[tokio::test]
async fn wrong_cost_data_is_pointed_out_and_costs_nothing() {
    let api = api().await;
    let wrong = json!({"costData": {"cost": {"amount": -1, "currency": "USD"}}});
    api.spans([signal(TRACE, 2, true, Some(wrong))]).await;
    let signal = api.sandbox.traced_signals().remove(0);
    let error = signal.cost_error.expect("an error");
    assert!(error.contains("costData.vendor") && error.contains("costData.cost.amount"), "{error}");
    assert!(signal.linked.is_empty() && api.sandbox.cost_traces().is_empty());
}

#[tokio::test]
async fn a_trace_is_drawn_as_a_tree() {
    let api = api().await;
    let mut failed = chat(TRACE, 4, 9);
    failed.status = Some(Status { code: 2, message: "Boom:\nno".to_owned() });
    let below = span(TRACE, 3, 2, "below", [("long", text(&"x".repeat(80)))]);
    // Children before parents, as they end.
    api.spans([below, chat(TRACE, 2, 12), failed, signal(TRACE, 5, true, None), parent(TRACE)]).await;
    api.spans([chat(TRACE + 1, 6, 1), chat(TRACE, 2, 12)]).await;
    let expected = format!(
        "paid.trace.parent_span  OK  external_customer_id=acme  external_agent_id=writer\n\
         ├─ {CHAT}  OK  gen_ai.system=openai  gen_ai.usage.input_tokens=12\n\
         │  └─ below  OK  long={}…\n\
         ├─ {CHAT}  ERROR: Boom: no  gen_ai.system=openai  gen_ai.usage.input_tokens=9\n\
         └─ paid.trace.signal  OK  event_name=report_done  enable_cost_tracing=true\n",
        "x".repeat(60)
    );
    assert_eq!(api.sandbox.trace_tree(&format!("{TRACE:032X}")), expected);
    assert_eq!(api.sandbox.trace_tree("unknown"), "");
}

#[tokio::test]
async fn strange_trees_are_drawn_too() {
    let api = api().await;
    let none = || [] as [(&str, _); 0];
    let plain = |trace: u128, id: u64, parent: u64| span(trace, id, parent, &format!("s{id}"), none());
    let tree = |trace: u128| api.sandbox.trace_tree(&format!("{trace:032x}"));
    // Two that are each other's parent, and one that is its own.
    api.spans([plain(1, 1, 2), plain(1, 2, 1), plain(1, 3, 3)]).await;
    assert_eq!(tree(1), "s1  UNSET\n└─ s2  UNSET\ns3  UNSET\n".replace("UNSET", "OK"));
    // A parent that was never sent, as with a token.
    api.spans([plain(2, 1, 77), plain(2, 2, 78)]).await;
    assert_eq!(tree(2), "s1  OK\ns2  OK\n");
    // Deeper than a thread's stack.
    api.spans((1..=50_000).map(|id| plain(3, id, id - 1))).await;
    assert_eq!(tree(3).lines().count(), 50_000);
    // A body is refused or taken, never half taken.
    let body = request(api.sandbox.api_key(), [plain(4, 1, 0), plain(4, 0, 1)]).encode_to_vec();
    assert_eq!(api.send_traces(PROTOBUF, body).await.0, 400);
    assert_eq!(tree(4), "");
}
