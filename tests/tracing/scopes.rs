//! Scopes: spans, parents, statuses, and who is inside.

use std::time::Duration;

use paid::tracing::InCurrentScope;
use paid_sandbox::{SpanKind, StatusCode};
use serde_json::json;

use super::{of, parents, spans, start};

#[test]
fn a_scope_is_one_span_with_what_was_given() {
    let (sandbox, client) = start();
    let metadata = json!({"plan": "pro", "run": {"attempt": 2, "ok": true, "skip": null}, "ratio": 1.0, "tags": ["a", "b"], "none": {}});
    let sum = client.paid_tracing("acme").external_agent_id("bot").metadata(metadata).run(|| 2 + 2);
    assert_eq!(sum, 4);
    let spans = spans(&sandbox, 1);
    let span = &spans[0];
    assert_eq!(
        (span.name.as_str(), span.kind, span.flags),
        ("paid.trace.parent_span", SpanKind::Internal, 0x100)
    );
    assert_eq!((span.parent_span_id.as_deref(), span.status.code), (None, StatusCode::Ok));
    let attributes: serde_json::Map<String, serde_json::Value> =
        span.attributes.iter().map(|(key, value)| (key.clone(), value.to_json())).collect();
    assert_eq!(
        serde_json::Value::Object(attributes),
        json!({
            "external_customer_id": "acme", "external_agent_id": "bot", "metadata.plan": "pro", "metadata.run.attempt": 2,
            "metadata.run.ok": true, "metadata.ratio": 1.0, "metadata.tags": ["a", "b"],
        })
    );
    assert_eq!(span.attribute("metadata.run.attempt").unwrap().as_i64(), Some(2));
    assert_eq!(span.attribute("metadata.ratio").unwrap().as_i64(), None, "a float stays one");
    assert_eq!(
        (span.scope_name.as_str(), span.scope_version.as_str()),
        ("paid.rust", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(span.resource().len(), 1);
    assert!(span.key_is(sandbox.api_key()));
    assert!(span.start_unix_nano <= span.end_unix_nano && span.start_unix_nano > 1_700_000_000_000_000_000);
    let request = &sandbox.requests()[0];
    assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
    assert_eq!(request.header("authorization"), None);
}

#[test]
fn nested_scopes_share_a_trace_and_keep_their_own_ids_and_metadata() {
    let (sandbox, client) = start();
    client.paid_tracing("outer").external_agent_id("a1").metadata([("k", "v")]).run(|| {
        client.paid_tracing("inner").run(|| client.paid_tracing("innermost").run(|| ()));
        client.paid_tracing("second").run(|| ());
    });
    client.paid_tracing("other").run(|| ());
    let spans = spans(&sandbox, 5);
    let outer = of(&spans, "outer");
    let child =
        |name: &str| (of(&spans, name).trace_id.clone(), of(&spans, name).parent_span_id.clone().unwrap());
    assert_eq!(child("inner"), (outer.trace_id.clone(), outer.span_id.clone()));
    assert_eq!(child("innermost"), (outer.trace_id.clone(), of(&spans, "inner").span_id.clone()));
    assert_eq!(child("second"), (outer.trace_id.clone(), outer.span_id.clone()));
    assert_ne!(of(&spans, "other").trace_id, outer.trace_id);
    assert_eq!(of(&spans, "inner").attribute("metadata.k"), None);
    assert_eq!(of(&spans, "inner").attribute("external_agent_id"), None);
}

#[derive(Debug)]
struct AgentError(&'static str);

impl std::fmt::Display for AgentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

#[test]
fn an_error_sets_the_status_and_comes_back_untouched() {
    let (sandbox, client) = start();
    let result: Result<(), AgentError> = client.paid_tracing("acme").try_run(|| Err(AgentError("no luck")));
    assert_eq!(result.unwrap_err().0, "no luck");
    let spans = spans(&sandbox, 1);
    assert_eq!(spans[0].status.code, StatusCode::Error);
    assert_eq!(spans[0].status.message, "AgentError: no luck");
    let event = &spans[0].events[0];
    assert_eq!((event.name.as_str(), spans[0].events.len()), ("exception", 1));
    assert_eq!(event.attribute("exception.message").unwrap().as_str(), Some("no luck"));
    assert_eq!(event.attribute("exception.escaped").unwrap().as_str(), Some("False"));
    assert!(event.attribute("exception.type").unwrap().as_str().unwrap().ends_with("::AgentError"));
}

#[test]
fn a_panic_is_recorded_and_goes_on() {
    let (sandbox, client) = start();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        client
            .paid_tracing("outer")
            .run(|| client.paid_tracing("inner").run(|| std::panic::panic_any("out of luck".to_string())))
    }));
    assert_eq!(caught.unwrap_err().downcast_ref::<String>().unwrap(), "out of luck");
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _scope = client.paid_tracing("guard").enter();
        panic!("again");
    }));
    assert!(caught.is_err());
    let spans = spans(&sandbox, 3);
    for customer in ["outer", "inner"] {
        assert_eq!(of(&spans, customer).status.message, "panic: out of luck");
    }
    for span in &spans {
        assert_eq!((span.status.code, span.events.len()), (StatusCode::Error, 1));
    }
    assert!(paid::tracing::signal("e").send().is_err(), "no scope leaks out of a panic");
}

#[test]
fn futures_run_in_their_scope_on_any_runtime_or_none() {
    let (sandbox, client) = start();
    let current = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let multi = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for (name, runtime) in [("current", &current), ("multi", &multi)] {
        let client = client.clone();
        runtime.block_on(async move {
            client
                .paid_tracing(name)
                .external_agent_id("bot")
                .run_async(async {
                    tokio::task::yield_now().await;
                    client.signal("inside").send().unwrap();
                })
                .await;
        });
    }
    let mut future = std::pin::pin!(client.paid_tracing("none").run_async(async { 7 }));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), std::task::Poll::Ready(7));
    let spans = spans(&sandbox, 5);
    for name in ["current", "multi"] {
        let scope = of(&spans, name);
        let inside = spans.iter().filter(|span| span.parent_span_id.as_ref() == Some(&scope.span_id)).count();
        assert_eq!((inside, scope.status.code), (1, StatusCode::Ok), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_concurrent_scopes_never_mix() {
    let (sandbox, client) = start();
    let tasks: Vec<_> = (0..2000)
        .map(|at| {
            let client = client.clone();
            let inner = client.clone();
            tokio::spawn(client.paid_tracing(format!("customer-{at}")).external_agent_id("bot").run_async(
                async move {
                    tokio::task::yield_now().await;
                    let spawned = inner.clone();
                    let one = async { inner.signal(format!("a-{at}")).send() };
                    let two = async {
                        tokio::task::yield_now().await;
                        inner.signal(format!("b-{at}")).send()
                    };
                    let (one, two) = tokio::join!(one, two);
                    let three = tokio::spawn(
                        async move { spawned.signal(format!("c-{at}")).send() }.in_current_scope(),
                    );
                    assert_eq!((one, two, three.await.unwrap()), (Ok(()), Ok(()), Ok(())));
                },
            ))
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let spans = sandbox.wait_for_spans(8000, Duration::from_secs(20)).await;
    assert_eq!(spans.len(), 8000);
    let scopes: std::collections::HashMap<&str, &str> = parents(&spans)
        .into_iter()
        .map(|span| (span.span_id.as_str(), span.text("external_customer_id").unwrap()))
        .collect();
    assert_eq!(scopes.len(), 2000);
    for span in spans.iter().filter(|span| span.name == "paid.trace.signal") {
        let customer = span.text("external_customer_id").unwrap();
        assert_eq!(scopes[span.parent_span_id.as_deref().unwrap()], customer);
        assert_eq!(
            span.text("event_name").unwrap().split_once('-').unwrap().1,
            customer.split_once('-').unwrap().1
        );
    }
}

#[tokio::test]
async fn a_future_that_is_dropped_ends_its_span_without_a_status() {
    let (sandbox, client) = start();
    let pending = client.paid_tracing("acme").run_async(std::future::pending::<()>());
    assert!(tokio::time::timeout(Duration::from_millis(5), pending).await.is_err());
    let never_polled = client.paid_tracing("never").run_async(async {});
    drop(never_polled);
    let spans = sandbox.wait_for_spans(1, Duration::from_secs(10)).await;
    assert_eq!((spans.len(), spans[0].status.code), (1, StatusCode::Unset));
}

#[test]
fn sync_code_called_from_a_traced_future_is_in_its_scope_and_spawned_work_only_if_it_carries_it() {
    let (sandbox, client) = start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    fn deep(client: &paid::AsyncPaid) -> Result<(), paid::tracing::SignalError> {
        client.signal("deep").send()
    }
    let inside = client.clone();
    runtime.block_on(client.paid_tracing("acme").external_agent_id("bot").run_async(async move {
        deep(&inside).unwrap();
        let alone = inside.clone();
        let outside = tokio::spawn(async move { deep(&alone) }).await.unwrap();
        assert_eq!(outside, Err(paid::tracing::SignalError::OutsideScope));
    }));
    assert_eq!(spans(&sandbox, 2).len(), 2);
}

#[test]
fn two_accounts_in_one_process_record_under_their_own_keys() {
    let (sandbox_a, a) = start();
    let (sandbox_b, b) = start();
    a.trace("of a", || {
        b.paid_tracing("of b").external_agent_id("bot").run(|| b.signal("in b").send().unwrap());
        a.trace("of a again", || ());
    });
    let spans_a = spans(&sandbox_a, 2);
    let spans_b = spans(&sandbox_b, 2);
    assert!(spans_a.iter().all(|span| span.key_is(sandbox_a.api_key())));
    assert!(spans_b.iter().all(|span| span.key_is(sandbox_b.api_key())));
    assert_eq!(of(&spans_a, "of a again").trace_id, of(&spans_a, "of a").trace_id);
}
