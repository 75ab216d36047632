//! Scopes: none, the one that `call` is invoked in, and calls that are counted already.

use paid::ai::{AiCall, UntracedCall};
use tower::{Layer, Service, ServiceExt};

use super::{CHAT_SPAN, assert_failed, bytes, chat_of, count, hyper, layer, post, read, world};
use crate::support::hosts::{calls, others};

#[tokio::test]
async fn outside_of_a_scope_calls_go_through_as_they_are() {
    let world = world().await;
    for stream in [false, true] {
        let answer = read(world.http.clone(), world.chat(stream)).await.unwrap();
        let (bare, _) = world.bare(world.chat(stream)).await;
        assert_eq!(super::unnumbered(answer.body()), super::unnumbered(&bare));
        let received = world.received();
        let [.., one, two] = &received[..] else { panic!("{received:?}") };
        assert_eq!(one.body(), two.body());
    }
    assert!(world.calls().await.is_empty());
}

#[tokio::test]
async fn a_call_that_has_to_be_traced_is_refused_outside_of_a_scope() {
    let world = world().await;
    let strict = layer(&world.sandbox).optional_tracing(false).layer(hyper());
    for stream in [false, true] {
        let error = strict.clone().oneshot(world.chat(stream)).await.unwrap_err();
        assert!(error.is::<UntracedCall>(), "{error}");
    }
    assert!(world.sandbox.requests().is_empty(), "nothing was sent");
    // What is no AI call is nobody's business.
    let request = post(&format!("{}/files", world.sandbox.openai_base()), &"hello there".into());
    assert_eq!(strict.clone().oneshot(request).await.unwrap().status().as_u16(), 404);
    // In a scope it is made.
    let (answer, call) = world.traced_call(read(strict, world.chat(true))).await;
    assert!(answer.is_ok());
    assert_eq!(count(&call, "input_tokens"), Some(3));
}

#[tokio::test]
async fn the_scope_is_that_of_the_call() {
    let world = world().await;
    let mut http = world.http.clone();
    http.ready().await.unwrap();
    let called = world.client.paid_tracing("called").run(|| http.call(world.chat(true)));
    let other = world.client.paid_tracing("other");
    // Awaited elsewhere, and read outside of every scope.
    let answer = other.run_async(async { tokio::spawn(called).await.unwrap().unwrap() }).await;
    let (_, error) = tokio::spawn(bytes(answer)).await.unwrap();
    assert!(error.is_none());
    let calls = world.calls().await;
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].text("external_customer_id"), Some("called"));
    assert_eq!(count(&calls[0], "input_tokens"), Some(3));
}

#[tokio::test]
async fn a_call_that_is_never_awaited_is_told() {
    let world = world().await;
    let (_, call) = world.traced_call(async { drop(world.http.clone().call(world.chat(false))) }).await;
    assert_failed(&call, "Cancelled: the call was dropped before its answer");
    assert!(world.sandbox.requests().iter().all(|request| !request.path().contains("chat")));
}

#[tokio::test]
async fn a_call_that_two_hooks_see_is_one_span() {
    let world = world().await;
    let layer = layer(&world.sandbox).optional_tracing(false);
    let twice = layer.layer(layer.layer(hyper()));
    let (answer, call) = world.traced_call(read(twice, world.chat(true))).await;
    assert!(!super::unnumbered(answer.unwrap().body()).contains("\"choices\":[]"));
    assert_eq!((call.name.as_str(), count(&call, "input_tokens")), (CHAT_SPAN, Some(3)));

    let work = async {
        let mut call = AiCall::start("mine", "openai", "chat");
        let answer = call.inside_async(read(world.http.clone(), world.chat(true))).await.unwrap();
        call.usage("input_tokens", 77);
        call.finish();
        answer
    };
    let (answer, call) = world.traced_call(work).await;
    assert_eq!((call.name.as_str(), count(&call, "input_tokens")), ("paid.trace.mine", Some(77)));
    assert!(answer.body().ends_with(b"data: [DONE]\n\n"));
    assert!(world.received().pop().unwrap().json().unwrap().get("stream_options").is_none());
}

#[tokio::test]
async fn hosts_that_are_not_known_are_not_counted() {
    let world = world().await;
    let unknown = paid::ai::PaidLayer::new().layer(hyper());
    let scope = world.client.paid_tracing("acme");
    let request = chat_of(&world.sandbox, "hello there", false);
    assert!(scope.run_async(read(unknown, request)).await.unwrap().status().is_success());
    assert!(world.calls().await.is_empty());
}

#[tokio::test]
async fn a_call_to_a_host_that_is_not_known_is_refused_where_calls_have_to_be_traced() {
    let world = world().await;
    let strict = paid::ai::PaidLayer::new().optional_tracing(false).layer(hyper());
    let base = world.sandbox.base_url();
    let host = base.trim_start_matches("http://").split('/').next().unwrap();
    for (path, body) in calls() {
        let call = strict.clone().oneshot(post(&format!("http://{host}{path}"), &body));
        let error = world.scope().run_async(call).await.unwrap_err();
        assert!(error.is::<UntracedCall>(), "{error}");
        assert!(error.to_string().contains("Providers::compatible("), "{error}");
    }
    assert!(world.received().is_empty(), "nothing was sent");
    for (path, body) in others() {
        strict.clone().oneshot(post(&format!("http://{host}{path}"), &body)).await.unwrap();
    }
}
