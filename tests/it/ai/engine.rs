//! Calls that are watched by hand, and calls that are seen twice.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, StatusCode};
use paid::ai::{AiCall, Provider, Providers, watch};
use paid::tracing::carry_scope;
use paid_sandbox::StatusCode as SpanStatus;

use super::{calls, start};

const URL: &str = "https://api.openai.com/v1/chat/completions";
const ANSWER: &str = r#"{"model":"gpt-4o","usage":{"prompt_tokens":3,"completion_tokens":4}}"#;

fn head(content_type: &str) -> (StatusCode, HeaderMap) {
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, content_type.parse().unwrap())]);
    (StatusCode::OK, headers)
}

/// A call as a hook in a client makes it.
fn hooked() {
    let mut call = watch("POST", URL, "{}");
    let (status, headers) = head("application/json");
    call.answered(status, &headers).feed(ANSWER);
    call.end();
}

fn count(span: &paid_sandbox::ReceivedSpan, key: &str) -> Option<i64> {
    span.attribute(&format!("gen_ai.usage.{key}")).and_then(|value| value.as_i64())
}

#[test]
fn a_watched_call_is_a_span_with_what_it_used() {
    let (sandbox, client) = start();
    watch("POST", URL, "{}").end();
    client.paid_tracing("acme").run(|| {
        hooked();
        watch("POST", "https://example.com/v1/chat/completions", "{}").end();
        watch("GET", URL, "").end();
        watch("POST", "no url", "").end();
    });
    let calls = calls(&sandbox, &client, 1);
    assert_eq!(calls[0].name, "paid.trace.openai.chat.completions.create");
    assert_eq!(
        (calls[0].text("gen_ai.system"), calls[0].text("gen_ai.operation.name")),
        (Some("openai"), Some("chat"))
    );
    assert_eq!(calls[0].text("external_customer_id"), Some("acme"));
    assert_eq!((count(&calls[0], "input_tokens"), count(&calls[0], "output_tokens")), (Some(3), Some(4)));
    assert_eq!(calls[0].status.code, SpanStatus::Ok);
}

#[test]
fn a_stream_ends_its_span_while_it_is_still_open() {
    let (sandbox, client) = start();
    let providers = Providers::new().host("127.0.0.1:9", Provider::Anthropic);
    client.paid_tracing("acme").run(|| {
        let (status, headers) = head("text/event-stream");
        let begin = || {
            let mut call = providers.watch("POST", "http://127.0.0.1:9/v1/messages", r#"{"stream":true}"#);
            call.answered(status, &headers)
                .feed("data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5}}}\n\n");
            call
        };
        let mut open = begin();
        open.feed("data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":6}}\n\n");
        let enough = open;
        let mut open = begin();
        open.feed("data: {\"type\":\"message_stop\"}\n\n");
        assert_eq!(calls(&sandbox, &client, 1).len(), 1);
        drop(enough);
        drop(begin());
        drop(open);
    });
    let calls = calls(&sandbox, &client, 3);
    let told: Vec<_> = calls
        .iter()
        .map(|call| (call.status.code, count(call, "input_tokens"), count(call, "output_tokens")))
        .collect();
    assert_eq!(
        told,
        [
            (SpanStatus::Ok, Some(5), None),
            (SpanStatus::Ok, Some(5), Some(6)),
            (SpanStatus::Error, Some(5), None)
        ]
    );
    assert_eq!(calls[2].status.message, "StreamDropped: the stream was dropped before its end");
}

#[test]
fn a_call_that_two_hooks_see_is_counted_once() {
    let (sandbox, client) = start();
    client.paid_tracing("acme").run(|| {
        let outer = watch("POST", URL, "{}");
        let later = outer.inside(|| {
            hooked();
            carry_scope(hooked)
        });
        // The answer is there, its body not yet.
        hooked();
        later();
        drop(outer);
        let by_hand = AiCall::start("by.hand", "openai", "chat");
        by_hand.inside(hooked);
        {
            let mut polls = 0;
            let mut inside = pin!(by_hand.inside_async(std::future::poll_fn(|_| {
                hooked();
                polls += 1;
                if polls == 1 { Poll::Pending } else { Poll::Ready(()) }
            })));
            let mut context = Context::from_waker(Waker::noop());
            assert!(inside.as_mut().poll(&mut context).is_pending());
            // Another call of the same task.
            hooked();
            assert!(inside.as_mut().poll(&mut context).is_ready());
        }
        by_hand.finish();
        hooked();
    });
    let calls = calls(&sandbox, &client, 6);
    let statuses: Vec<_> = calls.iter().map(|call| call.status.message.as_str()).collect();
    assert_eq!(statuses, ["", "", "Cancelled: the call was dropped before its answer", "", "", ""]);
    assert_eq!(calls[4].name, "paid.trace.by.hand");
}

#[test]
fn nothing_tells_where_a_failed_call_went() {
    let (sandbox, client) = start();
    client.paid_tracing("acme").run(|| {
        let url = "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent?key=SECRET";
        watch("POST", url, "{}").fail(&format!("error sending request for url ({url})"));
        AiCall::start("by.hand", "gemini", "chat").fail(&format!("no answer from {url}"));
    });
    let calls = calls(&sandbox, &client, 2);
    assert_eq!(calls[0].status.message, "String: error sending request for url ([url])");
    assert_eq!(calls[1].status.message, "String: no answer from [url]");
    assert!(!format!("{calls:?}").contains("SECRET"));
}
