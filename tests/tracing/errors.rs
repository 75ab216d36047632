//! What spans tell of errors and panics: their texts, without keys, addresses and quoted answers, and cut.

use std::panic::{AssertUnwindSafe, catch_unwind};

use paid::ai::{AiCall, watch};
use paid::tracing::PaidTracing;
use paid_sandbox::{ReceivedSpan, StatusCode};

use super::{spans, start};

const KEY: &str = "AIzaSyA1234567890-abcdefghijklmnopqrstu";

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Fails with a text in every way that a span can tell of: a scope of each form, and a call below one.
fn fail_in_every_way(scope: impl Fn() -> PaidTracing, text: &str) -> usize {
    let error = || Err::<(), String>(text.to_string());
    let _ = scope().try_run(error);
    let _ = block_on(scope().try_run_async(async { error() }));
    let _ = catch_unwind(AssertUnwindSafe(|| scope().run(|| std::panic::panic_any(text.to_string()))));
    let _ = catch_unwind(AssertUnwindSafe(|| {
        block_on(scope().run_async(async { std::panic::panic_any(text.to_string()) }))
    }));
    scope().run(|| {
        AiCall::start("by.hand", "openai", "chat").fail(text);
        watch("POST", "https://api.openai.com/v1/chat/completions", "{}").fail(text);
    });
    7
}

fn messages(spans: &[ReceivedSpan]) -> Vec<(&str, &str)> {
    let failed = spans.iter().filter(|span| span.status.code == StatusCode::Error);
    let told = failed.map(|span| {
        assert_eq!(span.events.len(), 1);
        let message = span.events[0].attribute("exception.message").unwrap().as_str().unwrap();
        (span.status.message.as_str(), message)
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 6, "{spans:#?}");
    told
}

#[test]
fn keys_and_addresses_are_in_no_span() {
    let (sandbox, client) = start();
    let text =
        format!("error sending request for url (https://host.example/v1?key={KEY}): 401, api_key={KEY}");
    let count = fail_in_every_way(|| client.paid_tracing("acme"), &text);
    for (status, message) in messages(&spans(&sandbox, count)) {
        assert!(status.ends_with(": error sending request for url ([url]): 401, api_key=[key]"), "{status}");
        assert!(status.ends_with(message) && !status.contains(KEY));
    }
}

#[test]
fn a_long_text_is_cut_and_its_span_arrives() {
    let (sandbox, client) = start();
    let text = "no luck ".repeat(700_000);
    let count = fail_in_every_way(|| client.paid_tracing("acme"), &text);
    for (_, message) in messages(&spans(&sandbox, count)) {
        assert_eq!(message.chars().count(), 1000);
        assert!(text.starts_with(message));
    }
}

#[test]
fn a_scope_that_stores_content_keeps_the_text_but_no_key() {
    let (sandbox, client) = start();
    let text = format!("unknown variant `{}`, api_key={KEY}", "a word of the answer ".repeat(200));
    let count = fail_in_every_way(|| client.paid_tracing("acme").store_prompt(true), &text);
    for (_, message) in messages(&spans(&sandbox, count)) {
        assert_eq!(message, text.replace(KEY, "[key]"));
    }
}

#[test]
fn an_error_that_quotes_an_answer_is_told_by_its_type() {
    let (sandbox, client) = start();
    let answer = r#"{"total": "Dear Bob, you owe us nothing"}"#;
    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code)]
    struct Total {
        total: u64,
    }
    let read = || serde_json::from_str::<Total>(answer);
    let _ = client.paid_tracing("typed").try_run(read);
    let _ = client.paid_tracing("boxed").try_run(|| read().map_err(Box::<dyn std::error::Error>::from));
    let _ = client.paid_tracing("wrapped").try_run(|| read().map_err(|error| format!("no total: {error}")));
    let _ = client.paid_tracing("kept").store_prompt(true).try_run(read);
    let spans = spans(&sandbox, 4);
    let message = |customer: &str| super::of(&spans, customer).status.message.as_str();
    assert_eq!(message("typed"), "Error: the text could not be read at line 1 column 40");
    let ending = ": invalid type: string [value], expected u64 at line 1 column 40";
    assert!(message("boxed").ends_with(ending), "{}", message("boxed"));
    assert_eq!(message("wrapped"), format!("String: no total{ending}"));
    assert!(message("kept").contains("Dear Bob"), "{}", message("kept"));
    let kind = super::of(&spans, "typed").events[0].attribute("exception.type").unwrap().as_str();
    assert_eq!(kind, Some("serde_json::error::Error"));
}
