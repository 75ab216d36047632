//! Signals: what they send, and why they don't.

use paid::tracing::{SignalError, TracingOptions};
use serde_json::json;

use super::{spans, start, start_with};

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
        for blank in ["", " ", "\t\n"] {
            assert_eq!(client.signal(blank).send(), Err(SignalError::EmptyName));
        }
        let error = client.signal("e").data(json!({"paid": 5})).enable_cost_tracing(true).send().unwrap_err();
        assert!(matches!(error, SignalError::InvalidData(_)), "{error}");
        for wrong in [json!([1]), json!("text"), json!(5), json!(true)] {
            for enable in [true, false] {
                let error =
                    client.signal("e").data(wrong.clone()).enable_cost_tracing(enable).send().unwrap_err();
                assert!(matches!(error, SignalError::InvalidData(_)), "{error}");
            }
        }
        let nan = paid::JsonObject::from_serialize(&std::collections::BTreeMap::from([("x", f64::NAN)]));
        let error = client.signal("e").data(nan).send().unwrap_err();
        assert!(error.to_string().contains("`x` is NaN"), "{error}");
    });
    client.paid_tracing(" ").external_agent_id("bot").run(|| {
        assert_eq!(client.signal("e").send(), Err(SignalError::NoCustomer));
    });
    client.paid_tracing("acme").external_agent_id(" ").run(|| {
        assert_eq!(client.signal("e").send(), Err(SignalError::NoAgent));
    });
    let spans = spans(&sandbox, 5);
    assert!(spans.iter().all(|span| span.name == "paid.trace.parent_span"), "{spans:#?}");
}

#[test]
fn an_inner_scope_does_not_inherit_the_agent_and_the_error_says_so() {
    let (_sandbox, client) = start();
    client.paid_tracing("acme").external_agent_id("bot").run(|| {
        let error = client.trace("acme", || client.signal("e").send()).unwrap_err();
        assert!(error.to_string().contains("doesn't inherit the agent"), "{error}");
    });
}

#[test]
fn ids_are_text_or_integers_and_data_takes_pairs() {
    let (sandbox, client) = start();
    client.paid_tracing(42_u64).external_agent_id(Some(7)).run(|| {
        client.signal("e").data([("pages", 12)]).send().unwrap();
    });
    let spans = spans(&sandbox, 2);
    assert_eq!(spans[0].text("external_customer_id"), Some("42"));
    assert_eq!(spans[0].text("external_agent_id"), Some("7"));
    assert_eq!(data_of(&spans[0]), json!({"pages": 12}));
}

#[test]
fn a_second_signal_that_joins_the_costs_is_refused_where_that_is_asked_for() {
    let (sandbox, client) = start_with(TracingOptions::new().strict_cost_tracing(true));
    let joins = || client.signal("e").enable_cost_tracing(true).send();
    let scope = || client.paid_tracing("acme").external_agent_id("bot");
    let token = paid::tracing::generate_tracing_token();
    scope().tracing_token(token).run(|| {
        joins().unwrap();
        client.signal("plain").send().unwrap();
        assert_eq!(joins(), Err(SignalError::CostsAlreadyJoined));
        scope().run(|| assert_eq!(joins(), Err(SignalError::CostsAlreadyJoined), "one trace"));
    });
    scope().tracing_token(token).run(|| assert_eq!(joins(), Err(SignalError::CostsAlreadyJoined)));
    scope().run(|| joins().unwrap());
    assert_eq!(spans(&sandbox, 7).iter().filter(|span| span.name == "paid.trace.signal").count(), 3);
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

#[test]
fn accounts_that_share_a_trace_each_join_its_costs() {
    let options = || TracingOptions::new().strict_cost_tracing(true);
    let ((sandbox_a, a), (sandbox_b, b)) = (start_with(options()), start_with(options()));
    let token = paid::tracing::generate_tracing_token();
    let joined = |client: &paid::AsyncPaid| {
        let scope = client.paid_tracing("acme").external_agent_id("bot").tracing_token(token);
        scope.try_run(|| client.signal("e").enable_cost_tracing(true).send())
    };
    assert_eq!((joined(&a), joined(&b)), (Ok(()), Ok(())));
    assert_eq!(joined(&a), Err(SignalError::CostsAlreadyJoined));
    assert_eq!((spans(&sandbox_a, 3).len(), spans(&sandbox_b, 2).len()), (3, 2));
}
