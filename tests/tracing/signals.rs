//! Signals: what they send, and why they don't.

use paid::tracing::SignalError;
use serde_json::json;

use super::{spans, start};

fn data_of(span: &paid_sandbox::ReceivedSpan) -> serde_json::Value {
    serde_json::from_str(span.text("data").unwrap()).unwrap()
}

#[test]
fn a_signal_is_a_span_under_its_scope() {
    let (sandbox, client) = start();
    client.paid_tracing("acme").external_agent_id("bot").metadata([("k", 1)]).run(|| {
        client.signal("report").data(json!({"pages": 12, "title": "é"})).send().unwrap();
        client.signal("plain").send().unwrap();
        client.signal("empty").data(json!({})).send().unwrap();
    });
    let spans = spans(&sandbox, 4);
    let (report, scope) = (&spans[0], &spans[3]);
    assert_eq!(
        (report.name.as_str(), report.parent_span_id.as_ref()),
        ("paid.trace.signal", Some(&scope.span_id))
    );
    assert_eq!(
        (report.text("event_name"), report.text("external_customer_id")),
        (Some("report"), Some("acme"))
    );
    assert_eq!(
        (report.text("external_agent_id"), report.attribute("enable_cost_tracing")),
        (Some("bot"), None)
    );
    assert_eq!(report.attribute("metadata.k").unwrap().as_i64(), Some(1));
    assert_eq!(data_of(report), json!({"pages": 12, "title": "é"}));
    assert_eq!((spans[1].attribute("data"), spans[2].attribute("data")), (None, None));
}

#[test]
fn cost_tracing_is_merged_into_the_data_beside_what_is_there() {
    let (sandbox, client) = start();
    let data = json!({"n": 1, "paid": {"mine": "kept"}});
    client.paid_tracing("acme").external_agent_id("bot").run(|| {
        client.signal("a").enable_cost_tracing(true).send().unwrap();
        client.signal("b").data(data.clone()).enable_cost_tracing(true).send().unwrap();
        client.signal("c").data(data.clone()).send().unwrap();
        client.signal("d").data(json!(null)).enable_cost_tracing(true).send().unwrap();
    });
    let spans = spans(&sandbox, 5);
    assert_eq!(spans[0].attribute("enable_cost_tracing").unwrap().as_bool(), Some(true));
    assert_eq!(data_of(&spans[0]), json!({"paid": {"enable_cost_tracing": true}}));
    assert_eq!(data_of(&spans[1]), json!({"n": 1, "paid": {"mine": "kept", "enable_cost_tracing": true}}));
    assert_eq!(data_of(&spans[2]), data, "the caller's value is never changed");
    assert_eq!(data_of(&spans[3]), json!({"paid": {"enable_cost_tracing": true}}));
}

#[test]
fn a_signal_that_can_not_be_billed_is_an_error_and_nothing_is_sent() {
    let (sandbox, client) = start();
    assert_eq!(client.signal("e").send(), Err(SignalError::OutsideScope));
    client.trace("acme", || assert_eq!(client.signal("e").send(), Err(SignalError::NoAgent)));
    client.paid_tracing(None::<&str>).external_agent_id("bot").run(|| {
        assert_eq!(client.signal("e").send(), Err(SignalError::NoCustomer));
    });
    client.paid_tracing("acme").external_agent_id("bot").run(|| {
        assert_eq!(client.signal("").send(), Err(SignalError::EmptyName));
        for wrong in [json!([1]), json!("text"), json!(5), json!({"paid": 5})] {
            let error = client.signal("e").data(wrong).enable_cost_tracing(true).send().unwrap_err();
            assert!(matches!(error, SignalError::InvalidData(_)), "{error}");
        }
        let nan = paid::JsonObject::from_serialize(&std::collections::BTreeMap::from([("x", f64::NAN)]));
        let error = client.signal("e").data(nan).send().unwrap_err();
        assert!(error.to_string().contains("`x` is NaN"), "{error}");
    });
    let spans = spans(&sandbox, 3);
    assert!(spans.iter().all(|span| span.name == "paid.trace.parent_span"), "{spans:#?}");
}

#[test]
fn the_collector_joins_costs_of_the_trace_to_the_signal() {
    let (sandbox, client) = start();
    client.paid_tracing("acme").external_agent_id("bot").run(|| {
        let cost = paid::cost::CostData::cost("openai", 0.25, "USD").unwrap();
        client.signal("step").data(cost).send().unwrap();
        client.signal("done").enable_cost_tracing(true).send().unwrap();
    });
    spans(&sandbox, 3);
    let signals = sandbox.traced_signals();
    assert_eq!((signals[0].linked.len(), signals[1].linked.len()), (0, 1), "{signals:#?}");
}
